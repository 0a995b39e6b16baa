"""`sdstudio bench models`: how long it takes to recognise a model file, and to look through 10,000 of them again.

The files are made for the purpose: headers with as many tensors as SD 1.x and SDXL have, and next to no weights.
"""

from __future__ import annotations

import json
import struct
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from sdstudio.bench_checkpoint import Shapes, numbers_in, write_checkpoint
from sdstudio.domain.model_file import ModelFamily
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_library import ModelLibrary
from sdstudio.storage.recognise.recogniser import recognise

ROUNDS, SCANS, FILES = 40, 5, 10_000
_AIM_MS, _AIM_SCAN_S = "p50 <= 20", "p50 <= 1"
_UNET = "model.diffusion_model."
_SIZES = {ModelFamily.SD1: 1131, ModelFamily.SDXL: 2514}
"""Tensors in a checkpoint of each."""
_NEWER_PROTOCOLS = (4, 5)
"""Of pickles; torch.save writes 2 if it is not told otherwise."""


def run_models_bench() -> Iterable[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="sdstudio-bench-") as name:
        folder = Path(name)
        for family in _SIZES:
            yield _recognition(_write_safetensors(folder / family.name.lower(), _shapes(family)), family)
            yield _recognition(write_checkpoint(folder / family.name.lower(), _shapes(family)), family)
        for protocol in _NEWER_PROTOCOLS:
            name = f"sdxl-protocol-{protocol}"
            path = write_checkpoint(folder / name, _shapes(ModelFamily.SDXL), protocol)
            yield _recognition(path, ModelFamily.SDXL)
        yield from _scans(folder)


def _recognition(path: Path, family: ModelFamily) -> dict[str, Any]:
    found = recognise(path)
    assert found.family is family, found.reason
    times = _times(partial(recognise, path), ROUNDS, scale=1000)
    return _row(f"recognise {path.name} of {family.value}", times, "ms", _AIM_MS)


def _scans(folder: Path) -> Iterable[dict[str, Any]]:
    small: Shapes = {"emb_params": (1, 768)}
    for number in range(FILES):
        (folder / "many" / str(number // 100)).mkdir(parents=True, exist_ok=True)
        _write_safetensors(folder / "many" / str(number // 100) / str(number), small)
    library = ModelLibrary(ModelIndex(folder / "index.sqlite"), [folder / "many"])
    yield _row(f"first scan of {FILES:,} files", _times(library.scan, 1), "s", "")
    yield _row(f"scan of {FILES:,} unchanged files", _times(library.scan, SCANS), "s", _AIM_SCAN_S)


def _times(act: Callable[[], object], rounds: int, scale: int = 1) -> list[tuple[float, float]]:
    """Seconds, or `scale` times as many: by the clock, and of the processor."""
    times = []
    for _ in range(rounds):
        begin, cpu = time.perf_counter(), time.process_time()
        act()
        times.append((scale * (time.perf_counter() - begin), scale * (time.process_time() - cpu)))
    return times


def _row(what: str, times: list[tuple[float, float]], unit: str, aim: str) -> dict[str, Any]:
    wall, cpu = sorted(time_ for time_, _ in times), sorted(time_ for _, time_ in times)
    p99 = min(len(times) - 1, len(times) * 99 // 100)
    figures = {"p50": wall[len(wall) // 2], "p99": wall[p99], "max": wall[-1], "cpu_p99": cpu[p99]}
    return {"what": what, **figures, "unit": unit, "n": len(times), "aim": aim}


def _shapes(family: ModelFamily) -> Shapes:
    """The few tensors that decide, and as many others as the real one has."""
    context = 768 if family is ModelFamily.SD1 else 2048
    shapes: Shapes = {
        f"{_UNET}input_blocks.0.0.weight": (32, 4, 3, 3),
        f"{_UNET}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (32, context),
        "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
    }
    if family is ModelFamily.SDXL:
        shapes[f"{_UNET}label_emb.0.0.weight"] = (32, 2816)
    for number in range(_SIZES[family] - len(shapes)):
        shapes[f"{_UNET}output_blocks.{number // 100}.1.transformer_blocks.{number % 100}.ff.net.0.proj.weight"] = (
            4,
            2,
        )
    return shapes


def _write_safetensors(path: Path, shapes: Shapes) -> Path:
    table, place = {}, 0
    for name, shape in shapes.items():
        end = place + 2 * numbers_in(shape)
        table[name] = {"dtype": "F16", "shape": shape, "data_offsets": [place, end]}
        place = end
    header = json.dumps(table).encode()
    path = path.with_suffix(".safetensors")
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(place))
    return path

"""`sdstudio bench load` and `bench memory`: how fast a model is read, and how little memory it can work in.

The checkpoint has the real size of Stable Diffusion 1.5 in half precision and random weights; it lies in a temporary
folder and is removed afterwards. All in CPU seconds of one thread, ours and diffusers' in turn in the same run, the
least of each: what else the machine does changes both alike.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import torch

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import StudioError
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.engine.bench_weights import write_random_checkpoint
from sdstudio.engine.cache import ModelCache
from sdstudio.engine.devices import Device, choose_device
from sdstudio.engine.layouts import CONFIGS, LAYOUTS, VOCABULARY
from sdstudio.engine.libraries import AutoencoderKL, CLIPTextModel, CLIPTokenizer, UNet2DConditionModel
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.plan import Place, Plan
from sdstudio.engine.memory.widening import widen_all
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.tasks.generate import make_picture

Row = dict[str, Any]
ROUNDS = 3
SWITCHES = 20
_DISK = 5 * 2**30
_MEMORY = 10 * 2**30
_LAYOUT = LAYOUTS[ModelFamily.SD1].folder


def bench_load(resources: Path, rounds: int = ROUNDS) -> Iterator[Row]:
    """CPU seconds of the first and of the second model of a kind, against diffusers; resident memory over switches.
    Raises StudioError where disk or memory are too short for it."""
    device = choose_device(1, "cpu")
    with _temporary(_DISK, _MEMORY) as folder:
        size = write_random_checkpoint(folder / "a.safetensors", resources / CONFIGS / _LAYOUT)
        os.link(folder / "a.safetensors", folder / "b.safetensors")
        first, second, theirs, widened = list[float](), list[float](), list[float](), list[float]()
        for _ in range(rounds):
            cache = _one_model_cache(device, resources)
            _forget_memory()
            first.append(_cpu(lambda: cache.get(_spec(folder / "a.safetensors"))))  # noqa: B023
            second.append(_cpu(lambda: cache.get(_spec(folder / "b.safetensors"))))  # noqa: B023
            widened.append(_cpu(lambda: _widen(cache.get(_spec(folder / "b.safetensors")))))  # noqa: B023
            cache.clear()
            _forget_memory()
            theirs.append(_cpu(lambda: diffusers_load(folder / "a.safetensors", resources)))
        for what, ours, aim in (("first", first, "<= 0.60"), ("second", second, "<= 0.30")):
            yield {
                "bench": "load",
                "what": f"{what} model of a kind, Stable Diffusion 1.5, {size / 1e9:.2f} GB in half precision",
                "cpu_seconds": round(min(ours), 2),
                "diffusers_cpu_seconds": round(min(theirs), 2),
                "ratio": round(min(ours) / min(theirs), 3),
                "aim": aim,
                "rounds": rounds,
            }
        yield {
            "bench": "load",
            "what": "made single precision by the first step of the first picture, of one thread",
            "cpu_seconds": round(min(widened), 2),
            "ratio": round(min(widened) / min(theirs), 3),
        }
        yield {"bench": "load", "what": "most memory resident", "peak_gb": round(_peak() / 1e9, 2)}
        (folder / "a.safetensors").unlink()
        (folder / "b.safetensors").unlink()
        yield from _switching(folder, resources, device)


def bench_memory(resources: Path) -> Iterator[Row]:
    """One step of 512 x 512 with Stable Diffusion 1.5 on the CPU in as little memory as possible."""
    device = choose_device(0, "cpu")
    with _temporary(_DISK, 5 * 2**30) as folder:
        path = folder / "a.safetensors"
        write_random_checkpoint(path, resources / CONFIGS / _LAYOUT)
        before = _resident()
        request = GenerationRequest(
            prompt=PromptSpec(positive="a red apple"),
            sampling=SamplingSpec(steps=1, guidance_scale=7.5, sampler="Euler", seed=1),
            model=_spec(path),
            size=Size(512, 512),
        )
        reading = Reading(device, plan=Plan(Place.LAYERS))
        model = read_model(_spec(path), device, resources, reading=reading)
        loaded, begin = _resident(), time.process_time()
        make_picture(request, model, CancelToken())
        yield {
            "bench": "memory",
            "what": "one step of 512 x 512, weights kept in 16 bits",
            "threads": device.info.threads,
            "cpu_seconds": round(time.process_time() - begin, 1),
            "libraries_gb": round(before / 1e9, 2),
            "loaded_gb": round(loaded / 1e9, 2),
            "peak_gb": round(_peak() / 1e9, 2),
            "aim": "<= 4.5",
        }


def diffusers_load(path: Path, resources: Path) -> tuple[Any, ...]:
    """As diffusers' pipelines do it: the file is opened once, each part made from it."""
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm, load_single_file_checkpoint

    described = resources / CONFIGS / _LAYOUT
    checkpoint = load_single_file_checkpoint(str(path), local_files_only=True)
    options: dict[str, Any] = {"config": str(described), "torch_dtype": torch.float32, "local_files_only": True}
    tokenizer = CLIPTokenizer.from_pretrained(str(resources / VOCABULARY), local_files_only=True)
    return (
        UNet2DConditionModel.from_single_file(dict(checkpoint), subfolder="unet", **options),
        AutoencoderKL.from_single_file(dict(checkpoint), subfolder="vae", **options),
        create_diffusers_clip_model_from_ldm(
            CLIPTextModel, checkpoint=dict(checkpoint), subfolder="text_encoder", **options
        ),
        tokenizer,
    )


def _switching(folder: Path, resources: Path, device: Device) -> Iterator[Row]:
    """Three models of a fifth of the size by turns; the third time round everything is there that ever will be."""
    small = _narrow(folder / "small", resources)
    paths = [folder / f"{name}.safetensors" for name in "xyz"]
    for seed, path in enumerate(paths):
        write_random_checkpoint(path, small / CONFIGS / _LAYOUT, seed)
    cache, sizes = _one_model_cache(device, small), list[int]()
    for number in range(SWITCHES + 5):
        cache.get(_spec(paths[number % len(paths)]))
        sizes.append(_resident())
    settled = sizes[4:]
    for path in paths:
        path.unlink()
    yield {
        "bench": "load",
        "what": f"memory resident over {SWITCHES} switches",
        "before_gb": round(settled[0] / 1e9, 3),
        "after_gb": round(settled[-1] / 1e9, 3),
        "growth": round(settled[-1] / settled[0] - 1, 4),
        "aim": "< 0.02",
    }


def _narrow(folder: Path, resources: Path) -> Path:
    """Configurations of networks half as wide."""
    described = folder / CONFIGS / _LAYOUT
    shutil.copytree(resources / CONFIGS / _LAYOUT, described)
    shutil.copytree(resources / VOCABULARY, folder / VOCABULARY)
    for part, changes in (
        ("unet", {"block_out_channels": [128, 256, 512, 512]}),
        ("vae", {"block_out_channels": [64, 128, 256, 256]}),
    ):
        config = described / part / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | changes), "utf-8")
    return folder


def _one_model_cache(device: Device, resources: Path) -> ModelCache:
    """Without the one before, so that every change of model is read: told that no memory is left for two."""
    whole = partial(_read_whole, resources=resources)
    return ModelCache(device, whole, free=lambda: 0)


def _read_whole(spec: ModelSpec, device: Device, /, *, reading: Reading, resources: Path) -> Any:
    return read_model(spec, device, resources, reading=reading)


def _widen(model: Any) -> None:
    for network in model.networks:
        widen_all(network)


def _spec(path: Path) -> ModelSpec:
    return ModelSpec(name=path.stem, path=str(path), family=ModelFamily.SD1.value, prediction="epsilon")


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


@contextmanager
def _temporary(disk: int, memory: int) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sdstudio-bench-") as name:
        free, there = shutil.disk_usage(name).free, int(psutil.virtual_memory().available)
        if free < disk or there < memory:
            raise StudioError(
                f"This measurement needs {disk / 1e9:.0f} GB of disk and {memory / 1e9:.0f} GB of memory.",
                meaning=f"Free are {free / 1e9:.1f} GB of disk and {there / 1e9:.1f} GB of memory.",
                hint="Make room, or set TMPDIR to a folder on another disk.",
            )
        yield Path(name)


def _forget_memory() -> None:
    """What was freed goes back to the system, as if the process had just begun: else who comes second finds memory that
    the one before has broken in. Only glibc holds it back."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


def _peak() -> int:
    """The most that was ever resident in this process."""
    try:
        import resource
    except ImportError:  # Windows
        return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024

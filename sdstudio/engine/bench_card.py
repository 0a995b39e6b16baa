"""`sdstudio bench card`: whether everything that a graphics card is used for works on this one, run for real.

Models are made up on the spot in a temporary folder. A check that fails ends no other; at the end one error tells how
many did not hold. `python -m sdstudio.engine.bench_card RESOURCES` does it with the engine's libraries alone.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import torch

from sdstudio.domain.errors import ErrorKind, InvalidRequest, StudioError
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine import bench_card_checks as memory
from sdstudio.engine import bench_card_pictures as pictures
from sdstudio.engine.bench_card_desk import FAILED, MET, CardMeter, Desk, Row
from sdstudio.engine.bench_card_weights import MadeUp, narrow, write_folder, write_lora, write_one_file
from sdstudio.engine.cards import why_no_card
from sdstudio.engine.devices import Device, choose_device, work_here
from sdstudio.engine.faults import device_lost, is_device_lost

GB = 10**9
_DISK, _MEMORY = 7 * GB, 8 * GB
"""Of Stable Diffusion 1.5 and of v-768, and of one of them beside the program."""
_DISK_XL, _MEMORY_XL = 8 * GB, 24 * GB
"""More of disk for SDXL; page-locked memory comes in powers of two, so up to twice its 7 GB."""
_CARD_V = 10 * GB
"""A card that v-768 fits on in single precision."""
_UNET_WIDTH = 320
CHECKS: tuple[Callable[[Desk], Iterator[Row]], ...] = (
    pictures.check_starter,
    memory.check_profiles,
    memory.check_small_card,
    memory.check_running_out,
    memory.check_reading,
    memory.check_overflow,
    pictures.check_previews,
    pictures.check_edits,
    pictures.check_loras,
    pictures.check_cancel,
    pictures.check_many,
)


def bench_card(resources: Path, starter: Path) -> Iterator[Row]:
    """Raises InvalidRequest("device") where there is no card that works, and StudioError at the end where not all was
    as it should be, or at once where disk or memory are too short."""
    device = _card()
    with tempfile.TemporaryDirectory(prefix="sdstudio-bench-") as name:
        begin = time.perf_counter()
        desk = _desk(Path(name), resources, starter, device)
        yield {
            "bench": "card",
            "what": "the card",
            "device": device.info.device,
            "memory_gb": round(device.info.memory_total / GB, 1),
            "torch": torch.__version__,
            "cuda": str(torch.version.cuda),
            "written_in_seconds": round(time.perf_counter() - begin, 1),
            "xl": desk.xl is not None,
        }
        yield from run_checks(desk)


def run_checks(desk: Desk, checks: Sequence[Callable[[Desk], Iterator[Row]]] = CHECKS) -> Iterator[Row]:
    """Rows as they come; one of a check that raised says what. Raises StudioError at the end, and at once when the card
    refuses all further work."""
    count = wrong = 0
    for check in checks:
        failure = None
        try:
            for one in check(desk):
                count, wrong = count + 1, wrong + (one["verdict"] != MET)
                yield one
        except Exception as error:  # noqa: BLE001 - the others are to be seen too; the row tells
            failure = _told(check, error)
            lost = is_device_lost(error)
        # Outside the except block, whose traceback would keep the check's tensors alive.
        if failure is not None:
            count, wrong = count + 1, wrong + 1
            yield failure
            if lost:
                raise device_lost()
        desk.tidy()
    if wrong:
        raise StudioError(
            f"{wrong} of {count} checks did not hold on this card.",
            meaning="What they are about may fail for pictures, too, or need more memory than is thought.",
            hint="docs/card.md says what each row means.",
        )


def _told(check: Callable[[Desk], Iterator[Row]], error: Exception) -> Row:
    return {
        "bench": "card",
        "what": check.__name__.removeprefix("check_").replace("_", " "),
        "error": type(error).__name__,
        "message": " ".join(str(error).split())[:500],
        "at": _place(error),
        "verdict": FAILED,
    }


def _place(error: Exception) -> str:
    """Of our own code, the innermost line that it came through."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = Path(trace.tb_frame.f_code.co_filename)
        if "sdstudio" in path.parts and "site-packages" not in path.parts:
            place = f"{path.parent.name}/{path.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _card() -> Device:
    device = choose_device()
    if not device.is_cuda:
        raise InvalidRequest(
            "device",
            "This measurement needs an NVIDIA graphics card that SD Studio can use, and there is none.",
            hint=device.info.no_card or why_no_card() or "This torch was built without CUDA.",
        )
    work_here(device)
    return device


def _desk(folder: Path, resources: Path, starter: Path, device: Device) -> Desk:
    """Raises StudioError where disk or memory are too short for the smallest."""
    free, memory = shutil.disk_usage(folder).free, int(psutil.virtual_memory().available)
    if free < _DISK or memory < _MEMORY:
        raise StudioError(
            f"This measurement needs {_DISK / GB:.0f} GB of disk and {_MEMORY / GB:.0f} GB of memory.",
            meaning=f"Free are {free / GB:.1f} GB of disk and {memory / GB:.1f} GB of memory.",
            hint="Make room, or set TMPDIR to a folder on another disk.",
        )
    sd = write_one_file(folder, resources)
    os.link(sd.spec.path, folder / "again.safetensors")
    again = MadeUp(replace(sd.spec, name="again", path=str(folder / "again.safetensors")), resources)
    large = device.info.memory_total >= _CARD_V
    described = resources if large else narrow(folder / "narrow", resources, ModelFamily.SD2_V)
    room = free >= _DISK + _DISK_XL and memory >= _MEMORY_XL
    return Desk(
        device=device,
        cpu=choose_device(0, "cpu"),
        meter=CardMeter(device),
        sd=sd,
        again=again,
        v=write_folder(folder / "v768", described, ModelFamily.SD2_V, hot=True),
        xl=write_folder(folder / "sdxl", resources, ModelFamily.SDXL) if room else None,
        starter=ModelSpec(name="Starter", path=str(starter)),
        lora=write_lora(folder / "lora.safetensors", _UNET_WIDTH),
    )


def main(resources: Path) -> int:
    """Rows as lines of JSON. The exit code of contracts: 0 done, 1 failed, 2 bad input."""
    try:
        for one in bench_card(resources, resources / "models" / "starter"):
            print(json.dumps(one, ensure_ascii=False), flush=True)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2 if error.kind is ErrorKind.BAD_INPUT else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

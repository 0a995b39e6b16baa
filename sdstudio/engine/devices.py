"""What the engine computes on: CUDA in half precision, else the CPU in single precision."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, replace

import psutil
import torch

from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.errors import InvalidRequest
from sdstudio.engine import cards

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device, the precision that suits it, and words for people. `limit`: how many bytes of a card may be taken
    where that is fewer than it has; the plans keep to it."""

    torch_device: torch.device
    dtype: torch.dtype
    info: EngineInfo
    limit: int | None = None

    @property
    def is_cuda(self) -> bool:
        return self.torch_device.type == "cuda"


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads not counted: more threads only fight over the same units."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))


def choose_device(threads: int = 0, device: str = "") -> Device:
    """Fixes the number of CPU threads (0 = physical cores) and picks the device; called once an engine. `device`: "" =
    the first graphics card that works, or the CPU where there is none; "cpu"; "cuda:N" = the card of that number, from
    0. `info.no_card` says why none is used where one could be.

    Half precision stays off the CPU: without AVX-512 its convolutions are up to 100 times slower there. Raises
    InvalidRequest("device") in words for a device that is not there, or is and does not work.
    """
    torch.set_num_threads(threads or physical_cores())
    count = torch.get_num_threads()
    there = _cards()
    number, no_card = _card(device)
    if number is not None:
        properties = torch.cuda.get_device_properties(number)
        info = EngineInfo(
            device=properties.name,
            device_kind="cuda",
            threads=count,
            memory_total=int(properties.total_memory),
            devices=there,
        )
        return Device(torch.device("cuda", number), torch.float16, info)
    memory = int(psutil.virtual_memory().total)
    info = EngineInfo(
        device="CPU", device_kind="cpu", threads=count, memory_total=memory, devices=there, no_card=no_card
    )
    return Device(torch.device("cpu"), torch.float32, info)


def chosen_or_best(threads: int = 0, device: str = "") -> Device:
    """As `choose_device`; for a device that is not there (a card that was taken out) the best there is, and
    `info.missing` names it."""
    try:
        return choose_device(threads, device)
    except InvalidRequest as error:
        _log.warning("%s", error)
    best = choose_device(threads)
    return replace(best, info=replace(best.info, missing=device))


def _cards() -> tuple[tuple[str, str], ...]:
    """All graphics cards: what each is chosen by, and its own name, with a number where several have the same."""
    count = cards.card_count()
    names = [cards.card_name(number) or f"Graphics card {number + 1}" for number in range(count)]
    shown = [name if names.count(name) == 1 else f"{name} ({number + 1})" for number, name in enumerate(names)]
    return tuple((f"cuda:{number}", name) for number, name in enumerate(shown))


def _card(device: str) -> tuple[int | None, str]:
    """(the graphics card's number, ""), or for the CPU (None, why not a card; "" where that was chosen)."""
    wanted = device.strip().lower()
    if wanted in ("", "auto"):
        return _first_that_works()
    if wanted == "cpu":
        return None, ""
    found = re.fullmatch(r"(?:cuda|gpu)(?::(\d+))?", wanted)
    if found is None:
        raise InvalidRequest(
            "device",
            f"There is no device “{device}”.",
            hint="Choose “cpu”, “cuda:0” for the first graphics card, or nothing for the best one there is.",
        )
    number, count = int(found[1] or 0), cards.card_count()
    if number >= count:
        there = "no graphics card that SD Studio can use" if count == 0 else f"only {count} of them"
        raise InvalidRequest(
            "device",
            f"Graphics card number {number} was chosen, but this computer has {there}.",
            hint="Choose another device in the settings, or none: the best one there is will be used.",
        )
    fault = cards.try_card(number)
    if fault:
        raise InvalidRequest("device", f"Graphics card number {number} was chosen, but it does not work.", hint=fault)
    return number, ""


def _first_that_works() -> tuple[int | None, str]:
    """As `_card`. Cards after the one that is used are not tried: that would take memory of each."""
    count = cards.card_count()
    if count == 0:
        return None, cards.why_no_card()
    faults: list[str] = []
    for number in range(count):
        fault = cards.try_card(number)
        if not fault:
            return number, ""
        faults.append(fault)
    return None, faults[0]


def work_here(device: Device) -> None:
    """Makes a card this thread's own: events are recorded on the current card's stream, and would say nothing of copies
    to another one."""
    if device.torch_device.type == "cuda":
        torch.cuda.set_device(device.torch_device)


def free_device_memory(device: Device) -> None:
    """Gives cached blocks back to the system, for other programs and for a second try after running out."""
    if device.is_cuda:
        torch.cuda.empty_cache()


def free_memory(device: Device) -> int:
    """Bytes that can still be had, within the device's `limit`. What torch holds back of a card for itself counts as
    free."""
    if not device.is_cuda:
        return int(psutil.virtual_memory().available)
    free, _ = torch.cuda.mem_get_info(device.torch_device)
    reserved = torch.cuda.memory_reserved(device.torch_device)
    if device.limit is not None:
        free = min(free, max(0, device.limit - reserved))
    return int(free + reserved - torch.cuda.memory_allocated(device.torch_device))

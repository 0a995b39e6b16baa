"""What the engine computes on: CUDA in half precision, else the CPU in single precision."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil
import torch

from sdstudio.domain.engine_api import EngineInfo


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device, the precision that suits it, and words for people."""

    torch_device: torch.device
    dtype: torch.dtype
    info: EngineInfo

    @property
    def is_cuda(self) -> bool:
        return self.torch_device.type == "cuda"


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads not counted: more threads only fight over the same units."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or allowed, allowed))


def choose_device(threads: int = 0) -> Device:
    """Fixes the number of CPU threads (0 = physical cores) and picks the device; called once an engine.

    Half precision stays off the CPU: without AVX-512 its convolutions are up to 100 times slower there.
    """
    torch.set_num_threads(threads or physical_cores())
    count = torch.get_num_threads()
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        info = EngineInfo(
            device=properties.name, device_kind="cuda", threads=count, memory_total=int(properties.total_memory)
        )
        return Device(torch.device("cuda", 0), torch.float16, info)
    memory = int(psutil.virtual_memory().total)
    info = EngineInfo(device="CPU", device_kind="cpu", threads=count, memory_total=memory)
    return Device(torch.device("cpu"), torch.float32, info)


def free_device_memory(device: Device) -> None:
    """Gives cached blocks back to the system, for other programs and for a second try after running out."""
    if device.is_cuda:
        torch.cuda.empty_cache()

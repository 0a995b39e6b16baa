"""The engine's part of `sdstudio selftest`: are the libraries there, and what do they run on?"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from safetensors import safe_open

from sdstudio.domain.checks import CheckResult

_LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "tokenizers")
_AGAIN = "Install SD Studio again."


def check_engine(starter: Path, upscaler: Path) -> Iterable[CheckResult]:
    """The libraries import, the device computes, and the weights in the box can be opened."""
    yield _libraries()
    yield _device()
    weights = [*sorted(starter.rglob("*.safetensors")), upscaler]
    yield _weights(weights)


def _libraries() -> CheckResult:
    try:
        from sdstudio.engine import libraries  # noqa: F401  the import itself is the check
    except ImportError as error:
        return CheckResult(name="libraries", ok=False, words=f"{error}. {_AGAIN}")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _LIBRARIES)
    return CheckResult(name="libraries", ok=True, words=versions)


def _device() -> CheckResult:
    import torch

    from sdstudio.engine.devices import choose_device

    device = choose_device()
    probe = torch.ones(8, 8, device=device.torch_device, dtype=device.dtype)
    product = float((probe @ probe).sum())
    ok = product == 8.0**3
    words = f"{device.info.device}, {device.info.threads} threads"
    return CheckResult(name="device", ok=ok, words=words if ok else f"{words}: computes wrongly ({product}).")


def _weights(files: list[Path]) -> CheckResult:
    tensors = 0
    for path in files:
        try:
            with safe_open(path, framework="pt") as file:
                tensors += len(list(file.keys()))
        except Exception as error:  # the library raises its own SafetensorError, a plain Exception
            return CheckResult(name="weights", ok=False, words=f"“{path.name}” cannot be read ({error}). {_AGAIN}")
    return CheckResult(name="weights", ok=True, words=f"{len(files)} files, {tensors} tensors")

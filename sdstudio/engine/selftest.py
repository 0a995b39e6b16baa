"""The engine's part of `sdstudio selftest`: the libraries, the model in the box, and the upscaler."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from sdstudio.domain.checks import CheckResult
from sdstudio.domain.errors import ModelError
from sdstudio.domain.models import STARTER_NAME
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.upscale_model import load_upscaler

_LIBRARIES = ("torch", "diffusers", "transformers", "tokenizers", "safetensors", "accelerate")


def check_engine(starter: Path, upscaler: Path) -> Iterator[CheckResult]:
    """One result for each part. Raises ImportError or OSError when a library cannot even be loaded."""
    device = choose_device()
    yield CheckResult(name="libraries", ok=True, words=", ".join(f"{name} {version(name)}" for name in _LIBRARIES))
    info = device.info
    threads = "1 thread" if info.threads == 1 else f"{info.threads} threads"
    words = f"{info.device}, {info.memory_total / 2**30:.1f} GB of memory, {threads}"
    yield CheckResult(name="device", ok=True, words=f"{words}. {info.no_card}" if info.no_card else words)
    try:
        read_model(ModelSpec(name=STARTER_NAME, path=str(starter)), device)
    except ModelError as error:
        yield CheckResult(name="starter model", ok=False, words=str(error))
    else:
        yield CheckResult(name="starter model", ok=True, words=f"read from {starter}")
    try:
        load_upscaler(upscaler, device.torch_device)
    except ModelError as error:
        yield CheckResult(name="upscaler", ok=False, words=str(error))
    else:
        yield CheckResult(name="upscaler", ok=True, words=f"read from {upscaler}")

"""What is wrong with a model on disk or with memory, in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from sdstudio.domain.errors import DeviceLost, ModelError
from sdstudio.domain.request import ModelSpec


def damaged(part: str, why: str) -> ModelError:
    return ModelError(
        f"The model's part “{part}” is incomplete or damaged: {why}.",
        meaning="No picture can be made with this model.",
        hint="Copy the model again from where you got it.",
    )


def broken_file(name: str, why: str) -> ModelError:
    return ModelError(
        f"The model file “{name}” is incomplete or damaged: {why}.",
        meaning="No picture can be made with this model.",
        hint="Copy the file again from where you got it, or choose another model.",
    )


def changed_file(name: str) -> ModelError:
    return ModelError(
        f"The model file “{name}” changed while it was being read.",
        meaning="Half of one and half of another file make no model.",
        hint="Wait until it is complete on disk, then try again.",
    )


def wrong_kind(spec: ModelSpec, why: str) -> ModelError:
    return ModelError(
        f"The model “{spec.name}” is of a kind that SD Studio cannot use yet: {why}.",
        meaning="It makes pictures with Stable Diffusion models.",
        hint="Choose another model.",
    )


def gone(spec: ModelSpec) -> ModelError:
    return ModelError(
        f"The model “{spec.name}” is not at {spec.path} any more.",
        meaning="No picture can be made with it.",
        hint="Choose another model, or put it back.",
    )


def read_json(path: Path, part: str) -> dict[str, Any]:
    """Raises ModelError in words that name the model's part."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise damaged(part, f"the file {path.name} is missing") from error
    except (OSError, ValueError) as error:
        raise damaged(part, f"the file {path.name} cannot be read") from error
    if not isinstance(data, dict):
        raise damaged(part, f"the file {path.name} cannot be read")
    return data


_NO_MEMORY = (
    "not enough memory",
    "out of memory",
    "_status_alloc_failed",
    "cublas_status_not_initialized",
    "unable to find an engine to execute this computation",
)
"""The last three: cuBLAS and cuDNN could not get memory for themselves, or cuDNN none for any way of a convolution
(torch tries them all, and each one's lack of memory is lost on the way)."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the system had no memory left; CPU allocations fail as plain RuntimeErrors."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _NO_MEMORY)


def is_device_lost(error: BaseException) -> bool:
    """Whether the graphics card refuses all further work of this process, as it does after any fault in a kernel."""
    words = str(error)
    known = ("CUDA error:", "device-side assert", "CUDNN_STATUS_EXECUTION_FAILED")
    return isinstance(error, RuntimeError) and any(one in words for one in known) and not is_out_of_memory(error)


def device_lost() -> DeviceLost:
    return DeviceLost(
        "The graphics card has stopped working for SD Studio.",
        meaning="No picture can be made with it until SD Studio is started anew; what waits is kept.",
        hint="Close SD Studio and start it again. If it happens again, choose the CPU as device in the settings.",
    )

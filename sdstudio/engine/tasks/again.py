"""Second tries of a whole picture: with less memory, and in single precision where half of it overflows."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

from sdstudio.domain.geometry import Size
from sdstudio.engine.faults import is_out_of_memory
from sdstudio.engine.memory.keeper import Tell, make_single
from sdstudio.engine.model import LoadedModel

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
OVERFLOWED = "The numbers overflowed in half precision: once more in single, which takes longer"
_HALF = (torch.float16, torch.bfloat16)


def ready_for(model: LoadedModel, size: Size, tell: Tell) -> None:
    """Before a job of this size; `tell` hears in words when something has to be done anew in its course."""
    if model.memory is not None:
        model.memory.share(None if model.second is None else model.second.memory, size)
    for one in (model, model.second):
        if one is not None and one.memory is not None:
            one.memory.tell = tell
            one.memory.prepare(size)


def with_less(model: LoadedModel, make: Callable[[], _T]) -> _T:
    """What `make` answers, begun anew with the next smaller plan when memory runs out where no network's own second try
    catches it. Raises what `make` raises."""
    while True:
        try:
            return make()
        except (RuntimeError, MemoryError) as error:
            if model.memory is None or not is_out_of_memory(error):
                raise
            failure = error.with_traceback(None)
        # Outside the except block, whose traceback would keep the failed picture's tensors alive.
        if not model.memory.step_down():
            raise failure


def to_single(model: LoadedModel) -> bool:
    """The networks of the model and of its second stage compute in single precision from now on; False where they all
    do so already. Which of them overflowed, the latents do not tell."""
    changed = [_network_to_single(one) for one in (model, model.second) if one is not None]
    return any(changed)


def _network_to_single(model: LoadedModel) -> bool:
    unet = model.unet
    if unet.dtype not in _HALF:
        return False
    make_single(unet, model.memory)
    unet.register_forward_pre_hook(_in_single, with_kwargs=True, prepend=True)
    _log.info("The network of “%s” overflowed in half precision and computes in single now", model.spec.name)
    return True


def _in_single(_network: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    return _single(args), _single(kwargs)


def _single(values: Any) -> Any:
    if isinstance(values, torch.Tensor):
        return values.float() if values.dtype in _HALF else values
    if isinstance(values, dict):
        return {name: _single(value) for name, value in values.items()}
    if isinstance(values, tuple | list):
        return type(values)(_single(value) for value in values)
    return values

"""Stops a job between any two layers: within a fraction of a step, at the cost of a look at a flag."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser
from sdstudio.engine.denoise import DenoiseContext, Hook
from sdstudio.engine.libraries import AutoencoderTinyBlock, BasicTransformerBlock, ResnetBlock2D

_LOOKING = (ResnetBlock2D, BasicTransformerBlock, AutoencoderTinyBlock, nn.Conv2d, nn.LayerNorm)
"""Convolutions too: one block of a large decoder takes longer than a tenth of a step. Norms: each layer of a vision
transformer has two of them."""


def check_cancel(cancel: CancelToken) -> None:
    """Raises CancelledByUser when the token is set."""
    if cancel.cancelled:
        raise CancelledByUser


@contextmanager
def interruptible(models: Iterable[nn.Module], cancel: CancelToken) -> Iterator[None]:
    """While it lasts, each block of the models raises CancelledByUser as soon as the token is set."""

    def look(_module: nn.Module, _args: Any) -> None:
        check_cancel(cancel)

    handles = [
        module.register_forward_pre_hook(look)
        for model in models
        for module in model.modules()
        if isinstance(module, _LOOKING)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class CancelHook(Hook):
    """Looks between steps, where a model might have no block of a known kind."""

    def __init__(self, cancel: CancelToken) -> None:
        self._cancel = cancel

    def before_step(self, context: DenoiseContext) -> None:
        check_cancel(self._cancel)

    def after_loop(self, context: DenoiseContext) -> None:
        check_cancel(self._cancel)

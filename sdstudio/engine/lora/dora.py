"""DoRA: a change of a weight's direction, and its lengths of their own (Liu et al. 2024).

The changed weight is m (W + D) / |W + D|, one length m for each output (PEFT, LyCORIS) or each input (LyCORIS).
Only the lengths' ratios s = m / |W + D| are worked out, once a job: they turn into a scaling of outputs or inputs.
"""

from __future__ import annotations

from typing import Any

import torch

from sdstudio.engine.lora.branch import Branch, Misfit, Tensors, run
from sdstudio.engine.lora.keys import DORA, DORA_OUT
from sdstudio.engine.lora.lycoris import over_channels, without_bias


class Decomposed(Branch):
    """`inner` is the change of direction. Made anew for each job: the ratios belong to the base's weights."""

    def __init__(self, inner: Branch, tensors: Tensors, layer: Any) -> None:
        """Raises Misfit."""
        super().__init__(tensors)
        self._inner = inner
        self._role = DORA_OUT if DORA_OUT in tensors else DORA
        outputs, inputs = layer.weight.shape[:2]
        held = tensors[self._role]
        self._by_output = self._role == DORA_OUT or (
            held.ndim > 0 and held.shape[0] == outputs and held.numel() == outputs
        )
        if held.numel() != (outputs if self._by_output else inputs):
            raise Misfit(f"it has {held.numel()} lengths for {outputs} outputs and {inputs} inputs")
        self._ratios: torch.Tensor | None = None

    def answer(self, layer: Any, x: torch.Tensor, output: torch.Tensor, strength: float) -> torch.Tensor:
        if self._ratios is None:
            self._ratios = self._measured(layer)
        ratios = over_channels(self._ratios.to(x.device), layer)
        grown, ratios = (ratios - 1).to(x.dtype), ratios.to(x.dtype)
        if self._by_output:
            gained = without_bias(layer, output) * grown + self._inner.answer(layer, x, output, 1.0) * ratios
        else:
            gained = run(layer, x * grown, layer.weight.to(x)) + self._inner.answer(layer, x * ratios, output, 1.0)
        return gained * strength

    def change(self, layer: Any) -> torch.Tensor:
        raise NotImplementedError("nothing is built upon DoRA")

    def _measured(self, layer: Any) -> torch.Tensor:
        """In float32: a small difference from 1 is what counts."""
        changed = layer.weight.float() + self._inner.change(layer)
        rows = changed if self._by_output else changed.transpose(0, 1)
        lengths = rows.flatten(1).norm(dim=1)
        wanted = self._tensors[self._role].to(device=lengths.device, dtype=torch.float32).reshape(-1)
        return wanted / lengths.clamp_min(torch.finfo(torch.float32).tiny)

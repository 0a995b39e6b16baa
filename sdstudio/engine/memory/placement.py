"""One network's weights, on the device or in the computer's memory, whole or layer by layer."""

from __future__ import annotations

from typing import Any

import torch

from sdstudio.engine.devices import Device
from sdstudio.engine.memory.layers import COMPACT, keep_compact, layer_weights, restore_layers
from sdstudio.engine.memory.widening import waiting_bytes, widen_all

STORED_AS = "_sdstudio_stored_as"
"""Of a network read from a file in 16 bits: which. Keeping the weights in them loses nothing."""


class Placed:
    """Only parameters and buffers move; the modules stay, with whatever hangs on them."""

    def __init__(self, network: Any, device: Device) -> None:
        self._network, self._device = network, device
        self._host: dict[tuple[int, str], torch.Tensor] = {}
        """Copies, in the computer's memory, of weights that are on the device."""

    @property
    def size_bytes(self) -> int:
        """Of the weights in the precision that they are computed in, wherever they are."""
        return sum(parameter.numel() * parameter.itemsize for parameter in self._network.parameters())

    @property
    def bytes_on_device(self) -> int:
        layers = layer_weights(self._network)
        if layers is not None and not self._device.is_cuda:
            return layers.size_bytes
        waiting = waiting_bytes(self._network)
        kind = self._device.torch_device.type
        tensors = self._network.parameters() if layers is None else []
        return sum(one.numel() * one.itemsize for one in tensors if one.device.type == kind) - waiting

    def fits_in_half(self) -> bool:
        """Whether 16 bits hold the layers' weights as they are."""
        if layer_weights(self._network) is not None or hasattr(self._network, STORED_AS):
            return True
        weights = (module.weight for module in self._network.modules() if isinstance(module, COMPACT))
        return all(torch.equal(weight.half().to(weight.dtype), weight) for weight in weights)

    def bring_in(self) -> None:
        """All of it on the device."""
        restore_layers(self._network)
        if self._device.is_cuda:
            self._bring_in_rest(keep=True)

    def put_out(self) -> None:
        """All of it in the computer's memory; what was copied from there is not copied back."""
        restore_layers(self._network)
        if not self._device.is_cuda:
            return
        for owner, name, tensor in self._tensors():
            if tensor.device.type != "cpu":
                host = self._host.get((id(owner), name))
                _put(owner, name, tensor.cpu() if host is None else host)
        self._host.clear()

    def make_changeable(self) -> None:
        """All of it in the computer's memory, each weight with its values."""
        self.put_out()
        widen_all(self._network)

    def to_single(self) -> None:
        """From now on it computes in single precision. Where the layers come one by one, they go on doing so, and what
        is kept of them stays as it is; otherwise all of it is in the computer's memory then."""
        layers = layer_weights(self._network)
        if layers is None:
            self.make_changeable()
            self._network.float()
            return
        layers.widen()
        for owner, name, tensor in self._tensors():
            if tensor.is_floating_point() and tensor.dtype != torch.float32:
                _put(owner, name, tensor.float())

    def by_layers(self) -> None:
        """The layers' weights in the computer's memory, in 16 bits; all else on the device."""
        if layer_weights(self._network) is not None:
            return
        if self._device.is_cuda:
            self.put_out()
        dtype = next(one.dtype for one in self._network.parameters() if one.is_floating_point())
        # A network that computes in half precision has nothing to lose; single precision may be asked for on a card.
        kept = dtype if self._device.is_cuda else getattr(self._network, STORED_AS, torch.float16)
        keep_compact(self._network, dtype, self._device.torch_device, kept)
        if self._device.is_cuda:
            self._bring_in_rest(keep=False)

    def _bring_in_rest(self, *, keep: bool) -> None:
        """What is not on the device yet; `keep` the copies here, so that they need not come back."""
        device = self._device.torch_device
        for owner, name, tensor in self._tensors():
            if tensor.device != device:
                if keep:
                    self._host[id(owner), name] = tensor
                _put(owner, name, tensor.to(device, non_blocking=True))

    def _tensors(self) -> list[tuple[torch.nn.Module, str, torch.Tensor]]:
        """Each with the module that it belongs to, and its name there."""
        return [
            (owner, name, tensor)
            for owner in self._network.modules()
            for name, tensor in (*owner._parameters.items(), *owner._buffers.items())
            if tensor is not None
        ]


def _put(owner: torch.nn.Module, name: str, tensor: torch.Tensor) -> None:
    if name in owner._parameters:
        owner._parameters[name] = torch.nn.Parameter(tensor.detach(), requires_grad=False)
    else:
        owner._buffers[name] = tensor

"""Weights that are kept somewhere smaller, and made ready layer by layer, just before each is used.

On a CPU: in the file's 16 bits, single precision while the layer works; half the memory for some percent of time, and
the same bits. For CUDA: in the computer's memory, on the card while the layer works; the next layer's are fetched
meanwhile.

It works on parameters: no module is replaced, no forward is. `module.weight` has its usual shape, type and device at
all times, and its values from the moment the layer is called until the next such layer is: hooks on a layer, before or
after it, find them. Between calls there are none (a view of one zero): what changes weights in place must not be used
with it; what adds to a layer's result, as LoRA's hooks do, may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sdstudio.engine.memory.widening import shrink_all, waiting_values

COMPACT = (nn.Linear, nn.Conv2d)
"""Where nearly all weights are. Norms and the words' vectors stay as they are."""
_STORE = "_sdstudio_weights"


@dataclass(slots=True, eq=False)
class _Layer:
    name: str
    module: nn.Module
    stored: torch.Tensor
    placeholder: nn.Parameter


class LayerWeights:
    """All compact layers of one network, one of them ready at a time."""

    def __init__(
        self, network: nn.Module, dtype: torch.dtype, device: torch.device, kept: torch.dtype | None = None
    ) -> None:
        self._dtype, self._device, self._kept = dtype, device, kept
        self._ready: _Layer | None = None
        self._scratch = torch.empty(0, dtype=dtype, device=device)
        self._fetcher = _fetcher_for(device)
        self._layers = [
            self._take(name, module)
            for name, module in network.named_modules()
            if isinstance(module, COMPACT) and not module.weight.is_meta
        ]
        self._handles = [
            layer.module.register_forward_pre_hook(_ReadyHook(self, layer), prepend=True) for layer in self._layers
        ]

    def _take(self, name: str, module: nn.Module) -> _Layer:
        stored: torch.Tensor = module.weight.data
        if self._kept is not None:
            stored = stored.to(self._kept)
        if self._fetcher is not None:
            stored = self._fetcher.hold(stored)
        nothing = torch.zeros((), dtype=self._dtype, device=self._device).expand(stored.shape)
        placeholder = nn.Parameter(nothing, requires_grad=False)
        module._parameters["weight"] = placeholder
        return _Layer(name, module, stored, placeholder)

    @property
    def size_bytes(self) -> int:
        """Of the weights as they are kept."""
        return sum(layer.stored.numel() * layer.stored.itemsize for layer in self._layers)

    @property
    def values(self) -> dict[str, torch.Tensor]:
        """By their names, as they are computed with."""
        return {f"{layer.name}.weight": layer.stored.to(self._dtype) for layer in self._layers}

    def make_ready(self, layer: _Layer) -> None:
        if self._ready is layer:
            return
        self.release()
        values = self._values(layer.stored)
        layer.module._parameters["weight"] = nn.Parameter(values, requires_grad=False)
        self._ready = layer

    def release(self) -> None:
        """No layer is ready any more."""
        if self._ready is not None:
            self._ready.module._parameters["weight"] = self._ready.placeholder
            self._ready = None

    def widen(self) -> None:
        """They compute in single precision from now on, their weights kept as they are."""
        self.release()
        self._dtype = torch.float32
        self._scratch = torch.empty(0, dtype=self._dtype, device=self._device)
        if self._fetcher is not None:
            self._fetcher.forget()
        nothing = torch.zeros((), dtype=self._dtype, device=self._device)
        for layer in self._layers:
            layer.placeholder = nn.Parameter(nothing.expand(layer.stored.shape), requires_grad=False)
            layer.module._parameters["weight"] = layer.placeholder

    def remove(self) -> None:
        """The weights are the layers' own again, in the precision that they are computed in."""
        self.release()
        for handle in self._handles:
            handle.remove()
        for layer in self._layers:
            layer.module._parameters["weight"] = nn.Parameter(layer.stored.to(self._dtype), requires_grad=False)

    def _values(self, stored: torch.Tensor) -> torch.Tensor:
        if self._fetcher is not None:
            return self._fetcher.fetch(stored, self._dtype)
        count = stored.numel()
        if len(self._scratch) < count:
            # Not an inference tensor, whichever mode the first call is made in: it is written again and again.
            with torch.inference_mode(False):
                largest = max(layer.stored.numel() for layer in self._layers)
                self._scratch = torch.empty(largest, dtype=self._dtype, device=self._device)
        values = self._scratch[:count].view(stored.shape)
        return values.copy_(stored)


class _ReadyHook:
    """Before every other hook of its layer."""

    def __init__(self, weights: LayerWeights, layer: _Layer) -> None:
        self._weights, self._layer = weights, layer

    def __call__(self, _module: nn.Module, _args: Any) -> None:
        self._weights.make_ready(self._layer)


class _Slot:
    """Memory on the card for one layer's weights at a time. `holds`: which layer's, by its stored tensor."""

    def __init__(self) -> None:
        self.memory: torch.Tensor | None = None
        self.holds: int | None = None
        self.arrived: Any = torch.cuda.Event()
        self.free: Any = torch.cuda.Event()

    def values(self, stored: torch.Tensor) -> torch.Tensor:
        """In the stored tensor's shape and order, so that one copy without a conversion brings them."""
        assert self.memory is not None
        return self.memory[: stored.numel()].as_strided(stored.shape, stored.stride())


class _Fetcher:
    """Brings weights to a CUDA device on a stream of their own: the order in which they were asked for the last time is
    the order in which they will be, so the next one is on its way while this one is in use.

    Two slots that are written by turns, and the streams wait for each other on the card. Fresh memory for each layer
    would not do: the processor is up to a thousand calls ahead of the card, and what those calls still read cannot be
    used again before they have run; nearly all of the network would be there at once.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream: Any = torch.cuda.Stream(device)
        self._slots = (_Slot(), _Slot())
        self._used = 0
        self._largest = 0
        self._after: dict[int, torch.Tensor] = {}
        self._last: torch.Tensor | None = None

    def hold(self, tensor: torch.Tensor) -> torch.Tensor:
        """In page-locked memory, from which copies need no processor; plain memory where the system allows no more."""
        self._largest = max(self._largest, tensor.numel())
        host = tensor.cpu()
        try:
            return host.pin_memory()
        except RuntimeError:
            return host

    def fetch(self, stored: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Its values, until the call after the next."""
        if self._last is not None:
            self._after[id(self._last)] = stored
        self._last = stored
        other = self._slots[1 - self._used]
        if other.holds != id(stored):
            self._send(stored, dtype, other)
        self._used = 1 - self._used
        torch.cuda.current_stream(self._device).wait_event(other.arrived)
        following = self._after.get(id(stored))
        if following is not None and following is not stored:
            self._send(following, dtype, self._slots[1 - self._used])
        return other.values(stored)

    def forget(self) -> None:
        """What is there: it was asked for in another precision."""
        for slot in self._slots:
            slot.holds = slot.memory = None

    def _send(self, stored: torch.Tensor, dtype: torch.dtype, slot: _Slot) -> None:
        slot.holds = None
        if slot.memory is None:
            # Not an inference tensor, whichever mode the first call is made in: it is written again and again.
            with torch.inference_mode(False):
                slot.memory = torch.empty(self._largest, dtype=dtype, device=self._device)
            # It belongs to the current stream; the other one may still write to it when it is given up.
            slot.memory.record_stream(self._stream)
        # Whatever reads the slot's last weights has been queued by now.
        slot.free.record(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            self._stream.wait_event(slot.free)
            slot.values(stored).copy_(stored, non_blocking=True)
            slot.arrived.record(self._stream)
        slot.holds = id(stored)


def _fetcher_for(device: torch.device) -> _Fetcher | None:
    return _Fetcher(device) if device.type == "cuda" else None


def keep_compact(
    network: nn.Module, dtype: torch.dtype, device: torch.device | None = None, kept: torch.dtype | None = None
) -> LayerWeights:
    """From now on the network's layers keep their weights in the type `kept` (None: as they are) and compute in `dtype`
    on the device."""
    shrink_all(network)
    weights = LayerWeights(network, dtype, device or torch.device("cpu"), kept)
    setattr(network, _STORE, weights)
    return weights


def layer_weights(network: nn.Module) -> LayerWeights | None:
    found = getattr(network, _STORE, None)
    return found if isinstance(found, LayerWeights) else None


def whole_state(network: nn.Module) -> dict[str, torch.Tensor]:
    """The network's state with the layers' real values, however they are kept."""
    weights = layer_weights(network)
    return dict(network.state_dict()) | waiting_values(network) | ({} if weights is None else weights.values)


def restore_layers(network: nn.Module) -> None:
    """Undoes `keep_compact`; the weights stay in the place that they are stored in."""
    weights = layer_weights(network)
    if weights is not None:
        weights.remove()
        delattr(network, _STORE)

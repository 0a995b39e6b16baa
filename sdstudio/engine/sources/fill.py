"""Gives a network without memory its weights from the file, in one pass: read, checked, converted, in place."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from sdstudio.domain.errors import ModelError
from sdstudio.engine.faults import damaged
from sdstudio.engine.memory.layers import COMPACT, keep_compact
from sdstudio.engine.memory.placement import STORED_AS
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.stored import Scratch, Stored
from sdstudio.engine.sources.stored_ckpt import Held

Entry = Stored | Held
Entries = Mapping[str, Entry]


def fill(network: nn.Module, entries: Entries, reading: Reading, part: str) -> None:
    """`entries`: by the network's own names; those that it does not know are left alone. Raises ModelError for weights
    that are missing, of another shape, or no numbers, CancelledByUser, FileChanged, OSError, and what torch raises when
    memory is short."""
    wanted = dict(network.state_dict(keep_vars=True))
    if any(name not in entries for name in wanted):
        raise damaged(part, "some of its weights are missing")
    if any(entries[name].shape != tuple(tensor.shape) for name, tensor in wanted.items()):
        raise damaged(part, "its weights do not have the shapes of its kind")
    bad: list[str] = []
    for name in wanted:
        owner, own = _owner(network, name)
        target = _target(owner, own, wanted[name], entries[name], reading)
        if not _copy(entries[name], target, reading):
            bad.append(entries[name].name)
        if own in owner._parameters:
            owner._parameters[own] = nn.Parameter(target, requires_grad=False)
        else:
            owner._buffers[own] = target
    if bad:
        raise no_numbers(sorted(set(bad)))
    kinds = {entries[name].dtype for name in wanted if entries[name].dtype.is_floating_point}
    network.__dict__.pop(STORED_AS, None)
    if len(kinds) == 1 and next(iter(kinds)).itemsize == 2:
        setattr(network, STORED_AS, next(iter(kinds)))
    if reading.keep_half:
        keep_compact(network, reading.device.dtype)


def no_numbers(names: list[str]) -> ModelError:
    """Some training ends in values that are none; every picture would be black."""
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return ModelError(
        f"Some of the model's weights are no numbers: {some}.",
        meaning="Every picture made with it would be black.",
        hint="Get another version of this model.",
    )


def _owner(network: nn.Module, name: str) -> tuple[nn.Module, str]:
    path, _, own = name.rpartition(".")
    return network.get_submodule(path), own


def _target(owner: nn.Module, own: str, wanted: torch.Tensor, entry: Entry, reading: Reading) -> torch.Tensor:
    if not wanted.is_floating_point():
        return torch.empty(tuple(wanted.shape), dtype=wanted.dtype, device=reading.home)
    dtype = reading.device.dtype
    if reading.keep_half and own == "weight" and isinstance(owner, COMPACT):
        # Eight-bit files are rare, and half precision holds all that they can say; of single precision it drops what
        # no picture shows.
        dtype = entry.dtype if entry.dtype.itemsize == 2 else torch.float16
    if (wanted.dtype, wanted.device) == (dtype, reading.home):
        return wanted.data  # of a network that was another model's
    return reading.place(tuple(wanted.shape), dtype)


def _copy(entry: Entry, target: torch.Tensor, reading: Reading) -> bool:
    """Whether all values are finite."""
    sound = True
    scratch: Scratch = reading.scratch
    for first, last, values in entry.rows(scratch):
        place = target[first:last] if entry.shape else target
        place.copy_(values, non_blocking=True)
        scratch.sent()
        if values.is_floating_point():
            sound = sound and (_sum_is_finite(place) if target.device.type == "cpu" else finite(values))
        reading.advance(values.numel() * values.itemsize)
    return sound


def _sum_is_finite(values: torch.Tensor) -> bool:
    """What is no number makes the sum of squares none; a sum that is too large is looked at more closely."""
    if values.dtype != torch.float32 or not values.is_contiguous():
        return finite(values)
    flat = values.view(-1)
    return math.isfinite(float(torch.dot(flat, flat))) or finite(values)


def finite(values: torch.Tensor) -> bool:
    """By the smallest and the largest, through which what is no number shows: on CPUs a tenth of what torch.isfinite
    takes for half precision. Numbers of eight bits cannot be compared as they are."""
    if values.numel() == 0:
        return True
    ends = torch.aminmax(values.half() if values.element_size() == 1 else values)
    return bool(torch.isfinite(ends.min)) and bool(torch.isfinite(ends.max))

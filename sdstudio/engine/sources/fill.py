"""Gives a network without memory its weights from the file, in one pass: read, checked, converted, in place.

On a CPU the large weights of a file of 16 bits are not converted here but when they are first used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import nn

from sdstudio.domain.errors import ModelError
from sdstudio.engine.faults import damaged
from sdstudio.engine.memory.layers import COMPACT, keep_compact
from sdstudio.engine.memory.placement import STORED_AS
from sdstudio.engine.memory.widening import second_half, wait_for_use
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.transfer import Entry, Transfer

WORDS = "token_embedding"
"""The table of all words' vectors in CLIP's text models: a third of the weights, of which a prompt needs 77 rows."""
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
    kind = _sixteen_bits(entries[name].dtype for name in wanted)
    transfer = Transfer(reading)
    owners = dict(network.named_modules())
    for name in wanted:
        path, _, own = name.rpartition(".")
        owner = owners[path]
        target = _target(owner, own, wanted[name], entries[name], reading)
        if kind is not None and _may_wait(owner, path, own, target, reading):
            stored = second_half(target, kind)
            wait_for_use(network, path, owner, target, stored)
            transfer.add(entries[name], stored)
        else:
            transfer.add(entries[name], target)
            _own(owner, own, target)
    bad = transfer.run()
    if bad:
        raise no_numbers(sorted(set(bad)))
    network.__dict__.pop(STORED_AS, None)
    if kind is not None:
        setattr(network, STORED_AS, kind)
    if reading.keep_half:
        keep_compact(network, reading.device.dtype)


def _sixteen_bits(dtypes: Iterable[torch.dtype]) -> torch.dtype | None:
    """The one type of 16 bits that all weights are stored in, if so."""
    kinds = {dtype for dtype in dtypes if dtype.is_floating_point}
    kind = next(iter(kinds)) if len(kinds) == 1 else torch.float32
    return kind if kind.itemsize == 2 else None


def _may_wait(owner: nn.Module, path: str, own: str, target: torch.Tensor, reading: Reading) -> bool:
    """Whether the weight may stay in 16 bits until the layer is called: where nearly all weights are, on a CPU, which
    computes in single precision."""
    large = own == "weight" and (isinstance(owner, COMPACT) or path.endswith(WORDS))
    if reading.device.is_cuda or not large:
        return False
    return target.dtype == torch.float32 and target.device.type == "cpu" and target.is_contiguous()


def _own(owner: nn.Module, own: str, values: torch.Tensor) -> None:
    if own in owner._parameters:
        owner._parameters[own] = nn.Parameter(values, requires_grad=False)
    else:
        owner._buffers[own] = values


def no_numbers(names: list[str]) -> ModelError:
    """Some training ends in values that are none; every picture would be black."""
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return ModelError(
        f"Some of the model's weights are no numbers: {some}.",
        meaning="Every picture made with it would be black.",
        hint="Get another version of this model.",
    )


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

"""Brings weights from their file to where they belong, in the order in which they lie in it.

Whatever can be is made ready before the first byte is read: after each piece the processor's cache holds little else,
and a call that touches a tensor then takes four times as long as in a row of such calls.
"""

from __future__ import annotations

import torch

from sdstudio.engine.sources.finite import finite, finite_bits
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.stored import Landing, Stored
from sdstudio.engine.sources.stored_ckpt import Held

Entry = Stored | Held
SMALL = 2**16
"""Bytes up to which weights that change their type wait for each other: biases and norms, seven of ten tensors."""


class Transfer:
    """`add` all, then `run` once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._moves: list[tuple[Entry, Landing | torch.Tensor]] = []
        self._small: list[tuple[Stored, torch.Tensor]] = []

    def add(self, entry: Entry, target: torch.Tensor) -> None:
        """`target`: memory of the same shape, of another type or on another device perhaps."""
        if isinstance(entry, Stored) and entry.lies_as(target):
            self._moves.append((entry, Landing(target)))
        elif isinstance(entry, Stored) and entry.size_bytes <= SMALL and target.device.type == "cpu":
            self._small.append((entry, target))
        else:
            self._moves.append((entry, target))

    def run(self) -> list[str]:
        """The names, in the file, of those that are not finite, in their order there. Raises FileChanged, OSError and
        CancelledByUser."""
        staged = [(target, self._stage(entry)) for entry, target in self._small]
        self._moves.sort(key=lambda move: _place(move[0]))
        bad = [entry.name for entry, place in self._moves if not self._move(entry, place)]
        for target, values in staged:
            target.copy_(values)
        return bad

    def _stage(self, entry: Stored) -> torch.Tensor:
        values = torch.empty(entry.stored_shape, dtype=entry.dtype)
        self._moves.append((entry, Landing(values)))
        return values.T if entry.turned else values

    def _move(self, entry: Entry, place: Landing | torch.Tensor) -> bool:
        """Whether all values are finite. They are looked at as they are stored: there they are still in the cache."""
        if isinstance(entry, Stored) and isinstance(place, Landing):
            return self._read(entry, place)
        assert isinstance(place, torch.Tensor)
        return self._copy(entry, place)

    def _read(self, entry: Stored, landing: Landing) -> bool:
        sound, dtype = True, entry.dtype
        known = not dtype.is_floating_point
        for bits in entry.read_to(landing, self._reading.scratch.block):
            sound = sound and (known or finite_bits(bits, dtype))
            self._reading.advance(bits.nbytes)
        return sound

    def _copy(self, entry: Entry, target: torch.Tensor) -> bool:
        """Through a buffer."""
        sound, scratch = True, self._reading.scratch
        for first, last, values in entry.rows(scratch):
            (target[first:last] if entry.shape else target).copy_(values, non_blocking=True)
            scratch.sent()
            sound = sound and (not values.is_floating_point() or finite(values))
            self._reading.advance(values.numel() * values.itemsize)
        return sound


def _place(entry: Entry) -> tuple[str, int]:
    return ("", 0) if isinstance(entry, Held) else (str(entry.file.path), entry.offset)

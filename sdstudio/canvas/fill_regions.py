"""Connected regions of a boolean array, by runs: no loop over pixels, none over runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Runs of set pixels in reading order: `start` and `end` (exclusive) are row * (width + 1) + column; `label` says
    which region each belongs to, 0 to `count` - 1."""

    height: int
    width: int
    start: Ints
    end: Ints
    label: Ints
    count: int

    @property
    def areas(self) -> Ints:
        """Pixels of each region."""
        return np.bincount(self.label, self.end - self.start, self.count).astype(np.int64)

    def row(self, number: int) -> Ints:
        """The label of every pixel of one row, -1 where none is set."""
        stride = self.width + 1
        first, last = np.searchsorted(self.start, [number * stride, (number + 1) * stride])
        labels = np.full(self.width, -1, np.int64)
        lengths = self.end[first:last] - self.start[first:last]
        begins = np.repeat(self.start[first:last] - number * stride, lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        labels[begins + within] = np.repeat(self.label[first:last], lengths)
        return labels

    def column(self, *, last: bool = False) -> Ints:
        """The label of every pixel of the first (or the last) column, -1 where none is set."""
        stride = self.width + 1
        runs = np.flatnonzero(self.end % stride == self.width if last else self.start % stride == 0)
        labels = np.full(self.height, -1, np.int64)
        labels[self.start[runs] // stride] = self.label[runs]
        return labels

    def touching_border(self) -> Flags:
        """For each region whether it reaches the array's edge."""
        touching = np.zeros(self.count + 1, np.bool_)  # one more for the -1 of pixels that are not set
        for line in (self.row(0), self.row(self.height - 1), self.column(), self.column(last=True)):
            touching[line] = True
        return touching[:-1]

    def paint(self, chosen: Flags) -> Flags:
        """Height x width: the pixels of the regions that `chosen` (one flag a region) names."""
        kept = chosen[self.label]
        if (self.end - self.start)[kept].sum() == self.height * self.width:
            return np.ones((self.height, self.width), np.bool_)
        steps = np.zeros(self.height * (self.width + 1), np.int8)
        steps[self.start[kept]] = 1
        steps[self.end[kept]] = -1
        filled = np.cumsum(steps, dtype=np.int8).view(np.bool_)
        return filled.reshape(self.height, self.width + 1)[:, : self.width]


def regions(pixels: Flags, *, diagonal: bool = False) -> Regions:
    """`diagonal`: pixels that meet at a corner hang together too."""
    height, width = pixels.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = pixels
    edges = np.flatnonzero(np.diff(padded, axis=1))
    start, end = edges[0::2], edges[1::2]
    above, below = _touching(start, end, width + 1, diagonal)
    label, count = _joined(len(start), above, below)
    return Regions(height, width, start, end, label, count)


def _touching(start: Ints, end: Ints, stride: int, diagonal: bool) -> tuple[Ints, Ints]:
    """Pairs of runs, one below the other."""
    first = np.searchsorted(end, start + stride, "left" if diagonal else "right")
    after = np.searchsorted(start, end + stride, "right" if diagonal else "left")
    counts = np.maximum(after - first, 0)
    above = np.repeat(np.arange(len(start)), counts)
    below = np.arange(len(above)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    return above, below


def _joined(count: int, first: Ints, second: Ints) -> tuple[Ints, int]:
    """Union-find for all pairs at once: hook roots onto lower ones, shorten all paths, until no pair is apart."""
    root = np.arange(count)
    while True:
        a, b = root[first], root[second]
        apart = a != b
        if not apart.any():
            break
        first, second, a, b = first[apart], second[apart], a[apart], b[apart]
        root[np.maximum(a, b)] = np.minimum(a, b)  # of several, any one will do: the others come in the next round
        while True:
            shorter = root[root]
            if np.array_equal(shorter, root):
                break
            root = shorter
    is_root = root == np.arange(count)
    return (np.cumsum(is_root) - 1)[root], int(is_root.sum())

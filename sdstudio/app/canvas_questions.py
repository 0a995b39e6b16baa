"""Questions of the canvas that only a person can answer, each answered exactly once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sdstudio.domain.geometry import Size


class Question:
    """Nothing happens until one of the answers is called; the first one counts, and later ones do nothing."""

    def __init__(self) -> None:
        self._open = True

    @property
    def open(self) -> bool:
        return self._open

    def cancel(self) -> None:
        """Everything stays as it is."""
        self._take()

    def _take(self) -> bool:
        taken, self._open = self._open, False
        return taken


class UnsavedQuestion(Question):
    """The canvas has changes that are in no file, and something else is to take its place."""

    def __init__(
        self, name: str, path: str, save: Callable[[str, Callable[[], None]], None], go_on: Callable[[], None]
    ):
        """`path` is the .ora file that "Save" writes, "" where one has to be chosen first."""
        super().__init__()
        self.name = name
        self.path = path
        self._save = save
        self._go_on = go_on

    def save(self, path: str | Path = "") -> None:
        """Saves, to `path` or else to the canvas's own file, and goes on once that has succeeded."""
        target = str(path) or self.path
        if not target:
            raise ValueError("this canvas has no file yet: ask for one first")
        if self._take():
            self._save(target, self._go_on)

    def discard(self) -> None:
        """Goes on; what was not saved is gone."""
        if self._take():
            self._go_on()


class MemoryQuestion(Question):
    """A picture that needs more memory than is free, before its pixels are read. Counts in bytes."""

    def __init__(self, name: str, size: Size, needed: int, available: int, go_on: Callable[[], None]) -> None:
        super().__init__()
        self.name = name
        self.size = size
        self.needed = needed
        self.available = available
        self._go_on = go_on

    def open_anyway(self) -> None:
        if self._take():
            self._go_on()


class MaskSizeQuestion(Question):
    """A mask file whose size is not that of the canvas."""

    def __init__(self, name: str, mask: Size, canvas: Size, fit: Callable[[str], None]) -> None:
        super().__init__()
        self.name = name
        self.mask = mask
        self.canvas = canvas
        self._fit = fit

    def scale(self) -> None:
        """The mask is stretched to the canvas's size."""
        self._answer("scale")

    def centre(self) -> None:
        """The mask keeps its size and lies in the middle; what is around it is not masked."""
        self._answer("centre")

    def _answer(self, fit: str) -> None:
        if self._take():
            self._fit(fit)

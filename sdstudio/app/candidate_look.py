"""Ways to look at candidates: flipping, before and after, side by side, what changed: a part of Candidates."""

from __future__ import annotations

from sdstudio.app.candidate_core import BEFORE, CandidateCore
from sdstudio.app.candidate_prepare import CandidatePart, difference
from sdstudio.domain.image import ImageBuffer


class CandidateLook(CandidateCore):
    """Nothing of it changes the document."""

    def choose(self, place: int) -> None:
        """One of `items`, or BEFORE. From one that forms it goes on to the next by itself."""
        if place == BEFORE or 0 <= place < len(self.items):
            chosen = self.items[place] if place >= 0 else None
            self._following = chosen is not None and not chosen.done
            self._go(place)

    def step(self, by: int) -> None:
        """To the next or the one before; round and round."""
        shown = [place for place, item in enumerate(self.items) if not item.waiting]
        if shown:
            at = shown.index(self._place) + by if self._place in shown else (0 if by > 0 else -1)
            self.choose(shown[at % len(shown)])

    def hold_before(self, held: bool) -> None:
        """While a key is down."""
        if held != self._held and (self.open or not held):
            self._held = held
            self.changed.emit()

    def toggle_before(self) -> None:
        """For a key that cannot be held."""
        self.hold_before(not self._held)

    def set_compare(self, position: float | None) -> None:
        if position is not None:
            position = min(max(position, 0.0), 1.0)
        if position != self._compare:
            self._compare = position
            self._difference = self._difference and position is None
            self.changed.emit()

    def toggle_compare(self) -> None:
        self.set_compare(0.5 if self._compare is None else None)

    def set_difference(self, shown: bool) -> None:
        if shown != self._difference:
            self._difference = shown
            self._compare = None if shown else self._compare
            if not shown:
                self._differences.clear()
            self.changed.emit()

    def show_stray(self, shown: bool) -> None:
        if shown != self._stray:
            self._stray = shown
            self.changed.emit()

    def difference_of(self, part: CandidatePart) -> ImageBuffer | None:
        """None while it is computed; then `changed` follows."""
        if part not in self._differences:
            self._differences[part] = None

            def done(image: ImageBuffer) -> None:
                if part in self._differences:
                    self._differences[part] = image
                    self.changed.emit()

            self._io.submit(lambda: difference(part), done, self.problem.emit)
        return self._differences[part]

    def _go(self, place: int) -> None:
        if place != self._place or self._stray:
            self._place = place
            self._stray = False
            self.changed.emit()

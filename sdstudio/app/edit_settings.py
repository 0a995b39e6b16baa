"""What a person chose for changing the picture: the mode with its numbers, the frame, how far to extend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from sdstudio.domain.edits import CONTEXT_MAX, FEATHER, FEATHER_MAX, GROW_MAX, MODE_STRENGTHS, FillMode, usual_feather
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.request import DEFAULT_STRENGTH

EXTEND_MIN, EXTEND_MAX = 64, 1024
"""Pixels that one press of an arrow adds."""
STRENGTH_MIN = 0.05
"""Below it nothing of a picture would change; 0 is refused by the slider rather than by the job."""
SIDES = ("left", "top", "right", "bottom")
_PIXELS = {"feather": FEATHER_MAX, "grow": GROW_MAX, "context": CONTEXT_MAX}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeValues:
    """Of one mode. `strength` 0.05 to 1, `feather`, `grow` and `context` in pixels of the canvas."""

    strength: float
    feather: int = FEATHER
    grow: int = 0
    context: int = 64
    match_colours: bool = True


class EditSettings(QObject):
    """The one owner. Setters clamp, and are silent when nothing changed."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode = FillMode.FILL
        self._values = {mode: ModeValues(strength=strength) for mode, strength in MODE_STRENGTHS.items()}
        self._own_feathers: set[FillMode] = set()
        self._frame: Rect | None = None
        self._islands = False
        self._image_strength = self._usual_strength = DEFAULT_STRENGTH
        self._extend_by: int | None = None
        self._native = 256

    @property
    def mode(self) -> FillMode:
        return self._mode

    @mode.setter
    def mode(self, mode: FillMode) -> None:
        self._set("_mode", FillMode(mode))

    @property
    def values(self) -> ModeValues:
        """Those of the mode in use."""
        return self._values[self._mode]

    def values_of(self, mode: FillMode) -> ModeValues:
        return self._values[mode]

    def update(self, **changes: Any) -> None:
        """Fields of `values`, by name. Raises TypeError for an unknown one."""
        known = self.values
        fresh = replace(known, **{name: _clamped(name, value, known) for name, value in changes.items()})
        if "feather" in changes:
            self._own_feathers.add(self._mode)
        if fresh != known:
            self._values[self._mode] = fresh
            self.changed.emit()

    @property
    def strength(self) -> float:
        """That of the mode in use; replacing knows only one."""
        return 1.0 if self._mode is FillMode.REPLACE else self.values.strength

    @property
    def frame(self) -> Rect | None:
        """What the model sees, in pixels of the canvas; None: chosen by itself. What reaches over the edge of the
        canvas extends it. It belongs to the canvas that is open and is not kept for the next start."""
        return self._frame

    @frame.setter
    def frame(self, frame: Rect | None) -> None:
        self._set("_frame", None if frame is None or frame.empty else frame)

    @property
    def islands(self) -> bool:
        """Whether each island of the mask gets a frame of its own."""
        return self._islands

    @islands.setter
    def islands(self, islands: bool) -> None:
        self._set("_islands", bool(islands))

    @property
    def image_strength(self) -> float:
        """For redrawing a picture without a mask."""
        return self._image_strength

    @image_strength.setter
    def image_strength(self, strength: float) -> None:
        self._set("_image_strength", _strength(strength, self._image_strength))

    @property
    def extend_by(self) -> int:
        """Pixels; half of the model's own size until somebody chose."""
        return self._extend_by or min(max(self._native // 2, EXTEND_MIN), EXTEND_MAX)

    @extend_by.setter
    def extend_by(self, pixels: int) -> None:
        self._set("_extend_by", min(max(int(pixels), EXTEND_MIN), EXTEND_MAX))

    def follow_usual_strength(self, strength: float) -> None:
        """Of the model, for redrawing a picture; another one that somebody chose stays."""
        before, self._usual_strength = self._usual_strength, strength
        if self._image_strength == before:
            self.image_strength = strength

    def follow_native(self, native: int) -> None:
        """The model's own size, pixels a side. Modes whose feather nobody chose get the one that suits it."""
        if native != self._native:
            self._native = native
            for mode in set(FillMode) - self._own_feathers:
                self._values[mode] = replace(self._values[mode], feather=usual_feather(native))
            self.changed.emit()

    def extend(self, side: str, canvas: Size) -> None:
        """The frame over one more `extend_by` beyond the "left", "top", "right" or "bottom" of the canvas. Raises
        ValueError for another side."""
        if side not in SIDES:
            raise ValueError(f"there is no side {side!r}")
        whole = Rect.of(canvas)
        known = whole if self._frame is None else self._frame.united(whole)
        added = {name: self.extend_by if name == side else 0 for name in SIDES}
        self.frame = Rect.between(
            known.x - added["left"],
            known.y - added["top"],
            known.right + added["right"],
            known.bottom + added["bottom"],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for `from_dict`."""
        return {
            "mode": self._mode.value,
            "modes": {mode.value: self._mode_dict(mode) for mode in self._values},
            "islands": self._islands,
            "image_strength": self._image_strength,
            "extend_by": self._extend_by,
        }

    def from_dict(self, data: object) -> None:
        """Takes over what is there and possible. Never raises for what the data holds."""
        stored = _mapping(data)
        modes = _mapping(stored.get("modes"))
        for mode in FillMode:
            of_mode = _mapping(modes.get(mode.value))
            self._values[mode] = _values_from(of_mode, self._values[mode])
            if _is_number(of_mode.get("feather")):
                self._own_feathers.add(mode)
        if stored.get("mode") in list(FillMode):
            self._mode = FillMode(stored["mode"])
        if isinstance(stored.get("islands"), bool):
            self._islands = stored["islands"]
        if _is_number(stored.get("image_strength")):
            self._image_strength = _strength(stored["image_strength"], self._image_strength)
        if _is_number(stored.get("extend_by")):
            self._extend_by = min(max(int(stored["extend_by"]), EXTEND_MIN), EXTEND_MAX)
        self.changed.emit()

    def _mode_dict(self, mode: FillMode) -> dict[str, Any]:
        """Without a feather that nobody chose: at the next start it follows the model again."""
        values = asdict(self._values[mode])
        return values if mode in self._own_feathers else {name: values[name] for name in values if name != "feather"}

    def _set(self, name: str, value: object) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.changed.emit()


def _strength(value: float, present: float) -> float:
    number = float(value)
    return present if math.isnan(number) else min(max(number, STRENGTH_MIN), 1.0)


def _clamped(name: str, value: Any, known: ModeValues) -> Any:
    if name == "strength":
        return _strength(value, known.strength)
    if name in _PIXELS:
        return min(max(int(value), 0), _PIXELS[name])
    return bool(value) if name == "match_colours" else value


def _values_from(stored: Mapping[str, Any], known: ModeValues) -> ModeValues:
    changes: dict[str, Any] = {}
    for field in fields(ModeValues):
        value = stored.get(field.name)
        wanted = isinstance(value, bool) if field.name == "match_colours" else _is_number(value)
        if wanted:
            changes[field.name] = _clamped(field.name, value, known)
    return replace(known, **changes)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

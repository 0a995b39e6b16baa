"""What the tools are set to: plain values that the window edits, the tools obey and the settings file keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sdstudio.canvas.pressure import LINEAR, CurvePoints, clean_curve

TOOLS = ("brush", "eraser", "lasso", "polygon", "rectangle", "ellipse", "fill", "wand", "picker")
TARGETS = ("mask", "paint")
COMBINES = ("add", "subtract", "replace")
SIZE_MIN, SIZE_MAX = 1.0, 2048.0
SPACING_MIN, SPACING_MAX = 0.02, 2.0
FLOW_MIN = 0.01
TOLERANCE_MAX = 255

_BRUSH_RANGES: dict[str, tuple[float, float, float]] = {
    "size": (SIZE_MIN, SIZE_MAX, 64.0),
    "hardness": (0.0, 1.0, 0.8),
    "opacity": (0.0, 1.0, 1.0),
    "flow": (FLOW_MIN, 1.0, 1.0),
    "spacing": (SPACING_MIN, SPACING_MAX, 0.1),
    "smoothing": (0.0, 1.0, 0.3),
}
_BRUSHES = ("brush", "eraser", "paint_brush", "paint_eraser")
_PLAIN = ("tool", "target", "tolerance", "contiguous", "combine", "antialias", "quick_mask")
_CHOICES = {"tool": (TOOLS, "brush"), "target": (TARGETS, "mask"), "combine": (COMBINES, "add")}


def _same_sort(value: object, example: object) -> bool:
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    return isinstance(value, (int, float) if isinstance(example, int | float) else type(example))


def _number(value: object, low: float, high: float, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return float(min(max(value, low), high))


def _colour(value: object) -> tuple[int, int, int]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        return (0, 0, 0)
    red, green, blue = (round(_number(part, 0, 255, 0)) for part in value)
    return red, green, blue


@dataclass(frozen=True, slots=True, kw_only=True)
class BrushSettings:
    """How a brush draws; values outside their range become its nearest end.

    - `size`: diameter in pixels, 1 to 2048, fractions allowed.
    - `hardness`: 0 (soft to the middle) to 1 (hard edge, one pixel of antialiasing). Below 2.5 px it has no room.
    - `opacity`: 0 to 1, the most a whole stroke reaches; `flow`: 0.01 to 1, what one dab brings of it.
    - `spacing`: from dab to dab as a part of the size, 0.02 to 2. At full flow dabs may lie closer (no scallops).
    - `curve`: points of the pressure curve, see `pressure.clean_curve`.
    - `smoothing`: 0 (the path goes through every point) to 1 (every point becomes 1/4, 1/2, 1/4 with its neighbours).
    """

    size: float = 64.0
    hardness: float = 0.8
    opacity: float = 1.0
    flow: float = 1.0
    spacing: float = 0.1
    size_by_pressure: bool = True
    opacity_by_pressure: bool = False
    curve: CurvePoints = LINEAR
    smoothing: float = 0.3

    def __post_init__(self) -> None:
        for name, (low, high, default) in _BRUSH_RANGES.items():
            object.__setattr__(self, name, _number(getattr(self, name), low, high, default))
        object.__setattr__(self, "curve", clean_curve(self.curve))

    def to_dict(self) -> dict[str, Any]:
        """For the settings file: numbers, booleans and lists only."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _BRUSH_RANGES}
        plain |= {"size_by_pressure": self.size_by_pressure, "opacity_by_pressure": self.opacity_by_pressure}
        return plain | {"curve": [list(point) for point in self.curve]}

    @classmethod
    def from_dict(cls, data: object, default: BrushSettings | None = None) -> BrushSettings:
        """What can be read from `data`; everything else as in `default`. Never raises."""
        kept = (default or cls()).to_dict()
        if isinstance(data, Mapping):
            for name, value in data.items():
                if name in kept and _same_sort(value, kept[name]):
                    kept[name] = value
        return cls(**kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSettings:
    """The chosen tool, what it works on, and what each brush was last set to.

    - `tool`: one of TOOLS; `target`: "mask" or "paint"; `combine`: what lasso, polygon, rectangle, ellipse and wand
      do with what is there already (on the paint layer "replace" adds: nobody's paint is thrown away).
    - `brush`, `eraser` for the mask, `paint_brush`, `paint_eraser` for the paint layer.
    - `colour`: red, green, blue 0 to 255. `tolerance`: 0 to 255, the largest difference of any channel that fill and
      wand take as alike; `contiguous`: only what hangs together with the pixel that was clicked.
    - `antialias`: soft edges of one pixel on shapes. `quick_mask`: the view shows the mask as greys.
    Values that cannot be become their default, numbers outside their range its nearest end.
    """

    tool: str = "brush"
    target: str = "mask"
    brush: BrushSettings = BrushSettings()
    eraser: BrushSettings = BrushSettings()
    paint_brush: BrushSettings = BrushSettings(size=24.0)
    paint_eraser: BrushSettings = BrushSettings(size=48.0)
    colour: tuple[int, int, int] = (0, 0, 0)
    tolerance: int = 32
    contiguous: bool = True
    combine: str = "add"
    antialias: bool = True
    quick_mask: bool = False

    def __post_init__(self) -> None:
        for name, (choices, default) in _CHOICES.items():
            if getattr(self, name) not in choices:
                object.__setattr__(self, name, default)
        object.__setattr__(self, "tolerance", round(_number(self.tolerance, 0, TOLERANCE_MAX, 32)))
        object.__setattr__(self, "colour", _colour(self.colour))

    def brush_name(self, *, eraser_tip: bool = False) -> str:
        """The field with the brush in hand; the pen's eraser end erases whatever tool is chosen."""
        erases = eraser_tip or self.tool == "eraser"
        return ("paint_" if self.target == "paint" else "") + ("eraser" if erases else "brush")

    @property
    def brush_in_hand(self) -> BrushSettings:
        """By tool and target; tools that have no brush show the one that B would give."""
        brush: BrushSettings = getattr(self, self.brush_name())
        return brush

    def with_brush(self, **changes: object) -> ToolSettings:
        """With the brush in hand changed: `with_brush(size=12)`."""
        changed = replace(self.brush_in_hand, **changes)  # type: ignore[arg-type]
        return replace(self, **{self.brush_name(): changed})  # type: ignore[arg-type]

    def with_changes(self, **changes: object) -> ToolSettings:
        return replace(self, **changes)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """For the settings file: texts, numbers, booleans, lists and tables only."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in _PLAIN}
        plain["colour"] = list(self.colour)
        return plain | {name: getattr(self, name).to_dict() for name in _BRUSHES}

    @classmethod
    def from_dict(cls, data: object) -> ToolSettings:
        """What can be read from `data`; the default for everything else. Never raises."""
        default, kept = cls(), dict[str, Any]()
        if not isinstance(data, Mapping):
            return default
        for name in _PLAIN:
            if name in data and _same_sort(data[name], getattr(default, name)):
                kept[name] = data[name]
        if isinstance(data.get("colour"), list | tuple):
            kept["colour"] = data["colour"]
        for name in _BRUSHES:
            kept[name] = BrushSettings.from_dict(data.get(name), getattr(default, name))
        return cls(**kept)

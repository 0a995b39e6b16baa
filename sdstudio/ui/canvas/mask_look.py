"""How the mask is shown: colour, opacity and mode, and the colours that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

MaskMode = Literal["tint", "edge", "greys"]
MAGENTA = "#ff2bd6"
OPACITY = 0.38
OPACITY_LEAST = 0.1
LEVELS = 64
"""Steps of mask value that the tint tells apart; 0 is kept for "not masked at all"."""
WHITE_LINE, BLACK_LINE = LEVELS, 2 * LEVELS
"""Added to the step where a line of the hatch lies."""
_WHITE_ALPHA, _BLACK_ALPHA = 0.38, 0.26
_FAINT = 0.25
"""So much of the hatch is there even where the mask is next to nothing: what may change is never out of sight."""


@dataclass(frozen=True, slots=True)
class MaskLook:
    """`colour` is #RRGGBB; `opacity` 0.1 to 1 is that of the tint where the mask is full.

    - "tint": tint, hatch and edge; "greys": the mask alone, white may change;
    - "edge": only the edge, so that colours can be judged, and the view says that the mask still counts.
    """

    colour: str = MAGENTA
    opacity: float = OPACITY
    mode: MaskMode = "tint"

    def __post_init__(self) -> None:
        object.__setattr__(self, "opacity", min(max(float(self.opacity), OPACITY_LEAST), 1.0))

    def with_mode(self, mode: MaskMode) -> MaskLook:
        return replace(self, mode=mode)

    @property
    def edge_alone(self) -> bool:
        return self.mode == "edge"

    @property
    def rgb(self) -> int:
        """0xRRGGBB."""
        return int(self.colour.lstrip("#"), 16) & 0xFFFFFF


def tint_colours(look: MaskLook) -> list[int]:
    """For each step of mask value, plain, on a white and on a black line: 0xAARRGGBB, not premultiplied."""
    if look.mode == "greys":
        greys = [0xFF000000 | round(255 * step / (LEVELS - 1)) * 0x010101 for step in range(LEVELS)]
        return greys * 3 + [0] * (256 - 3 * LEVELS)
    if look.edge_alone:
        return [0] * 256
    colours: list[int] = []
    for line, strength in ((0, 0.0), (255, _WHITE_ALPHA), (0, _BLACK_ALPHA)):
        for step in range(LEVELS):
            value = step / (LEVELS - 1)
            above = strength * (_FAINT + (1 - _FAINT) * value) if step else 0.0
            colours.append(_over(look.rgb, look.opacity * value, line, above))
    return colours + [0] * (256 - len(colours))


def _over(rgb: int, alpha: float, grey: int, above: float) -> int:
    """A grey of one opacity over a colour of another."""
    total = above + alpha * (1 - above)
    if total <= 0:
        return 0
    share = above / total
    red, green, blue = (round(grey * share + (rgb >> shift & 0xFF) * (1 - share)) for shift in (16, 8, 0))
    return round(255 * total) << 24 | red << 16 | green << 8 | blue

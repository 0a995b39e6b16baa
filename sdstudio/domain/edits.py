"""What changes a picture: the picture itself, what of it may change, what is added around it, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.limits import check_whole

FEATHER = 16
FEATHER_MAX = 512
GROW_MAX = 512
CONTEXT_MAX = 4096
MARGIN_MAX = 8192
REFINE_STRENGTH = 0.4
"""Of the second pass, where the frame is larger than what the model was made for: it keeps the composition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInput:
    """A picture that goes into a job: the sha256 of its decoded pixels in the content-addressed store."""

    sha256: str
    width: int
    height: int

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)


class FillMode(StrEnum):
    """What becomes of what is masked: its shape kept, filled in from its surroundings, replaced by something new, or
    removed (filled from the surroundings, what the prompt names avoided)."""

    CHANGE = "change"
    FILL = "fill"
    REPLACE = "replace"
    REMOVE = "remove"


MODE_STRENGTHS = {FillMode.CHANGE: 0.6, FillMode.FILL: 0.9, FillMode.REPLACE: 1.0, FillMode.REMOVE: 0.9}
"""The strength that suits each mode."""

OUTPAINT_STRENGTH = 0.9
"""The new ground begins as continued edges, of which little more than the colours is to stay."""


def usual_feather(native: int) -> int:
    """Pixels that blend until somebody chooses others, for a model of `native` pixels a side: 16 from 256 on, else a
    sixteenth of the side.

    Where a result blends, what was there shows through. At 128 pixels, 16 left a broad rim of what was filled in or
    replaced, and 8 a thin line of it where the mask lay close; 4 left hardly any, but cut off hard what the model drew
    up to the mask's edge (looked at with the starter model; seam figures of five: at most 2.1 with 8, 3.6 with 4).
    """
    return min(FEATHER, native // 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class InpaintSpec:
    """What of a request's picture may change, and how the result goes back into it.

    `mask` is a picture of the same size: grey, 255 = may change fully, 0 = keep; grey means when a pixel starts to
    change. Allowed is what is above 0, grown by `grow` pixels; `feather` pixels blend inwards from its border; the
    model sees `context` pixels around it, or exactly `frame`, made at the request's size and then, where `refined` is
    given, once more at that one with little strength.
    """

    mask: ImageInput
    mode: FillMode = FillMode.FILL
    feather: int = FEATHER
    grow: int = 0
    context: int = 64
    match_colours: bool = True
    frame: Rect | None = None
    refined: Size | None = None

    def __post_init__(self) -> None:
        check_whole("feather", self.feather, 0, FEATHER_MAX)
        check_whole("grow", self.grow, 0, GROW_MAX)
        check_whole("context", self.context, 0, CONTEXT_MAX)
        object.__setattr__(self, "mode", FillMode(self.mode))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutpaintSpec:
    """Pixels added to a request's picture on each side; what is there never changes.

    `native`: the model's own resolution, pixels a side, by which the new ground is made in steps. The request's size
    is that of the first step.
    """

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    native: int = 512
    match_colours: bool = True

    def __post_init__(self) -> None:
        for side in ("left", "top", "right", "bottom"):
            check_whole(side, getattr(self, side), 0, MARGIN_MAX)
        check_whole("native", self.native, 64, 4096)
        if not self.left + self.top + self.right + self.bottom:
            raise InvalidRequest("right", "Nothing is added to any side.", hint="Give the pixels for at least one.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditPiece:
    """What the model made of one frame, before it was laid back: `image` of any size shows `frame`, which is in the
    result's pixels."""

    frame: Rect
    image: ImageBuffer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditReport:
    """What was counted after an edit, from the pixels before and after it.

    `crop`: what the model saw, in the result's pixels (several frames: around all). `pixels_outside`: how many of the
    original's pixels are outside what was allowed to change; `changed_outside`: how many of those differ in any of
    R, G, B, A. `seam`: how much the border stands out; about 1 or less = not to be seen.
    """

    crop: Rect
    pixels_outside: int
    changed_outside: int
    seam: float
    pieces: tuple[EditPiece, ...] = ()

"""What an accepted result was made from: kept with its layer, so that its edge can be blended anew."""

from __future__ import annotations

from dataclasses import dataclass

from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import GenerationRequest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchRecord:
    """`request` makes it alone. `frame` is where on the canvas the model looked, `made` what it made of it (any size).

    `mask`: frame.height x frame.width uint8, what was painted there, not yet grown; None for ground that was added
    beyond the picture's edge, which has no edge to blend. `feather`, `grow`, `match_colours` are those in use now.
    """

    request: GenerationRequest
    frame: Rect
    made: ImageBuffer
    mask: Pixels | None
    feather: int
    grow: int
    match_colours: bool

    def __post_init__(self) -> None:
        mask = self.mask
        if mask is None:
            return
        if mask.shape != (self.frame.height, self.frame.width):
            raise ValueError(f"a mask of {mask.shape} for a frame of {self.frame}")
        if mask.flags.writeable:
            mask.setflags(write=False)

"""The only pixel types that cross a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdstudio.domain.geometry import Size

# numpy takes a tenth of a second to be imported, and a window is shown before there is a picture in it.
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]
else:
    Pixels = object


@dataclass(frozen=True, slots=True, eq=False)
class ImageBuffer:
    """A picture: H x W x 4 uint8, sRGB, straight alpha, read-only so that it may cross threads."""

    pixels: Pixels

    def __post_init__(self) -> None:
        import numpy as np

        if self.pixels.ndim != 3 or self.pixels.shape[2] != 4 or self.pixels.dtype != np.uint8:
            raise ValueError(f"an ImageBuffer holds H x W x 4 uint8, not {self.pixels.shape} {self.pixels.dtype}")
        if self.pixels.flags.writeable or not self.pixels.flags.c_contiguous:
            frozen = np.array(self.pixels, order="C")
            frozen.setflags(write=False)
            object.__setattr__(self, "pixels", frozen)

    @classmethod
    def from_rgb(cls, rgb: Pixels) -> ImageBuffer:
        """From H x W x 3 uint8, fully opaque."""
        import numpy as np

        rgba = np.full((*rgb.shape[:2], 4), 255, np.uint8)
        rgba[..., :3] = rgb
        rgba.setflags(write=False)
        return cls(rgba)

    @property
    def size(self) -> Size:
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def rgb(self) -> Pixels:
        """H x W x 3 view."""
        return self.pixels[..., :3]

    @property
    def opaque(self) -> bool:
        return bool((self.pixels[..., 3] == 255).all())

    def sha256(self) -> str:
        """Hash of size and decoded pixels: the name of the picture in the content-addressed store."""
        import hashlib

        digest = hashlib.sha256(f"{self.size}:".encode())
        digest.update(self.pixels.data)
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        import numpy as np

        return isinstance(other, ImageBuffer) and np.array_equal(self.pixels, other.pixels)

    __hash__ = None  # type: ignore[assignment]

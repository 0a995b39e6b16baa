"""The pictures that a person mixes into a variation, as values that are kept for the next start."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sdstudio.domain.additions import MIX_WEIGHT_MAX, MixedImage

if TYPE_CHECKING:
    from sdstudio.domain.edits import ImageInput

MIX_MOST = 100
"""More in a stored state, or in a picture's settings, are a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedPicture:
    """A row of the panel. `image` is in the store; `name` is that of its file for people, "" where it is not known:
    pictures do not tell it."""

    image: ImageInput
    weight: float = 1.0
    name: str = ""

    @property
    def key(self) -> str:
        """What it is found again by: its pixels."""
        return self.image.sha256

    def weighing(self, weight: float) -> MixedPicture:
        """Another weight, as far as that can be; NaN leaves it as it is."""
        if math.isnan(weight):
            return self
        return replace(self, weight=round(min(max(float(weight), -MIX_WEIGHT_MAX), MIX_WEIGHT_MAX), 4))


def clamped_mix(pictures: Any) -> tuple[MixedPicture, ...]:
    """Each once, with weights that can be. Raises TypeError for what are no MixedPictures."""
    found: dict[str, MixedPicture] = {}
    for picture in pictures:
        if not isinstance(picture, MixedPicture):
            raise TypeError(f"{picture!r} is no MixedPicture")
        found.setdefault(picture.key, picture.weighing(picture.weight))
    return tuple(found.values())[:MIX_MOST]


def mix_of(mixed: Iterable[MixedImage], known: Iterable[MixedPicture]) -> list[MixedPicture]:
    """Those of a request; what is `known` of a picture's name stays."""
    names = {picture.key: picture.name for picture in known}
    return [MixedPicture(image=each.image, weight=each.weight, name=names.get(each.image.sha256, "")) for each in mixed]


def mixed_images(pictures: Iterable[MixedPicture], missing: Collection[str]) -> tuple[MixedImage, ...]:
    """What goes into a request: those that act. `missing`: keys of pictures that are not in the store any more."""
    acting = (each for each in pictures if each.weight and each.key not in missing)
    return tuple(MixedImage(image=each.image, weight=each.weight) for each in acting)


def mix_from(data: object) -> tuple[MixedPicture, ...]:
    """Those of a stored state that can be used."""
    rows = data[:MIX_MOST] if isinstance(data, list) else []
    pictures = (_picture(row) for row in rows)
    return clamped_mix(picture for picture in pictures if picture is not None)


def _picture(row: object) -> MixedPicture | None:
    if not isinstance(row, dict) or not isinstance(row.get("image"), dict):
        return None
    stored, name, weight = row["image"], row.get("name", ""), row.get("weight", 1.0)
    sha256, width, height = (stored.get(key) for key in ("sha256", "width", "height"))
    if not isinstance(sha256, str) or re.fullmatch(r"[0-9a-f]{64}", sha256) is None or not isinstance(name, str):
        return None
    if not _is_whole(width) or not _is_whole(height):
        return None
    from sdstudio.domain.edits import ImageInput

    picture = MixedPicture(image=ImageInput(sha256=sha256, width=width, height=height), name=name)
    return picture.weighing(float(weight)) if _is_number(weight) else picture


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

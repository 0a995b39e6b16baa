"""What some families cannot do, in words."""

from __future__ import annotations

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.model import LoadedModel


def picture_for(model: LoadedModel, start: ImageBuffer | None) -> ImageBuffer:
    """`start`, for a family that begins with a picture. Raises InvalidRequest("image") without one."""
    if start is not None:
        return start
    raise InvalidRequest(
        "image",
        f"“{model.spec.name}” makes nothing from words alone: it needs a picture.",
        hint="Begin with a picture, or choose another model.",
    )

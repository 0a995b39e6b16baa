"""What some families cannot do, in words."""

from __future__ import annotations

from sdstudio.domain.errors import InvalidRequest
from sdstudio.engine.model import LoadedModel


def needs_a_picture(model: LoadedModel) -> InvalidRequest:
    return InvalidRequest(
        "image",
        f"“{model.spec.name}” makes nothing from words alone: it needs a picture.",
        hint="Begin with a picture, or choose another model.",
    )

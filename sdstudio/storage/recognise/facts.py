"""What tensors alone tell of a file: a ModelFile that has no path yet."""

from __future__ import annotations

from typing import Any

from sdstudio.domain.model_file import ModelFile, ModelRole, Verdict
from sdstudio.storage.recognise.refusal import Refusal


def known(role: ModelRole, what: str, **more: Any) -> ModelFile:
    """Something that SD Studio can use; `more` are further fields of ModelFile."""
    return ModelFile(path="", name="", role=role, what=what, **more)


def named(what: str, reason: str = "not supported", role: ModelRole = ModelRole.OTHER, **more: Any) -> ModelFile:
    """Something that has a name and no use here (yet)."""
    return known(role, what, verdict=Verdict.UNSUPPORTED, reason=f"{what}: {reason}", **more)


def refused(error: Refusal) -> ModelFile:
    return known(ModelRole.OTHER, error.what, verdict=error.verdict, reason=error.reason)

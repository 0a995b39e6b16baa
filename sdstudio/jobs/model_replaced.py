"""Says that another file was put in a model's place, where that is why a job could not use it."""

from __future__ import annotations

from pathlib import Path

from sdstudio.domain.errors import ErrorKind, ModelError
from sdstudio.domain.events import Failed
from sdstudio.domain.model_file import ModelFamily, ModelFile, Verdict
from sdstudio.domain.request import JobRequest, ModelSpec, UpscaleRequest

_ALIKE = frozenset(family.value for family in (ModelFamily.SD2, ModelFamily.SD2_BASE, ModelFamily.SD2_V))
"""Of one header: what they predict, and so which of them a file is, may be known from elsewhere."""
_SAYS_NOTHING = (Verdict.BROKEN, Verdict.UNREACHABLE)
"""Of these the engine has said what is the matter."""


def told_of_replaced(failed: Failed, request: JobRequest) -> Failed:
    """The failure as it is, or in other words where a model's file is of another kind than when it was chosen: nothing
    is damaged then. Reads the headers of the files."""
    if failed.kind is not ErrorKind.MODEL or isinstance(request, UpscaleRequest):
        return failed
    further = () if request.refiner is None else (request.refiner.model,)
    for spec in (request.model, *further):
        found = _another(spec)
        if found is not None:
            return Failed.of(failed.job_id, _replaced(spec, found), f"{failed.message}\n{failed.details}".strip())
    return failed


def _another(spec: ModelSpec) -> ModelFile | None:
    """What lies there now; None where it is still of the kind that `spec` names, or cannot be told."""
    path = Path(spec.path)
    if not spec.family or not path.is_file():
        return None
    from sdstudio.storage.recognise.recogniser import recognise  # few jobs fail

    found = recognise(path, (path.resolve().parent,))
    family = found.family.value if found.family is not None else ""
    same = family == spec.family or {family, spec.family} <= _ALIKE
    same = same and found.loadable
    return None if same or found.verdict in _SAYS_NOTHING else found


def _replaced(spec: ModelSpec, found: ModelFile) -> ModelError:
    message = f"“{spec.name}” was replaced by another file while SD Studio ran."
    if found.loadable and found.family is not None:
        kinds = f"It was {spec.family} and is {found.family.value} now; nothing is damaged."
        return ModelError(message, meaning=kinds, hint="See whether size and steps suit it, then try again.")
    return ModelError(message, meaning="It is no model that makes pictures any more.", hint="Choose another model.")

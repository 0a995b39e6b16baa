"""Why a file draws no pictures, as an error with what to do about it."""

from __future__ import annotations

import os
from pathlib import Path

from sdstudio.domain.errors import ModelError
from sdstudio.domain.model_file import LOADABLE_FAMILIES, WHOLE, ModelFile, Verdict

_HINTS = {
    Verdict.UNSAFE: "Get the same model as a .safetensors file from where it was made.",
    Verdict.BROKEN: "Get the file once more.",
    Verdict.UNSUPPORTED: "“sdstudio models” lists what can be used.",
    Verdict.UNREACHABLE: "",
}


def means_a_file(text: str) -> bool:
    """Whether what somebody typed is a place or a file's name, rather than the name of a model."""
    from sdstudio.storage.recognise.tables import SUFFIXES  # all that looks into files: the window begins without it

    return "/" in text or os.sep in text or text.lower().endswith(SUFFIXES)


def no_such_file(path: Path) -> ModelError:
    hint = "Look at its name and folder; “sdstudio models” lists what can be used."
    return ModelError(f"There is no such file: “{path.absolute()}”.", hint=hint)


def why_not(found: ModelFile) -> ModelError:
    """For a file that was refused, one that is only a part, and one of a family that only a later version will load."""
    name = found.path.replace("\\", "/").rpartition("/")[2]
    if not name.startswith(found.name):  # a folder of the Hugging Face cache, which is called as its revision
        name = found.name
    if found.refused:
        meaning = "Nothing in it was run." if found.verdict is Verdict.UNSAFE else ""
        reason = found.reason.removesuffix(": refused")
        return ModelError(f"Refused: “{name}”: {reason}.", meaning=meaning, hint=_HINTS[found.verdict])
    if not found.draws:
        return ModelError(f"“{name}” is {found.what}, which draws nothing alone.", hint="Choose a checkpoint.")
    missing = [part for part in WHOLE if part not in found.parts]
    if found.family in LOADABLE_FAMILIES and missing:
        hint = "Choose a checkpoint that holds all parts."
        return ModelError(f"“{name}” is a checkpoint of {found.what} without its {' and '.join(missing)}.", hint=hint)
    return ModelError(
        f"“{name}” is a checkpoint of {found.what}, which SD Studio cannot use yet.",
        meaning="SD Studio works with Stable Diffusion 1, 2 and XL.",
        hint="Choose another model.",
    )

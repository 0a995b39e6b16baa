"""Why a file draws no pictures, as an error with what to do about it."""

from __future__ import annotations

from sdstudio.domain.errors import ModelError
from sdstudio.domain.model_file import LOADABLE_FAMILIES, WHOLE, ModelFile, Verdict

_HINTS = {
    Verdict.UNSAFE: "Get the same model as a .safetensors file from where it was made.",
    Verdict.BROKEN: "Get the file once more.",
    Verdict.UNSUPPORTED: "“sdstudio models” lists what can be used.",
    Verdict.UNREACHABLE: "",
}


def why_not(found: ModelFile) -> ModelError:
    """For a file that was refused, one that is only a part, and one of a family that only a later version will load."""
    name = found.path.replace("\\", "/").rpartition("/")[2]
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

"""What the models of each family can do, and which settings of their own they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import DEFAULT_IMAGE_GUIDANCE, NOISE_LEVEL_MAX

IMAGE_GUIDANCE_RANGE = (1.0, 3.0)
"""Of the slider: below, the picture is hardly followed; above, nothing changes."""
REFINER_BEGIN = 0.8
"""Share of the steps before the refiner's (Podell et al. 2023, section 2.5, works on the last fifth of the noise)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyTasks:
    """`text`: draws from a prompt alone; `image`: begins with a picture; `masked`: fills masks and extends pictures.

    `enlarges`: how many times as large as the picture the result is. `instructs`: the prompt says what is to change;
    `varies`: makes pictures like the given one (and mixes several). `strength`: whether it can be chosen how much is
    made anew. `image_guidance` and `noise_level` are those settings' usual values, None where a family has them not;
    `noise_most`: the highest level; `refiner`: whether a second model can make the last steps.
    """

    text: bool = True
    image: bool = True
    masked: bool = True
    enlarges: int = 1
    instructs: bool = False
    varies: bool = False
    strength: bool = True
    image_guidance: float | None = None
    noise_level: int | None = None
    noise_most: int = NOISE_LEVEL_MAX
    refiner: bool = False

    def can(self, task: str) -> bool:
        """`task` as GenerationRequest.task says it."""
        return {"text": self.text, "image": self.image}.get(task, self.masked)


_USUAL = FamilyTasks()
X4_NOISE_MAX = 350
"""What the published upscaler has learnt."""
# Without a picture they draw from the prompt; below strength 1 they begin with the picture as well.
_VARIES = FamilyTasks(varies=True, noise_level=0)

FAMILY_TASKS: Mapping[ModelFamily, FamilyTasks] = {
    ModelFamily.SD1: _USUAL,
    ModelFamily.SD1_INPAINTING: _USUAL,
    ModelFamily.PIX2PIX: FamilyTasks(text=False, instructs=True, strength=False, image_guidance=DEFAULT_IMAGE_GUIDANCE),
    ModelFamily.SD2: _USUAL,
    ModelFamily.SD2_BASE: _USUAL,
    ModelFamily.SD2_V: _USUAL,
    ModelFamily.SD2_INPAINTING: _USUAL,
    ModelFamily.SD2_DEPTH: FamilyTasks(text=False),
    ModelFamily.X4_UPSCALER: FamilyTasks(
        text=False, masked=False, enlarges=4, strength=False, noise_level=20, noise_most=X4_NOISE_MAX
    ),
    ModelFamily.UNCLIP_L: _VARIES,
    ModelFamily.UNCLIP_H: _VARIES,
    ModelFamily.SDXL: FamilyTasks(refiner=True),
    ModelFamily.SDXL_REFINER: FamilyTasks(text=False),
    ModelFamily.SDXL_INPAINTING: FamilyTasks(refiner=True),
}
"""A test holds it complete."""


def tasks_of(family: ModelFamily | None) -> FamilyTasks:
    """Of a model that was not recognised: what Stable Diffusion usually does."""
    return FAMILY_TASKS[family] if family is not None else _USUAL


def why_not(family: ModelFamily | None, task: str) -> str:
    """In words without a full stop; "" where a model of this family can do it."""
    tasks = tasks_of(family)
    if tasks.can(task):
        return ""
    if task == "text":
        return "This model needs a picture"
    return "This model cannot extend a picture" if task == "outpaint" else "This model cannot fill a mask"

"""A checkpoint in one file as an entry of the catalog: its name, its badge, and settings that suit its family."""

from __future__ import annotations

from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily, ModelFile
from sdstudio.domain.models import ModelInfo, ModelPresets
from sdstudio.domain.request import ModelSpec

BADGES = {
    ModelFamily.SD1: "SD 1.5",
    ModelFamily.SD1_INPAINTING: "SD 1.5 inpaint",
    ModelFamily.SD2: "SD 2",
    ModelFamily.SD2_BASE: "SD 2 base",
    ModelFamily.SD2_V: "SD 2 v",
    ModelFamily.SD2_INPAINTING: "SD 2 inpaint",
}
"""A family in short. SD 2 alone: base or 768-v, which the first run tells."""
USUAL_SIDE = 512


def entry_of(found: ModelFile, digest: str) -> ModelInfo:
    """For a file that is `loadable`. It is called as its file is, which is the name that pictures of other programs
    give; `digest` is the short hash, "" while it is not known."""
    assert found.family is not None
    side = found.resolution or USUAL_SIDE
    return ModelInfo(
        spec=ModelSpec(
            name=found.name,
            path=found.path,
            hash=digest,
            family=found.family.value,
            prediction=found.prediction.value,
        ),
        badge=BADGES[found.family],
        presets=ModelPresets(size=Size(side, side), sizes=usual_sizes(side)),
    )


def usual_sizes(side: int) -> tuple[Size, ...]:
    """Square, upright and across, of sides that are multiples of 8."""
    longer = (side * 3 // 2 + 4) // 8 * 8
    return (Size(side, side), Size(side, longer), Size(longer, side))

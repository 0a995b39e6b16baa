"""What suits each family of models: its badge, the group it stands in, sizes and guidance to begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily


def usual_sizes(side: int) -> tuple[Size, ...]:
    """Square, upright and across, of sides that are multiples of 8."""
    longer = (side * 3 // 2 + 4) // 8 * 8
    return (Size(side, side), Size(side, longer), Size(longer, side))


XL_SIZES = (
    Size(1024, 1024), Size(832, 1216), Size(1216, 832), Size(896, 1152), Size(1152, 896), Size(1344, 768),
)  # fmt: skip
"""Of the shapes that SDXL was trained with (Podell et al. 2023, appendix I), all of about a million pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPresets:
    """`badge`: the family in short; `group`: what stands together in the menu of models; `sizes`: the first one is
    what a model begins with; `tool`: it finishes or enlarges pictures, so that it can stand in for no other model;
    `short`: a badge of its own where there is little room."""

    badge: str
    group: str
    sizes: tuple[Size, ...]
    guidance_scale: float = 7.5
    tool: bool = False
    short: str = ""

    @property
    def size(self) -> Size:
        return self.sizes[0]

    @property
    def short_badges(self) -> tuple[str, ...]:
        """Where there is little room: the generation alone, the longest first."""
        return (self.short,) if self.short else _SHORT[self.group]


_1, _2, _XL = "Stable Diffusion 1", "Stable Diffusion 2", "Stable Diffusion XL"
_SHORT = {_1: ("SD 1.5", "1.5"), _2: ("SD 2", "2"), _XL: ("SDXL", "XL")}

FAMILY_PRESETS: Mapping[ModelFamily, FamilyPresets] = {
    ModelFamily.SD1: FamilyPresets(badge="SD 1.5", group=_1, sizes=usual_sizes(512)),
    ModelFamily.SD1_INPAINTING: FamilyPresets(badge="SD 1.5 inpaint", group=_1, sizes=usual_sizes(512)),
    ModelFamily.PIX2PIX: FamilyPresets(badge="SD 1.5 edit", group=_1, sizes=usual_sizes(512)),
    ModelFamily.SD2: FamilyPresets(badge="SD 2", group=_2, sizes=usual_sizes(512)),
    ModelFamily.SD2_BASE: FamilyPresets(badge="SD 2 base", group=_2, sizes=usual_sizes(512)),
    ModelFamily.SD2_V: FamilyPresets(badge="SD 2 v", group=_2, sizes=usual_sizes(768)),
    ModelFamily.SD2_INPAINTING: FamilyPresets(badge="SD 2 inpaint", group=_2, sizes=usual_sizes(512)),
    ModelFamily.SD2_DEPTH: FamilyPresets(badge="SD 2 depth", group=_2, sizes=usual_sizes(512)),
    ModelFamily.X4_UPSCALER: FamilyPresets(
        badge="SD ×4 upscaler", group=_2, sizes=usual_sizes(512), guidance_scale=9.0, tool=True, short="×4"
    ),
    # 10 is what the published pipelines of unCLIP begin with; they follow an embedding beside the prompt.
    ModelFamily.UNCLIP_L: FamilyPresets(badge="SD 2 unCLIP", group=_2, sizes=usual_sizes(768), guidance_scale=10.0),
    ModelFamily.UNCLIP_H: FamilyPresets(badge="SD 2 unCLIP", group=_2, sizes=usual_sizes(768), guidance_scale=10.0),
    # SDXL burns colours at the 7.5 of its elders; its published pipelines begin with 5.
    ModelFamily.SDXL: FamilyPresets(badge="SDXL", group=_XL, sizes=XL_SIZES, guidance_scale=6.0),
    ModelFamily.SDXL_INPAINTING: FamilyPresets(badge="SDXL inpaint", group=_XL, sizes=XL_SIZES, guidance_scale=6.0),
    ModelFamily.SDXL_REFINER: FamilyPresets(
        badge="SDXL refiner", group=_XL, sizes=XL_SIZES, guidance_scale=6.0, tool=True
    ),
}
"""A test holds it complete."""


def group_of(family: ModelFamily | None) -> str:
    """ "" where the family is not known."""
    return FAMILY_PRESETS[family].group if family is not None else ""


def negative_counts(guidance_scale: float) -> bool:
    """Whether a negative prompt changes anything: up to 1 the network is not asked about it at all."""
    return guidance_scale > 1.0

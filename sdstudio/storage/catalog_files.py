"""A checkpoint in one file as an entry of the catalog: its name, its badge, and settings that suit its family."""

from __future__ import annotations

from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.model_file import ModelFamily, ModelFile
from sdstudio.domain.models import ModelInfo, ModelPresets
from sdstudio.domain.request import ModelSpec


def entry_of(found: ModelFile, digest: str) -> ModelInfo:
    """For a file that is `loadable`. It is called as its file is, which is the name that pictures of other programs
    give; `digest` is the short hash, "" while it is not known."""
    assert found.family is not None
    return ModelInfo(
        spec=ModelSpec(
            name=found.name,
            path=found.path,
            hash=digest,
            family=found.family.value,
            prediction=found.prediction.value,
            zero_snr=found.zero_snr,
        ),
        badge=FAMILY_PRESETS[found.family].badge,
        family=found.family,
        presets=presets_of(found.family),
    )


def presets_of(family: ModelFamily) -> ModelPresets:
    """What a model without a card of its own begins with."""
    usual = FAMILY_PRESETS[family]
    return ModelPresets(guidance_scale=usual.guidance_scale, size=usual.size, sizes=usual.sizes)

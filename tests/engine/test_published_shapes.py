"""The configurations in the box against the published files: every name and shape, without any weights."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sdstudio.domain.model_file import ModelFamily
from sdstudio.engine.layouts import CONFIGS, LAYOUTS
from sdstudio.engine.libraries import (
    AutoencoderKL,
    CLIPTextModel,
    UNet2DConditionModel,
    empty_network,
    empty_text_encoder,
    renamed,
    renamed_text,
)
from tests.helpers import model_families
from tests.helpers.model_shapes import Shapes
from tests.helpers.one_file import RESOURCES

PUBLISHED: dict[ModelFamily, Callable[[], Shapes]] = {
    ModelFamily.SD1: model_families.sd1,
    ModelFamily.SD1_INPAINTING: lambda: model_families.sd1(9),
    ModelFamily.SD2_BASE: model_families.sd2,
    ModelFamily.SD2_V: model_families.sd2,
    ModelFamily.SD2_INPAINTING: lambda: model_families.sd2(9),
    ModelFamily.SD2_DEPTH: lambda: model_families.sd2(5),
    ModelFamily.UNCLIP_L: lambda: model_families.unclip("L"),
    ModelFamily.UNCLIP_H: lambda: model_families.unclip("H"),
    ModelFamily.X4_UPSCALER: model_families.x4,
    ModelFamily.PIX2PIX: lambda: model_families.sd1(8),
}


def shapes_of(network: torch.nn.Module) -> Shapes:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


@pytest.mark.parametrize("family", PUBLISHED, ids=lambda family: family.name)
def test_each_network_has_the_published_shapes(family: ModelFamily) -> None:
    described = RESOURCES / CONFIGS / LAYOUTS[family].folder
    with torch.device("meta"):
        entries = {name: torch.empty(shape) for name, shape in PUBLISHED[family]().items()}
    for kind, part in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae")):
        network, config = empty_network(kind, described, part)
        found = renamed(kind, network, config, dict(entries))
        assert {name: tuple(value.shape) for name, value in found.items()} == shapes_of(network), part
    encoder = empty_text_encoder(CLIPTextModel, described, "text_encoder")
    found = renamed_text(encoder, dict(entries))
    wanted = shapes_of(encoder)
    assert {name: tuple(found[name].shape) for name in wanted} == wanted

"""A LoRA acts on every family that can be loaded, and of weight 0 it is not there; inpainting networks take those of
their siblings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.edits import InpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import EngineEvent, ImageReady
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.layouts import LAYOUTS
from sdstudio.engine.load import read_model
from sdstudio.engine.lora.file import read_lora
from sdstudio.engine.lora.layers import layers_of as model_layers
from sdstudio.engine.lora.wear import plan_loras, worn
from sdstudio.engine.model import LoadedModel
from tests.helpers.lora_files import Layer, write_lora_of
from tests.helpers.one_file import OneFile, make_one_file
from tests.helpers.tiny_models import ImagesInMemory, make_request, make_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:In CPU autocast")

ENCODERS = (("text_encoder", CLIPTextModel), ("text_encoder_2", CLIPTextModelWithProjection))


def networks_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"unet": UNet2DConditionModel.from_pretrained(folder / "unet")}
    there = [(part, kind) for part, kind in ENCODERS if (folder / part).is_dir()]
    xl = any(part == "text_encoder_2" for part, _ in there)
    for part, kind in there:
        name = ("te2" if part.endswith("2") else "te1") if xl else "te"
        found[name] = kind.from_pretrained(folder / part)
    return found


def a_picture(side: int = 64) -> ImageBuffer:
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float32) / side
    return ImageBuffer.from_rgb((np.stack([rows, columns, 1 - rows * columns], axis=2) * 255).astype(np.uint8))


def request_for(one: OneFile, images: ImagesInMemory) -> GenerationRequest:
    """A picture to begin with for all: some families make nothing without one."""
    request = make_request(one.path, steps=1, size=Size(64, 64), image=images.add(a_picture()), strength=1.0)
    return replace(request, model=one.spec)


def pixels(engine: TorchEngine, request: GenerationRequest) -> Pixels:
    events: list[EngineEvent] = []
    engine.run("job", request, events.append, CancelToken())
    pictures = [event.image for event in events if isinstance(event, ImageReady)]
    assert len(pictures) == 1, events[-1]
    return pictures[0].rgb


@pytest.mark.parametrize("family", LAYOUTS)
def test_a_lora_acts_on_the_family(family: ModelFamily, tmp_path: Path, images: ImagesInMemory) -> None:
    one = make_one_file(tmp_path / "made", family)
    networks = networks_of(one.folder)
    names = "original" if "te2" in networks else "kohya"
    path = tmp_path / "x.safetensors"
    made = write_lora_of(path, networks, names=names)
    engine = TorchEngine(images=images, upscaler=tmp_path / "none", resources=one.resources, threads=1)
    request = request_for(one, images)
    use = LoraUse(name="x", path=str(path))
    base = pixels(engine, request)
    assert not np.array_equal(pixels(engine, replace(request, loras=(use,))), base)
    assert np.array_equal(pixels(engine, replace(request, loras=(replace(use, weight=0.0),))), base)
    assert np.array_equal(pixels(engine, request), base)
    model = engine._models.get(request.model)
    plan = plan_loras([(use, read_lora(path, "x", torch.float32))], model)
    assert len(plan) == len(made.changes)
    touched = {id(module) for module in plan}
    for network in (model.unet, *model.conditioner.encoders):
        assert any(id(module) in touched for module in network.modules())
    engine.close()


# -- the first layer of inpainting networks reads more channels --------------------------------------------------------


@pytest.fixture(scope="module")
def inpainting(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = make_tiny_model(tmp_path_factory.mktemp("nine"), channels=9)
    return read_model(ModelSpec(name="Tiny", path=str(folder)), choose_device(1))


def first_layer(layer: Layer) -> bool:
    return layer.path == "conv_in"


@pytest.mark.parametrize("kind", ["LoRA", "full difference"])
def test_a_lora_of_four_channels_acts_on_nine(
    kind: str, inpainting: LoadedModel, tiny_model: Path, tmp_path: Path
) -> None:
    networks = {"unet": UNet2DConditionModel.from_pretrained(tiny_model / "unet")}
    made = write_lora_of(tmp_path / "x.safetensors", networks, kind=kind, wanted=first_layer)
    ((_, change),) = made.changes.items()
    assert change.shape[1] == 4
    file = read_lora(made.path, "x", torch.float32)
    layer = model_layers(inpainting)["unet"]["conv_in"].module
    x = torch.randn(2, 9, 6, 6, generator=torch.Generator().manual_seed(1))
    bias = made.bias_changes.get(("unet", "conv_in"), torch.zeros(len(change), dtype=torch.float64))
    gained = torch.nn.functional.conv2d(x[:, :4].double(), change, bias, padding=1)
    with torch.inference_mode():
        base = layer(x).double()
        with worn(plan_loras([(LoraUse(name="x", path="x"), file)], inpainting)):
            assert torch.allclose(layer(x).double(), base + gained, atol=1e-4)


def test_a_lora_acts_behind_a_mask_and_nothing_else_changes(
    engine: TorchEngine, images: ImagesInMemory, tiny_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "x.safetensors"
    write_lora_of(path, networks_of(tiny_model))
    mask = np.zeros((64, 64, 3), np.uint8)
    mask[:, 32:] = 255
    inpaint = InpaintSpec(mask=images.add(ImageBuffer.from_rgb(mask)))
    request = make_request(tiny_model, image=images.add(a_picture()), inpaint=inpaint, strength=1.0)

    def made(**more: Any) -> Pixels:
        return pixels(engine, replace(request, **more))

    base = made()
    use = LoraUse(name="x", path=str(path))
    assert not np.array_equal(made(loras=(use,)), base)
    assert np.array_equal(made(loras=(replace(use, weight=0.0),)), base)
    assert np.array_equal(made(), base)

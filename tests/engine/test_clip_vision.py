"""CLIP's picture encoder out of one-file checkpoints, key by key, and the pixels that it is shown."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.clip_vision import to_transformers
from sdstudio.engine.picture_embedding import clip_values
from tests.helpers.model_shapes import open_clip_visual
from tests.helpers.unclip_parts import SHIPPED, original_vision, tiny_vision, vision_config

KINDS = {"unclip-l": (1024, 24, 768), "unclip-h": (1280, 32, 1024)}
"""Width, layers and embedding of the published encoders, OpenAI's ViT-L/14 and open_clip's ViT-H/14."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_comes_back_as_it_was(kind: str) -> None:
    network = tiny_vision(kind)
    own = network.state_dict()
    back = to_transformers(original_vision(own, network.config.num_hidden_layers))
    assert back.keys() == own.keys()
    for name, value in own.items():
        assert torch.equal(back[name], value) and back[name].is_contiguous(), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_names_and_shapes_fill_the_real_network_and_none_is_left_over(kind: str) -> None:
    width, layers, out = KINDS[kind]
    with torch.device("meta"):
        network = CLIPVisionModelWithProjection(vision_config(kind))
        published = {
            name.removeprefix("visual."): torch.empty(shape)
            for name, shape in open_clip_visual(width, layers, out).items()
        }
        back = to_transformers(published)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert {name: tuple(value.shape) for name, value in back.items()} == expected
    # Each weight came from exactly one: as many numbers as there were.
    assert sum(value.numel() for value in back.values()) == sum(value.numel() for value in published.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_encoder_is_the_one_that_is_described(kind: str) -> None:
    """Numbers of parameters of ViT-L/14 and ViT-H/14 without their text halves."""
    with torch.device("meta"):
        network = CLIPVisionModelWithProjection(vision_config(kind))
    count = sum(value.numel() for value in network.parameters())
    assert count == {"unclip-l": 303_966_208, "unclip-h": 632_076_800}[kind]
    assert network.config.hidden_act == {"unclip-l": "quick_gelu", "unclip-h": "gelu"}[kind]


class Block(nn.Module):
    def __init__(self, width: int, heads: int, act: nn.Module) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential()
        for name, layer in (
            ("c_fc", nn.Linear(width, 2 * width)),
            ("act", act),
            ("c_proj", nn.Linear(2 * width, width)),
        ):
            self.mlp.add_module(name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = self.ln_1(x)
        x = x + self.attn(seen, seen, seen, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class QuickGelu(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


class Visual(nn.Module):
    """The network as its papers describe it (Dosovitskiy et al. 2021; Radford et al. 2021, with a norm in front), by
    the names that OpenAI gave its parts: torch's own attention reads queries, keys and values in one."""

    def __init__(self, width: int, heads: int, layers: int, out: int, act: type[nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 14, 14, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(257, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.Sequential(*(Block(width, heads, act()) for _ in range(layers)))
        self.proj = nn.Parameter(torch.empty(width, out))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        patches = self.conv1(pixels).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(pixels), 1, -1)
        x = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        return self.ln_post(self.transformer.resblocks(x)[:, 0]) @ self.proj


@pytest.mark.parametrize("kind", KINDS)
def test_the_converted_encoder_is_the_original_network(kind: str) -> None:
    """Told from a network written down anew, under the original names: no weight has changed places."""
    network = tiny_vision(kind)
    config = network.config
    state = original_vision(network.state_dict(), config.num_hidden_layers)
    act = {"quick_gelu": QuickGelu, "gelu": nn.GELU}[config.hidden_act]
    original = Visual(
        config.hidden_size, config.num_attention_heads, config.num_hidden_layers, config.projection_dim, act
    )
    original.load_state_dict(state)
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = original.eval()(pixels)
        network.load_state_dict(to_transformers(state))
        seen = network(pixels).image_embeds
    assert expected.std() > 0.05
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["transformer.resblocks.0.ls_1.gamma", "head.weight", "transformer.resblocks.x"])
def test_a_weight_of_another_network_is_refused(name: str) -> None:
    with pytest.raises(KeyError):
        to_transformers({name: torch.zeros(2)})


def test_each_layout_tells_its_precise_noise_and_encoder() -> None:
    for kind, (width, layers, out) in KINDS.items():
        config = vision_config(kind)
        assert (config.hidden_size, config.num_hidden_layers, config.projection_dim) == (width, layers, out)
        assert (SHIPPED / kind / "image_noising_scheduler" / "scheduler_config.json").is_file()


# -- what the encoder is shown ----------------------------------------------------------------------------------------


def a_picture(width: int, height: int, channels: int = 3) -> ImageBuffer:
    noise = np.random.default_rng(width * height).integers(0, 256, (height, width, 4), np.uint8)
    if channels == 3:
        noise[..., 3] = 255
    return ImageBuffer(noise)


@pytest.mark.parametrize("size", [(64, 64), (224, 224), (300, 200), (201, 333), (97, 900), (768, 768), (17, 16)])
def test_the_pixels_are_those_of_clips_own_processor(size: tuple[int, int]) -> None:
    image = a_picture(*size)
    expected = CLIPImageProcessorPil()(images=Image.fromarray(image.rgb), return_tensors="pt").pixel_values
    assert torch.equal(clip_values(image, 224), expected)


def test_what_is_transparent_is_white() -> None:
    clear = ImageBuffer(np.zeros((40, 40, 4), np.uint8))
    white = ImageBuffer.from_rgb(np.full((40, 40, 3), 255, np.uint8))
    assert torch.equal(clip_values(clear, 224), clip_values(white, 224))


@pytest.mark.parametrize("size", [(4000, 2), (1, 4000)])
def test_a_line_of_pixels_does_not_fill_the_memory(size: tuple[int, int]) -> None:
    assert clip_values(a_picture(*size), 224).shape == (1, 3, 224, 224)

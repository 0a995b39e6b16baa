"""What pictures need, counted on networks of the real shapes on a device that has no memory, only a count of it."""

from __future__ import annotations

from typing import Any

import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch

from sdstudio.domain.geometry import Size
from sdstudio.engine.libraries import AutoencoderKL, CLIPTextModel, UNet2DConditionModel, empty_text_encoder
from sdstudio.engine.memory.keeper import use_tiles
from sdstudio.engine.memory.plan import (
    CUDA_RESERVE,
    DECODE_BYTES,
    STEP_BYTES,
    TILE_SIDE,
    PartBytes,
    Place,
    Room,
    choose,
)
from tests.helpers.counted_device import AsOnCards, CountedMemory
from tests.helpers.one_file import RESOURCES

DESCRIBED = RESOURCES / "checkpoints" / "sd1"
CARD = 4 * 2**30
ELSEWHERE = 600 * 2**20
"""CUDA's own and a desktop's share of a card of 4 GB: some 0.25 and 0.35 GB."""


def network(kind: Any, part: str) -> Any:
    with torch.device("meta"):
        return kind.from_config(kind.load_config(str(DESCRIBED), subfolder=part)).half().eval()


@pytest.fixture(scope="module")
def unet() -> Any:
    return network(UNet2DConditionModel, "unet")


@pytest.fixture(scope="module")
def vae() -> Any:
    return network(AutoencoderKL, "vae")


def weights(one: Any) -> int:
    return sum(2 * parameter.numel() for parameter in one.parameters())


def step(unet: Any, side: int, memory: CountedMemory) -> None:
    """A guided one."""
    latents = torch.empty(2, 4, side // 8, side // 8, dtype=torch.float16, device="meta")
    words = torch.empty(2, 77, 768, dtype=torch.float16, device="meta")
    with torch.inference_mode(), AsOnCards(), memory:
        unet(latents, torch.tensor(500.0, device="meta"), encoder_hidden_states=words, return_dict=False)


def decode(vae: Any, side: int, memory: CountedMemory) -> None:
    latents = torch.empty(1, 4, side // 8, side // 8, dtype=torch.float16, device="meta")
    with torch.inference_mode(), AsOnCards(), memory:
        vae.decode(latents, return_dict=False)


def test_the_planners_figures_are_those_of_the_networks(unet: Any, vae: Any) -> None:
    stepped, decoded = CountedMemory(), CountedMemory()
    step(unet, 512, stepped)
    decode(vae, 512, decoded)
    for counted, figure in ((stepped.peak, STEP_BYTES), (decoded.peak, DECODE_BYTES)):
        assert counted <= figure * 512 * 512 <= 1.5 * counted


def test_what_tiles_need_does_not_grow_with_the_picture(vae: Any) -> None:
    tiled = network(AutoencoderKL, "vae")
    use_tiles(tiled)
    small, large = CountedMemory(), CountedMemory()
    decode(tiled, 512, small)
    decode(tiled, 768, large)
    assert large.peak < 1.2 * small.peak
    assert large.peak <= DECODE_BYTES * 2 * TILE_SIDE**2 + 24 * 768**2


def test_a_card_of_4_gb_makes_512_pixels_with_stable_diffusion_15(unet: Any, vae: Any) -> None:
    """By the plan that the planner chooses for it, every tensor counted; the card refuses what is too much."""
    text = empty_text_encoder(CLIPTextModel, DESCRIBED, "text_encoder")
    parts = PartBytes(text=weights(text), unet=weights(unet), vae=weights(vae))
    assert (round(parts.unet / 1e9, 2), round(parts.vae / 1e9, 2)) == (1.72, 0.17)
    room = Room(CARD - ELSEWHERE, cuda=True, value_bytes=2)
    plan = choose(parts, Size(512, 512), room)
    assert plan.place is Place.WHOLE and not plan.tiled
    limit = room.free - CUDA_RESERVE
    step(unet, 512, CountedMemory(limit, already=parts.all))
    decode(vae, 512, CountedMemory(limit, already=parts.all))


def test_a_busy_card_of_4_gb_makes_it_part_by_part(unet: Any, vae: Any) -> None:
    text = empty_text_encoder(CLIPTextModel, DESCRIBED, "text_encoder")
    parts = PartBytes(text=weights(text), unet=weights(unet), vae=weights(vae))
    room = Room(int(2.6 * 2**30), cuda=True, value_bytes=2)
    assert choose(parts, Size(512, 512), room).place is Place.PARTS
    limit = room.free - CUDA_RESERVE
    with pytest.raises(torch.cuda.OutOfMemoryError):
        decode(vae, 512, CountedMemory(limit, already=parts.all))
    step(unet, 512, CountedMemory(limit, already=parts.unet))
    decode(vae, 512, CountedMemory(limit, already=parts.vae))

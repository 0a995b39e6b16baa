"""What pictures need, counted on networks of the real shapes on a device that has no memory, only a count of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch

from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.geometry import Size
from sdstudio.engine.devices import Device
from sdstudio.engine.libraries import AutoencoderKL, CLIPTextModel, UNet2DConditionModel, empty_text_encoder
from sdstudio.engine.memory.keeper import ModelMemory, use_tiles
from sdstudio.engine.memory.plan import (
    CUDA_RESERVE,
    DECODE_BYTES,
    STEP_BYTES,
    TILE_SIDE,
    UPSCALER_STEP_BYTES,
    PartBytes,
    Place,
    Plan,
    Room,
    choose,
    needed,
)
from tests.helpers.counted_device import AsOnCards, CountedMemory
from tests.helpers.one_file import RESOURCES

DESCRIBED = RESOURCES / "checkpoints" / "sd1"
CARD = 4 * 2**30
ELSEWHERE = 600 * 2**20
"""CUDA's own and a desktop's share of a card of 4 GB: some 0.25 and 0.35 GB."""


def network(kind: Any, part: str, described: Path = DESCRIBED) -> Any:
    with torch.device("meta"):
        return kind.from_config(kind.load_config(str(described), subfolder=part)).half().eval()


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


@pytest.mark.parametrize("side", [512, 2048])
def test_the_planners_figures_are_those_of_the_upscaler(side: int) -> None:
    """From 128 to 512 pixels and from 512 to 2048: its latents are a quarter of the sides, and its network looks at as
    many of them as another model's at four times as many pixels."""
    described = RESOURCES / "checkpoints" / "x4-upscaler"
    unet, vae = network(UNet2DConditionModel, "unet", described), network(AutoencoderKL, "vae", described)
    device = Device(torch.device("meta"), torch.float16, EngineInfo(device="Counted", device_kind="cpu", threads=1))
    parts = ModelMemory(device, unet=unet, vae=vae).part_bytes
    assert (parts.step, parts.decode) == (UPSCALER_STEP_BYTES, DECODE_BYTES)
    stepped, decoded = CountedMemory(), CountedMemory()
    small = side // 4
    shown = torch.empty(2, 7, small, small, dtype=torch.float16, device="meta")
    words = torch.empty(2, 77, 1024, dtype=torch.float16, device="meta")
    labels = torch.empty(2, dtype=torch.long, device="meta")
    with torch.inference_mode(), AsOnCards(), stepped:
        time = torch.tensor(500.0, device="meta")
        unet(shown, time, encoder_hidden_states=words, class_labels=labels, return_dict=False)
    with torch.inference_mode(), AsOnCards(), decoded:
        vae.decode(torch.empty(1, 4, small, small, dtype=torch.float16, device="meta"), return_dict=False)
    for counted, figure in ((stepped.peak, parts.step), (decoded.peak, parts.decode)):
        assert counted <= figure * side**2 <= 1.5 * counted
    room = Room(16 * 2**30, cuda=True, value_bytes=2)
    # What is counted beside the weights is what the plan expects at least, and not much less.
    for plan in (Plan(), Plan(Place.PARTS)):
        at_once = max(parts.unet + stepped.peak, parts.vae + decoded.peak)
        real = parts.all + max(stepped.peak, decoded.peak) if plan.place is Place.WHOLE else at_once
        assert real <= needed(plan, parts, Size(side, side), room) - CUDA_RESERVE <= 1.5 * real


def test_a_decoder_in_single_precision_needs_twice_as_much(unet: Any, vae: Any) -> None:
    """SDXL's published one beside a network in half: it would overflow."""
    device = Device(torch.device("meta"), torch.float16, EngineInfo(device="Counted", device_kind="cpu", threads=1))
    single = network(AutoencoderKL, "vae").float()
    assert ModelMemory(device, unet=unet, vae=single).part_bytes.decode == 2 * DECODE_BYTES
    counted = CountedMemory()
    with torch.inference_mode(), AsOnCards(), counted:
        single.decode(torch.empty(1, 4, 64, 64, device="meta"), return_dict=False)
    assert counted.peak <= 2 * DECODE_BYTES * 512**2 <= 1.5 * counted.peak


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

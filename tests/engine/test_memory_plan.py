"""Where a model's weights are kept, by what is free: plain arithmetic."""

from __future__ import annotations

import pytest

from sdstudio.domain.geometry import Size
from sdstudio.engine.memory.plan import (
    CPU_LADDER,
    CUDA_LADDER,
    ROUNDED_LADDER,
    PartBytes,
    Place,
    Plan,
    Room,
    choose,
    needed,
    size_that_fits,
)

GB = 2**30
SD15 = PartBytes(text=246_000_000, unet=1_719_000_000, vae=167_000_000)
"""In half precision."""
SDXL = PartBytes(text=1_636_000_000, unet=5_135_000_000, vae=167_000_000)


def single(parts: PartBytes) -> PartBytes:
    return PartBytes(text=2 * parts.text, unet=2 * parts.unet, vae=2 * parts.vae)


def card(free: float) -> Room:
    return Room(int(free * GB), cuda=True, value_bytes=2)


def computer(free: float, *, exact: bool = True) -> Room:
    return Room(int(free * GB), cuda=False, value_bytes=4, exact=exact)


CARDS = [
    (SD15, 512, 11.0, Plan()),
    (SD15, 512, 3.4, Plan()),  # a card of 4 GB without a window on it
    (SD15, 512, 2.7, Plan(Place.PARTS)),
    (SD15, 1024, 3.4, Plan(Place.PARTS)),
    (SD15, 1536, 3.4, Plan(Place.LAYERS, True)),
    (SD15, 512, 1.0, Plan(Place.LAYERS, True)),
    (SDXL, 1024, 23.0, Plan()),
    (SDXL, 1024, 7.4, Plan(Place.PARTS)),
    (SDXL, 1024, 3.4, Plan(Place.LAYERS, True)),
]


@pytest.mark.parametrize(("parts", "side", "free", "plan"), CARDS)
def test_a_graphics_card_gets_the_fastest_plan_that_fits(parts: PartBytes, side: int, free: float, plan: Plan) -> None:
    assert choose(parts, Size(side, side), card(free)) == plan


@pytest.mark.parametrize(
    ("free", "plan"), [(12.0, Plan()), (6.5, Plan()), (5.0, Plan(Place.LAYERS)), (3.5, Plan(Place.LAYERS, True))]
)
def test_a_computer_of_8_gb_keeps_the_weights_in_16_bits(free: float, plan: Plan) -> None:
    assert choose(single(SD15), Size(512, 512), computer(free)) == plan


def test_weights_that_16_bits_do_not_hold_are_kept_whole_as_long_as_tiles_help() -> None:
    parts, size = single(SD15), Size(768, 768)
    assert choose(parts, size, computer(6.5)).place is Place.LAYERS
    assert choose(parts, size, computer(6.5, exact=False)) == Plan(tiled=True)


@pytest.mark.parametrize("room", [card(0), computer(0), computer(0, exact=False)], ids=["cuda", "cpu", "rounded"])
@pytest.mark.parametrize("side", [512, 1024])
def test_each_plan_needs_less_than_the_one_before(room: Room, side: int) -> None:
    parts = SD15 if room.cuda else single(SD15)
    sizes = [needed(plan, parts, Size(side, side), room) for plan in room.ladder]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < sizes[0]


def test_nothing_fits_is_the_last_plan() -> None:
    size = Size(4096, 4096)
    assert choose(SDXL, size, card(0.1)) == CUDA_LADDER[-1]
    assert choose(SDXL, size, computer(0.1)) == CPU_LADDER[-1]
    assert choose(SDXL, size, computer(0.1, exact=False)) == ROUNDED_LADDER[-1]


def test_the_size_that_fits_is_smaller_and_of_the_same_shape() -> None:
    found = size_that_fits(SD15, Size(2048, 1024), card(3.4))
    assert found is not None
    assert 4 * found.width * found.height <= 3 * 2048 * 1024
    assert found.width % 64 == found.height % 64 == 0
    assert abs(found.width / found.height - 2) < 0.3
    assert needed(CUDA_LADDER[-1], SD15, found, card(3.4)) <= 3.4 * GB


def test_where_nothing_fits_no_size_is_named() -> None:
    assert size_that_fits(SD15, Size(512, 512), card(0.2)) is None

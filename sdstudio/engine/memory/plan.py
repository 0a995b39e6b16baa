"""Where a model's weights are kept while it works: plain arithmetic over what is free, what the parts take, and what
pictures of a size need.

The figures for pictures were counted on the networks of Stable Diffusion 1.5, every tensor that lives at the same time,
attention without its matrix (tests/engine/test_memory_account.py counts them again).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sdstudio.domain.geometry import SIDE_MIN, Size

STEP_BYTES = 650
"""Of each picture pixel in a guided step in half precision: 520 counted (130 MB at 512 x 512), and a quarter more for
what lies between tensors."""
DECODE_BYTES = 1920
"""Of each picture pixel when latents are decoded whole, in half precision: 1536 counted (384 MB at 512 x 512), and a
quarter. Encoding takes less: 1280."""
UPSCALER_STEP_BYTES = 1225
"""The same as STEP_BYTES of the x4 upscaler, whose latents are a quarter of the picture's sides and not an eighth: 980
counted (245 MB at 512 x 512, 3.9 GB at 2048 x 2048), and a quarter."""
TILE_SIDE = 256
"""Of the tiles that large pictures are decoded in, in pixels."""
CUDA_RESERVE = 450 * 2**20
"""What CUDA's libraries take for their own work on top."""
CPU_RESERVE = 900 * 2**20
"""Free memory that other programs and the window keep, and what convolutions set aside for their work."""
LAYER_BYTES = 120 * 2**20
"""The two largest layers of half precision at a time: one in use, one on its way."""
_GRID = 64


class Place(StrEnum):
    """WHOLE: all parts where they are computed. PARTS: one part at a time, the others in the computer's memory.
    LAYERS: one layer at a time; on a CPU the weights stay in 16 bits and are made single for their layer."""

    WHOLE = "whole"
    PARTS = "parts"
    LAYERS = "layers"


@dataclass(frozen=True, slots=True)
class Plan:
    """`tiled`: large pictures are decoded and encoded in tiles."""

    place: Place = Place.WHOLE
    tiled: bool = False


CUDA_LADDER = (Plan(), Plan(Place.PARTS), Plan(Place.PARTS, True), Plan(Place.LAYERS, True))
CPU_LADDER = (Plan(), Plan(Place.LAYERS), Plan(Place.LAYERS, True))
ROUNDED_LADDER = (Plan(), Plan(tiled=True), Plan(Place.LAYERS, True))
"""From the fastest to the smallest; what leaves the picture's bits as they are comes first. Tiles do not; nor do 16
bits on a CPU of weights that had more."""


@dataclass(frozen=True, slots=True)
class PartBytes:
    """Weights in the precision that the device computes in; `step` and `decode`: what a picture needs beside them, of
    each of its pixels, in half precision."""

    text: int
    unet: int
    vae: int
    other: int = 0
    step: int = STEP_BYTES
    decode: int = DECODE_BYTES

    def __add__(self, more: PartBytes) -> PartBytes:
        """Both on the device at once, working one after the other."""
        return PartBytes(
            text=self.text + more.text,
            unet=self.unet + more.unet,
            vae=self.vae + more.vae,
            other=self.other + more.other,
            step=max(self.step, more.step),
            decode=max(self.decode, more.decode),
        )

    @property
    def all(self) -> int:
        return self.text + self.unet + self.vae + self.other

    @property
    def largest(self) -> int:
        return max(self.text, self.unet, self.vae, self.other)


@dataclass(frozen=True, slots=True)
class Room:
    """`free`: bytes that the model may take, weights that are there already included. `value_bytes`: of one number,
    2 in half precision and 4 in single; `exact`: 16 bits hold the weights as they are."""

    free: int
    cuda: bool
    value_bytes: int
    exact: bool = True

    @property
    def ladder(self) -> tuple[Plan, ...]:
        if self.cuda:
            return CUDA_LADDER
        return CPU_LADDER if self.exact else ROUNDED_LADDER


def needed(plan: Plan, parts: PartBytes, size: Size, room: Room) -> int:
    """Bytes at the worst moment of a picture."""
    pixels, wide = size.width * size.height, room.value_bytes / 2
    decoded = min(pixels, 2 * TILE_SIDE * TILE_SIDE) if plan.tiled else pixels
    # The decoded tiles are kept until the picture is put together: three colours in single precision, twice.
    step, decode = parts.step * pixels * wide, parts.decode * decoded * wide + (24 * pixels if plan.tiled else 0)
    reserve = CUDA_RESERVE if room.cuda else CPU_RESERVE
    match plan.place:
        case Place.WHOLE:
            return int(parts.all + max(step, decode)) + reserve
        case Place.PARTS:
            return int(max(parts.unet + step, parts.vae + decode, parts.text, parts.other)) + reserve
        case Place.LAYERS:
            kept = LAYER_BYTES if room.cuda else parts.all // 2 + LAYER_BYTES
            return int(kept + max(step, decode)) + reserve


def choose(parts: PartBytes, size: Size, room: Room) -> Plan:
    """The first of the ladder that fits, its last where none does."""
    fits = (plan for plan in room.ladder if needed(plan, parts, size, room) <= room.free)
    return next(fits, room.ladder[-1])


def size_that_fits(parts: PartBytes, size: Size, room: Room) -> Size | None:
    """The largest size of the same shape, in steps of 64 pixels, that should fit with the last plan. What
    has just failed counts more than the arithmetic: at most three quarters of its pixels. None where nothing fits."""
    for width in range(size.width - size.width % _GRID, SIDE_MIN - 1, -_GRID):
        height = max(SIDE_MIN, round(size.height * width / size.width / _GRID) * _GRID)
        smaller = Size(width, height)
        few = 4 * width * height <= 3 * size.width * size.height
        if few and needed(room.ladder[-1], parts, smaller, room) <= room.free:
            return smaller
    return None

"""What the data program draws itself: grounds, scenes, and the recolouring of things."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from vocabulary import HUES, RGB

HUE_WIDTH = 42
"""Hues less than this many degrees from a thing's main hue turn with it."""


def jitter(rng: random.Random, colour: RGB, amount: int = 14) -> RGB:
    """The colour, each channel moved by at most `amount`."""
    red, green, blue = (max(0, min(255, value + rng.randint(-amount, amount))) for value in colour)
    return red, green, blue


def vertical_gradient(side: int, top: RGB, bottom: RGB) -> Image.Image:
    """A square from `top` to `bottom`."""
    mix = np.linspace(0, 1, side)[:, None, None]
    rows = np.array(top) * (1 - mix) + np.array(bottom) * mix
    return Image.fromarray(np.broadcast_to(rows, (side, side, 3)).astype(np.uint8).copy())


def _draw_disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: RGB) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _draw_cloud(rng: random.Random, draw: ImageDraw.ImageDraw, x: float, y: float, width: float, colour: RGB) -> None:
    for part in range(5):
        radius = width * (0.22 + 0.16 * rng.random())
        centre = x + (part - 2) * width * 0.2
        draw.ellipse((centre - radius, y - radius * 0.8, centre + radius, y + radius * 0.7), fill=colour)


def draw_scene(rng: random.Random, name: str, side: int) -> tuple[Image.Image, float]:
    """A scene of `side` pixels, drawn at twice the size, and where its ground begins (fraction of the height)."""
    big = side * 2
    ground = int(big * rng.uniform(0.6, 0.7))
    picture = vertical_gradient(big, jitter(rng, (90, 170, 240), 10), jitter(rng, (214, 238, 252), 10))
    draw = ImageDraw.Draw(picture)
    if name in ("grass", "sea"):
        for _ in range(rng.randint(0, 2)):
            x, y, width = rng.random() * big, rng.uniform(0.06, 0.3) * big, big * rng.uniform(0.15, 0.3)
            _draw_cloud(rng, draw, x, y, width, (250, 252, 255))
    if name == "grass":
        _paste_ground(rng, picture, (120, 200, 80), (60, 140, 50), ground)
    elif name == "night":
        picture = _draw_night(rng, big)
    elif name == "snow":
        picture = _draw_snow(rng, big, ground)
    elif name == "sea":
        ground = _draw_sea(rng, picture, draw)
    return picture.resize((side, side), Image.Resampling.BOX), ground / big


def _paste_ground(rng: random.Random, picture: Image.Image, top: RGB, bottom: RGB, height: int) -> None:
    side = picture.width
    ground = vertical_gradient(side, jitter(rng, top, 10), jitter(rng, bottom, 10))
    picture.paste(ground.resize((side, side - height)), (0, height))


def _draw_night(rng: random.Random, side: int) -> Image.Image:
    picture = vertical_gradient(side, jitter(rng, (8, 10, 34), 6), jitter(rng, (30, 36, 96), 8))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.randint(25, 60)):
        x, y = rng.random() * side, rng.random() * side
        radius = rng.choice([1.5, 2, 3])
        light = rng.randint(180, 255)
        _draw_disc(draw, x, y, radius, (light, light, rng.randint(200, 255)))
    return picture


def _draw_snow(rng: random.Random, side: int, ground: int) -> Image.Image:
    picture = vertical_gradient(side, jitter(rng, (150, 180, 214), 10), jitter(rng, (226, 236, 246), 10))
    draw = ImageDraw.Draw(picture)
    _paste_ground(rng, picture, (246, 250, 255), (214, 226, 242), ground)
    for _ in range(rng.randint(20, 40)):
        x, y = rng.random() * side, rng.random() * side
        _draw_disc(draw, x, y, rng.uniform(2.5, 4.5), (255, 255, 255))
    return picture


def _draw_sea(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> int:
    side = picture.width
    horizon = int(side * rng.uniform(0.5, 0.6))
    _paste_ground(rng, picture, (40, 130, 200), (20, 80, 160), horizon)
    for _ in range(rng.randint(6, 14)):
        x, y = rng.random() * side, rng.uniform(horizon, side)
        draw.line((x, y, x + side * 0.08, y), fill=(150, 205, 240), width=4)
    return horizon


def main_hue(picture: Image.Image) -> int:
    """The commonest strong hue of an RGBA picture, in degrees (multiples of ten, plus five)."""
    small = picture.resize((64, 64), Image.Resampling.BILINEAR)
    hsv = np.asarray(small.convert("RGB").convert("HSV")).reshape(-1, 3).astype(float)
    alpha = np.asarray(small)[..., 3].reshape(-1)
    strong = hsv[(alpha > 128) & (hsv[:, 1] > 100) & (hsv[:, 2] > 90)]
    histogram = np.histogram(strong[:, 0] * 360 / 255, 36, (0, 360))[0]
    around = np.r_[histogram[-2:], histogram, histogram[:2]]
    return int(np.convolve(around, np.ones(5), "valid").argmax()) * 10 + 5


def turn_hue(pixels: npt.NDArray[np.uint8], hue: int, target: int) -> npt.NDArray[np.uint8]:
    """H x W x 4 with the hues near `hue` turned to `target` (degrees); all else stays.

    What becomes yellow or orange is made a little lighter, what was yellow a little darker (except pink).
    """
    rgb = pixels[..., :3].astype(np.float32) / 255
    high, low = rgb.max(-1), rgb.min(-1)
    spread = high - low
    degrees = _hue_degrees(rgb, high, spread)
    saturation = np.where(high > 0, spread / np.maximum(high, 1e-6), 0)
    offset = (degrees - hue + 180) % 360 - 180
    near = (np.abs(offset) < HUE_WIDTH) & (saturation > 0.18)
    sixths = np.where(near, (target + offset * 0.45) % 360, degrees) / 60

    def channel(shift: int) -> npt.NDArray[np.float32]:
        place = (shift + sixths) % 6
        return high - high * saturation * np.clip(np.minimum(place, 4 - place), 0, 1)

    turned = np.stack([channel(5), channel(3), channel(1)], -1)
    if target in (HUES["yellow"], HUES["orange"]):
        turned = np.where(near[..., None], np.clip(turned * 1.12, 0, 1), turned)
    elif 20 < hue < 70 and target != HUES["pink"]:
        turned = np.where(near[..., None], turned * 0.86, turned)
    out = pixels.copy()
    out[..., :3] = (np.clip(turned, 0, 1) * 255).round().astype(np.uint8)
    return out


def _hue_degrees(
    rgb: npt.NDArray[np.float32], high: npt.NDArray[np.float32], spread: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    sixths = np.zeros_like(high)
    coloured = spread > 1e-5
    is_red = coloured & (high == red)
    is_green = coloured & (high == green) & (high != red)
    is_blue = coloured & (high == blue) & (high != red) & (high != green)
    sixths[is_red] = ((green - blue)[is_red] / spread[is_red]) % 6
    sixths[is_green] = (blue - red)[is_green] / spread[is_green] + 2
    sixths[is_blue] = (red - green)[is_blue] / spread[is_blue] + 4
    return sixths * 60

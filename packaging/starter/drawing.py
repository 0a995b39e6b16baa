"""What the data program paints: plain and patterned grounds, and things in other colours."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from vocabulary import RGB, Paint

HUE_WIDTH = 42
"""Hues less than this many degrees from a thing's main hue turn with it."""

HUE_SPREAD = 0.45
"""How much of the differences within the old hue are kept in the new one."""


COLOURLESS = 0.2
"""Paints with less saturation (black, gray, white) take their shading from how light a thing was."""

VIVID, BRIGHT = 0.74, 0.8
"""Mean saturation and brightness that what is painted over has at least, before the paint's own factors."""


def jitter(rng: random.Random, colour: RGB, amount: int = 14) -> RGB:
    """The colour, each channel moved by at most `amount`."""
    red, green, blue = (max(0, min(255, value + rng.randint(-amount, amount))) for value in colour)
    return red, green, blue


def vertical_gradient(side: int, top: RGB, bottom: RGB) -> Image.Image:
    """A square from `top` to `bottom`."""
    mix = np.linspace(0, 1, side)[:, None, None]
    rows = np.array(top) * (1 - mix) + np.array(bottom) * mix
    return Image.fromarray(np.broadcast_to(rows, (side, side, 3)).astype(np.uint8).copy())


def draw_pattern(rng: random.Random, kind: str, side: int, first: RGB, second: RGB) -> Image.Image:
    """Stripes, dots or checks of two colours."""
    big = side * 2
    picture = Image.new("RGB", (big, big), first)
    draw = ImageDraw.Draw(picture)
    step = big // rng.choice((6, 8, 10))
    if kind == "stripes":
        upright = rng.random() < 0.5
        for place in range(0, big, step * 2):
            box = (place, 0, place + step - 1, big) if upright else (0, place, big, place + step - 1)
            draw.rectangle(box, fill=second)
        return picture.resize((side, side), Image.Resampling.BOX)
    for row, y in enumerate(range(0, big, step)):
        for x in range(step * (row % 2), big, step * 2):
            if kind == "checks":
                draw.rectangle((x, y, x + step - 1, y + step - 1), fill=second)
            else:
                draw.ellipse((x + step * 0.2, y + step * 0.2, x + step * 0.85, y + step * 0.85), fill=second)
    return picture.resize((side, side), Image.Resampling.BOX)


def main_hue(picture: Image.Image) -> int:
    """The commonest strong hue of an RGBA picture, in degrees (multiples of ten, plus five)."""
    small = picture.resize((64, 64), Image.Resampling.BILINEAR)
    hsv = np.asarray(small.convert("RGB").convert("HSV")).reshape(-1, 3).astype(float)
    alpha = np.asarray(small)[..., 3].reshape(-1)
    strong = hsv[(alpha > 128) & (hsv[:, 1] > 100) & (hsv[:, 2] > 90)]
    histogram = np.histogram(strong[:, 0] * 360 / 255, 36, (0, 360))[0]
    around = np.r_[histogram[-2:], histogram, histogram[:2]]
    return int(np.convolve(around, np.ones(5), "valid").argmax()) * 10 + 5


def hue_share(picture: Image.Image, hue: int) -> float:
    """Which part of a thing's pixels has about this hue, 0-1."""
    small = picture.resize((64, 64), Image.Resampling.BILINEAR)
    hsv = np.asarray(small.convert("RGB").convert("HSV")).reshape(-1, 3).astype(float)
    solid = np.asarray(small)[..., 3].reshape(-1) > 128
    offset = (hsv[:, 0] * 360 / 255 - hue + 180) % 360 - 180
    near = solid & (np.abs(offset) < HUE_WIDTH) & (hsv[:, 1] > 80)
    return float(near.sum() / max(1, solid.sum()))


def turn_hue(pixels: npt.NDArray[np.uint8], hue: int, paint: Paint) -> npt.NDArray[np.uint8]:
    """H x W x 4 with the hues near `hue` (degrees) painted over; all else stays.

    What becomes yellow or orange is made a little lighter, what was yellow a little darker (except pale colours).
    """
    rgb = pixels[..., :3].astype(np.float32) / 255
    high, low = rgb.max(-1), rgb.min(-1)
    spread = high - low
    degrees = _hue_degrees(rgb, high, spread)
    saturation = np.where(high > 0, spread / np.maximum(high, 1e-6), 0)
    offset = (degrees - hue + 180) % 360 - 180
    near = (np.abs(offset) < HUE_WIDTH) & (saturation > 0.18)
    sixths = ((paint.hue + offset * HUE_SPREAD) % 360) / 60
    vivid = _lift(saturation[near], VIVID) if paint.saturation > 0.3 else 1.0
    bright = _lift(high[near], BRIGHT)
    depth = np.clip(saturation * vivid, 0, 1) * paint.saturation
    value = np.clip(high * bright * paint.value * _balance(hue, paint), 0, 1)
    if paint.saturation < COLOURLESS and near.any():
        light = rgb @ np.array([0.3, 0.59, 0.11], np.float32)
        value = np.clip(paint.value + (light - light[near].mean()) * 0.9, 0, 1)

    def channel(shift: int) -> npt.NDArray[np.float32]:
        place = (shift + sixths) % 6
        turned = value - value * depth * np.clip(np.minimum(place, 4 - place), 0, 1)
        return np.asarray(turned, np.float32)

    painted = np.stack([channel(5), channel(3), channel(1)], -1)
    out = pixels.copy()
    out[..., :3][near] = (np.clip(painted, 0, 1) * 255).round().astype(np.uint8)[near]
    return out


def _lift(values: npt.NDArray[np.float32], least: float) -> float:
    """What to multiply by, so that dull and dark things get clear colours."""
    return max(1.0, least / max(0.2, float(values.mean()))) if values.size else 1.0


def _balance(hue: int, paint: Paint) -> float:
    if 20 <= paint.hue <= 50 and paint.value >= 0.9:
        return 1.12
    return 0.86 if 20 < hue < 70 and paint.value <= 1 else 1.0


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

"""Dabs: round stamps of any size, hardness and strength at positions between pixels, kept for the next time."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sdstudio.canvas.pressure import respond
from sdstudio.canvas.tool_settings import BrushSettings
from sdstudio.domain.image import Pixels

Floats = npt.NDArray[np.float32]

PIXEL_BRUSH = 2.5
"""Pixels; smaller dabs are one or 2 x 2 whole pixels, the one under the pointer among them."""

LARGE = 64.0
"""Pixels from which on positions are rounded to half pixels (else to quarters): then a quarter makes the whole."""

SCALLOP = 0.25
"""Pixels by which the edge of a stroke may wave at full flow: a dab of diameter d every s pixels waves by s²/4d."""

SOFT = 16.0
"""Pixels over which the edge of a dab falls from which on it counts as soft."""

STEP_MIN = 0.5
"""Pixels from dab to dab at least where they add up; at full flow 1 is enough for the finest line."""

PRESSURES = 512

QUARTER_AT_ONCE, BAND = 1 << 17, 32
"""Pixels up to which a quarter of a dab is computed in one go, and rows of a band where it is larger."""


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """`pixels` belong at (left, top); 0 to 255, read-only."""

    left: int
    top: int
    pixels: Pixels


@dataclass(frozen=True, slots=True, eq=False)
class Quarter:
    """The lower right of a large stamp of that size, from its middle on: the rest is its mirror image."""

    left: int
    top: int
    width: int
    height: int
    pixels: Pixels

    def stamp(self) -> Stamp:
        """Whole, in a tenth of the time that its pixels took to compute."""
        row, column = self.height // 2, self.width // 2
        whole = np.empty((self.height, self.width), np.uint8)
        whole[row:, column:] = self.pixels
        whole[row:, :column] = self.pixels[:, ::-1][:, :column]
        whole[:row] = whole[::-1][:row]
        return Stamp(self.left, self.top, whole)


_Key = tuple[int, int, float, float, int]


class StampCache:
    """Makes stamps and keeps them, up to a number of bytes; the oldest go first. Of large ones the quarters stay
    longer: a pen's pressure makes hundreds of sizes, and comes back to them."""

    def __init__(self, budget: int = 60 << 20) -> None:
        self._budget = budget
        self._stamps: dict[_Key, Stamp] = {}
        self._quarters: dict[_Key, Quarter] = {}
        self._whole = self._quartered = 0

    @property
    def nbytes(self) -> int:
        return self._whole + self._quartered

    def dab(self, x: float, y: float, diameter: float, hardness: float, strength: int) -> tuple[int, int, Pixels]:
        """Left, top and pixels of a dab in the document; `strength` 0 to 255 is its value in the middle.
        Fastest for diameters and hardnesses that come again: see Brush."""
        if diameter < PIXEL_BRUSH:
            return _pixel_dab(x, y, 1 if diameter < 1.5 else 2, strength)
        steps = 2 if diameter >= LARGE else 4
        column, x_part = divmod(math.floor(x * steps + 0.5), steps)
        row, y_part = divmod(math.floor(y * steps + 0.5), steps)
        key = (x_part, y_part, diameter, hardness, strength)
        stamp = self._stamps.get(key)
        if stamp is None:
            stamp = self._made(key, x_part / steps, y_part / steps)
            self._stamps[key] = stamp
            self._whole += stamp.pixels.nbytes
            self._hold_budget()
        return column + stamp.left, row + stamp.top, stamp.pixels

    def _made(self, key: _Key, x: float, y: float) -> Stamp:
        _x_part, _y_part, diameter, hardness, strength = key
        if diameter < LARGE:
            return _disc(x, y, diameter, hardness, strength)
        quarter = self._quarters.get(key)
        if quarter is None:
            quarter = self._quarters[key] = _large_disc(x, y, diameter, hardness, strength)
            self._quartered += quarter.pixels.nbytes
        return quarter.stamp()

    def _hold_budget(self) -> None:
        """Whole ones take a third at most, unless it is a single one."""
        stamps, quarters = self._stamps, self._quarters
        while self._whole > self._budget // 3 and len(stamps) > 1:
            self._whole -= stamps.pop(next(iter(stamps))).pixels.nbytes
        while self.nbytes > self._budget and len(quarters) > 1:
            self._quartered -= quarters.pop(next(iter(quarters))).pixels.nbytes


class Brush:
    """A brush's settings as numbers for one dab; the pressure is rounded to 1/512, so that its tables are short."""

    def __init__(self, settings: BrushSettings) -> None:
        self.settings = settings
        self.flow = max(1, round(settings.flow * 256))
        """256 = full."""
        responses = [respond(settings.curve, step / PRESSURES) for step in range(PRESSURES + 1)]
        self._diameters = [self._diameter(response) for response in responses]
        self._strengths = [round(85 * r) * 3 if settings.opacity_by_pressure else 255 for r in responses]
        self._steps = [self._step(diameter) for diameter in self._diameters]

    def diameter(self, pressure: float) -> float:
        return self._diameters[int(pressure * PRESSURES + 0.5)]

    def strength(self, pressure: float) -> int:
        """0 to 255 in steps of 3 (for the cache), without the stroke's opacity."""
        return self._strengths[int(pressure * PRESSURES + 0.5)]

    def step(self, pressure: float) -> float:
        """Pixels to the next dab. At full flow dabs do not add up: then they lie so close that the edge of a stroke
        is smooth, and no closer."""
        return self._steps[int(pressure * PRESSURES + 0.5)]

    def _diameter(self, response: float) -> float:
        settings = self.settings
        diameter = max(settings.size * response if settings.size_by_pressure else settings.size, 1.0)
        inner, outer = _ramp(diameter / 2, settings.hardness)
        return _stepped(diameter, soft=outer - inner >= SOFT)

    def _step(self, diameter: float) -> float:
        step = self.settings.spacing * diameter
        if self.flow < 256:
            return max(step, STEP_MIN)
        inner, outer = _ramp(diameter / 2, self.settings.hardness)
        wave = max(SCALLOP, 0.05 * (outer - inner))
        return max(min(step, 2 * math.sqrt(diameter * wave)), math.sqrt(diameter * SCALLOP), 1.0)


def _ramp(radius: float, hardness: float) -> tuple[float, float]:
    """The distances at which a dab begins to fall and has fallen to 0: never less than one pixel apart."""
    inner = max(0.0, min(hardness * radius, radius - 0.5))
    return inner, inner + max((1 - hardness) * radius, 1.0)


def _stepped(diameter: float, *, soft: bool) -> float:
    """Few sizes, so that pen pressure finds its stamps in the cache: eighths of a pixel, then 1/64 to 1/128 of the
    size, from LARGE on 1/256 to 1/512 (there an edge is long, and its steps would be seen), half as fine for soft
    ones (a step is a sixteenth of the edge's width at most, up to 512 pixels)."""
    grain = 2.0 ** (math.floor(math.log2(diameter)) - ((7 if soft else 8) if diameter >= LARGE else 6))
    grain = max(grain, 0.125)
    return round(diameter / grain) * grain


def _pixel_dab(x: float, y: float, side: int, strength: int) -> tuple[int, int, Pixels]:
    pixels = _pixel_stamp(side, strength)
    if side == 1:
        return math.floor(x), math.floor(y), pixels
    return math.floor(x + 0.5) - 1, math.floor(y + 0.5) - 1, pixels


@lru_cache(maxsize=512)
def _pixel_stamp(side: int, strength: int) -> Pixels:
    return np.full((side, side), strength, np.uint8)


def _disc(x: float, y: float, diameter: float, hardness: float, strength: int) -> Stamp:
    """A disc around (x, y). Its falloff is a smoothstep, a straight line where it is no more than antialiasing."""
    left, top, columns, rows = _placed(x, y, diameter, hardness)
    return Stamp(left, top, _profile(columns, rows, diameter / 2, hardness, strength))


def _large_disc(x: float, y: float, diameter: float, hardness: float, strength: int) -> Quarter:
    """The same for positions of whole and half pixels."""
    left, top, columns, rows = _placed(x, y, diameter, hardness)
    part = _quarter(columns[len(columns) // 2 :], rows[len(rows) // 2 :], diameter / 2, hardness, strength)
    return Quarter(left, top, len(columns), len(rows), part)


def _placed(x: float, y: float, diameter: float, hardness: float) -> tuple[int, int, Floats, Floats]:
    """Left and top of a disc, and the squared distances of its columns and rows from its middle."""
    reach = _ramp(diameter / 2, hardness)[1]
    left, top = math.floor(x - reach), math.floor(y - reach)
    return left, top, _squares(x - left, reach), _squares(y - top, reach)


def _squares(centre: float, reach: float) -> Floats:
    """Squared distances of pixel centres from `centre`, along one axis."""
    count = math.ceil(centre + reach)
    return (np.arange(count, dtype=np.float32) + np.float32(0.5 - centre)) ** 2


def _quarter(columns: Floats, rows: Floats, radius: float, hardness: float, strength: int) -> Pixels:
    """From the middle on. Of a large one only the pixels that are covered in part are computed, band by band."""
    if columns.size * rows.size <= QUARTER_AT_ONCE:
        return _profile(columns, rows, radius, hardness, strength)
    inner, outer = _ramp(radius, hardness)
    quarter = np.zeros((len(rows), len(columns)), np.uint8)
    for top in range(0, len(rows), BAND):
        band = rows[top : top + BAND]
        full = max(int(np.searchsorted(columns, inner * inner - band[-1])) - 1, 0)
        end = int(np.searchsorted(columns, outer * outer - band[0])) + 1
        part = quarter[top : top + BAND]
        part[:, :full] = strength
        part[:, full:end] = _profile(columns[full:end], band, radius, hardness, strength)
    return quarter


def _profile(columns: Floats, rows: Floats, radius: float, hardness: float, strength: int) -> Pixels:
    inner, outer = _ramp(radius, hardness)
    scale = 1 / (outer - inner)
    value, spare = _scratch(len(rows), len(columns))
    square = np.float32(scale * scale)
    np.add.outer(rows * square, columns * square, out=value)
    np.sqrt(value, out=value)
    np.subtract(np.float32(outer * scale), value, out=value)
    np.clip(value, 0, 1, out=value)
    if outer - inner > 2:
        np.multiply(value, np.float32(-2 * strength), out=spare)
        spare += np.float32(3 * strength)
        value *= value
        value *= spare
    else:
        value *= np.float32(strength)
    value += np.float32(0.5)
    return value.astype(np.uint8)


_scratches = threading.local()


def _scratch(height: int, width: int) -> tuple[Floats, Floats]:
    """Two arrays of this thread, good until the next call: fresh memory would cost more than the arithmetic."""
    kept: Floats | None = getattr(_scratches, "kept", None)
    if kept is None or kept.shape[1] < height * width:
        kept = _scratches.kept = np.empty((2, height * width), np.float32)
    first, second = kept[:, : height * width].reshape(2, height, width)
    return first, second

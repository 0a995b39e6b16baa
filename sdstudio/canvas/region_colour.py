"""Colours of what was made matched to the picture's, by what both show where nothing was to change.

On the ring around what is masked every difference is an error: the model's shift of tones and the autoencoder's own
round trip. A gain and an offset a channel take the first out, a smooth field what is left of it in low frequencies;
both are fitted on means of 8 x 8 pixels, so that texture that is lost or made up does not count, and without outliers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sdstudio.canvas import mask_ops
from sdstudio.canvas.blend import OPAQUE
from sdstudio.canvas.region_cut import Cut
from sdstudio.canvas.region_filters import enlarged, halved, weighted_blur
from sdstudio.canvas.region_mask import Flags, Floats, floats
from sdstudio.domain.image import Pixels

CELL = 8
"""Pixels a side: a latent pixel's."""

GUARD = 1
"""Cells beside the mask that do not count: decoding carries over what lies in the masked ones."""

RING = 8
"""Cells beyond those that do."""

CELLS_MIN = 12
"""With fewer the picture is left alone: a tiny ring says nothing about it."""

FILLED = 0.25
"""The share of a cell that has to belong to the ring."""

GAIN_PRIOR = 100.0
"""Squared levels: how much the ring's tones have to vary before a gain is believed (a standard deviation of 10)."""

GAIN_LIMITS = (0.75, 1.33)
SHIFT_MAX = 48.0
FIELD_MAX = 16.0
"""8-bit levels at most, for the mean and for the field."""

FIELD_RADIUS = 2
FIELD_PRIOR = 0.02
"""Cells of the box that is blurred with (three times), and the share of known cells from which the field fades."""

OUTLIER = 4.0
"""Standard deviations (from the median of the deviations' sizes), and in any case OUTLIER_MIN levels."""
OUTLIER_MIN = 3.0

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ColourMatch:
    """What was done to R, G, B: value * gain + offset, then a smooth field whose largest change is `field_max`. `ring`:
    pixels it was fitted on; 0 = nothing was done."""

    gain: tuple[float, ...] = (1.0, 1.0, 1.0)
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)
    field_max: float = 0.0
    ring: int = 0


UNMATCHED = ColourMatch()


def ring_of(cut: Cut) -> Flags:
    """H x W: unmasked opaque pixels around the mask but not beside it, in whole cells. All of them where those are too
    few."""
    height, width = cut.when.shape
    by_rows = ((cut.when > 0) | cut.allowed).reshape(height // CELL, CELL, width).any(axis=1)
    by_cells = by_rows.reshape(height // CELL, width // CELL, CELL).any(axis=2)
    cells = np.asarray(by_cells, np.uint8)
    clear: Flags = mask_ops.grow(cells, GUARD) == 0
    near: Flags = clear & (mask_ops.grow(cells, GUARD + RING) > 0)
    chosen = near if np.count_nonzero(near) >= 4 * CELLS_MIN else clear
    opaque: Flags = cut.known == OPAQUE
    return np.logical_and(opaque, chosen.repeat(CELL, axis=0).repeat(CELL, axis=1))


def matched(made: Floats, source: Pixels, ring: Flags) -> tuple[Floats, ColourMatch]:
    """All H x W (x 3), in 8-bit levels, sides multiples of 8. `made` unchanged where the ring has too few pixels."""
    part = floats(ring)[..., None]
    weights = _cell_means(part)
    full = weights[..., 0] >= FILLED
    if np.count_nonzero(full) < CELLS_MIN:
        return made, UNMATCHED
    divisor = np.maximum(weights, FILLED)
    have = floats(_cell_means(floats(made * part)) / divisor)
    want = floats(_cell_means(floats(source * part)) / divisor)
    gain, offset, good = _fit(have[full].astype(np.float64), want[full].astype(np.float64))
    trusted = np.zeros(full.shape, np.float32)
    trusted[full] = good * weights[full, 0]
    rest = want - (have * gain + offset)
    field = weighted_blur(floats(rest), trusted, FIELD_RADIUS, 3, FIELD_PRIOR)
    field = np.clip(field, -FIELD_MAX, FIELD_MAX)
    result = made * gain + offset + enlarged(field, made.shape[1], made.shape[0])
    how = ColourMatch(_plain(gain), _plain(offset), float(np.abs(field).max()), int(np.count_nonzero(ring)))
    return result, how


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _cell_means(values: Floats) -> Floats:
    """H x W x C over cells of 8 x 8."""
    return halved(halved(halved(values)))


def _fit(have: Doubles, want: Doubles) -> tuple[Floats, Floats, Flags]:
    """Gain and offset of each channel by least squares with a prior of 1 for the gain, and which cells agree with them
    (the others were left out)."""
    good = np.ones(len(have), np.bool_)
    gain, offset = np.ones(have.shape[1]), np.zeros(have.shape[1])
    for _ in range(4):
        x, y = have[good], want[good]
        mean, aim = x.mean(axis=0), y.mean(axis=0)
        spread = ((x - mean) ** 2).mean(axis=0) + GAIN_PRIOR
        both = ((x - mean) * (y - aim)).mean(axis=0) + GAIN_PRIOR
        gain = np.clip(both / spread, *GAIN_LIMITS)
        offset = mean + np.clip(aim - mean, -SHIFT_MAX, SHIFT_MAX) - gain * mean
        off = want - (have * gain + offset)
        off = np.abs(off - np.median(off[good], axis=0))
        limit = np.maximum(OUTLIER * 1.4826 * np.median(off[good], axis=0), OUTLIER_MIN)
        kept = (off <= limit).all(axis=1)
        if np.count_nonzero(kept) * 2 < len(have):
            break
        good = kept
    return gain.astype(np.float32), offset.astype(np.float32), good

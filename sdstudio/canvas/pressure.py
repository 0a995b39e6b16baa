"""The pressure curve: what the pen's pressure means, as a monotone curve through points that can be moved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

CurvePoints = tuple[tuple[float, float], ...]

LINEAR: CurvePoints = ((0.0, 0.0), (1.0, 1.0))
POINTS_MAX = 16
_STEPS = 1024


def clean_curve(points: object) -> CurvePoints:
    """The points as a curve can use them: 2 to 16, within 0 to 1, x rising, y never falling, from x = 0 to x = 1.
    Anything that cannot be mended becomes the straight line."""
    pairs = sorted(_pairs(points))
    kept: list[tuple[float, float]] = []
    for x, y in pairs[:POINTS_MAX]:
        if kept and x - kept[-1][0] < 1e-3:
            continue
        kept.append((x, max(y, kept[-1][1]) if kept else y))
    if len(kept) < 2:
        return LINEAR
    kept[0], kept[-1] = (0.0, kept[0][1]), (1.0, kept[-1][1])
    return tuple(kept)


def _pairs(points: object) -> Iterable[tuple[float, float]]:
    if not isinstance(points, list | tuple):
        return
    for point in points:
        if not isinstance(point, list | tuple) or len(point) != 2:
            continue
        if all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in point):
            yield min(max(float(point[0]), 0.0), 1.0), min(max(float(point[1]), 0.0), 1.0)


def respond(points: CurvePoints, pressure: float) -> float:
    """What `pressure` (0 to 1) becomes, 0 to 1; never less for more pressure. Exact to 1/1024 of the pressure."""
    at = min(max(pressure, 0.0), 1.0) * _STEPS
    below = min(int(at), _STEPS - 1)
    table = _table(points)
    return table[below] + (table[below + 1] - table[below]) * (at - below)


@lru_cache(maxsize=16)
def _table(points: CurvePoints) -> tuple[float, ...]:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    slopes = _monotone_slopes(xs, ys)
    table: list[float] = []
    segment = 0
    for step in range(_STEPS + 1):
        x = step / _STEPS
        while segment < len(xs) - 2 and x > xs[segment + 1]:
            segment += 1
        width = xs[segment + 1] - xs[segment]
        ends, tangents = ys[segment : segment + 2], slopes[segment : segment + 2]
        table.append(_hermite((x - xs[segment]) / width, ends, tangents, width))
    for step in range(1, _STEPS + 1):  # rounding must not make it fall, however little
        table[step] = min(max(table[step], table[step - 1]), 1.0)
    return tuple(table)


def _hermite(t: float, ends: Sequence[float], slopes: Sequence[float], width: float) -> float:
    start = (1 + 2 * t) * (1 - t) ** 2 * ends[0] + t * (1 - t) ** 2 * width * slopes[0]
    return start + t * t * (3 - 2 * t) * ends[1] + t * t * (t - 1) * width * slopes[1]


def _monotone_slopes(xs: Sequence[float], ys: Sequence[float]) -> list[float]:
    """Fritsch and Carlson 1980: the slopes with which a cubic through rising points never falls."""
    secants = [(ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]) for i in range(len(xs) - 1)]
    slopes = [secants[0], *((a + b) / 2 for a, b in pairwise(secants)), secants[-1]]
    for i, secant in enumerate(secants):
        if secant == 0:
            slopes[i] = slopes[i + 1] = 0.0
            continue
        length = math.hypot(slopes[i] / secant, slopes[i + 1] / secant)
        if length > 3:
            slopes[i] *= 3 / length
            slopes[i + 1] *= 3 / length
    return slopes

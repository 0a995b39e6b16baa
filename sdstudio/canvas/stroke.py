"""The path of a stroke: evenly spaced dabs along a smooth curve through the samples, drawn up to the pen at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from sdstudio.canvas.pointer import PointerEvent

Dab = tuple[float, float, float]
"""x, y, pressure."""

Vector = tuple[float, float]

STANDSTILL = 0.01
"""Pixels; samples closer together are one point (its pressure the highest of them)."""

_SUBSTEP = 4.0
"""Pixels of chord to a straight piece of a bent segment; the error stays far below a pixel."""

_BEND = 0.002
"""1 - cos of the angle from which on a segment counts as bent."""


class StrokePath:
    """Cubic Hermite segments through the points, with Catmull-Rom tangents weighted by distance (after Barry and
    Goldman 1988), which cannot overshoot where a slow sample meets a fast one.

    A point's tangent needs the next point, so the last segment is provisional: `take` gives the dabs that are final,
    `tail` those from there to the pen, to be drawn now and taken back before the next `take`. Nothing lags.
    """

    def __init__(self, smoothing: float, step: Callable[[float], float]) -> None:
        """`smoothing` 0 to 1, see BrushSettings; `step`: pixels to the next dab, from the pressure."""
        self._pull = smoothing / 2
        self._step = step
        self._before: Dab | None = None  # the last point but one, as it came
        self._last: Dab | None = None  # the last one, as it came
        self._knot: Dab | None = None  # where the final part of the curve ends
        self._velocity: Vector = (0.0, 0.0)  # the curve's direction there; no longer than 1
        self._walk = _Walk(step)
        self._ready: list[Dab] = []

    @property
    def end(self) -> tuple[float, float] | None:
        """The last point, as it came."""
        return None if self._last is None else self._last[:2]

    @property
    def pressure(self) -> float:
        """The last point's."""
        return 1.0 if self._last is None else self._last[2]

    def add(self, events: Iterable[PointerEvent]) -> None:
        for event in events:
            self._add(event.x, event.y, event.pressure)

    def _add(self, x: float, y: float, pressure: float) -> None:
        last, knot = self._last, self._knot
        if last is None or knot is None:
            self._last = self._knot = (x, y, pressure)
            return
        if math.hypot(x - last[0], y - last[1]) < STANDSTILL:
            self._last = (last[0], last[1], max(last[2], pressure))
            if self._before is None:
                self._knot = self._last
            return
        new = (x, y, pressure)
        if self._before is None:
            self._walk.begin(last)
            self._velocity = _direction(last, new)
        else:
            settled, velocity = self._eased(self._before, last, new), _tangent(self._before, last, new)
            self._walk.segment(knot, settled, self._velocity, velocity)
            self._knot, self._velocity = settled, velocity
        self._before, self._last = last, new

    def _eased(self, before: Dab, point: Dab, after: Dab) -> Dab:
        pull = self._pull
        x, y = ((before[i] + after[i]) / 2 * pull + point[i] * (1 - pull) for i in (0, 1))
        return x, y, point[2]

    def take(self) -> list[Dab]:
        """The dabs that have become final since the last call."""
        return self._walk.take()

    def tail(self) -> list[Dab]:
        """From the last final dab to the pen, the last dab right under it."""
        if self._last is None or self._knot is None:
            return []
        if self._before is None:
            return [self._last]
        walk = self._walk.branch()
        chord = _direction(self._knot, self._last)
        away = (1.5 * chord[0] - 0.5 * self._velocity[0], 1.5 * chord[1] - 0.5 * self._velocity[1])
        walk.segment(self._knot, self._last, self._velocity, away)
        walk.close(self._last)
        return walk.take()


class _Walk:
    """Sets dabs along a curve that comes in pieces; the distance left over goes from piece to piece."""

    def __init__(self, step: Callable[[float], float], left: float = 0.0, since: float = 0.0) -> None:
        self._step = step
        self._left = left  # to the next dab
        self._since = since  # from the last dab
        self._dabs: list[Dab] = []

    def branch(self) -> _Walk:
        """Another that goes on from here without changing this one."""
        return _Walk(self._step, self._left, self._since)

    def take(self) -> list[Dab]:
        dabs, self._dabs = self._dabs, []
        return dabs

    def begin(self, point: Dab) -> None:
        self._dabs.append(point)
        self._left, self._since = self._step(point[2]), 0.0

    def close(self, point: Dab) -> None:
        """A dab at the very end, unless there is one."""
        if self._since > STANDSTILL:
            self._dabs.append(point)

    def segment(self, start: Dab, end: Dab, out: Vector, into: Vector) -> None:
        x0, y0, p0 = start
        dx, dy = end[0] - x0, end[1] - y0
        length = math.hypot(dx, dy)
        if length == 0:
            return
        bent = (1 - (out[0] * dx + out[1] * dy) / length) + (1 - (into[0] * dx + into[1] * dy) / length)
        if bent < _BEND:
            self._line(x0, y0, p0, dx, dy, end[2] - p0, length)
            return
        pieces = min(max(2, math.ceil(length / _SUBSTEP)), 64)
        ax, ay = length * out[0], length * out[1]
        bx, by = length * into[0], length * into[1]
        x, y, p = start
        for piece in range(1, pieces + 1):
            t = piece / pieces
            u = 1 - t
            f, g, h = t * t * (3 - 2 * t), t * u * u, -t * t * u
            nx, ny = x0 + f * dx + g * ax + h * bx, y0 + f * dy + g * ay + h * by
            pressure = p0 + (end[2] - p0) * t
            self._line(x, y, p, nx - x, ny - y, pressure - p, math.hypot(nx - x, ny - y))
            x, y, p = nx, ny, pressure

    def _line(self, x: float, y: float, p: float, dx: float, dy: float, dp: float, length: float) -> None:
        at, left = 0.0, self._left
        while at + left <= length:
            at += left
            t = at / length if length else 0.0
            pressure = p + dp * t
            self._dabs.append((x + dx * t, y + dy * t, pressure))
            left = self._step(pressure)
            self._since = 0.0
            self._left = left
        self._left = left - (length - at)
        self._since = self._since + length - at if at == 0 else length - at


def _direction(start: Dab, end: Dab) -> Vector:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    return (dx / length, dy / length) if length else (0.0, 0.0)


def _tangent(before: Dab, point: Dab, after: Dab) -> Vector:
    """Of a curve through three points: the nearer neighbour's direction counts more."""
    first, second = math.dist(before[:2], point[:2]), math.dist(point[:2], after[:2])
    a, b = _direction(before, point), _direction(point, after)
    share = second / (first + second)
    return a[0] * share + b[0] * (1 - share), a[1] * share + b[1] * (1 - share)

"""Zoom and pan of `sdstudio bench canvas`: the wheel at a moving pointer, the middle button across the picture."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from sdstudio.bench_canvas_control import REDRAW_MS
from sdstudio.bench_canvas_times import Times, row

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent, QPointF

    from sdstudio.bench_canvas_stage import Stage

WHEEL_STEPS, DRAG_STEPS = 160, 120
TURN = 60
"""Eighths of a degree: half a notch of a wheel."""
AIM = f"p99 <= {REDRAW_MS}"


class Views:
    """Each event is followed by its redraw, and by nothing else."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def run(self) -> None:
        other = self._stage.other
        self._prepare(None)
        times = other.beside_redraws(WHEEL_STEPS, self._zoom, partial(self._prepare, None))
        row("zoom: redraw", times, aim=AIM, other=other.redraws)
        for zoom in (0.3, 1.0):
            self._prepare(zoom)
            times = other.beside_redraws(DRAG_STEPS, self._pan, partial(self._prepare, zoom))
            row(f"pan at {zoom:.0%}: redraw", times, aim=AIM, other=other.redraws)

    def _prepare(self, zoom: float | None) -> None:
        view = self._stage.view
        view.fit() if zoom is None else view.set_zoom(zoom)
        self._stage.settle()
        self._stage.rest()

    def _zoom(self) -> Times:
        """In and out, twice."""
        from PySide6.QtCore import QPoint, QPointF, Qt
        from PySide6.QtGui import QWheelEvent

        times = Times()
        for step in range(WHEEL_STEPS):
            turn = TURN if step % (WHEEL_STEPS // 2) < WHEEL_STEPS // 4 else -TURN
            place = QPointF(400 + step, 300 + step)
            event = QWheelEvent(
                *(place, place, QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier),
                *(Qt.ScrollPhase.NoScrollPhase, False),
            )
            self._send(event, times)
        return times

    def _pan(self) -> Times:
        from PySide6.QtCore import QPointF
        from PySide6.QtGui import QMouseEvent

        times = Times()
        self._send(self._middle(QMouseEvent.Type.MouseButtonPress, QPointF(550, 400)), Times())
        for step in range(1, DRAG_STEPS):
            place = QPointF(550 + 300 * math.sin(step / 9), 400 + 200 * math.cos(step / 13))
            self._send(self._middle(QMouseEvent.Type.MouseMove, place), times)
        self._send(self._middle(QMouseEvent.Type.MouseButtonRelease, QPointF(550, 400)), Times())
        return times

    def _middle(self, kind: QEvent.Type, place: QPointF) -> QEvent:
        from PySide6.QtCore import Qt
        from PySide6.QtGui import QMouseEvent

        middle, none = Qt.MouseButton.MiddleButton, Qt.MouseButton.NoButton
        changed = none if kind == QMouseEvent.Type.MouseMove else middle
        held = none if kind == QMouseEvent.Type.MouseButtonRelease else middle
        return QMouseEvent(kind, place, place, changed, held, Qt.KeyboardModifier.NoModifier)

    def _send(self, event: QEvent, times: Times) -> None:
        with times.taking():
            self._stage.app.sendEvent(self._stage.view, event)
            self._stage.app.processEvents()

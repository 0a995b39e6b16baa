"""The steps of the forming picture, one cell each, to look back at."""

from __future__ import annotations

from bisect import bisect_left

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from sdstudio.ui.theme import Theme

CELL_HEIGHT = 24
STRIP_HEIGHT = 52
"""Cells, gap and the line of words below."""
CELL_LEAST = 6


class StepStrip(QWidget):
    """`looked_at` carries the step whose preview is to be shown, or 0 for the present state."""

    looked_at = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._steps = 0
        self._done = 0
        self._previews: dict[int, QImage] = {}
        self._order: list[int] = []
        self._looking = 0
        self._ring = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(STRIP_HEIGHT)
        self.setAccessibleName(self.tr("Steps of this picture"))
        theme.changed.connect(self.update)

    def begin(self, steps: int) -> None:
        """A new picture of so many steps."""
        self._steps, self._done, self._looking = steps, 0, 0
        self._previews.clear()
        self._order.clear()
        self.update()

    def set_done(self, step: int) -> None:
        if step != self._done:
            before, self._done = self._done, step
            self.setAccessibleDescription(self.words())
            self._update_from(before)

    def add_preview(self, step: int, image: QImage) -> None:
        """The small preview as it was after `step`."""
        earlier = bisect_left(self._order, step)
        before = self._order[earlier - 1] if earlier else 0
        if step not in self._previews:
            self._order.insert(earlier, step)
        self._previews[step] = image
        before, self._done = min(before, self._done), max(self._done, step)
        self._update_from(before)

    def _update_from(self, step: int) -> None:
        """Paints anew what a step can change: the cells from `step` to the newest, and the words. The others stay:
        many small pictures at every step would cost half a frame."""
        wide = self.width() / self._cells()
        left = int(self.width() * step / max(1, self._steps) - wide) - 2
        right = int(self.width() * self._done / max(1, self._steps)) + 3
        self.update(left, 0, right - left, CELL_HEIGHT)
        self.update(0, CELL_HEIGHT, self.width(), STRIP_HEIGHT - CELL_HEIGHT)

    def preview(self, step: int) -> QImage | None:
        return self._previews.get(step)

    @property
    def has_previews(self) -> bool:
        return bool(self._order)

    @property
    def steps(self) -> int:
        return self._steps

    def words(self) -> str:
        step = self._looking or self._done
        return self.tr("Step {step} of {steps}").format(step=step, steps=self._steps)

    def sizeHint(self) -> QSize:
        return QSize(320, STRIP_HEIGHT)

    def _cells(self) -> int:
        """As many cells as steps, but none too narrow to see."""
        return max(1, min(self._steps, self.width() // CELL_LEAST))

    def _step_shown(self, step: int) -> int:
        """The step whose preview stands for `step`: the first one at or after it; 0 where there is none yet."""
        index = bisect_left(self._order, step)
        return self._order[index] if index < len(self._order) else 0

    def _step_at(self, x: float) -> int:
        if not self._steps or not 0 <= x < self.width():
            return 0
        return self._step_shown(min(self._steps, int(x / self.width() * self._steps) + 1))

    def _look(self, step: int) -> None:
        if step != self._looking:
            self._looking = step
            self.setAccessibleDescription(self.words())
            self.looked_at.emit(step)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        inside = event.position().y() < CELL_HEIGHT
        self._look(self._step_at(event.position().x()) if inside else 0)

    def leaveEvent(self, event: QEvent) -> None:
        self._look(0)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if direction is None or not self._order:
            super().keyPressEvent(event)
            return
        index = self._order.index(self._looking) if self._looking else len(self._order)
        index = max(0, index + direction)
        self._look(self._order[index] if index < len(self._order) else 0)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = True
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        self._look(0)
        self.update()
        super().focusOutEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            QToolTip.showText(
                event.globalPos(), self.tr("Point at a step to see the picture as it was then (arrow keys)"), self
            )
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._steps:
            return
        with QPainter(self) as painter:
            # Where the picture is so large that it lies below the strip, the words must still be readable.
            painter.fillRect(self.rect(), self._theme.color("canvas"))
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            self._paint_cells(painter, event.region())
            self._paint_words(painter)

    def _paint_cells(self, painter: QPainter, wanted: QRegion) -> None:
        cells, marked = self._cells(), self._looking or self._done
        wide = self.width() / cells
        marked_rect = QRectF()
        for cell in range(cells):
            step = round((cell + 1) * self._steps / cells)
            left, right = round(cell * wide), round((cell + 1) * wide)
            rect = QRectF(left, 0, right - left - 1, CELL_HEIGHT)
            shown = self._step_shown(step) if step <= self._done else 0
            if not wanted.intersects(rect.toRect()):
                pass  # still as it was
            elif shown:
                image = self._previews[shown]
                painter.drawImage(rect, image, _middle(image, rect.size().width() / rect.size().height()))
            else:
                painter.fillRect(rect, self._theme.color("hover" if step <= self._done else "window"))
            if marked and step >= marked and marked_rect.isNull():
                marked_rect = rect
        if marked:
            painter.setPen(QPen(self._theme.color("focus" if self._ring else "accent"), 2))
            painter.drawRect(marked_rect.adjusted(0, 1, 0, -1))

    def _paint_words(self, painter: QPainter) -> None:
        line = QRectF(0, CELL_HEIGHT + 8, self.width(), STRIP_HEIGHT - CELL_HEIGHT - 8)
        painter.setFont(self._theme.font("body"))
        painter.setPen(self._theme.color("text"))
        words = self.words()
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, words)
        hint = self.tr("Point at a step to look back.")
        metrics = painter.fontMetrics()
        if metrics.horizontalAdvance(words) + metrics.horizontalAdvance(hint) + 24 <= self.width():
            painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, hint)


def _middle(image: QImage, aspect: float) -> QRectF:
    """The middle part of `image` with the given width : height."""
    width, height = float(image.width()), float(image.height())
    part = QSize(round(width), round(height)).toSizeF()
    if width / height > aspect:
        part.setWidth(height * aspect)
    else:
        part.setHeight(width / aspect)
    corner = QPointF((width - part.width()) / 2, (height - part.height()) / 2)
    return QRectF(corner, part)

"""What the rows of lists have in common: the ground below, a line of words, the frame where the keyboard is."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from sdstudio.ui.fonts import FontRole
from sdstudio.ui.theme import Theme

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def paint_ground(painter: QPainter, theme: Theme, option: QStyleOptionViewItem, chosen: bool | None = None) -> None:
    """Of the chosen row, else of the one under the pointer. `chosen` None: where it is the list's own selection."""
    state: QStyle.StateFlag = option.state
    if bool(state & QStyle.StateFlag.State_Selected) if chosen is None else chosen:
        painter.fillRect(option.rect, theme.color("subtle"))
    elif state & QStyle.StateFlag.State_MouseOver:
        painter.fillRect(option.rect, theme.color("raised"))


def paint_line(
    painter: QPainter,
    theme: Theme,
    area: QRect,
    text: str,
    font: FontRole,
    token: str,
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
) -> None:
    """One line from the left, as much of it as there is room for."""
    painter.setFont(theme.font(font))
    painter.setPen(theme.color(token))
    painter.drawText(area, _LEFT, painter.fontMetrics().elidedText(text, elide, area.width()))


def paint_keyboard_frame(painter: QPainter, theme: Theme, row: QRect) -> None:
    """2 px inside the row."""
    painter.setPen(QPen(theme.color("focus"), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(row.adjusted(1, 1, -1, -1))

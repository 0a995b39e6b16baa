"""The list of models in the dialog: title, file, badge and what can be done; a refused one says why."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QCursor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sdstudio.app.model_list import ModelListModel, ModelListRole, ModelRow
from sdstudio.domain.model_file import Verdict
from sdstudio.domain.models_found import FoundModel, ModelState
from sdstudio.ui.controls import draw_badge
from sdstudio.ui.focus_ring import by_keyboard
from sdstudio.ui.row_paint import paint_ground, paint_keyboard_frame, paint_line
from sdstudio.ui.theme import Theme

ROW_HEIGHT = 46
TALL_HEIGHT = 102
GUTTER = 48
"""Left of the words: the mark of the row."""
ACTION_WIDTH = 72
PADDING = 16
WRAPPED_MAX = 500
Index = QModelIndex | QPersistentModelIndex
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_WRAPPED = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
_SIZE, _TALL_SIZE = QSize(240, ROW_HEIGHT), QSize(240, TALL_HEIGHT)


class ModelRowDelegate(QStyledItemDelegate):
    """Paints a row; all words are in it."""

    def __init__(self, theme: Theme, model: ModelListModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._is_tall = model.is_tall
        self._wrapped: dict[tuple[str, int], str] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Asked of every row whenever the list changes."""
        return _TALL_SIZE if self._is_tall(index.row()) else _SIZE

    @staticmethod
    def action_rect(row: QRect) -> QRect:
        return QRect(row.right() + 1 - ACTION_WIDTH - PADDING, row.top(), ACTION_WIDTH + PADDING, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        row: ModelRow = index.data(ModelListRole.ROW)
        model: FoundModel = index.data(ModelListRole.MODEL)
        painter.save()
        paint_ground(painter, self._theme, option)
        self._paint_mark(painter, rect, row, model)
        left = self._paint_action(painter, rect, row, option)
        if row.badge:
            area = QRect(rect.left(), rect.top(), left - rect.left(), ROW_HEIGHT)
            left -= draw_badge(painter, self._theme, area, row.badge)
        words = QRect(rect.left() + GUTTER, rect.top() + 7, left - rect.left() - GUTTER - 8, 16)
        paint_line(painter, self._theme, words, row.title, "button" if row.reason is None else "heading", "text")
        below = words.translated(0, 16)
        paint_line(painter, self._theme, below, row.second, "small", "text2", Qt.TextElideMode.ElideMiddle)
        if row.reason is not None:
            self._paint_reason(painter, rect, row)
        painter.setPen(QPen(self._theme.color("line"), 1))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        self._paint_focus(painter, rect, option)
        painter.restore()

    def _paint_mark(self, painter: QPainter, rect: QRect, row: ModelRow, model: FoundModel) -> None:
        if row.in_use:
            icon, token = "check", "accent"
        elif model.state is ModelState.REFUSED:
            unsafe = model.file.verdict is Verdict.UNSAFE
            icon, token = ("refuse", "error") if unsafe else ("warn", "warn")
        elif model.state is ModelState.LATER:
            icon, token = "info", "text2"
        else:
            return
        pixmap = self._theme.pixmap(icon, token, 20, painter.device().devicePixelRatioF())
        # On the line of the title of a row with a reason, else in the middle of the row.
        top = rect.top() + (7 if row.reason is not None else (ROW_HEIGHT - 20) // 2)
        painter.drawPixmap(rect.left() + PADDING, top, pixmap)

    def _paint_action(self, painter: QPainter, rect: QRect, row: ModelRow, option: QStyleOptionViewItem) -> int:
        """Returns where it begins."""
        area = self.action_rect(rect)
        link = row.can_use or row.reason is not None
        font = self._theme.font("button" if link else "body")
        view = option.widget
        if link and isinstance(view, QListView):
            font.setUnderline(area.contains(view.viewport().mapFromGlobal(QCursor.pos())))
        painter.setFont(font)
        painter.setPen(self._theme.color("accent" if link else "text2"))
        painter.drawText(area.adjusted(0, 0, -PADDING, 0), _RIGHT, row.action)
        return area.left()

    def _paint_reason(self, painter: QPainter, rect: QRect, row: ModelRow) -> None:
        assert row.reason is not None
        area = QRect(rect.left() + GUTTER, rect.top() + 44, rect.width() - GUTTER - PADDING, 16)
        paint_line(painter, self._theme, area, row.reason.title, "heading", "text")
        font = self._theme.font("body")
        painter.setFont(font)
        painter.setPen(self._theme.color("text2"))
        box = QRect(area.left(), area.bottom() + 1, area.width() - ACTION_WIDTH, 34)
        painter.drawText(box, _WRAPPED, self._two_lines(painter, row.reason.text, box.width()))

    def _two_lines(self, painter: QPainter, text: str, width: int) -> str:
        """Kept: to find out costs more than to paint."""
        key = (text, width)
        if key not in self._wrapped:
            if len(self._wrapped) > WRAPPED_MAX:
                self._wrapped.clear()
            self._wrapped[key] = two_lines(painter, text, width)
        return self._wrapped[key]

    def _paint_focus(self, painter: QPainter, rect: QRect, option: QStyleOptionViewItem) -> None:
        state: QStyle.StateFlag = option.state
        view = option.widget
        if state & QStyle.StateFlag.State_HasFocus and isinstance(view, ModelRowList) and view.key_focus:
            paint_keyboard_frame(painter, self._theme, rect)


def two_lines(painter: QPainter, text: str, width: int) -> str:
    """As much of the text as two wrapped lines hold, with “…” where that is not all."""
    metrics = painter.fontMetrics()
    if metrics.boundingRect(QRect(0, 0, width, 1000), _WRAPPED, text).height() <= 2 * metrics.lineSpacing() + 1:
        return text
    words, kept = text.split(), ""
    for word in words:
        longer = f"{kept} {word}".strip()
        box = metrics.boundingRect(QRect(0, 0, width, 1000), _WRAPPED, longer + "…")
        if box.height() > 2 * metrics.lineSpacing() + 1:
            break
        kept = longer
    return kept + "…"


class ModelRowList(QListView):
    """Enter or a double click uses a model, Space shows what is known of it."""

    use_asked = Signal(object)  # FoundModel
    details_asked = Signal(object)  # FoundModel
    menu_asked = Signal(object, QPoint)  # FoundModel, where

    def __init__(self, model: ModelListModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = model
        self.key_focus = False
        self.setModel(model)
        self.setItemDelegate(ModelRowDelegate(theme, model, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.verticalScrollBar().setSingleStep(24)
        self.setAccessibleName(self.tr("Models"))
        self.setAccessibleDescription(self.tr("Enter uses a model, Space shows what is known of it."))
        self.doubleClicked.connect(lambda index: self._use(self._rows.model_at(index.row())))
        theme.changed.connect(self.viewport().update)

    @property
    def current(self) -> FoundModel | None:
        index = self.currentIndex()
        return self._rows.model_at(index.row()) if index.isValid() else None

    def choose(self, path: str) -> bool:
        """Makes the row of this file the current one; False where it is not shown."""
        row = self._rows.row_of(path)
        if row >= 0:
            self.setCurrentIndex(self._rows.index(row))
        return row >= 0

    def _use(self, model: FoundModel | None) -> None:
        if model is None:
            return
        if model.state is ModelState.CHOICE:
            self.use_asked.emit(model)
        else:
            self.details_asked.emit(model)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self.key_focus = True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._use(self.current)
        elif event.key() == Qt.Key.Key_Space:
            if self.current is not None:
                self.details_asked.emit(self.current)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.key_focus = False
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        model = self._rows.model_at(index.row()) if index.isValid() else None
        if event.button() != Qt.MouseButton.LeftButton or model is None or not self._on_action(index, event):
            return
        if self._rows.data(index, ModelListRole.ROW).action:
            self._use(model)

    def _on_action(self, index: QModelIndex, event: QMouseEvent) -> bool:
        area = ModelRowDelegate.action_rect(self.visualRect(index))
        return area.contains(event.position().toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.update(index)
            row: ModelRow = index.data(ModelListRole.ROW)
            hand = self._on_action(index, event) and (row.can_use or row.reason is not None)
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.viewport().update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.key_focus = by_keyboard(event)
        super().focusInEvent(event)
        if not self.currentIndex().isValid() and self._rows.rowCount():
            self.setCurrentIndex(self._rows.index(0))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if mouse else self.currentIndex()
        model = self._rows.model_at(index.row()) if index.isValid() else None
        if model is not None:
            self.setCurrentIndex(index)
            rect = self.visualRect(index)
            at = (
                event.globalPos() if mouse else self.viewport().mapToGlobal(QPoint(rect.left() + GUTTER, rect.bottom()))
            )
            self.menu_asked.emit(model, at)

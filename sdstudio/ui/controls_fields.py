"""Fields for numbers and choices. Only what is possible can be entered; the wheel works only with focus."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QSpinBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionComboBox,
    QStyleOptionViewItem,
    QStylePainter,
    QWidget,
)

from sdstudio.ui.focus_ring import by_keyboard
from sdstudio.ui.style import set_style_property
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import BADGE_HEIGHT, CONTROL_HEIGHT, RADIUS, RADIUS_BADGE

_ItemIndex = QModelIndex | QPersistentModelIndex
_TEXT_MARGIN = 7
_TEXT_AIR = 4
_BADGE_PADDING, _BADGE_GAP = 12, 8
_COMMIT_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def commits(event: QEvent) -> bool:
    """Whether a shortcut such as Ctrl+Enter is about to act: what is half typed counts from here on."""
    return (
        event.type() == QEvent.Type.ShortcutOverride
        and isinstance(event, QKeyEvent)
        and event.key() in _COMMIT_KEYS
        and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
    )


def _dress_spin_box(box: QAbstractSpinBox) -> None:
    box.setFixedHeight(CONTROL_HEIGHT)
    box.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    box.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
    box.setKeyboardTracking(False)
    box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    box.setProperty("invalid", False)
    # The style sheet's padding does not reach the edit inside; the text ends 9 px from the edge. The pixel below
    # puts figures on the line of the label before them: an edit rounds its middle down, a label up.
    box.lineEdit().setTextMargins(_TEXT_MARGIN, 0, _TEXT_MARGIN, 1)


class NumberField(QSpinBox):
    """A whole number from `low` to `high`; `snap` turns what was typed into the nearest possible value.

    `valueChanged` comes when the field is left, on Enter, and on Ctrl+Enter, not with every key.
    """

    def __init__(
        self,
        low: int,
        high: int,
        *,
        step: int = 1,
        unit: str = "",
        snap: Callable[[int], int] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._snap = snap
        _dress_spin_box(self)
        self.setRange(low, high)
        self.setSingleStep(step)
        if unit:
            self.setSuffix(f" {unit}")

    def valueFromText(self, text: str) -> int:
        value = super().valueFromText(text)
        return self._snap(value) if self._snap else value

    def set_invalid(self, invalid: bool) -> None:
        set_style_property(self, "invalid", invalid)

    def event(self, event: QEvent) -> bool:
        if commits(event):
            self.interpretText()
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        _wheel_with_focus(self, event, super().wheelEvent)


class DecimalField(QDoubleSpinBox):
    """A number with up to two decimals, shown with as few as it needs but at least one."""

    def __init__(
        self, low: float, high: float, *, step: float = 0.5, unit: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        _dress_spin_box(self)
        self.setDecimals(2)
        self.setRange(low, high)
        self.setSingleStep(step)
        if unit:
            self.setSuffix(f" {unit}")

    def textFromValue(self, value: float) -> str:
        text = super().textFromValue(value)
        return text[:-1] if text.endswith("0") else text

    def set_invalid(self, invalid: bool) -> None:
        set_style_property(self, "invalid", invalid)

    def event(self, event: QEvent) -> bool:
        if commits(event):
            self.interpretText()
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        _wheel_with_focus(self, event, super().wheelEvent)


def _wheel_with_focus(widget: QWidget, event: QWheelEvent, act: Callable[[QWheelEvent], None]) -> None:
    """Over a field without focus the wheel scrolls the dock, and changes nothing."""
    if widget.hasFocus():
        act(event)
    else:
        event.ignore()


class ComboField(QComboBox):
    """A drop-down; with `badge_role` its rows and the field show a small badge at the right."""

    elide_mode = Qt.TextElideMode.ElideRight

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, badge_role: int | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._badge_role = badge_role
        self._key_focus = False
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMaxVisibleItems(14)
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setProperty("invalid", False)
        self.setItemDelegate(ComboRows(theme, badge_role, self))
        # Qt takes it away for good where the list is made before the style sheet, which is when the window is built.
        self.view().setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)

    @property
    def badge(self) -> str:
        if self._badge_role is None or self.currentIndex() < 0:
            return ""
        return str(self.currentData(self._badge_role) or "")

    def short_badges(self) -> tuple[str, ...]:
        """What stands for the badge where a long name needs its room, the longest first."""
        return ()

    def badge_for(self, text: str, width: int) -> str:
        """The badge that is drawn beside `text` in `width` logical pixels: the first that fits, none where that leaves
        a name whole which has a shorter one, and the shortest where the name is cut all the same."""
        room = width - self.fontMetrics().horizontalAdvance(text) - _TEXT_AIR
        shorter = self.short_badges() if self.badge else ()
        badges = (self.badge, *shorter, *("" for _ in shorter[:1]))
        least = (self.badge, *shorter)[-1]
        return next((badge for badge in badges if badge_width(self.theme, badge) <= room), least)

    def set_invalid(self, invalid: bool) -> None:
        set_style_property(self, "invalid", invalid)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._key_focus = by_keyboard(event) or (self._key_focus and event.reason() == Qt.FocusReason.PopupFocusReason)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self._key_focus = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        _wheel_with_focus(self, event, super().wheelEvent)

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        area = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        badge = self.badge_for(option.currentText, area.width())
        taken = draw_badge(painter, self.theme, area, badge, self.isEnabled()) if badge else 0
        room = area.width() - taken - _TEXT_AIR
        option.currentText = self.fontMetrics().elidedText(option.currentText, self.elide_mode, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        if self._key_focus and self.hasFocus():
            _draw_focus_edge(painter, self.theme, self.rect())


class ComboRows(QStyledItemDelegate):
    """Rows of a drop-down list: 28 px, name left, badge right, and a line between those of one badge and the next."""

    elide_mode = Qt.TextElideMode.ElideRight

    def __init__(self, theme: Theme, badge_role: int | None, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._badge_role = badge_role

    def sizeHint(self, option: QStyleOptionViewItem, index: _ItemIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width() + 16, CONTROL_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _ItemIndex) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self._theme.color("subtle"))
        if self.begins_group(index):
            painter.setPen(self._theme.color("line"))
            painter.drawLine(rect.topLeft(), rect.topRight())
        area = rect.adjusted(9, 0, -8, 0)
        badge = str(index.data(self._badge_role) or "") if self._badge_role is not None else ""
        taken = draw_badge(painter, self._theme, area, badge) if badge else 0
        painter.setFont(self._theme.font("body"))
        painter.setPen(self._theme.color("text"))
        name = painter.fontMetrics().elidedText(
            str(index.data(Qt.ItemDataRole.DisplayRole) or ""), self.elide_mode, area.width() - taken
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        painter.restore()

    def begins_group(self, index: _ItemIndex) -> bool:
        """Whether the row above has another badge."""
        if self._badge_role is None or index.row() == 0:
            return False
        above = index.sibling(index.row() - 1, index.column())
        return bool(above.data(self._badge_role) != index.data(self._badge_role))


def badge_width(theme: Theme, text: str) -> int:
    """What a badge takes with its gap, in logical pixels; nothing for none."""
    return QFontMetrics(theme.font("badge")).horizontalAdvance(text) + _BADGE_PADDING + _BADGE_GAP if text else 0


def draw_badge(painter: QPainter, theme: Theme, area: QRect, text: str, enabled: bool = True) -> int:
    """Draws a badge at the right end of `area`; returns the width it takes with its gap, in logical pixels."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.font("badge"))
    width = painter.fontMetrics().horizontalAdvance(text) + _BADGE_PADDING
    top = area.top() + (area.height() - BADGE_HEIGHT) // 2
    box = QRectF(area.right() - width + 0.5, top + 0.5, width, BADGE_HEIGHT - 1)
    painter.setPen(QPen(theme.color("control" if enabled else "line"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
    painter.setPen(theme.color("text2" if enabled else "off"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()
    return width + _BADGE_GAP


def _draw_focus_edge(painter: QPainter, theme: Theme, rect: QRect) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.color("focus"), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(1, 1, -1, -1), RADIUS - 1, RADIUS - 1)
    painter.restore()

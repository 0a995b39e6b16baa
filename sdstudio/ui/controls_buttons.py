"""Buttons: primary, plain, flat, link, icon, toggle, chip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QColor, QEnterEvent, QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from sdstudio.ui.focus_ring import RingKeeper
from sdstudio.ui.fonts import FontRole
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CHIP_HEIGHT, CONTROL_HEIGHT, ICON_SIZE, LINE_BODY, PRIMARY_HEIGHT

_ARROWS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)


class Button(QPushButton):
    """A plain button, 28 px high, with the ring on keyboard focus."""

    kind = "button"
    font_role: FontRole = "button"

    def __init__(self, theme: Theme, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.theme = theme
        self._ring = RingKeeper(self, theme)
        self.setProperty("kind", self.kind)
        self.setFont(theme.font(self.font_role))
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setAutoDefault(False)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring.focus_in(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._ring.focus_out(event)


class PrimaryButton(Button):
    """The one button of a view that goes on. With a key hint it is 40 px high and shows the key at its right."""

    kind = "primary"

    def __init__(self, theme: Theme, text: str = "", key_hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, text, parent)
        self._key_hint = key_hint
        self.setFont(theme.font("primary" if key_hint else "heading"))
        if key_hint:
            self.setFixedHeight(PRIMARY_HEIGHT)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def key_hint(self) -> str:
        return self._key_hint

    def set_key_hint(self, hint: str) -> None:
        """Another key; its height stays."""
        self._key_hint = hint
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Twice the hint beside the centred text, so that they never meet."""
        hint = super().sizeHint()
        if not self._key_hint:
            return hint
        aside = self.fontMetrics().horizontalAdvance(self._key_hint) + 20
        return QSize(hint.width() + 2 * aside, hint.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), PRIMARY_HEIGHT if self._key_hint else CONTROL_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._key_hint or self.width() < self.sizeHint().width():
            return
        painter = QPainter(self)
        painter.setFont(self.theme.font("badge"))
        painter.setPen(self.theme.color("keyhint" if self.isEnabled() else "off"))
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(self.rect().adjusted(0, 0, -12, 0), side, self._key_hint)


class FlatButton(Button):
    """Text only until pointed at."""

    kind = "flat"


class LinkButton(Button):
    """A text in the accent colour that does something."""

    kind = "link"

    def __init__(self, theme: Theme, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, text, parent)
        self.setFixedHeight(CHIP_HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 2, CHIP_HEIGHT)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._underline(self.isEnabled())
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._underline(False)
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange:
            self._underline(False)
        super().changeEvent(event)

    def _underline(self, underlined: bool) -> None:
        """While pointed at: the style sheet's text-decoration does not reach a push button."""
        font = self.font()
        font.setUnderline(underlined)
        self.setFont(font)


class IconButton(Button):
    """A square button with an icon; `name` is its accessible name. `flat` hides its edge until pointed at.

    The icon is 16 px up to a side of 28, else 20.
    """

    kind = "icon"

    def __init__(
        self,
        theme: Theme,
        icon: str,
        name: str,
        parent: QWidget | None = None,
        *,
        flat: bool = False,
        side: int = CONTROL_HEIGHT,
        token: str = "text",
        icon_size: int | None = None,
    ) -> None:
        super().__init__(theme, "", parent)
        self._icon_name = icon
        self._token = token
        small = LINE_BODY if side <= CONTROL_HEIGHT else ICON_SIZE
        self._icon_size = icon_size or small
        if flat:
            self.setProperty("kind", "flaticon")
        self.setFixedSize(side, side)
        self.setIconSize(QSize(self._icon_size, self._icon_size))
        self.setAccessibleName(name)
        self.setToolTip(name)
        theme.changed.connect(self._colour)
        self.toggled.connect(self._colour)
        self._colour()

    @property
    def icon_name(self) -> str:
        return self._icon_name

    def set_icon_name(self, icon: str) -> None:
        self._icon_name = icon
        self._colour()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._colour()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._colour()

    def _colour(self) -> None:
        """A resting tool is quieter; it lights up when pointed at or chosen."""
        token = "text" if self.underMouse() or self.isChecked() else self._token
        self.setIcon(self.theme.icon(self._icon_name, token, self._icon_size))


class ToggleButton(Button):
    """A button that stays chosen."""

    kind = "toggle"

    def __init__(self, theme: Theme, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, text, parent)
        self.setCheckable(True)


class Chip(Button):
    """A small choice, 24 px high."""

    kind = "chip"
    font_role: FontRole = "badge"

    def __init__(self, theme: Theme, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, text, parent)
        self.setCheckable(True)
        self.setFixedHeight(CHIP_HEIGHT)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 10, CHIP_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrow keys go to the row of chips; a push button would use them as Tab."""
        if event.key() in _ARROWS:
            event.ignore()
        else:
            super().keyPressEvent(event)


class FoldButton(Button):
    """Opens and closes the section below it: an arrow, a name, and in a quieter colour what is inside."""

    kind = "fold"
    font_role: FontRole = "body"

    def __init__(self, theme: Theme, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, text, parent)
        self._summary = ""
        self.setCheckable(True)
        self.setFixedHeight(20)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def summary(self) -> str:
        return self._summary

    def set_summary(self, text: str) -> None:
        """What the closed section holds; cut at its end where there is no room."""
        self._summary = text
        self.setAccessibleDescription(text)
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        arrow = self.theme.pixmap("down" if self.isChecked() else "right", "text", LINE_BODY, ratio)
        painter.drawPixmap(-4, (self.height() - LINE_BODY) // 2, arrow)
        metrics = self.fontMetrics()
        name = QRect(16, 0, min(metrics.horizontalAdvance(self.text()) + 1, self.width() - 16), self.height())
        self._write(painter, name, self.text(), self.theme.color("text"))
        if not self.isChecked():
            rest = QRect(name.right() + 9, 0, self.width() - name.right() - 9, self.height())
            self._write(painter, rest, self._summary, self.theme.color("text2"))

    def _write(self, painter: QPainter, rect: QRect, text: str, colour: QColor) -> None:
        painter.setPen(colour if self.isEnabled() else self.theme.color("off"))
        shown = self.fontMetrics().elidedText(" ".join(text.split()), Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)

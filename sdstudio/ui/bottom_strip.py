"""The strip at the foot of the window: what goes on, how long it takes, what it runs on."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QWidget

from sdstudio.ui.controls import Button, ElidedLabel, SectionLine, TextLabel, describe
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import CHIP_HEIGHT, LINE_BODY

STRIP_HEIGHT = 32
BAR_WIDTH = 200
BAR_HEIGHT = 4
BAR_UNITS = 1000


class RunBar(QProgressBar):
    """The whole run as a line of 200 x 4. Painted from the theme: it moves too often to be styled."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setRange(0, BAR_UNITS)
        self.setTextVisible(False)
        self.setFixedSize(BAR_WIDTH, BAR_HEIGHT)
        self.setAccessibleName(self.tr("Progress of this run"))
        theme.changed.connect(self.update)

    def set_fraction(self, fraction: float) -> None:
        """From 0 to 1. QProgressBar.setValue alone would repaint the window at once, in the middle of other changes."""
        self.setUpdatesEnabled(False)
        self.setValue(round(fraction * BAR_UNITS))
        self.setUpdatesEnabled(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("groove"))
            painter.drawRoundedRect(QRectF(self.rect()), 2, 2)
            filled = self.width() * self.value() / BAR_UNITS
            if filled >= 1:
                painter.setBrush(self._theme.color("accent"))
                painter.drawRoundedRect(QRectF(0, 0, max(filled, BAR_HEIGHT), self.height()), 2, 2)


class CancelButton(Button):
    """The word Cancel, and its key in a quieter colour."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", parent)
        self._words = self.tr("Cancel")
        self._key = self.tr("Esc")
        self.setFixedHeight(CHIP_HEIGHT)
        describe(self, self._words, self.tr("Stop this run; finished pictures stay"), "Esc")

    def show_key(self, key: str) -> None:
        self._key = key
        describe(self, self._words, self.tr("Stop this run; finished pictures stay"), key)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self._words) + metrics.horizontalAdvance(self._key) + 30, CHIP_HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            area = self.rect().adjusted(12, 0, -12, 0)
            painter.setPen(self.theme.color("text" if self.isEnabled() else "off"))
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._words)
            painter.setFont(self.theme.font("body"))
            painter.setPen(self.theme.color("text2" if self.isEnabled() else "off"))
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._key)


class Fact(QWidget):
    """An icon and a few words at the right end, with a line before them."""

    def __init__(self, theme: Theme, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icon_name = icon
        self._icon = QLabel()
        self._icon.setFixedSize(LINE_BODY, LINE_BODY)
        self._words = TextLabel(theme, role="hint")
        line = SectionLine()
        line.setFixedSize(1, LINE_BODY)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(line)
        row.addSpacing(4)
        row.addWidget(self._icon)
        row.addWidget(self._words)
        theme.changed.connect(self._colour)
        self._colour()

    @property
    def text(self) -> str:
        return self._words.text()

    def set_fact(self, words: str, hint: str = "") -> None:
        """Nothing is shown for no words."""
        self._words.setText(words)
        self.setToolTip(hint)
        self.setAccessibleName(f"{words}. {hint}" if hint else words)
        self.setVisible(bool(words))

    def _colour(self) -> None:
        self._icon.setPixmap(self._theme.pixmap(self._icon_name, "text2", LINE_BODY, self.devicePixelRatioF()))


class BottomStrip(QWidget):
    """Shows words and figures it is given; knows no jobs."""

    cancel_clicked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_surface(self, "window")
        self.setFixedHeight(STRIP_HEIGHT)
        self._icon = QLabel()
        self._icon.setFixedSize(LINE_BODY, LINE_BODY)
        self._icon_name = ""
        self._state = TextLabel(theme, font="button")
        self._bar = RunBar(theme)
        self._detail = ElidedLabel(theme, role="hint")
        self._cancel = CancelButton(theme)
        self._queue = Fact(theme, "queue")
        self._device = Fact(theme, "chip")
        self._offline = Fact(theme, "offline")
        self._line = SectionLine(self)
        self._cancel.clicked.connect(self.cancel_clicked)
        self._lay_out()
        theme.changed.connect(self._colour)
        self.show_idle(self.tr("Ready"))
        self.set_waiting(0)
        self.set_device("")
        self._offline.set_fact(
            self.tr("Offline"), self.tr("Everything runs on this computer. Nothing is sent or fetched.")
        )

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 1, 16, 0)
        row.setSpacing(12)
        row.addWidget(self._icon)
        row.addWidget(self._state)
        row.addWidget(self._bar)
        self._detail.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row.addWidget(self._detail)
        row.addWidget(self._cancel)
        row.addStretch(1)
        row.addWidget(self._queue)
        row.addWidget(self._device)
        row.addWidget(self._offline)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._line.setGeometry(0, 0, self.width(), 1)
        super().resizeEvent(event)

    def show_idle(self, state: str, detail: str = "", icon: str = "") -> None:
        """No run goes on. `icon`: "error", "check" or none before the words."""
        self._state.setMinimumWidth(0)
        self._icon_name = icon
        self._icon.setVisible(bool(icon))
        self._colour()
        self._set_words(state, detail)
        self._bar.hide()
        self._cancel.hide()

    def show_run(self, state: str, fraction: float, detail: str, can_cancel: bool = True) -> None:
        self._icon.hide()
        self._set_words(state, detail)
        # The bar must not move because "10" is wider than "9": the words' place only grows during a run.
        self._state.setMinimumWidth(max(self._state.minimumWidth(), self._state.sizeHint().width()))
        self._bar.set_fraction(fraction)
        self._bar.show()
        self._cancel.setEnabled(can_cancel)
        self._cancel.show()

    def set_waiting(self, count: int) -> None:
        self._queue.set_fact(
            self.tr("{count} waiting").format(count=count) if count else "", self.tr("Runs that start after this one")
        )

    def set_device(self, words: str, hint: str = "") -> None:
        self._device.set_fact(words, hint)

    @property
    def state_text(self) -> str:
        return self._state.text()

    @property
    def detail_text(self) -> str:
        return self._detail.text()

    @property
    def queue_text(self) -> str:
        return self._queue.text

    @property
    def cancel_button(self) -> CancelButton:
        return self._cancel

    @property
    def running(self) -> bool:
        return not self._bar.isHidden()

    def _set_words(self, state: str, detail: str) -> None:
        if state != self._state.text():
            self._state.setText(state)
        if detail != self._detail.text():
            self._detail.setText(detail)

    def _colour(self) -> None:
        if self._icon_name:
            token = {"error": "error", "check": "ok"}.get(self._icon_name, "text2")
            self._icon.setPixmap(self._theme.pixmap(self._icon_name, token, LINE_BODY, self.devicePixelRatioF()))

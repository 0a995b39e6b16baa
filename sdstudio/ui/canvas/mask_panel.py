"""A number for the whole mask (grow, shrink, feather, remove specks) in the option bar's place, with a live preview.

Above the picture and not over it: one judges the edge while the number changes.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.ui.controls import Button, Heading, PrimaryButton, SectionLine, TextLabel, ValueSlider
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.translate import QT_TRANSLATE_NOOP

PANEL_HEIGHT = 40
PREVIEW_MS = 60
"""While the slider moves the preview follows in steps of this; the last number always gets its own."""
SLIDER_WIDTH = 160


@dataclass(frozen=True, slots=True)
class MaskChange:
    """`command` is the session's method; `most` the slider's end."""

    name: str
    command: str
    words: str
    hint: str
    start: int
    most: int
    preview: bool = True
    area: bool = False
    """The number is the side of a square, and the command takes its pixels."""


MASK_CHANGES: tuple[MaskChange, ...] = (
    MaskChange(
        "mask_grow",
        "mask_grow",
        QT_TRANSLATE_NOOP("MaskPanel", "Grow the mask"),
        QT_TRANSLATE_NOOP("MaskPanel", "Pixels outwards, all round"),
        8,
        128,
    ),
    MaskChange(
        "mask_shrink",
        "mask_shrink",
        QT_TRANSLATE_NOOP("MaskPanel", "Shrink the mask"),
        QT_TRANSLATE_NOOP("MaskPanel", "Pixels inwards, all round"),
        8,
        128,
    ),
    MaskChange(
        "mask_feather",
        "mask_feather",
        QT_TRANSLATE_NOOP("MaskPanel", "Feather the mask"),
        QT_TRANSLATE_NOOP("MaskPanel", "Width of the soft edge"),
        12,
        128,
    ),
    MaskChange(
        "mask_remove_specks",
        "mask_remove_specks",
        QT_TRANSLATE_NOOP("MaskPanel", "Remove specks"),
        QT_TRANSLATE_NOOP("MaskPanel", "Spots smaller than a square of this side go"),
        8,
        64,
        preview=False,
        area=True,
    ),
)


class MaskPanel(QWidget):
    """`closed` when it has done its work, or was left."""

    closed = Signal()

    def __init__(self, session: CanvasSession, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.setFixedHeight(PANEL_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._session = session
        self._change = MASK_CHANGES[0]
        self._last = {change.name: change.start for change in MASK_CHANGES}
        self.heading = Heading(theme, "")
        self.field = ValueSlider(theme, 1, 512, slider_high=128, unit=self.tr("px"))
        self.hint = TextLabel(theme, role="hint")
        self.apply = PrimaryButton(theme, self.tr("Apply"))
        self.cancel = Button(theme, self.tr("Cancel"))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PREVIEW_MS)
        self._lay_out()
        self._timer.timeout.connect(self._preview)
        self.field.value_changed.connect(lambda _: self._timer.start() if not self._timer.isActive() else None)
        self.field.number.lineEdit().returnPressed.connect(self.accept)
        self.apply.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.leave)
        self.hide()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 1)
        row.setSpacing(12)
        row.addWidget(self.heading)
        row.addWidget(self.field)
        row.addWidget(self.hint)
        row.addStretch(1)
        row.addWidget(self.cancel)
        row.addWidget(self.apply)
        self.field.slider.setFixedWidth(SLIDER_WIDTH)
        self._line = SectionLine(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The slider shrinks, and the hint goes, before anything is clipped."""
        self._line.setGeometry(0, self.height() - 1, self.width(), 1)
        super().resizeEvent(event)
        self.hint.setVisible(self.width() >= 640)
        self.field.slider.setFixedWidth(SLIDER_WIDTH if self.width() >= 520 else 64)

    def begin(self, name: str) -> None:
        """Opens for one of MASK_CHANGES, with the number that was used last."""
        self._change = next(change for change in MASK_CHANGES if change.name == name)
        self.heading.setText(self.tr(self._change.words))
        self.hint.setText(self.tr(self._change.hint))
        self.field.slider.setMaximum(self._change.most)
        self.field.describe(f"{self.heading.text()} ({self.tr('px')})", self.hint.text())
        self.field.set_value(self._last[name])
        self.show()
        self.field.number.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.number.selectAll()
        self._preview()

    @property
    def active(self) -> bool:
        return not self.isHidden()

    def accept(self) -> None:
        if not self.active:
            return
        self._timer.stop()
        pixels = round(self.field.value())
        self._last[self._change.name] = pixels
        self._close()
        getattr(self._session, self._change.command)(pixels * pixels if self._change.area else pixels)

    def leave(self) -> None:
        """The mask is as it was."""
        if self.active:
            self._timer.stop()
            self._close()
            self._session.cancel_preview()

    def _close(self) -> None:
        self.hide()
        self.closed.emit()

    def _preview(self) -> None:
        if self._change.preview and self.active:
            getattr(self._session, self._change.command)(round(self.field.value()), preview=True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.leave()
        else:
            super().keyPressEvent(event)

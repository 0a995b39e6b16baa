"""What is behind the option bar's "…": the brush's finer settings, and what had no room in the bar."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from sdstudio.canvas.tool_settings import BrushSettings
from sdstudio.ui.canvas.option_groups import Group, NumberGroup
from sdstudio.ui.canvas.pressure_curve import CurveEditor
from sdstudio.ui.controls import Heading
from sdstudio.ui.theme import Theme, set_surface

_LABEL_WIDTH = 80


class OptionPopover(QFrame):
    """Opens below the button and closes at a click elsewhere, or with Esc."""

    brush_changed = Signal(str, object)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        set_surface(self, "dock")
        self.setProperty("role", "popover")
        percent = self.tr("%")
        self.flow = NumberGroup(
            theme, self.tr("Flow"), self.tr("How much paint each moment adds"), 1, 100, unit=percent, factor=0.01
        )
        self.smoothing = NumberGroup(
            theme, self.tr("Smoothing"), self.tr("How much a trembling hand is evened out"), 0, 100, unit=percent,
            factor=0.01,
        )  # fmt: skip
        self.spacing = NumberGroup(
            theme, self.tr("Spacing"), self.tr("Between two dabs, in parts of the size"), 1, 100, unit=percent,
            factor=0.01,
        )  # fmt: skip
        self.curve = CurveEditor(theme)
        self._guests: list[Group] = []
        self._brush_part = QWidget()
        self._lay_out(theme)
        for name, group in (("flow", self.flow), ("smoothing", self.smoothing), ("spacing", self.spacing)):
            group.changed.connect(lambda value, field=name: self.brush_changed.emit(field, value))
        self.curve.changed.connect(lambda curve: self.brush_changed.emit("curve", curve))

    def _lay_out(self, theme: Theme) -> None:
        part = QVBoxLayout(self._brush_part)
        part.setContentsMargins(0, 0, 0, 0)
        part.setSpacing(8)
        for group in (self.flow, self.smoothing, self.spacing):
            group.set_label_width(_LABEL_WIDTH)
            part.addWidget(group)
        part.addSpacing(4)
        part.addWidget(Heading(theme, self.tr("Pen pressure")))
        part.addWidget(self.curve)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 12, 16, 12)
        self._column.setSpacing(8)
        self._column.addWidget(self._brush_part)

    def show_brush(self, brush: BrushSettings, shown: bool) -> None:
        self.flow.set_value(brush.flow)
        self.smoothing.set_value(brush.smoothing)
        self.spacing.set_value(brush.spacing)
        self.curve.set_curve(brush.curve)
        self._brush_part.setVisible(shown)

    def take(self, guests: Sequence[Group]) -> None:
        """Parts of the bar that have no room there; those of before have been taken back."""
        for group in self._guests:
            if isinstance(group, NumberGroup) and group not in guests:
                group.set_label_width(0)
        self._guests = list(guests)
        for place, group in enumerate(guests):
            self._column.insertWidget(place, group, 0, Qt.AlignmentFlag.AlignLeft)
            group.set_narrow(False)
            if isinstance(group, NumberGroup):
                group.set_label_width(_LABEL_WIDTH)
            group.show()

    def open_below(self, corner: QPoint) -> None:
        """With its top right corner at `corner`, moved onto the screen where it would leave it."""
        self.adjustSize()
        screen = QGuiApplication.screenAt(corner) or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        x = min(max(corner.x() - self.width(), room.left()), room.right() - self.width())
        y = min(corner.y(), room.bottom() - self.height())
        self.move(x, max(room.top(), y))
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

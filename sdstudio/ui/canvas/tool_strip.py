"""The tools at the left of the canvas: what they work on, which one is in the hand, colours and the eye."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLayout, QMenu, QVBoxLayout, QWidget

from sdstudio.ui.actions import Actions
from sdstudio.ui.canvas.swatch import ColourSwatch, MaskSwatch
from sdstudio.ui.controls import IconButton, SectionLine, describe
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.translate import QT_TRANSLATE_NOOP

STRIP_WIDTH = 44
TOOL_SIDE = 32
_ROOMY = 4
_LINE_AIR = 3

TOOLS: tuple[tuple[str, str, str], ...] = (
    ("brush", "brush", QT_TRANSLATE_NOOP("ToolStrip", "Brush")),
    ("eraser", "eraser", QT_TRANSLATE_NOOP("ToolStrip", "Eraser")),
    ("lasso", "lasso", QT_TRANSLATE_NOOP("ToolStrip", "Lasso")),
    ("polygon", "polygon", QT_TRANSLATE_NOOP("ToolStrip", "Polygon")),
    ("rectangle", "rect", QT_TRANSLATE_NOOP("ToolStrip", "Rectangle")),
    ("ellipse", "ellipse", QT_TRANSLATE_NOOP("ToolStrip", "Ellipse")),
    ("fill", "fill", QT_TRANSLATE_NOOP("ToolStrip", "Fill")),
    ("wand", "wand", QT_TRANSLATE_NOOP("ToolStrip", "Magic wand")),
    ("picker", "picker", QT_TRANSLATE_NOOP("ToolStrip", "Colour picker")),
    ("frame", "frame", QT_TRANSLATE_NOOP("ToolStrip", "Frame")),
    ("hand", "hand", QT_TRANSLATE_NOOP("ToolStrip", "Hand")),
    ("zoom", "zoom", QT_TRANSLATE_NOOP("ToolStrip", "Zoom")),
)
"""Name, icon, words."""

LEAVE_FIRST = ("picker", "ellipse", "polygon", "zoom", "hand", "wand", "fill", "rectangle", "lasso")
"""Where the window is low, these go into the menu at the end, one after the other."""


class ToolButton(IconButton):
    """Arrow keys go to the strip; a push button would use them as Tab."""

    def __init__(self, theme: Theme, icon: str, name: str) -> None:
        super().__init__(theme, icon, name, flat=True, side=TOOL_SIDE, token="text2")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()
        else:
            super().keyPressEvent(event)


class ToolStrip(QWidget):
    """Shows what it is told and says what was chosen. One stop of the keyboard, with the arrow keys inside."""

    tool_chosen = Signal(str)
    target_chosen = Signal(str)
    colour_asked = Signal()
    mask_look_asked = Signal(QPoint)
    eye_clicked = Signal()

    def __init__(self, theme: Theme, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tool = ""
        self._folded: tuple[str, ...] = ()
        set_surface(self, "dock")
        self.setFixedWidth(STRIP_WIDTH)
        self.setAccessibleName(self.tr("Tools"))
        self.targets = {
            "mask": self._button("mask", self.tr("The tools work on the mask")),
            "paint": self._button("palette", self.tr("The tools work on the paint layer")),
        }
        self.buttons = {name: self._button(icon, self.tr(words)) for name, icon, words in TOOLS}
        self.more = self._button("more", self.tr("More tools"), checkable=False)
        self.colour = ColourSwatch(theme)
        self.mask_colour = MaskSwatch(theme)
        self.eye = self._button("eye", self.tr("Show the mask as"), checkable=False)
        self._lines = [SectionLine() for _ in range(2)]
        self._lay_out()
        self._connect(actions)
        self._set_stop(self.buttons["brush"])

    def _button(self, icon: str, name: str, *, checkable: bool = True) -> IconButton:
        button = ToolButton(self._theme, icon, name)
        button.setCheckable(checkable)
        return button

    def _lay_out(self) -> None:
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(5, 8, 6, 8)
        column.setSpacing(_ROOMY)
        column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        middle = Qt.AlignmentFlag.AlignHCenter
        for button in self.targets.values():
            column.addWidget(button, 0, middle)
        self._add_line(self._lines[0])
        for name, button in self.buttons.items():
            if name == "hand":
                self._add_line(self._lines[1])
            column.addWidget(button, 0, middle)
        column.addWidget(self.more, 0, middle)
        column.addStretch(1)
        for widget in (self.colour, self.mask_colour, self.eye):
            column.addWidget(widget, 0, middle)
        side = SectionLine(self)
        side.setFixedSize(1, 4000)
        side.move(STRIP_WIDTH - 1, 0)

    def _add_line(self, line: SectionLine) -> None:
        line.setFixedWidth(20)
        self._column.addSpacing(_LINE_AIR)
        self._column.addWidget(line, 0, Qt.AlignmentFlag.AlignHCenter)
        self._column.addSpacing(_LINE_AIR)

    def _connect(self, actions: Actions) -> None:
        for name, button in self.buttons.items():
            actions.describe(button, f"tool_{name}", button.accessibleName())
            button.clicked.connect(lambda _checked=False, chosen=name: self._choose(chosen))
        for name, button in self.targets.items():
            actions.describe(button, "target", button.accessibleName())
            button.clicked.connect(lambda _checked=False, chosen=name: self._choose_target(chosen))
        actions.describe(self.eye, "quick_mask", self.tr("How the mask is shown"))
        describe(self.more, self.tr("More tools"))
        describe(self.colour, self.tr("Colour to paint with"))
        describe(self.mask_colour, self.tr("Colour of the mask"), self.tr("Colour and strength of the mask's tint"))
        self.more.clicked.connect(self._show_more)
        self.colour.clicked.connect(self.colour_asked)
        self.mask_colour.clicked.connect(self._ask_mask_look)
        self.eye.clicked.connect(self.eye_clicked)

    # What is shown

    def show_tool(self, tool: str) -> None:
        self._tool = tool
        for name, button in self.buttons.items():
            button.setChecked(name == tool)
        self._set_stop(self.buttons.get(tool) or self.buttons["brush"])
        self._fold()

    def show_target(self, target: str) -> None:
        for name, button in self.targets.items():
            button.setChecked(name == target)
        self.colour.setVisible(target == "paint")
        self._fold()

    def show_eye(self, look: str) -> None:
        """`look`: "tint", "edge" or "greys"."""
        self.eye.set_icon_name({"edge": "edge", "greys": "invert"}.get(look, "eye"))

    @property
    def folded(self) -> tuple[str, ...]:
        """Tools that are in the menu at the end for want of room."""
        return self._folded

    def tab_stops(self) -> tuple[QWidget, ...]:
        return (*self.targets.values(), *self.buttons.values(), self.more, self.colour, self.mask_colour, self.eye)

    # By hand

    def _choose(self, name: str) -> None:
        self.show_tool(self._tool)  # a click unchecks a checked button; what is chosen comes from the session
        self.tool_chosen.emit(name)

    def _choose_target(self, name: str) -> None:
        for other, button in self.targets.items():
            button.setChecked(other == name)
        self.target_chosen.emit(name)

    def _ask_mask_look(self) -> None:
        self.mask_look_asked.emit(self.mask_colour.mapToGlobal(QPoint(STRIP_WIDTH, 0)))

    def more_menu(self) -> QMenu:
        menu = QMenu(self)
        for name, icon, words in TOOLS:
            if name in self._folded:
                action = menu.addAction(self._theme.icon(icon, "text", 16), self.tr(words))
                action.setCheckable(True)
                action.setChecked(name == self._tool)
                action.triggered.connect(lambda _checked=False, chosen=name: self._choose(chosen))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def _show_more(self) -> None:
        self.more_menu().popup(self.more.mapToGlobal(QPoint(STRIP_WIDTH, 0)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        stops = [stop for stop in self.tab_stops() if stop.isVisible()]
        at = next((place for place, stop in enumerate(stops) if stop.hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
            return
        target = stops[(at + step) % len(stops)]
        self._set_stop(target)
        target.setFocus(Qt.FocusReason.TabFocusReason)

    def _set_stop(self, stop: QWidget) -> None:
        for widget in self.tab_stops():
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus if widget is stop else Qt.FocusPolicy.NoFocus)

    # Room

    def minimumSizeHint(self) -> QSize:
        """With all that can go in the menu."""
        return QSize(STRIP_WIDTH, self._needed(LEAVE_FIRST[:-1], 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        """Closer together first; then tools go into the menu, the chosen one never."""
        spacing = _ROOMY if self._needed((), _ROOMY) <= self.height() else 0
        folded: tuple[str, ...] = ()
        for name in LEAVE_FIRST:
            if self._needed(folded, spacing) <= self.height():
                break
            if name != self._tool:
                folded = (*folded, name)
        self._column.setSpacing(spacing)
        self._folded = folded
        for name, button in self.buttons.items():
            button.setVisible(name not in folded)
        self.more.setVisible(bool(folded))

    def _needed(self, folded: Sequence[str], spacing: int) -> int:
        bottom = 2 + (not self.colour.isHidden())
        count = len(self.targets) + len(self.buttons) - len(folded) + bool(folded) + bottom
        return 16 + count * (TOOL_SIDE + spacing) + len(self._lines) * (1 + 2 * _LINE_AIR + spacing)

"""The line above the canvas: what the tool in the hand can be set to. What has no room moves behind "…"."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication, QPoint, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QSizePolicy, QWidget

from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.ui.actions import Actions
from sdstudio.ui.canvas.frame_options import ExtendGroup, FrameAutoGroup, FrameSizeGroup
from sdstudio.ui.canvas.option_groups import (
    ButtonGroup,
    ChoiceGroup,
    FlagGroup,
    Group,
    HintGroup,
    NumberGroup,
    ToggleGroup,
)
from sdstudio.ui.canvas.option_popover import OptionPopover
from sdstudio.ui.canvas.tool_strip import TOOLS
from sdstudio.ui.controls import Heading, IconButton, SectionLine, describe
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import ICON_SIZE

BAR_HEIGHT = 40
_GAP = 14
_SHAPES = ("lasso", "polygon", "rectangle", "ellipse")
_BRUSHES = ("brush", "eraser")

_SHRINK = ("strength", "hardness", "tolerance", "size")
_LEAVE = (
    "frame_auto",
    "frame_size",
    "invert",
    "antialias",
    "pressure",
    "strength",
    "hardness",
    "contiguous",
    "combine",
)
"""The order in which parts lose their slider, and then leave the bar."""


class OptionBar(QWidget):
    """Shows ToolSettings; the signals carry the name of the field that a hand changed, and its new value."""

    brush_changed = Signal(str, object)
    setting_changed = Signal(str, object)
    invert_asked = Signal()
    left = Signal()

    def __init__(self, theme: Theme, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._settings: ToolSettings | None = None
        self._tool_name = "brush"
        set_surface(self, "dock")
        self.setFixedHeight(BAR_HEIGHT)
        self.setAccessibleName(self.tr("Tool options"))
        self._icon = QLabel()
        self._icon.setFixedSize(ICON_SIZE, ICON_SIZE)
        self._name = Heading(theme, "")
        self.groups = self._make_groups(actions)
        self.more = IconButton(theme, "more", self.tr("More options"), flat=True, icon_size=20, token="text2")
        self.popover = OptionPopover(theme, self)
        self._shown: tuple[tuple[str, bool], ...] = ()
        self._lay_out()
        self._connect()
        theme.changed.connect(self._colour)

    def _make_groups(self, actions: Actions) -> dict[str, Group]:
        theme, percent = self._theme, self.tr("%")
        groups: dict[str, Group] = {
            "size": NumberGroup(
                theme, self.tr("Size"), self.tr("Width of the brush"), 1, 2048, unit=self.tr("px"), slider_high=512
            ),
            "hardness": NumberGroup(
                theme, self.tr("Hardness"), self.tr("How sharp the edge is"), 0, 100, unit=percent, factor=0.01
            ),
            "strength": NumberGroup(
                theme, self.tr("Strength"), self.tr("The most that one stroke adds"), 1, 100, unit=percent, factor=0.01
            ),
            "pressure": ToggleGroup(
                theme,
                (
                    ("size_by_pressure", "pensize", self.tr("Pen pressure changes the size")),
                    ("opacity_by_pressure", "penopa", self.tr("Pen pressure changes the strength")),
                ),
            ),
            "tolerance": NumberGroup(
                theme, self.tr("Tolerance"), self.tr("How different a colour may be to belong to it"), 0, 255, unit=""
            ),
            "contiguous": FlagGroup(
                theme, self.tr("Connected only"), self.tr("Only what touches the place that is clicked")
            ),
            "combine": ChoiceGroup(
                theme,
                (
                    ("replace", self.tr("Replace"), self.tr("The new area takes the place of the mask")),
                    ("add", self.tr("Add"), self.tr("The new area joins the mask; or hold Shift")),
                    ("subtract", self.tr("Take away"), self.tr("The new area leaves the mask; or hold Alt")),
                ),
            ),
            "antialias": FlagGroup(theme, self.tr("Smooth edge"), self.tr("Without it, edges are steps of pixels")),
            "hint": HintGroup(theme),
            "invert": ButtonGroup(theme, "invert", self.tr("Invert the mask")),
            "frame_size": FrameSizeGroup(theme),
            "extend": ExtendGroup(theme),
            "frame_auto": FrameAutoGroup(theme),
        }
        invert = groups["invert"]
        assert isinstance(invert, ButtonGroup)
        actions.describe(invert.button, "mask_invert", self.tr("Invert the mask"))
        return groups

    def _lay_out(self) -> None:
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 1)
        row.setSpacing(_GAP)
        row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        row.addWidget(self._icon)
        row.addWidget(self._name)
        row.addStretch(1)
        row.addWidget(self.more)
        self._line = SectionLine(self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def _connect(self) -> None:
        for name, field in (("size", "size"), ("hardness", "hardness"), ("strength", "opacity")):
            self.groups[name].changed.connect(lambda value, field=field: self.brush_changed.emit(field, value))
        self.groups["pressure"].changed.connect(lambda pair: self.brush_changed.emit(*pair))
        self.groups["tolerance"].changed.connect(lambda value: self.setting_changed.emit("tolerance", round(value)))
        for name in ("contiguous", "combine", "antialias"):
            self.groups[name].changed.connect(lambda value, field=name: self.setting_changed.emit(field, value))
        self.groups["invert"].changed.connect(lambda _: self.invert_asked.emit())
        for group in self.groups.values():
            group.left.connect(self.left)
        self.popover.brush_changed.connect(self.brush_changed)
        describe(self.more, self.tr("More options"))
        self.more.clicked.connect(self.show_more)

    # What is shown

    def show_settings(self, settings: ToolSettings, tool: str) -> None:
        """`tool`: what is in the hand, which may also be "hand" or "zoom"."""
        before = (self._tool_name, self._settings.target if self._settings else "")
        self._settings, self._tool_name = settings, tool
        brush = settings.brush_in_hand
        values: dict[str, Any] = {
            "size": brush.size, "hardness": brush.hardness, "strength": brush.opacity,
            "tolerance": settings.tolerance, "contiguous": settings.contiguous, "combine": settings.combine,
            "antialias": settings.antialias, "hint": self._hint(tool),
        }  # fmt: skip
        for name, value in values.items():
            self.groups[name].set_value(value)  # type: ignore[attr-defined]
        pressure = self.groups["pressure"]
        assert isinstance(pressure, ToggleGroup)
        for field in pressure.buttons:
            pressure.set_value(field, getattr(brush, field))
        self.popover.show_brush(brush, tool in _BRUSHES)
        if before != (tool, settings.target) or not self._name.text():
            self._name.setText(self._words(tool))
            self._colour()
            self._arrange()

    def show_frame(self, size: tuple[int, int], extend_by: int, *, chosen: bool) -> None:
        """Of the generation frame, in pixels; `chosen` by hand."""
        self.groups["frame_size"].set_value(size)  # type: ignore[attr-defined]
        self.groups["extend"].set_value(extend_by)  # type: ignore[attr-defined]
        self.groups["frame_auto"].set_value(chosen)  # type: ignore[attr-defined]

    def _words(self, tool: str) -> str:
        return next((QCoreApplication.translate("ToolStrip", words) for name, _, words in TOOLS if name == tool), "")

    def _hint(self, tool: str) -> str:
        return {
            "picker": self.tr("Click takes the colour under the pointer."),
            "hand": self.tr("Drag moves the picture. Space does it with any tool."),
            "zoom": self.tr("Click comes closer, Alt and click goes back."),
        }.get(tool, "")

    def _colour(self) -> None:
        icon = next((icon for name, icon, _ in TOOLS if name == self._tool_name), "brush")
        self._icon.setPixmap(self._theme.pixmap(icon, "text", ICON_SIZE, self.devicePixelRatioF()))

    def _wanted(self) -> list[str]:
        tool, target = self._tool_name, self._settings.target if self._settings else "mask"
        if tool in _BRUSHES:
            names = ["size", "hardness", "strength", "pressure"]
        elif tool in _SHAPES:
            names = ["combine", "antialias"] if target == "mask" else ["antialias"]
        elif tool in ("fill", "wand"):
            names = ["tolerance", "contiguous", *(["combine"] if target == "mask" else [])]
        elif tool == "frame":
            return ["frame_size", "extend", "frame_auto"]
        else:
            return ["hint"]
        return [*names, "invert"] if target == "mask" else names

    # Room

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._line.setGeometry(0, self.height() - 1, self.width(), 1)
        super().resizeEvent(event)
        self._arrange()

    @property
    def away(self) -> tuple[str, ...]:
        """Parts that are behind "…" for want of room."""
        there = {name for name, _ in self._shown}
        return tuple(name for name in self._wanted() if name not in there)

    def _arrange(self) -> None:
        shown = self._fitting()
        if shown == self._shown:
            return
        self._shown = shown
        there = {name for name, _ in shown}
        away = [name for name in self._wanted() if name not in there]
        for group in self.groups.values():
            self._row.removeWidget(group)
            group.hide()  # explicitly: a layout shows what it was given a turn of the event loop later
            group.setParent(self)
        for place, (name, narrow) in enumerate(shown):
            group = self.groups[name]
            self._row.insertWidget(2 + place, group, 1 if name == "hint" else 0)
            group.set_narrow(narrow)
            group.show()
        self.popover.take([self.groups[name] for name in away])
        self.more.setVisible(bool(away) or self._tool_name in _BRUSHES)

    def _fitting(self) -> tuple[tuple[str, bool], ...]:
        """(part, narrow) for each part that stays in the bar, in order."""
        names, narrow = self._wanted(), set[str]()
        for step in (*_SHRINK, None):
            if self._width_of(names, narrow) <= self.width() or step is None:
                break
            narrow.add(step)
        for name in _LEAVE:
            if self._width_of(names, narrow) <= self.width():
                break
            names = [other for other in names if other != name]
        return tuple((name, name in narrow) for name in names)

    def _width_of(self, names: list[str], narrow: set[str]) -> int:
        fixed = 12 + 8 + ICON_SIZE + self._name.sizeHint().width() + self.more.width() + 2 * _GAP
        return fixed + sum(self.groups[name].width_when(name in narrow) + _GAP for name in names)

    def show_more(self) -> None:
        self.popover.open_below(self.more.mapToGlobal(QPoint(self.more.width(), self.more.height() + 4)))

    def tab_stops(self) -> tuple[QWidget, ...]:
        stops = [stop for name, _ in self._shown for stop in self.groups[name].stops()]
        return (*stops, self.more)

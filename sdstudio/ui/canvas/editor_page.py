"""The canvas with all that lies round it: options above, tools at the left, the foot below."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.candidates import Candidates
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.tool_settings import ToolSettings
from sdstudio.ui.actions import Actions
from sdstudio.ui.canvas.candidate_hand import CandidateHand
from sdstudio.ui.canvas.candidate_overlay import CandidateOverlay
from sdstudio.ui.canvas.candidate_strip import CandidateStrip
from sdstudio.ui.canvas.editor_foot import EditorFoot
from sdstudio.ui.canvas.editor_view import EditorView
from sdstudio.ui.canvas.mask_colours import MaskLookPopover, next_look
from sdstudio.ui.canvas.mask_panel import MaskPanel
from sdstudio.ui.canvas.option_bar import OptionBar
from sdstudio.ui.canvas.size_dialogs import ask_colour
from sdstudio.ui.canvas.tool_strip import ToolStrip
from sdstudio.ui.theme import Theme

VIEW_TOOLS = ("hand", "zoom", "frame")
"""Tools that change nothing of the document; the session knows nothing of them."""


class EditorPage(QWidget):
    """Between the session and its controls. The mask's colour is a setting: the window keeps it."""

    tool_changed = Signal(str)
    look_changed = Signal(str)
    mask_colour_chosen = Signal(str)
    mask_opacity_chosen = Signal(int)
    curve_chosen = Signal(object)
    menu_asked = Signal(QPoint)

    def __init__(
        self,
        session: CanvasSession,
        candidates: Candidates,
        io: IoWorker,
        theme: Theme,
        actions: Actions,
        parent: QWidget | None = None,
    ) -> None:
        """`io`: where pictures are made ready for painting."""
        super().__init__(parent)
        self._session = session
        self._view_tool = ""
        self._edge_only = False
        self._tint, self._opacity = QColor("#ff2bd6"), 0.38
        self.options = OptionBar(theme, actions)
        self.panel = MaskPanel(session, theme)
        self.strip = ToolStrip(theme, actions)
        self.view = EditorView(session, theme)
        self.overlay = CandidateOverlay(candidates, theme, self.view, io, self.view)
        hand = CandidateHand(candidates, self.overlay, self)
        self.view.candidates = self.overlay
        self.view.guest = hand
        self.candidates = CandidateStrip(candidates, theme, hand)
        self.foot = EditorFoot(session, theme, actions)
        self.mask_popover = MaskLookPopover(theme, self)
        self._lay_out()
        self._connect()
        self._show_settings(session.settings)
        self._show_look()

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.strip)
        middle.addWidget(self.view, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.options)
        column.addWidget(self.panel)
        column.addLayout(middle, 1)
        column.addWidget(self.candidates)
        column.addWidget(self.foot)

    def _connect(self) -> None:
        session, strip, options, view = self._session, self.strip, self.options, self.view
        session.settings_changed.connect(self._show_settings)
        strip.tool_chosen.connect(self.choose_tool)
        strip.target_chosen.connect(lambda target: session.update_settings(target=target))
        strip.colour_asked.connect(self._ask_colour)
        strip.mask_look_asked.connect(self.mask_popover.open_beside)
        strip.eye_clicked.connect(self.next_look)
        options.brush_changed.connect(self._change_brush)
        options.setting_changed.connect(lambda name, value: session.update_settings(**{name: value}))
        options.invert_asked.connect(session.mask_invert)
        options.left.connect(self.focus_view)
        self.panel.closed.connect(self._panel_closed)
        self.candidates.left.connect(self.focus_view)
        self.overlay.stale.connect(view.update_device)
        self.overlay.covering.connect(self._cover_lines)
        view.scene.cover = self.overlay.cover
        self.mask_popover.colour_chosen.connect(self.mask_colour_chosen)
        self.mask_popover.opacity_chosen.connect(self.mask_opacity_chosen)
        view.zoom_changed.connect(self.foot.zoom.show_zoom)
        view.menu_asked.connect(self.menu_asked)
        self.foot.zoom.step_asked.connect(view.zoom_step)
        self.foot.zoom.fit_asked.connect(view.fit)
        self.foot.zoom.actual_asked.connect(lambda: view.set_zoom(1.0))
        self.foot.cancel_clicked.connect(session.cancel)
        self.foot.zoom.show_zoom(view.viewport.zoom)

    def _cover_lines(self, covered: bool) -> None:
        """While one judges results the frame does not cross them."""
        if self.view.frame is not None:
            self.view.frame.set_covered(covered)

    def focus_view(self) -> None:
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def tab_stops(self) -> tuple[QWidget, ...]:
        """Reading order."""
        return (
            *self.options.tab_stops(), self.panel.field.number, self.panel.cancel, self.panel.apply,
            *self.strip.tab_stops(), self.view, *self.candidates.tab_stops(), *self.foot.tab_stops(),
        )  # fmt: skip

    # Tools

    @property
    def tool(self) -> str:
        """What is in the hand: one of the session's tools, or one that moves the view."""
        return self._view_tool or self._session.settings.tool

    def choose_tool(self, name: str) -> None:
        self._view_tool = name if name in VIEW_TOOLS else ""
        if not self._view_tool:
            self._session.choose_tool(name)
        self.view.set_view_tool(self._view_tool)
        self._show_settings(self._session.settings)

    def _show_settings(self, settings: ToolSettings) -> None:
        self.strip.show_tool(self.tool)
        self.strip.show_target(settings.target)
        self.strip.colour.set_colour(QColor(*settings.colour))
        self.options.show_settings(settings, self.tool)
        self.tool_changed.emit(self.tool)
        self._show_look()

    def _change_brush(self, name: str, value: Any) -> None:
        """Every brush has the one pressure curve: it belongs to the hand and the pen."""
        if name == "curve":
            self.curve_chosen.emit(value)
        else:
            self._session.update_brush(**{name: value})

    def _ask_colour(self) -> None:
        dialog = ask_colour(self.window(), self.strip.colour.colour, self.tr("Colour to paint with"))
        dialog.colorSelected.connect(
            lambda colour: self._session.update_settings(colour=(colour.red(), colour.green(), colour.blue()))
        )

    # How the mask is shown

    @property
    def look(self) -> str:
        """ "tint", "edge" or "greys"."""
        if self._session.settings.quick_mask:
            return "greys"
        return "edge" if self._edge_only else "tint"

    def set_look(self, look: str) -> None:
        self._edge_only = look == "edge"
        self._session.update_settings(quick_mask=look == "greys")
        self._show_look()

    def next_look(self) -> None:
        self.set_look(next_look(self.look))

    def set_mask_colour(self, colour: str, percent: int) -> None:
        self._tint, self._opacity = QColor(colour), percent / 100
        self.strip.mask_colour.set_look(self._tint, self._opacity)
        self.mask_popover.set_look(colour, percent)
        self.view.set_mask_look(self._tint, self._opacity, self._edge_only)

    def _show_look(self) -> None:
        self.strip.show_eye(self.look)
        self.view.set_mask_look(self._tint, self._opacity, self._edge_only)
        self.look_changed.emit(self.look)

    # Changes of the whole mask with a number

    def begin_mask_change(self, name: str) -> None:
        """One of MASK_CHANGES."""
        self.options.hide()
        self.panel.begin(name)

    def _panel_closed(self) -> None:
        self.options.show()
        self.focus_view()

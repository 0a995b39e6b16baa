"""The canvas under the artist's hand: document, mask, the brush's ring, and what to do when nothing is open."""

from __future__ import annotations

import math

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.ui.canvas.allowed_line import AllowedLine
from sdstudio.ui.canvas.candidate_overlay import CandidateOverlay
from sdstudio.ui.canvas.editor_input import EditorInput
from sdstudio.ui.canvas.editor_overlay import EditorOverlay
from sdstudio.ui.canvas.empty_canvas import EmptyCanvas
from sdstudio.ui.canvas.frame_layer import FrameLayer
from sdstudio.ui.canvas.mask_look import MaskLook
from sdstudio.ui.theme import Theme

DASH_MS = 100
"""The mask's edge moves 10 px/s."""
GRAB = 8.0
"""Logical pixels around a polygon's first corner in which a click closes it."""


class EditorView(EditorInput):
    """Takes a session and a theme, nothing else. What files, menus and panels do is their owners' affair."""

    open_asked = Signal()
    new_asked = Signal()
    paste_asked = Signal()
    pointer_at = Signal(object)
    """(x, y) of the document's pixel under the pointer; None when there is none."""

    def __init__(self, session: CanvasSession, theme: Theme, parent: QWidget | None = None) -> None:
        self.overlay: EditorOverlay | None = None
        self.frame: FrameLayer | None = None
        self.allowed: AllowedLine | None = None
        self.candidates: CandidateOverlay | None = None  # above the picture, in place of the mask
        self._mask_words = ""  # those painted last
        super().__init__(session, theme, parent)
        self.overlay = EditorOverlay(session, theme, self.hand, self, self)
        self.empty = EmptyCanvas(theme, self)
        self._known_document: object | None = None
        self._told: tuple[int, int] | None = None
        # The ring follows once for all moves that had arrived.
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.setInterval(0)
        self._dashes = QTimer(self)
        self._dashes.setInterval(DASH_MS)
        self._dashes.timeout.connect(self._move_dashes)
        self.setAccessibleName(self.tr("Canvas"))
        self._connect(session, self.overlay)
        self._take_document()

    def _connect(self, session: CanvasSession, overlay: EditorOverlay) -> None:
        session.document_changed.connect(self._take_document)
        session.settings_changed.connect(self._follow_settings)
        session.outline_changed.connect(overlay.follow)
        session.work_changed.connect(self._follow_work)
        session.mask_changed.connect(self._follow_mask)
        self.hand.changed.connect(self._follow_hand)
        self.hand.moved.connect(self._turn.start)
        self._turn.timeout.connect(self._follow_hand)
        overlay.stale.connect(self.update_device)
        self.empty.open_asked.connect(self.open_asked)
        self.empty.new_asked.connect(self.new_asked)
        self.empty.paste_asked.connect(self.paste_asked)

    # For the window

    @property
    def mask_look(self) -> MaskLook:
        """As it is shown; the quick mask (a setting of the session) goes before the rest."""
        return self._effective_look()

    def set_mask_look(self, colour: QColor, opacity: float, edge_only: bool = False) -> None:
        """`opacity` 0.1 to 1: of the tint where the mask is full."""
        look = MaskLook(colour.name(), opacity, "edge" if edge_only else "tint")
        if look != self._look:
            self._look = look
            self._describe()
            self._moved()

    @property
    def view_tool(self) -> str:
        """ "hand", "zoom" or "frame", or "" for the session's tool."""
        return self.hand.view_tool

    def set_view_tool(self, name: str) -> None:
        self.hand.set_view_tool(name)
        if self.frame is not None:
            self.frame.set_active(name == "frame")
        self._follow_dashes()

    def set_zoom(self, zoom: float) -> None:
        """At the pointer, where that is above the view; else in the middle."""
        if self.hand.pointer is None:
            super().set_zoom(zoom)
        else:
            self._zoom_at(self.hand.pointer.position, zoom)

    def zoom_step(self, direction: int) -> None:
        self.set_zoom(self._view.next_zoom(direction))

    def show_frame(self, frame: FrameLayer, allowed: AllowedLine) -> None:
        """From now on the generation frame lies on the canvas, and the line that results keep within."""
        self.frame = self.hand.frame = frame
        self.allowed = allowed
        allowed.stale.connect(self.update_device)
        frame.stale.connect(self.update_device)
        frame.follow()

    # Follows the session and the hand

    def _take_document(self) -> None:
        document = self._session.document
        self.empty.setVisible(document is None)
        if document is not None:
            size = document.size
            another = document is not self._known_document
            view = self._view.with_size(size.width, size.height)
            self._view = view.fitted() if another else view
        self._known_document = document
        self._describe()
        self._moved()

    def _describe(self) -> None:
        document = self._session.document
        if document is None:
            self.setAccessibleDescription(self.tr("Nothing is open."))
            return
        words = self.tr("{name}, {width} by {height} pixels.")
        size = document.size
        described = words.format(name=document.name, width=size.width, height=size.height)
        hidden = self.overlay.mask_words(self._effective_look()) if self.overlay is not None else ""
        self.setAccessibleDescription(f"{described} {hidden}".strip())

    def _follow_settings(self) -> None:
        self.scene.set_mask_look(self._effective_look(), self.devicePixelRatioF())
        self._follow_overlay()
        self._follow_dashes()
        self.update()

    def _follow_work(self) -> None:
        self._describe()
        self._follow_overlay()
        self.update()

    def _follow_mask(self) -> None:
        """Its pixels are told elsewhere; here are only the words on it."""
        self._describe()
        self._follow_overlay()
        if self.overlay is not None and self.overlay.mask_words(self._effective_look()) != self._mask_words:
            self.update()

    def _follow_hand(self) -> None:
        self._follow_overlay()
        pointer, at = self.hand.pointer, None
        if pointer is not None and self.occupied():
            x, y = self.place(pointer)
            at = (math.floor(x), math.floor(y))
        if at != self._told:
            self._told = at
            self.pointer_at.emit(at)

    def _follow_overlay(self) -> None:
        if self.overlay is not None:
            self.overlay.follow()
        self._rest_cursor()

    def _follow_dashes(self) -> None:
        settings = self._session.settings
        moving = self.isVisible() and self.hasFocus() and settings.target == "mask" and not self.view_tool
        if moving != self._dashes.isActive():
            self._dashes.start() if moving else self._dashes.stop()

    def _move_dashes(self) -> None:
        if not self._theme.reduce_motion and self.occupied() and not self._session.mask_empty:
            self.update_device(self.scene.move_dashes())

    def _moved(self) -> None:
        super()._moved()
        self._session.set_grab(GRAB / self.logical_size(1.0))
        if self.overlay is not None:
            self.overlay.follow()
        if self.frame is not None and self.allowed is not None:
            self.frame.follow()
            self.allowed.follow()

    def _rest_cursor(self) -> None:
        if self.overlay is not None and self.occupied():
            self.setCursor(self.overlay.cursor())
        else:
            self.unsetCursor()

    def _paint_marks(self, painter: QPainter) -> None:
        if self.candidates is not None:
            self.candidates.paint(painter)
        if self.frame is not None and self.allowed is not None:
            if not self.frame.covered:
                self.allowed.paint(painter)
            self.frame.paint(painter)
        if self.overlay is not None:
            self.overlay.paint(painter)

    def _paint_words(self, painter: QPainter) -> None:
        if self.frame is not None:
            self.frame.paint_words(painter)
        if self.overlay is not None:
            look = self._effective_look()
            self._mask_words = self.overlay.mask_words(look)
            self.overlay.paint_words(painter, look)
        if self.candidates is not None:
            self.candidates.paint_words(painter, second_line=bool(self._mask_words))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.empty.setGeometry(self.rect())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._follow_dashes()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._follow_dashes()

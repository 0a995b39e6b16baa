"""The middle column: banner, tabs, and below them the result with its steps, or the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QStackedWidget, QVBoxLayout, QWidget

from sdstudio.ui.actions import Actions
from sdstudio.ui.banner import Banner
from sdstudio.ui.canvas_foot import CanvasFoot
from sdstudio.ui.canvas_view import PictureView
from sdstudio.ui.step_strip import STRIP_HEIGHT, StepStrip
from sdstudio.ui.tabs import TabRow
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.zoom_view import AIR

if TYPE_CHECKING:
    from sdstudio.app.candidates import Candidates
    from sdstudio.app.canvas_session import CanvasSession
    from sdstudio.app.io_worker import IoWorker
    from sdstudio.ui.canvas.editor_page import EditorPage
    from sdstudio.ui.first_start import FirstStart

STRIP_GAP = 16
RESULT, CANVAS = 0, 1
PICTURE, EXAMPLES = 0, 1


class CanvasArea(QWidget):
    """Two pages as soon as a canvas is open; keeps the steps right below the picture, wherever that lies.

    Begins with the place for a result alone; `complete` brings the examples of the first start, and the other page,
    before which no canvas can be open."""

    page_changed = Signal()
    first_start: FirstStart
    page: EditorPage
    """These only after `complete`."""
    _session: CanvasSession

    def __init__(self, theme: Theme, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "canvas")
        self._theme = theme
        self._actions = actions
        self._document: object | None = None
        self.banner = Banner(theme, self)
        self.tab_row = TabRow(theme, (self.tr("Result"), self.tr("Canvas")), self.tr("Result or canvas"))
        self.view = PictureView(theme)
        self.strip = StepStrip(theme, self.view)
        self.foot = CanvasFoot(theme, actions)
        self._stack = QStackedWidget()
        self._pages = QStackedWidget()
        self._result = QWidget()
        self._room = QWidget()
        self._lay_out()
        self.view.set_bottom_room(STRIP_HEIGHT + STRIP_GAP)
        self.strip.hide()
        self._connect()
        self.tab_row.hide()
        self._room.hide()

    def complete(self, session: CanvasSession, candidates: Candidates, io: IoWorker) -> None:
        """Once. The modules are read here: the window's first picture does not wait for them."""
        from sdstudio.ui.banner_place import BannerPlace
        from sdstudio.ui.canvas.editor_page import EditorPage
        from sdstudio.ui.first_start import FirstStart

        self.first_start = FirstStart(self._theme)
        self._stack.addWidget(self.first_start)
        self._session = session
        self.page = EditorPage(session, candidates, io, self._theme, self._actions)
        self._pages.addWidget(self.page)
        BannerPlace(session, self.banner, self.page, self._result, self._room)
        self.page.view.hand.changed.connect(self._follow_hand)
        session.document_changed.connect(self._follow_document)
        session.title_changed.connect(self._show_title)
        self._follow_document()

    def _lay_out(self) -> None:
        self._stack.addWidget(self.view)
        inner = QVBoxLayout(self._result)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addWidget(self._room)
        inner.addWidget(self._stack, 1)
        inner.addWidget(self.foot)
        self._pages.addWidget(self._result)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tab_row)
        column.addWidget(self._pages, 1)
        self.setMinimumWidth(360)

    def _connect(self) -> None:
        self.view.picture_moved.connect(self._place_strip)
        self.view.zoom_changed.connect(self._on_zoom)
        self.view.content_changed.connect(self._on_content)
        self.foot.zoom.step_asked.connect(self.view.zoom_step)
        self.foot.zoom.fit_asked.connect(self.view.fit)
        self.foot.zoom.actual_asked.connect(lambda: self.view.set_zoom(1.0))
        self.tab_row.tabs.currentChanged.connect(self._show_page)

    # Pages

    @property
    def canvas_shown(self) -> bool:
        """Whether the canvas is what one sees and works on."""
        return self._document is not None and self._pages.currentIndex() == CANVAS

    def show_canvas(self) -> None:
        """Nothing happens while none is open."""
        if self._document is not None:
            self.tab_row.tabs.setCurrentIndex(CANVAS)

    def show_result(self) -> None:
        self.tab_row.tabs.setCurrentIndex(RESULT)

    def switch_page(self) -> None:
        if self.canvas_shown:
            self.show_result()
        else:
            self.show_canvas()

    def _show_page(self, index: int) -> None:
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self._pages.isAncestorOf(focus)
        self._pages.setCurrentIndex(index)
        if had_focus:
            self.set_view_focus()
        self.page_changed.emit()

    def _follow_hand(self) -> None:
        from sdstudio.ui.canvas.editor_hand import Doing

        self.banner.hold(self.page.view.hand.doing is not Doing.NOTHING)

    def _follow_document(self) -> None:
        """A canvas that is opened shows itself; one that was closed leaves the result."""
        document = self._session.document
        if document is self._document:
            return
        self._document = document
        self.tab_row.setVisible(document is not None)
        if document is None:
            self.show_result()
        else:
            self.show_canvas()
        self._show_title()
        self.page_changed.emit()

    def _show_title(self) -> None:
        """The dot says that something is in no file yet."""
        from sdstudio.ui.canvas.editor_foot import document_title

        title = document_title(self.tr("Canvas"), self._session.modified)
        self.tab_row.tabs.setTabText(CANVAS, title)
        self.tab_row.tabs.setTabToolTip(CANVAS, document_title(self._session.name, self._session.modified))

    # The result

    def show_first_start(self, shown: bool) -> None:
        self._stack.setCurrentIndex(EXAMPLES if shown else PICTURE)

    @property
    def first_start_shown(self) -> bool:
        return self._stack.currentIndex() == EXAMPLES

    def show_steps(self, shown: bool) -> None:
        """The steps' place is kept free in any case, so that nothing moves when they come and go."""
        self.strip.setVisible(shown)
        self._place_strip()

    def _on_content(self) -> None:
        content = self.view.content
        self.foot.show_content(content)
        self._on_zoom(self.view.viewport.zoom)
        if content is not None:
            self.show_first_start(False)

    def _on_zoom(self, zoom: float) -> None:
        if self.view.content is not None:
            self.foot.zoom.show_zoom(zoom)

    def _place_strip(self) -> None:
        if self.strip.isHidden():
            return
        picture = self.view.picture_rect().toAlignedRect()
        inside = self.view.rect().adjusted(AIR, 0, -AIR, 0)
        left, right = max(picture.left(), inside.left()), min(picture.right() + 1, inside.right() + 1)
        if right - left < 160:
            left, right = inside.left(), inside.right() + 1
        top = min(picture.bottom() + STRIP_GAP, self.view.height() - STRIP_HEIGHT - 8)
        self.strip.setGeometry(QRect(left, max(0, top), right - left, STRIP_HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_strip()

    def set_view_focus(self) -> None:
        view = self.page.view if self.canvas_shown else self.view
        view.setFocus(Qt.FocusReason.ShortcutFocusReason)

"""Where the banner lies: over the top of the canvas, where nothing may move under the pen; above the result."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.ui.banner import Banner
from sdstudio.ui.canvas.editor_page import EditorPage
from sdstudio.ui.zoom_view import AIR, PILL_ROOM

_MOVES = (QEvent.Type.Resize, QEvent.Type.Move, QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.LayoutRequest)


class BannerPlace(QObject):
    """On the canvas the banner covers what lies below it until it is closed: the fitted picture leaves a part of that
    free, and neither picture nor tools move. The result makes room for it."""

    def __init__(
        self, session: CanvasSession, banner: Banner, page: EditorPage, result: QWidget, room: QWidget
    ) -> None:
        """`room`: the topmost row of the result's page. Both pages lie in the banner's parent."""
        super().__init__(banner)
        self._session = session
        self._banner = banner
        self._page = page
        self._result = result
        self._room = room
        room.hide()
        for widget in (banner, page, page.view, result):
            widget.installEventFilter(self)
        page.look_changed.connect(self.follow)
        session.mask_changed.connect(self.follow)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _MOVES:
            self.follow()
        return False

    def follow(self) -> None:
        """Puts it where it belongs now."""
        banner, over_canvas = self._banner, not self._page.isHidden()
        self._room.setVisible(not banner.isHidden() and not over_canvas)
        if banner.isHidden():
            return
        below = self._page.view if over_canvas else self._result
        top = below.mapTo(self._banner.parentWidget() or below, QPoint(0, self._words_height() if over_canvas else 0))
        height = max(banner.heightForWidth(below.width()), banner.minimumSizeHint().height())
        self._room.setFixedHeight(height)
        banner.setGeometry(QRect(top, QSize(below.width(), height)))
        banner.raise_()

    def _words_height(self) -> int:
        """That the mask counts though it is not shown is never covered."""
        view = self._page.view
        words = view.overlay.mask_words(view.mask_look) if view.overlay is not None else ""
        return AIR + PILL_ROOM if words else 0

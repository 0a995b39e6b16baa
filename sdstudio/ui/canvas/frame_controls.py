"""Joins the frame on the canvas, its options above, and the settings it belongs to."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_plan import EditPlanner
from sdstudio.app.edit_settings import EditSettings
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.geometry import Rect
from sdstudio.ui.canvas.allowed_line import AllowedLine
from sdstudio.ui.canvas.editor_page import EditorPage
from sdstudio.ui.canvas.frame_layer import FrameLayer
from sdstudio.ui.canvas.frame_options import ExtendGroup
from sdstudio.ui.theme import Theme


class FrameControls(QObject):
    """`layer` is what is drawn and dragged."""

    def __init__(
        self,
        canvas: CanvasSession,
        settings: EditSettings,
        planner: EditPlanner,
        io: IoWorker,
        theme: Theme,
        page: EditorPage,
    ) -> None:
        super().__init__(page)
        view, options = page.view, page.options
        self._canvas = canvas
        self._settings = settings
        self._view = view
        self._options = options
        self.layer = FrameLayer(canvas, settings, planner, theme, view, self)
        view.show_frame(self.layer, AllowedLine(canvas, settings, planner, io, view, self))
        self.layer.dragged.connect(view.show_around)
        groups = options.groups
        groups["frame_size"].changed.connect(self._resize)
        groups["frame_auto"].changed.connect(lambda _: self.layer.reset())
        extend = groups["extend"]
        assert isinstance(extend, ExtendGroup)
        extend.changed.connect(self._set_extend_by)
        extend.extend_asked.connect(self.extend)
        planner.plan_changed.connect(self._show)
        settings.changed.connect(self._show)
        canvas.document_changed.connect(self._show)
        self._show()

    def extend(self, side: str) -> None:
        """The frame beyond one side, and so far away that all of it is seen."""
        document = self._canvas.document
        if document is None:
            return
        self._settings.extend(side, document.size)
        frame = self._settings.frame
        if frame is not None:
            self._view.show_around(frame)

    def _set_extend_by(self, pixels: int) -> None:
        self._settings.extend_by = pixels

    def _resize(self, size: tuple[int, int]) -> None:
        """Round the middle of what it was, moved into the picture where it fits."""
        document, frame = self._canvas.document, self.layer.frame
        if document is None:
            return
        known = frame or document.rect
        width, height = (max(8, side // 8 * 8) for side in size)
        x = _inside(known.x + (known.width - width) // 2, width, known.x, known.right, document.size.width)
        y = _inside(known.y + (known.height - height) // 2, height, known.y, known.bottom, document.size.height)
        self._settings.frame = Rect(x, y, width, height)

    def _show(self) -> None:
        document, frame = self._canvas.document, self.layer.frame
        known = frame or (document.rect if document is not None else None)
        if known is not None:
            chosen = self._settings.frame is not None
            self._options.show_frame((known.width, known.height), self._settings.extend_by, chosen=chosen)


def _inside(start: int, length: int, low: int, high: int, side: int) -> int:
    """What reached over an edge may go on doing so; what did not stays in the picture."""
    start = start // 8 * 8
    if low >= 0 and start < 0:
        start = 0
    if high <= side and start + length > side and length <= side:
        start = side - length
    return start

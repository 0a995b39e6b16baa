"""Decides what stands in the middle: the forming picture, a finished one, or one that was chosen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from sdstudio.app.context import AppContext
from sdstudio.app.job_item import JobItem, JobState
from sdstudio.domain.events import PictureSaved, Preview
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import UpscaleRequest
from sdstudio.ui.canvas_area import CanvasArea
from sdstudio.ui.canvas_paint import Content
from sdstudio.ui.prepare import Preparer
from sdstudio.ui.qimage import Pyramid, to_qimage


class CanvasPresenter(QObject):
    """Follows the run until the person looks at something else, and again when they come back to it.

    `shown_changed` carries the path of the picture in the middle, "" while none is on disk.
    """

    shown_changed = Signal(str)

    def __init__(self, context: AppContext, area: CanvasArea, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._area = area
        self._preparer = Preparer(context.io)
        self._following = True
        self._item: JobItem | None = None
        self._index = -1
        self._path = ""
        self._last_preview: Preview | None = None
        queue = context.queue
        queue.current_changed.connect(self._on_current)
        queue.preview_changed.connect(self._on_preview)
        queue.picture_saved.connect(self._on_saved)
        queue.job_ended.connect(self._on_ended)
        context.files.shown.connect(self._on_file)
        area.strip.looked_at.connect(self._look_back)

    @property
    def path(self) -> str:
        """Of the picture that is shown; "" where it is not on disk."""
        return self._path

    @property
    def image(self) -> QImage | None:
        content = self._area.view.content
        return None if content is None else content.pyramid.image

    def follow(self) -> None:
        """Back to the run that goes on."""
        self._following = True
        if self._last_preview is not None and self._item is not None:
            self._area.show_steps(True)
            self._show_preview(self._last_preview)

    def show_file(self, path: str) -> None:
        """A picture of the list; it stays although a run goes on."""
        self._following = False
        if path != self._path:
            self._context.files.load(path)

    def forget(self, paths: list[str]) -> None:
        """Files that are no longer there: the picture leaves the middle with them."""
        if self._path in paths:
            self._set_path("")
            self._area.view.show_content(None)
            self._area.show_steps(False)

    # The run

    def _on_current(self, item: JobItem | None) -> None:
        before, self._item = self._item, item
        if item is None or isinstance(item.request, UpscaleRequest):
            return
        if before is None or before.job_id != item.job_id:
            self._following, self._index, self._last_preview = True, -1, None
        if item.steps and item.index != self._index:
            self._index = item.index
            self._area.strip.begin(item.steps)
        if self._index == item.index:
            self._area.strip.set_done(item.step)

    def _on_preview(self, preview: Preview) -> None:
        item = self._item
        if item is None or preview.job_id != item.job_id:
            return
        self._last_preview = preview
        if preview.index != self._index:
            self._index = preview.index
            self._area.strip.begin(item.steps)
        self._area.strip.add_preview(preview.step, to_qimage(preview.image))
        if self._following:
            self._area.show_steps(True)
            self._show_preview(preview)

    def _show_preview(self, preview: Preview) -> None:
        self._preparer.forget()
        pyramid = Pyramid((to_qimage(preview.image),))
        self._set_path("")
        self._area.view.show_content(self._forming(pyramid, preview, self._pill(preview)))

    def _forming(self, pyramid: Pyramid, preview: Preview, pill: str) -> Content:
        return Content(
            pyramid, preview.width, preview.height, name=self.tr("Not finished yet"), pill=pill, forming=True
        )

    def _pill(self, preview: Preview) -> str:
        count = self._item.pictures if self._item is not None else 1
        size = self.tr("{width} × {height}").format(width=preview.width, height=preview.height)
        words = self.tr("Picture {number} of {count} · {size}") if count > 1 else self.tr("Forming · {size}")
        return words.format(number=preview.index + 1, count=count, size=size)

    def _on_saved(self, saved: PictureSaved) -> None:
        if self._following:
            self._show_image(saved.path, saved.image)
            self._area.show_steps(not isinstance(saved.request, UpscaleRequest) and self._area.strip.steps > 0)

    def _on_ended(self, item: JobItem) -> None:
        """A run that ended without a picture leaves its last preview, marked as what it is."""
        self._item = None
        if item.state is not JobState.DONE and not self._area.strip.has_previews:
            self._area.show_steps(False)  # it was begun anew for the run, and belongs to no picture
        content = self._area.view.content
        if content is None or not content.forming or self._last_preview is None:
            return
        words = self.tr("Preview of step {step} · not finished").format(step=self._last_preview.step)
        self._area.view.show_content(self._forming(content.pyramid, self._last_preview, words))

    # A finished picture

    def _on_file(self, path: str, image: ImageBuffer) -> None:
        self._following = False
        self._area.show_steps(False)
        self._show_image(path, image)

    def _show_image(self, path: str, image: ImageBuffer) -> None:
        size = image.size

        def show(pyramid: Pyramid) -> None:
            self._set_path(path)
            self._area.view.show_content(Content(pyramid, size.width, size.height, name=Path(path).name, path=path))

        self._preparer.pyramid(image, show)

    def _set_path(self, path: str) -> None:
        if path != self._path:
            self._path = path
            self.shown_changed.emit(path)

    def _look_back(self, step: int) -> None:
        image = self._area.strip.preview(step) if step else None
        content = self._area.view.content
        if image is None or content is None:
            self._area.view.look_back(None)
            return
        words = self.tr("Step {step} of {steps}").format(step=step, steps=self._area.strip.steps)
        self._area.view.look_back(
            Content(Pyramid((image,)), content.width, content.height, name=content.name, pill=words, forming=True)
        )

"""Picture files and models dropped anywhere on the window."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QAbstractScrollArea, QLineEdit, QWidget

from sdstudio.ui.models_intake import model_paths

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".gif", ".bmp", ".ora")


def picture_paths(data: QMimeData) -> list[str]:
    """The local picture files in `data`, by their names."""
    paths = [url.toLocalFile() for url in data.urls()]
    return [path for path in paths if path.lower().endswith(SUFFIXES)]


def take_as_copy(event: QDropEvent) -> None:
    """Whatever is proposed: after a move, the program that the files come from may delete them."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


class FileDrop(QObject):
    """Watches the window and those of its fields that would take a file for text."""

    dropped = Signal(object)  # list[str]
    models_dropped = Signal(object)  # list[Path]: model files and folders
    image_dropped = Signal(object)  # QMimeData with pixels and without a file

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        for field in window.findChildren(QWidget):
            if isinstance(field, QLineEdit):
                field.installEventFilter(self)
            elif isinstance(field, QAbstractScrollArea) and field.acceptDrops():
                field.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QDropEvent) or event.source() is not None:
            return False  # a picture that is dragged out of our own lists is not meant for us
        paths = picture_paths(event.mimeData())
        models = [] if paths else model_paths(event.mimeData())
        if not (paths or models or event.mimeData().hasImage()):
            return False
        if isinstance(event, QDragEnterEvent | QDragMoveEvent):
            take_as_copy(event)
            return True
        if event.type() == QEvent.Type.Drop:
            take_as_copy(event)
            if paths:
                self.dropped.emit(paths)
            elif models:
                self.models_dropped.emit(models)
            else:
                self.image_dropped.emit(event.mimeData())
            return True
        return False

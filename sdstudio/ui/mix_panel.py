"""Pictures that an unCLIP model mixes into a variation: dropped, pasted or chosen, each with its weight."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QPoint, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.edit_plan import EditPlan
from sdstudio.app.mix_pictures import MixPictures
from sdstudio.app.session import Session
from sdstudio.domain.errors import StudioError
from sdstudio.ui.controls import ErrorLine, Heading, LinkButton, TextLabel, describe
from sdstudio.ui.file_drop import picture_paths, take_as_copy
from sdstudio.ui.mix_row import MixRowView
from sdstudio.ui.qimage import to_buffer
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import CHIP_HEIGHT, DOCK_PADDING, RADIUS, ROW_GAP, SECTION_GAP

_PASTE = QKeySequence.StandardKey.Paste


class MixPanel(QWidget):
    """Bound to the session's `mix` in both directions. `add_asked` carries where a menu of the ways to add should
    open; `replace_asked` the key of a picture for which another file should be chosen."""

    add_asked = Signal(QPoint)
    replace_asked = Signal(str)
    stops_changed = Signal()

    def __init__(self, session: Session, mix: MixPictures, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self._session = session
        self._mix = mix
        self._theme = theme
        self._on_canvas = self._over = False
        self.rows: dict[str, MixRowView] = {}
        self.title = Heading(theme, self.tr("Mix"))
        self.add = LinkButton(theme, self.tr("Add a picture"))
        self.says = TextLabel(theme, font="small", role="hint")
        self.error = ErrorLine(theme)
        self._list = QVBoxLayout()
        self._column = QVBoxLayout(self)
        self._arrange()
        self.setAcceptDrops(True)
        self.add.clicked.connect(lambda: self.add_asked.emit(self._below_add()))
        mix.changed.connect(self._show)
        mix.added.connect(self._on_added)
        mix.problem.connect(self.show_error)
        session.state_changed.connect(self._on_state)
        self._show()

    def set_right_padding(self, padding: int) -> None:
        self._column.setContentsMargins(DOCK_PADDING, SECTION_GAP, padding, SECTION_GAP)

    def tab_stops(self) -> list[QWidget]:
        """In reading order."""
        return [self.add, *(stop for view in self.rows.values() for stop in view.tab_stops())]

    def show_plan(self, plan: EditPlan) -> None:
        """Whether the canvas's picture is varied, too."""
        self._on_canvas = plan.on_canvas and plan.task != "text"
        self._show_words()

    def show_error(self, error: StudioError) -> None:
        """Until the mix changes."""
        self.error.show_error(error)

    def take(self, data: QMimeData) -> bool:
        """From the clipboard or a drop: files, which have a name, before pixels. False where there is no picture."""
        paths = picture_paths(data)
        image = data.imageData() if not paths and data.hasImage() else None
        self.error.clear()
        if paths:
            self._mix.add_files(paths)
        elif isinstance(image, QImage) and not image.isNull():
            self._mix.add_image(to_buffer(image), self.tr("Pasted picture"))
        else:
            return False
        return True

    def paste(self) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if data is None or not self.take(data):
            self.show_error(StudioError(self.tr("There is no picture on the clipboard.")))

    # Hands

    def event(self, event: QEvent) -> bool:
        """The window's own Ctrl+V is for the canvas; here it is for the mix."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.matches(_PASTE):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(_PASTE):
            self.paste()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Also a picture out of our own lists."""
        if picture_paths(event.mimeData()) or event.mimeData().hasImage():
            take_as_copy(event)
            self._set_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._set_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._set_over(False)
        if self.take(event.mimeData()):
            take_as_copy(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._over:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._theme.color("accent"), 2))
            painter.drawRoundedRect(self.rect().adjusted(5, 5, -5, -5), RADIUS, RADIUS)

    def _set_over(self, over: bool) -> None:
        self._over = over
        self.update()

    def _remove(self, key: str) -> None:
        keys = list(self.rows)
        place = keys.index(key)
        self._mix.remove(key)
        # The keyboard stays in the list: on the row that is there now.
        left = list(self.rows.values())
        target = left[min(place, len(left) - 1)].remove if left else self.add
        target.setFocus()

    def _on_added(self, key: str) -> None:
        view = self.rows.get(key)
        if view is not None and self.isVisible():
            view.weight.number.setFocus()
            view.weight.number.selectAll()

    # Showing

    def _on_state(self, names: frozenset[str]) -> None:
        if names & {"mix", "model"}:
            self.error.clear()
        if "mix" in names:
            self._show()

    def _show(self) -> None:
        mix = self._session.state.mix
        before, keys = list(self.rows), [picture.key for picture in mix]
        for key in set(before) - set(keys):
            view = self.rows.pop(key)
            self._list.removeWidget(view)
            view.hide()
            view.deleteLater()
        for place, picture in enumerate(mix):
            if picture.key not in self.rows:
                self.rows[picture.key] = self._make(picture.key)
            view = self.rows[picture.key]
            view.show_row(picture, self._mix.thumb(picture.key), self._mix.is_missing(picture.key))
            if self._list.indexOf(view) != place:
                self._list.insertWidget(place, view)
        self.rows = {key: self.rows[key] for key in keys}
        self.add.setEnabled(self._mix.room > 0)
        self._show_words()
        if list(self.rows) != before:
            self.stops_changed.emit()

    def _make(self, key: str) -> MixRowView:
        view = MixRowView(self._theme)
        view.weight_changed.connect(lambda weight: self._mix.set_weight(key, weight))
        view.removed.connect(lambda: self._remove(key))
        view.replace_asked.connect(lambda: self.replace_asked.emit(key))
        return view

    def _show_words(self) -> None:
        if self._on_canvas and self.rows:
            words = self.tr("With the picture on the canvas, which counts 1.")
        elif self._on_canvas:
            words = self.tr("Further pictures, mixed with the one on the canvas. Drop them here.")
        elif self.rows:
            words = self.tr("A picture of what is seen in these, and of the prompt.")
        else:
            words = self.tr("The next pictures are like those that you drop here.")
        self.says.setText(words)

    def _below_add(self) -> QPoint:
        return self.mapToGlobal(QPoint(self.add.geometry().left(), self.add.geometry().bottom() + 4))

    def _arrange(self) -> None:
        describe(self.add, self.tr("Add a picture to mix with"), self.tr("Choose files, paste, or drop them here."))
        self.says.setWordWrap(True)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.title)
        top.addStretch(1)
        top.addWidget(self.add)
        self.title.setFixedHeight(CHIP_HEIGHT)
        self._list.setContentsMargins(0, ROW_GAP // 2, 0, 0)
        self._list.setSpacing(ROW_GAP)
        self.set_right_padding(DOCK_PADDING)
        self._column.setSpacing(ROW_GAP // 2)
        self._column.addLayout(top)
        self._column.addWidget(self.says)
        self._column.addWidget(self.error)
        self._column.addLayout(self._list)

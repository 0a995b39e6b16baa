"""The right dock's second page: the canvas's layers and its history."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QColor, QImage, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from sdstudio.app import messages, patch_words
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.document import CanvasDocument, Change
from sdstudio.domain.canvas_state import MASK, PAINT, LayerInfo, LayerKind
from sdstudio.domain.geometry import NO_PIXELS, Rect
from sdstudio.domain.image import Pixels
from sdstudio.ui.canvas.history_list import HistoryList, history_words
from sdstudio.ui.canvas.layer_list import ROW_HEIGHT, LayerList, LayerRow
from sdstudio.ui.canvas.layer_thumbs import LayerSampler, mask_thumb, picture_thumb
from sdstudio.ui.canvas.patch_panel import EdgeRow, PatchFoot, patch_sample
from sdstudio.ui.controls import Heading, SectionLine, TextLabel, ValueSlider
from sdstudio.ui.theme import Theme, set_surface

THUMB_MS = 400
"""Thumbnails follow when the hand has rested this long."""
ROWS_MOST = 6


class LayersTab(QWidget):
    """Follows the session. Says when the mask's eye was clicked (how the mask is shown is the window's affair), and
    which result is to be made again (by its layer's id)."""

    mask_eye_clicked = Signal()
    make_again = Signal(str)

    def __init__(self, session: CanvasSession, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self._session = session
        self._look = "tint"
        self._painted = False
        self._target = session.settings.target
        self._tint = QColor("#ff2bd6")
        self._samplers: dict[str, LayerSampler] = {}
        self._stale: dict[str, Rect | None] = {}
        self.list = LayerList(theme)
        self.history = HistoryList(theme)
        self.opacity = ValueSlider(theme, 0, 100, unit=self.tr("%"))
        self._opacity_label = TextLabel(theme, self.tr("Opacity"), role="label")
        self.edge = EdgeRow(session, theme)
        self.foot = PatchFoot(session, theme)
        words = self.tr("Each accepted change stays a layer of its own. The picture below is never touched.")
        self._hint = TextLabel(theme, words, font="small", role="hint")
        self._stack = QStackedWidget()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(THUMB_MS)
        self._timer.timeout.connect(self._make_thumbs)
        self._lay_out(theme)
        self._connect()
        self._on_document()

    def _lay_out(self, theme: Theme) -> None:
        self._stack.addWidget(self._empty(theme))
        self._stack.addWidget(self._full(theme))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._stack)

    def _empty(self, theme: Theme) -> QWidget:
        part = QWidget()
        words = TextLabel(
            theme,
            self.tr(
                "The layers of the canvas appear here, and all that was done to it. Open a picture, drop one on the "
                "window, or choose “Edit on the canvas” for a result."
            ),
            role="hint",
        )
        words.setWordWrap(True)
        column = QVBoxLayout(part)
        column.setContentsMargins(16, 16, 16, 16)
        column.addWidget(words)
        column.addStretch(1)
        return part

    def _full(self, theme: Theme) -> QWidget:
        part = QWidget()
        first = QHBoxLayout()
        first.setSpacing(16)
        first.addWidget(self._opacity_label)
        first.addWidget(self.opacity, 1)
        top = QVBoxLayout()
        top.setContentsMargins(16, 10, 16, 10)
        top.setSpacing(8)
        top.addLayout(first)
        top.addWidget(self.edge)
        wide = max(label.sizeHint().width() for label in (self._opacity_label, self.edge.label))
        self._opacity_label.setMinimumWidth(wide)
        self.edge.label.setMinimumWidth(wide)
        self.opacity.describe(self.tr("Opacity of the layer in percent"), self.tr("How strongly the layer shows"))
        self._hint.setContentsMargins(16, 8, 16, 12)
        self._hint.setWordWrap(True)
        heading = Heading(theme, self.tr("History"))
        heading.setContentsMargins(16, 12, 16, 6)
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(SectionLine())
        column.addWidget(self.list)
        column.addWidget(self.foot)
        column.addWidget(self._hint)
        column.addWidget(SectionLine())
        column.addWidget(heading)
        column.addWidget(self.history, 1)
        return part

    def _connect(self) -> None:
        session = self._session
        session.document_changed.connect(self._on_document)
        session.layers_changed.connect(self._show_layers)
        session.history_changed.connect(self._show_history)
        session.mask_changed.connect(self._show_layers)
        session.pixels_changed.connect(self._on_pixels)
        session.settings_changed.connect(self._choose_target)
        self.history.asked.connect(session.go_to)
        self.list.eye_asked.connect(self._on_eye)
        self.list.remove_asked.connect(session.remove_layer)
        for part in (self.list, self.foot):
            part.again_asked.connect(self.make_again)
        self.list.selectionModel().currentChanged.connect(lambda *_: self._on_chosen())
        self.list.layers.modelReset.connect(self._choose_target)
        self.opacity.value_changed.connect(self._on_opacity)
        self.opacity.slider.sliderReleased.connect(lambda: self._on_opacity(self.opacity.value()))

    def set_mask_look(self, look: str) -> None:
        """`look`: "tint", "edge" or "greys"."""
        if look != self._look:
            self._look = look
            self._show_layers()

    def set_mask_colour(self, tint: QColor) -> None:
        if tint != self._tint:
            self._tint = tint
            self._want_thumbs({MASK}, NO_PIXELS)

    def tab_stops(self) -> tuple[QWidget, ...]:
        edge = self.edge.slider
        first = (self.opacity.slider, self.opacity.number, edge.slider, edge.number)
        return *first, self.list, *self.foot.tab_stops(), self.history

    # Following the session

    def _on_document(self) -> None:
        document = self._session.document
        self._stack.setCurrentIndex(0 if document is None else 1)
        self._show_layers()
        self._show_history()
        self._samplers.clear()
        if document is not None:
            self._want_thumbs({info.id for info in document.layers}, None)

    def _show_layers(self) -> None:
        document = self._session.document
        self._painted = document is not None and bool(document.paint.keys())
        rows = () if document is None else tuple(self._row(info) for info in reversed(document.layers))
        self.list.layers.set_rows(rows)
        self.list.setFixedHeight(ROW_HEIGHT * min(ROWS_MOST, max(1, len(rows))))
        self._on_chosen()

    def _row(self, info: LayerInfo) -> LayerRow:
        document = self._session.document
        assert document is not None
        name = info.name
        second, eye, hint = "", "eye" if info.visible else "eyeoff", self.tr("Show or hide")
        if info.kind is LayerKind.MASK:
            name = name or self.tr("Mask")
            second = self.tr("nothing masked yet") if self._session.mask_empty else self._look_words()
            eye = {"edge": "edge", "greys": "invert"}.get(self._look, "eye")
            hint = self.tr("Change how the mask is shown; it can never be hidden")
        elif info.kind is LayerKind.PAINT:
            name = name or self.tr("Paint")
            second = self.tr("hidden") if not info.visible else "" if document.paint.keys() else self.tr("empty")
        elif info.kind is LayerKind.PICTURE:
            name = name or self.tr("Picture")
            second = messages.size(document.size)
        record = document.record(info.id)
        if record is not None:
            name = name or patch_words.name_of(record.request) or self.tr("Result")
            second = patch_words.second_line(record, info.visible)
        mark = {LayerKind.PICTURE: "lock", LayerKind.MASK: "mask"}.get(info.kind, "")
        return LayerRow(
            id=info.id, name=name, second=second or self.tr("visible"), eye=eye, eye_hint=hint,
            opacity=info.opacity, dimmed=not info.visible, mark=mark,
            again="" if record is None else self.tr("Make again"), removable=info.kind is LayerKind.PATCH,
        )  # fmt: skip

    def _look_words(self) -> str:
        return {"edge": self.tr("edge only"), "greys": self.tr("as greys")}.get(self._look, self.tr("tinted"))

    def _show_history(self) -> None:
        document = self._session.document
        if document is None:
            self.history.show_history((), 0)
            return
        if self._painted is not bool(document.paint.keys()):
            self._show_layers()
        history = document.history
        steps = (*history.undo_labels, *history.redo_labels)
        labels = (self.tr("Beginning"), *(history_words(label) for label in steps))
        self.history.show_history(labels, history.position)

    def _choose_target(self, *_: object) -> None:
        """What the tools work on is what is chosen here, and the other way round."""
        target = self._session.settings.target
        if target != self._target or not self.list.chosen:
            self._target = target
            self.list.choose(target)

    # By hand

    def _info(self) -> LayerInfo | None:
        document, chosen = self._session.document, self.list.chosen
        return next((info for info in document.layers if info.id == chosen), None) if document is not None else None

    def _on_chosen(self) -> None:
        info = self._info()
        if info is not None and info.id in (MASK, PAINT) and info.id != self._target:
            self._target = info.id
            self._session.update_settings(target=info.id)
        fixed = info is None or info.kind is LayerKind.MASK
        for widget in (self._opacity_label, self.opacity):
            widget.setEnabled(not fixed)
        self.opacity.set_value(100 if info is None else round(info.opacity * 100))
        self.edge.show_layer("" if info is None else info.id)
        self.foot.show_layer(info)

    def _on_opacity(self, value: float) -> None:
        """Once the slider is let go: each change is a step of the history."""
        info = self._info()
        if not self.opacity.slider.isSliderDown() and info is not None and round(info.opacity * 100) != round(value):
            self._session.set_layer(info.id, opacity=value / 100)

    def _on_eye(self, layer_id: str) -> None:
        document = self._session.document
        info = next((info for info in document.layers if info.id == layer_id), None) if document is not None else None
        if info is None:
            return
        if info.kind is LayerKind.MASK:
            self.mask_eye_clicked.emit()
        else:
            self._session.set_layer(layer_id, visible=not info.visible)

    # Thumbnails

    def _on_pixels(self, change: Change) -> None:
        self._want_thumbs(set(change.layers), None if change.structure else change.rect)

    def _want_thumbs(self, layers: set[str], rect: Rect | None) -> None:
        """`rect`: where they changed; None: everywhere."""
        for name in layers:
            known = self._stale.get(name, NO_PIXELS)
            self._stale[name] = None if rect is None or known is None else known.united(rect)
        self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._make_thumbs()

    def _make_thumbs(self) -> None:
        document = self._session.document
        if document is None or not self.isVisible():
            return
        thumbs: dict[str, QImage] = {}
        for info in document.layers:
            if info.id in self._stale:
                pixels = self._sample(document, info.id)
                thumbs[info.id] = mask_thumb(pixels, self._tint) if pixels.ndim == 2 else picture_thumb(pixels)
        self._stale.clear()
        self.list.layers.set_thumbs(thumbs)

    def _sample(self, document: CanvasDocument, layer_id: str) -> Pixels:
        close = patch_sample(document, layer_id)
        if close is not None:
            self._samplers.pop(layer_id, None)
            return close
        sampler = self._samplers.setdefault(layer_id, LayerSampler())
        return sampler.sample(document.grid(layer_id), self._stale[layer_id])

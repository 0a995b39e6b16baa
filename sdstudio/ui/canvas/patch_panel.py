"""What can be done with an accepted result in the list of layers: its edge, made again, softened, removed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.patch_edit import can_reblend
from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.canvas_state import LayerInfo, LayerKind
from sdstudio.domain.edits import FEATHER_MAX
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import Pixels
from sdstudio.ui.canvas.layer_thumbs import LayerSampler
from sdstudio.ui.controls import FlatButton, IconButton, TextLabel, ValueSlider
from sdstudio.ui.theme import Theme

EDGE_MAX = 128
"""Pixels that the slider reaches; more can be typed."""

CLOSE_PIXELS = 1 << 20
"""Thumbnails of results up to this size show the result alone, larger ones where it lies on the canvas."""


class EdgeRow(QWidget):
    """The edge of the chosen result. The canvas follows the slider. It is there as soon as any layer has an edge, and
    stays while others are chosen: rows must not move away under the hand that chooses."""

    def __init__(self, session: CanvasSession, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._layer_id = ""
        self._dropped = False
        self.label = TextLabel(theme, self.tr("Edge"), role="label")
        self.slider = ValueSlider(theme, 0, FEATHER_MAX, slider_high=EDGE_MAX, unit=self.tr("px"))
        self.slider.describe(
            self.tr("Edge of the result in pixels"), self.tr("How far the result blends into what lies below it")
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        row.addWidget(self.label)
        row.addWidget(self.slider, 1)
        self.slider.value_changed.connect(lambda _: self._follow(self.slider.slider.isSliderDown()))
        self.slider.slider.sliderReleased.connect(lambda: self._follow(False))
        session.preview_changed.connect(self._on_preview)
        self.hide()

    def show_layer(self, layer_id: str) -> None:
        """`layer_id` "" or one without an edge: it can be seen and not be used."""
        document = self._session.document
        records = {} if document is None else {info.id: document.record(info.id) for info in document.layers}
        record = records.get(layer_id)
        usable = record is not None and can_reblend(record)
        self._layer_id = layer_id if usable else ""
        self.setVisible(any(map(can_reblend, records.values())))
        for part in (self.label, self.slider):
            part.setEnabled(usable)
        if not self.slider.slider.isSliderDown():
            self.slider.set_value(record.feather if record is not None and usable else 0)

    def _on_preview(self, words: str) -> None:
        """Escape while the slider is held: what is still to come of this drag does not count."""
        if not words and self.slider.slider.isSliderDown():
            self._dropped = True

    def _follow(self, preview: bool) -> None:
        if self._dropped:
            if not preview:
                self._dropped = False
                self.show_layer(self._layer_id)
        elif self._layer_id:
            self._session.refeather(self._layer_id, round(self.slider.value()), preview=preview)
            if not preview and self._session.blending != self._layer_id:
                self.show_layer(self._layer_id)  # refused, or the same: what holds is shown


class PatchFoot(QWidget):
    """Below the list as soon as there is any patch; what the chosen layer cannot do is greyed."""

    again_asked = Signal(str)

    def __init__(self, session: CanvasSession, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._layer_id = ""
        self.again = FlatButton(theme, self.tr("Make again"))
        self.again.setToolTip(self.tr("Makes it once more with the seed and prompt of now; this one stays until then"))
        self.soften = FlatButton(theme, self.tr("Soften the seam"))
        self.soften.setToolTip(self.tr("Blends its border anew, without generating"))
        self.remove = IconButton(theme, "trash", self.tr("Remove the layer"), flat=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 12, 6)
        row.setSpacing(4)
        row.addWidget(self.again)
        row.addWidget(self.soften)
        row.addStretch(1)
        row.addWidget(self.remove)
        self.again.clicked.connect(lambda: self.again_asked.emit(self._layer_id))
        self.soften.clicked.connect(lambda: self._session.soften(self._layer_id))
        self.remove.clicked.connect(lambda: self._session.remove_layer(self._layer_id))
        self.hide()

    def show_layer(self, info: LayerInfo | None) -> None:
        document = self._session.document
        patch = info is not None and info.kind is LayerKind.PATCH
        self._layer_id = info.id if info is not None and patch else ""
        layers = () if document is None else document.layers
        self.setVisible(any(layer.kind is LayerKind.PATCH for layer in layers))
        record = document.record(self._layer_id) if document is not None and patch else None
        self.again.setEnabled(record is not None)
        self.soften.setEnabled(can_reblend(record))
        self.remove.setEnabled(patch)

    def tab_stops(self) -> tuple[QWidget, ...]:
        return self.again, self.soften, self.remove


def patch_sample(document: CanvasDocument, layer_id: str) -> Pixels | None:
    """The result alone, made small and premultiplied; None where the layer's own sample is better."""
    record, grid = document.record(layer_id), document.grid(layer_id)
    part = None if record is None else record.frame.intersected(document.rect)
    if part is None or part.empty or part.pixels > CLOSE_PIXELS:
        return None
    close = TileGrid(Size(part.width, part.height), 4)
    close.write(part.moved(-part.x, -part.y), grid.read(part))
    return LayerSampler().sample(close)

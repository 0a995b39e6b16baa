"""One picture that is mixed into a variation: small, with its name and how much it counts; or why it is not here."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.mix_state import MixedPicture
from sdstudio.domain.additions import MIX_WEIGHT_MAX
from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.controls import ElidedLabel, IconButton, LinkButton, TextLabel, ValueSlider
from sdstudio.ui.theme import Theme
from sdstudio.ui.thumbs import RADIUS, ThumbCache
from sdstudio.ui.tokens import CHIP_HEIGHT, ICON_SIZE

SLIDER_LOW, SLIDER_HIGH, STEP = -1.0, 2.0, 0.05
THUMB = 48


class MixThumb(QWidget):
    """The middle of the picture; a dashed box with a warning where the picture is not here."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cache = ThumbCache()
        self._source: ImageBuffer | None = None
        self._missing = False
        self._strong = True
        self.setFixedSize(THUMB, THUMB)
        theme.changed.connect(self.update)

    def show_picture(self, source: ImageBuffer | None, missing: bool, strong: bool) -> None:
        """`strong`: it acts."""
        self._source, self._missing, self._strong = source, missing, strong
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, ratio = QPainter(self), self.devicePixelRatioF()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        shape = QPainterPath()
        shape.addRoundedRect(box, RADIUS, RADIUS)
        if self._source is not None:
            painter.setClipPath(shape)
            painter.setOpacity(1.0 if self._strong else 0.4)
            painter.drawPixmap(QPoint(0, 0), self._cache.get("", self._source, round(THUMB * ratio), ratio))
        elif self._missing:
            painter.setPen(QPen(self._theme.color("control"), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
            self._icon(painter, "warn", "warn", ratio)
        else:
            painter.fillPath(shape, self._theme.color("raised"))
            self._icon(painter, "image", "text2", ratio)

    def _icon(self, painter: QPainter, name: str, token: str, ratio: float) -> None:
        place = QRect(0, 0, ICON_SIZE, ICON_SIZE)
        place.moveCenter(self.rect().center())
        painter.drawPixmap(place.topLeft(), self._theme.pixmap(name, token, ICON_SIZE, ratio))


class MixRowView(QWidget):
    """Signals come from hands only."""

    weight_changed = Signal(float)
    removed = Signal()
    replace_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.thumb = MixThumb(theme)
        self.name = ElidedLabel(theme, font="button", mode=Qt.TextElideMode.ElideMiddle)
        self.remove = IconButton(theme, "close", "", flat=True, side=CHIP_HEIGHT, token="text2")
        self.weight = ValueSlider(
            theme,
            -MIX_WEIGHT_MAX,
            MIX_WEIGHT_MAX,
            slider_low=SLIDER_LOW,
            slider_high=SLIDER_HIGH,
            step=STEP,
            decimals=True,
        )
        # A file that is dropped here is meant for the list, not for the number.
        self.weight.number.lineEdit().setAcceptDrops(False)
        self.why = TextLabel(theme, font="small", role="hint")
        self.why.setWordWrap(True)
        self.again = LinkButton(theme, self.tr("Choose it again"))
        self._arrange()
        self.remove.clicked.connect(self.removed)
        self.weight.value_changed.connect(self.weight_changed)
        self.again.clicked.connect(self.replace_asked)

    def show_row(self, picture: MixedPicture, thumb: ImageBuffer | None, missing: bool) -> None:
        """Of the same picture; what a hand holds meanwhile is not disturbed."""
        size = self.tr("{width} × {height}").format(width=picture.image.width, height=picture.image.height)
        title = picture.name or self.tr("Picture of {size}").format(size=size)
        acts = not missing and picture.weight != 0
        self.name.setText(title)
        self.name.setEnabled(acts)
        self.thumb.show_picture(thumb, missing, acts)
        self.thumb.setToolTip(size)
        self.weight.set_value(picture.weight)
        self.weight.setVisible(not missing)
        words = self.tr("Not on this computer any more, so it is left out.") if missing else ""
        if not missing and picture.weight < 0:
            words = self.tr("Below 0 it leads away from what is seen in it.")
        elif not missing and not picture.weight:
            words = self.tr("At 0 it is left out.")
        self.why.setText(words)
        self.why.setVisible(bool(words))
        self.again.setVisible(missing)
        away = self.tr("Take {name} out of the mix").format(name=title)
        self.remove.setAccessibleName(away)
        self.remove.setToolTip(away)
        hint = self.tr("Weights count against each other: 1 and 1 is half of each, 2 and 1 two thirds and one.")
        self.weight.describe(self.tr("Weight of {name}").format(name=title), hint)

    def tab_stops(self) -> list[QWidget]:
        return [self.remove, self.weight.slider, self.weight.number, self.again]

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.name, 1)
        top.addWidget(self.remove)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addLayout(top)
        right.addWidget(self.weight)
        right.addWidget(self.why)
        right.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.thumb, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(right, 1)

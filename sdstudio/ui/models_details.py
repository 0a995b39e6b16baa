"""All that is known of a model, below the list: what it is, why it is refused, and what can be done with it."""

from __future__ import annotations

from html import escape
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QImage, QPixmap, QTextOption
from PySide6.QtWidgets import QHBoxLayout, QLabel, QTextBrowser, QVBoxLayout, QWidget
from shiboken6 import isValid

from sdstudio.app import model_words as words
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.model_desk import can_choose
from sdstudio.app.model_thumbs import read_model_picture
from sdstudio.domain.model_file import FOLDER_LAYOUT, Evidence, Prediction, Verdict
from sdstudio.domain.models_found import FoundModel, ModelState
from sdstudio.ui.controls import Button, ElidedLabel, IconButton, LinkButton, TextLabel, ToggleButton, describe
from sdstudio.ui.focus_ring import RingKeeper
from sdstudio.ui.qimage import fitted, to_qimage
from sdstudio.ui.segments import Segment, Segments
from sdstudio.ui.theme import Theme, set_surface

HEIGHT = 232
THUMB = 112
NAME_WIDTH = 88
_CHECKPOINTS = (".ckpt", ".pt", ".pth", ".bin")


class _Facts(QTextBrowser):
    """With the ring on keyboard focus: the keys scroll it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._ring = RingKeeper(self, theme)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring.focus_in(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._ring.focus_out(event)


class ModelDetails(QWidget):
    """Follows the model it is shown; every wish is a signal."""

    use_asked = Signal(object)  # FoundModel
    default_asked = Signal(str)  # path, "" = none
    convert_asked = Signal(object)  # Path
    hash_asked = Signal(str)
    prediction_asked = Signal(str, object)  # path, Prediction
    show_asked = Signal(str)
    close_asked = Signal()

    def __init__(self, theme: Theme, io: IoWorker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self._theme = theme
        self._io = io
        self._model: FoundModel | None = None
        self._thumb_path = ""
        self._in_use = self._default = ""
        self.heading = ElidedLabel(theme, font="heading")
        self.close_button = IconButton(theme, "close", self.tr("Close the details"), flat=True, icon_size=16)
        self.facts = _Facts(theme)
        self.thumb = QLabel()
        self.use = Button(theme, self.tr("Use"))
        self.default = ToggleButton(theme, self.tr("Set as default"))
        self.convert = Button(theme, self.tr("Convert to .safetensors"))
        self.hash = LinkButton(theme, self.tr("Compute the hash"))
        self.copy = LinkButton(theme, self.tr("Copy text"))
        self.show_file = LinkButton(theme, self.tr("Show in folder"))
        self.prediction_row = QWidget()
        self.prediction = Segments(
            theme,
            (
                Segment("unknown", self.tr("Automatic"), self.tr("As the file tells, or found out with one try")),
                Segment("epsilon", self.tr("Noise (epsilon)"), self.tr("Usual for base models of 512 pixels")),
                Segment("v", self.tr("v-prediction"), self.tr("Usual for models of 768 pixels")),
            ),
        )
        self._dress()
        self._arrange()
        self._connect()

    def show_model(self, model: FoundModel | None, title: str, in_use: str, default: str) -> None:
        """`title`: what the list calls it; `in_use` and `default` are paths."""
        again = model is not None and self._model is not None and model.file.path == self._model.file.path
        place = self.facts.verticalScrollBar().value() if again else 0
        self._model, self._in_use, self._default = model, in_use, default
        if model is None:
            self.heading.setText(self.tr("Choose a model in the list"))
            self.facts.clear()
        else:
            self.heading.setText(title)
            self._write()
            self.facts.verticalScrollBar().setValue(place)
        self._show_actions()
        self._show_thumb(model.file.side_car.thumbnail if model is not None else "")

    def _dress(self) -> None:
        self.setFixedHeight(HEIGHT)
        self.facts.setProperty("kind", "facts")
        self.facts.setFont(self._theme.font("body"))
        self.facts.setOpenLinks(False)
        self.facts.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.facts.document().setDocumentMargin(0)
        self.facts.setAccessibleName(self.tr("What is known of the model"))
        self.facts.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.facts.setTabChangesFocus(True)
        self.thumb.setFixedSize(THUMB, THUMB)
        self.thumb.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        describe(self.default, self.tr("Set as default"), self.tr("The window begins with this model"))
        describe(
            self.convert, self.tr("Convert to .safetensors"), self.tr("Makes a second file that holds the weights")
        )
        describe(self.hash, self.tr("Compute the hash"), self.tr("Reads the whole file, in the background"))
        describe(self.copy, self.tr("Copy text"), self.tr("Puts all of this on the clipboard"))

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.heading, 1)
        top.addWidget(self.close_button)
        middle = QHBoxLayout()
        middle.setSpacing(16)
        middle.addWidget(self.thumb, 0, Qt.AlignmentFlag.AlignTop)
        middle.addWidget(self.facts, 1)
        choice = QHBoxLayout(self.prediction_row)
        choice.setContentsMargins(0, 0, 0, 0)
        choice.setSpacing(16)
        choice.addWidget(TextLabel(self._theme, self.tr("Predicts"), role="label"))
        choice.addWidget(self.prediction, 1)
        actions = QHBoxLayout()
        actions.setSpacing(8)
        for button in (self.use, self.default, self.convert):
            actions.addWidget(button)
        actions.addStretch(1)
        for link in (self.hash, self.show_file, self.copy):
            actions.addSpacing(8)
            actions.addWidget(link)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addLayout(middle, 1)
        column.addWidget(self.prediction_row)
        column.addLayout(actions)

    def _connect(self) -> None:
        self.close_button.clicked.connect(self.close_asked)
        self.use.clicked.connect(lambda: self.use_asked.emit(self._model))
        self.default.clicked.connect(self._ask_default)
        self.convert.clicked.connect(lambda: self.convert_asked.emit(Path(self._path)))
        self.hash.clicked.connect(self._ask_hash)
        self.copy.clicked.connect(self._copy)
        self.show_file.clicked.connect(lambda: self.show_asked.emit(self._path))
        self.prediction.chosen.connect(lambda value: self.prediction_asked.emit(self._path, Prediction(value)))
        self._theme.changed.connect(self._write)

    @property
    def _path(self) -> str:
        return self._model.file.path if self._model is not None else ""

    def _write(self) -> None:
        """As a table: names in the quieter colour."""
        if self._model is None:
            return
        text2 = self._theme.color("text2").name()
        reason = words.reason(self._model)
        head = ""
        if reason is not None:
            title = f'<span style="font-weight:600">{escape(reason.title)}</span>'
            head = f"<p>{title}<br>{escape(reason.text)}</p>"
        top = 6 if head else 0
        rows = "".join(
            f'<tr><td width="{NAME_WIDTH}" style="color:{text2}">{escape(fact.name)}</td>'
            f"<td>{escape(fact.value)}</td></tr>"
            for fact in words.facts(self._model)
        )
        self.facts.setHtml(
            f'{head}<table style="margin-top:{top}px" cellspacing="0" cellpadding="1" width="100%">{rows}</table>'
        )

    def _show_actions(self) -> None:
        model = self._model
        file = model.file if model is not None else None
        choice = model is not None and model.state is ModelState.CHOICE
        path = model.info.spec.path if model is not None and model.info is not None else ""
        self.use.setVisible(choice)
        self.use.setEnabled(path != self._in_use)
        self.use.setText(self.tr("Use") if path != self._in_use else self.tr("In use"))
        self.default.setVisible(choice)
        self.default.setChecked(bool(path) and path == self._default)
        single = file is not None and file.layout != FOLDER_LAYOUT
        harmless = file is not None and model is not None and model.state is not ModelState.REFUSED
        self.convert.setVisible(harmless and single and file is not None and file.path.lower().endswith(_CHECKPOINTS))
        # Of a refused file, too: to hash it is only to read it, and it is what one can ask others about.
        readable = file is not None and file.verdict is not Verdict.UNREACHABLE
        self.hash.setVisible(readable and file is not None and file.hashes is None)
        self.hash.setEnabled(True)
        self.hash.setText(self.tr("Compute the hash"))
        for link in (self.copy, self.show_file):
            link.setVisible(model is not None)
        open_ = file is not None and can_choose(file)
        self.prediction_row.setVisible(open_)
        if open_ and file is not None:
            chosen = file.evidence is Evidence.CHOSEN
            self.prediction.set_value(file.prediction.value if chosen else Prediction.UNKNOWN.value)

    def _ask_default(self) -> None:
        path = self._model.info.spec.path if self._model is not None and self._model.info is not None else ""
        self.default_asked.emit(path if self.default.isChecked() else "")

    def _ask_hash(self) -> None:
        self.hash.setEnabled(False)
        self.hash.setText(self.tr("Computing the hash…"))
        self.hash_asked.emit(self._path)

    def _copy(self) -> None:
        if self._model is not None:
            QGuiApplication.clipboard().setText(words.copy_text(self._model))

    # The picture beside the file

    def _show_thumb(self, path: str) -> None:
        self.thumb.setVisible(bool(path))
        if path == self._thumb_path:
            return
        self._thumb_path = path
        self.thumb.clear()
        if path:
            side = round(THUMB * self.devicePixelRatioF())
            read_model_picture(
                self._io,
                path,
                lambda picture: fitted(to_qimage(picture), side),
                lambda image: self._on_thumb(path, image),
            )

    def _on_thumb(self, path: str, image: QImage | None) -> None:
        if not isValid(self) or path != self._thumb_path:
            return  # closed meanwhile, or another model is shown
        self.thumb.setVisible(image is not None)
        if image is not None:
            pixmap = QPixmap.fromImage(image)
            pixmap.setDevicePixelRatio(self.devicePixelRatioF())
            self.thumb.setPixmap(pixmap)
            self.thumb.setFixedWidth(round(pixmap.deviceIndependentSize().width()))

    def sizeHint(self) -> QSize:
        return QSize(480, HEIGHT)

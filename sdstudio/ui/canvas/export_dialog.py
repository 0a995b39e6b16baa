"""What kind of picture file the canvas becomes."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from sdstudio.ui.canvas.task_dialog import TaskDialog
from sdstudio.ui.controls import ToggleButton, ValueSlider
from sdstudio.ui.theme import Theme

USUAL_QUALITY = 92
FORMATS = ((".png", "PNG"), (".jpg", "JPEG"), (".webp", "WebP"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportChoice:
    """`suffix` with its dot; `lossless` counts for WebP; `with_settings`: how the picture was made goes along."""

    suffix: str = ".png"
    quality: int = USUAL_QUALITY
    lossless: bool = True
    with_settings: bool = False


class ExportDialog(TaskDialog):
    """`chosen` carries an ExportChoice; where to comes next."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, *, transparent: bool, has_settings: bool, parent: QWidget | None = None) -> None:
        """`transparent`: some of the canvas is; `has_settings`: it is known how the picture was made."""
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("Export"))
        self.heading.setText(self.windowTitle())
        self.primary.setText(self.tr("Choose a file…"))
        self._transparent = transparent
        self.formats = {suffix: ToggleButton(theme, name) for suffix, name in FORMATS}
        for button in self.formats.values():
            button.setAutoExclusive(True)
            button.clicked.connect(self._follow)
        self.formats[".png"].setChecked(True)
        self.quality = ValueSlider(theme, 1, 100, slider_low=40)
        self.quality.set_value(USUAL_QUALITY)
        self.quality.setFixedWidth(232)
        self.quality.describe(self.tr("Quality"), self.tr("100 = the largest file"))
        self.lossless = QCheckBox(self.tr("Keep every pixel as it is"))
        self.lossless.setChecked(True)
        self.lossless.toggled.connect(self._follow)
        self.settings = QCheckBox(self.tr("With the settings that made the picture"))
        self.settings.setVisible(has_settings)
        self.settings.setChecked(has_settings)
        self.add_row(self.tr("Format"), *self.formats.values())
        self._quality_label = self.add_row(self.tr("Quality"), self.quality)
        self.body.addWidget(self.lossless)
        self.body.addWidget(self.settings)
        self.note = self.add_words()
        self.accepted.connect(lambda: self.chosen.emit(self.choice))
        self._follow()

    @property
    def choice(self) -> ExportChoice:
        return ExportChoice(
            suffix=self._suffix(),
            quality=round(self.quality.value()),
            lossless=self.lossless.isChecked(),
            with_settings=not self.settings.isHidden() and self.settings.isChecked(),
        )

    def _suffix(self) -> str:
        return next(suffix for suffix, button in self.formats.items() if button.isChecked())

    def _follow(self) -> None:
        suffix = self._suffix()
        self.lossless.setVisible(suffix == ".webp")
        has_quality = suffix == ".jpg" or (suffix == ".webp" and not self.lossless.isChecked())
        self.quality.setEnabled(has_quality)
        self._quality_label.setEnabled(has_quality)
        words = {
            ".png": self.tr("Every pixel as it is, transparency too."),
            ".jpg": self.tr("Smaller; fine details are simplified."),
            ".webp": self.tr("Smaller than PNG; transparency too. Some older programs cannot read it."),
        }[suffix]
        if suffix == ".jpg" and self._transparent:
            words = self.tr("JPEG knows no transparency: what is transparent becomes white.")
        self.note.setText(words)

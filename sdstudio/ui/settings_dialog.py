"""The settings, from declared rows. What is changed holds at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QCheckBox, QFileDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from sdstudio.app.settings_store import MASK_OPACITY, UNDO_MEGABYTES, SettingsStore
from sdstudio.storage.settings import Settings
from sdstudio.ui.canvas.mask_colours import MaskSwatches
from sdstudio.ui.canvas.pressure_curve import CurveEditor
from sdstudio.ui.controls import (
    Button,
    ComboField,
    ElidedLabel,
    FieldLabel,
    LinkButton,
    NumberField,
    TextLabel,
    ToggleButton,
    ValueSlider,
    describe,
)
from sdstudio.ui.dialogs import PADDING, SideDialog
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.translate import QT_TRANSLATE_NOOP

CONTEXT = "Settings"
LABEL_WIDTH = 112
WIDTH = 520
FRAME = 48
"""What a window manager's title bar and a little air take of the screen's height."""
THREADS_MOST = 64


@dataclass(frozen=True, slots=True)
class SettingRow:
    """`kind` chooses the control: "folder", "choice", "number", "flag", "mask", "curve", "device". A flag's words stand
    beside its box."""

    name: str
    kind: str
    label: str
    hint: str
    choices: tuple[tuple[str, str], ...] = ()
    low: int = 0
    high: int = 0
    step: int = 1
    unit: str = ""


SETTING_ROWS: tuple[SettingRow, ...] = (
    SettingRow(
        "results_folder",
        "folder",
        QT_TRANSLATE_NOOP("Settings", "Results folder"),
        QT_TRANSLATE_NOOP("Settings", "Every finished picture is saved here."),
    ),
    SettingRow(
        "theme",
        "choice",
        QT_TRANSLATE_NOOP("Settings", "Theme"),
        "",
        (
            ("dark", QT_TRANSLATE_NOOP("Settings", "Dark")),
            ("light", QT_TRANSLATE_NOOP("Settings", "Light")),
            ("system", QT_TRANSLATE_NOOP("Settings", "Like the system")),
        ),
    ),
    SettingRow(
        "device",
        "device",
        QT_TRANSLATE_NOOP("Settings", "Computes on"),
        QT_TRANSLATE_NOOP("Settings", "Holds after the next start. Automatic prefers a graphics card."),
    ),
    SettingRow(
        "threads",
        "number",
        QT_TRANSLATE_NOOP("Settings", "CPU threads"),
        QT_TRANSLATE_NOOP(
            "Settings",
            "0 = as many as this computer has cores. Holds after the next start; the finest details depend on it.",
        ),
        high=THREADS_MOST,
    ),
    SettingRow(
        "undo_megabytes",
        "number",
        QT_TRANSLATE_NOOP("Settings", "Memory for undo"),
        QT_TRANSLATE_NOOP("Settings", "When the canvas's history needs more, its oldest steps go."),
        low=UNDO_MEGABYTES[0],
        high=UNDO_MEGABYTES[1],
        step=64,
        unit=QT_TRANSLATE_NOOP("Settings", "MB"),
    ),
    SettingRow(
        "mask_colour",
        "mask",
        QT_TRANSLATE_NOOP("Settings", "Mask"),
        QT_TRANSLATE_NOOP("Settings", "Colour and strength of its tint. Hatch and edge show on every picture."),
    ),
    SettingRow(
        "pressure_curve",
        "curve",
        QT_TRANSLATE_NOOP("Settings", "Pen pressure"),
        QT_TRANSLATE_NOOP("Settings", "Holds for every brush."),
    ),
    SettingRow(
        "reduce_motion",
        "flag",
        QT_TRANSLATE_NOOP("Settings", "Reduce motion"),
        QT_TRANSLATE_NOOP("Settings", "Nothing folds or slides."),
    ),
    SettingRow(
        "notify_when_done",
        "flag",
        QT_TRANSLATE_NOOP("Settings", "Tell me when a long run is done"),
        QT_TRANSLATE_NOOP("Settings", "A mark in the taskbar while the window is in the background."),
    ),
)


def _words(text: str) -> str:
    return QCoreApplication.translate(CONTEXT, text) if text else ""


class SettingsDialog(SideDialog):
    """Follows the store too: a theme that is chosen in the menu shows here."""

    def __init__(
        self,
        store: SettingsStore,
        results: Callable[[], Path],
        theme: Theme,
        parent: QWidget | None = None,
        *,
        cards: Sequence[tuple[str, str]] = (),
    ) -> None:
        """`cards`: the graphics cards that there are, each with the name by which it is chosen and one for people."""
        super().__init__(theme, self.tr("Settings"), parent)
        self._store = store
        self._results = results
        self._cards = tuple(cards)
        self._showers: list[Callable[[Settings], None]] = []
        makers = {
            "folder": self._folder, "choice": self._choice, "number": self._number, "flag": self._flag,
            "mask": self._mask, "curve": self._curve, "device": self._device,
        }  # fmt: skip
        sheet = QWidget()
        set_surface(sheet, "dock")
        column = QVBoxLayout(sheet)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for row in SETTING_ROWS:
            column.addLayout(self._line(row, makers[row.kind](row)))
        column.addStretch(1)
        self.body.addWidget(self._scrolling(sheet))
        store.changed.connect(self._show)
        self._show(store.settings)
        self.setMinimumWidth(WIDTH)
        self._fit(max(sheet.sizeHint().height(), column.heightForWidth(WIDTH - 2 * PADDING)))

    def _scrolling(self, sheet: QWidget) -> QScrollArea:
        """On a small screen the rows scroll; the scroll bar stands in the dialog's own margin."""
        area = QScrollArea()
        area.setWidget(sheet)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setAccessibleName(self.windowTitle())
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = area.verticalScrollBar()
        bar.rangeChanged.connect(
            lambda least, most: sheet.setContentsMargins(0, 0, bar.sizeHint().width() if most > least else 0, 0)
        )
        return area

    def _fit(self, rows: int) -> None:
        """As high as the rows, as far as the screen goes."""
        rest = self.heading.sizeHint().height() + self.close_button.height() + 2 * PADDING + 40
        self.resize(WIDTH, min(rows + rest, self.screen().availableGeometry().height() - FRAME))

    def _show(self, settings: Settings) -> None:
        for show in self._showers:
            show(settings)

    def _line(self, row: SettingRow, control: QWidget) -> QHBoxLayout:
        """Label, control, and below it what it does."""
        line = QHBoxLayout()
        line.setSpacing(8)
        label = FieldLabel(self.theme, "" if row.kind == "flag" else _words(row.label), control)
        label.setFixedWidth(LABEL_WIDTH)
        line.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(control)
        if row.hint:
            hint = TextLabel(self.theme, _words(row.hint), font="small", role="hint")
            hint.setWordWrap(True)
            hint.setContentsMargins(24 if row.kind == "flag" else 0, 0, 0, 4)
            column.addWidget(hint)
        line.addLayout(column, 1)
        return line

    def _folder(self, row: SettingRow) -> QWidget:
        part = QWidget()
        shown = ElidedLabel(self.theme, mode=Qt.TextElideMode.ElideMiddle)
        choose = Button(self.theme, self.tr("Choose…"))
        usual = LinkButton(self.theme, self.tr("Usual place"))
        describe(choose, self.tr("Choose the results folder"))
        describe(usual, self.tr("Use the usual place"), self.tr("Pictures › SD Studio"))
        choose.clicked.connect(lambda: self._ask_folder(row.name))
        usual.clicked.connect(lambda: self._store.update(**{row.name: ""}))
        line = QHBoxLayout(part)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(shown, 1)
        line.addWidget(usual)
        line.addWidget(choose)

        def show(settings: Settings) -> None:
            shown.setText(str(self._results()))
            usual.setVisible(bool(getattr(settings, row.name)))

        self._showers.append(show)
        return part

    def _ask_folder(self, name: str) -> None:
        dialog = QFileDialog(self, self.tr("Results folder"), str(self._results()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda folder: self._store.update(**{name: folder}))
        dialog.open()

    def _choice(self, row: SettingRow) -> QWidget:
        part = QWidget()
        line = QHBoxLayout(part)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        buttons: dict[str, ToggleButton] = {}
        for value, text in row.choices:
            button = ToggleButton(self.theme, _words(text))
            button.setAutoExclusive(True)
            button.clicked.connect(lambda _checked=False, chosen=value: self._store.update(**{row.name: chosen}))
            line.addWidget(button)
            buttons[value] = button
        line.addStretch(1)
        self._showers.append(lambda settings: buttons[getattr(settings, row.name)].setChecked(True))
        return part

    def _mask(self, row: SettingRow) -> QWidget:
        part = QWidget()
        swatches = MaskSwatches(self.theme)
        opacity = ValueSlider(self.theme, *MASK_OPACITY, unit=self.tr("%"))
        opacity.setMaximumWidth(200)
        opacity.describe(self.tr("Strength of the mask's tint in percent"), _words(row.hint))
        line = QHBoxLayout(part)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(16)
        line.addWidget(swatches)
        line.addWidget(opacity, 1)
        swatches.chosen.connect(lambda colour: self._store.update(mask_colour=colour))
        opacity.value_changed.connect(lambda value: self._store.update(mask_opacity=round(value)))

        def show(settings: Settings) -> None:
            swatches.set_look(settings.mask_colour, settings.mask_opacity / 100)
            opacity.set_value(settings.mask_opacity)

        self._showers.append(show)
        return part

    def _curve(self, row: SettingRow) -> QWidget:
        editor = CurveEditor(self.theme, low=True)
        editor.changed.connect(lambda curve: self._store.update(**{row.name: curve}))
        self._showers.append(lambda settings: editor.set_curve(getattr(settings, row.name)))
        return editor

    def _number(self, row: SettingRow) -> QWidget:
        field = NumberField(row.low, row.high, step=row.step, unit=_words(row.unit))
        describe(field, _words(row.label), _words(row.hint))
        field.setFixedWidth(96)
        field.valueChanged.connect(lambda value: self._store.update(**{row.name: value}))
        self._showers.append(lambda settings: _set_quietly(field, getattr(settings, row.name)))
        return field

    def _device(self, row: SettingRow) -> QWidget:
        field = ComboField(self.theme)
        describe(field, _words(row.label), _words(row.hint))
        field.setMaximumWidth(320)
        choices = (("", self.tr("Automatic")), *self._cards, ("cpu", self.tr("CPU only")))
        for value, name in choices:
            field.addItem(name, value)
        field.activated.connect(lambda _: self._store.update(**{row.name: str(field.currentData())}))

        def show(settings: Settings) -> None:
            if field.findData(settings.device) < 0:
                # A card of the settings that is not there today stays chosen.
                field.addItem(self.tr("{device} (not found)").format(device=settings.device), settings.device)
            field.setCurrentIndex(field.findData(settings.device))

        self._showers.append(show)
        return field

    def _flag(self, row: SettingRow) -> QWidget:
        box = QCheckBox(_words(row.label))
        box.setToolTip(_words(row.hint))
        box.toggled.connect(lambda on: self._store.update(**{row.name: on}))
        self._showers.append(lambda settings: box.setChecked(getattr(settings, row.name)))
        return box


def _set_quietly(field: Any, value: int) -> None:
    if field.value() != value:
        field.setValue(value)

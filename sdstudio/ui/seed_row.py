"""The seed: drawn anew for every run, or locked to a number; and how many pictures."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QValidator
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from sdstudio.app.messages import number as grouped
from sdstudio.domain.request import COUNT_MAX, SEED_COUNT
from sdstudio.ui.controls import IconButton, LinkButton, NumberField, describe
from sdstudio.ui.style import set_style_property
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CONTROL_HEIGHT, ROW_GAP

_GROUPED = re.compile(r"[0-9]{1,3}(?:[ ,.'_\u00a0\u202f][0-9]{3})+(?![0-9])|[0-9]+")


def digits_of(text: str) -> str:
    """The number in what was typed or pasted: "2,871,440,913" and "Seed: 42, Steps: 20" give bare digits."""
    others = [char for char in text if not "0" <= char <= "9"]
    found = _GROUPED.search(text) if len(others) > 1 else None
    source = found[0] if found else text
    return "".join(char for char in source if "0" <= char <= "9")


class _SeedRule(QValidator):
    """Digits up to 2^64 - 1; anything else does not get in. Asleep at rest, when the number is grouped."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.awake = False

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        if not self.awake:
            return QValidator.State.Acceptable, text, position
        digits = digits_of(text)
        if digits and int(digits) >= SEED_COUNT:
            return QValidator.State.Invalid, text, position
        place = position if digits == text else len(digits_of(text[:position]))
        return QValidator.State.Acceptable, digits, min(place, len(digits))


class SeedField(QLineEdit):
    """Empty means random. While it is written in it holds bare digits, at rest they are grouped.

    `edited` carries an int, or None for random, when the field is left or Enter pressed, and with every key.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rule = _SeedRule(self)
        self.setValidator(self._rule)
        self.setFixedHeight(CONTROL_HEIGHT)
        self.setMinimumWidth(64)
        self.setProperty("invalid", False)
        self.setPlaceholderText(self.tr("random"))
        self.textEdited.connect(self._tell)

    @property
    def seed(self) -> int | None:
        digits = digits_of(self.text())
        return int(digits) if digits else None

    def set_seed(self, seed: int | None) -> None:
        """Shows a seed, None as "random"; silent."""
        if seed == self.seed and (seed is not None or not self.text()):
            return
        self._write(seed)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._write(self.seed, bare=True)
        self._rule.awake = True
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.MouseFocusReason:
            self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self._rule.awake = False
            self._write(self.seed)

    def _write(self, seed: int | None, bare: bool | None = None) -> None:
        plain = self.hasFocus() if bare is None else bare
        self.setText("" if seed is None else (str(seed) if plain else grouped(seed)))
        self.setCursorPosition(0 if not plain else len(self.text()))

    def _tell(self) -> None:
        self.edited.emit(self.seed)


class SeedRow(QWidget):
    """Dice or lock, the number, and "Use last". `changed` carries the seed to lock, or None for random."""

    changed = Signal(object)
    lock_asked = Signal()
    last_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.toggle = IconButton(theme, "dice", "")
        self.toggle.setCheckable(True)
        self.field = SeedField()
        self.use_last = LinkButton(theme, self.tr("Use last"))
        self.use_last.hide()
        hint = self.tr("The number a picture grows from: the same seed and settings give the same picture.")
        describe(self.field, self.tr("Seed"), hint)
        describe(self.use_last, self.tr("Use last"), self.tr("Lock the seed of the last picture."))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(ROW_GAP)
        row.addWidget(self.toggle)
        row.addWidget(self.field, 1)
        row.addWidget(self.use_last)
        self.setFocusProxy(self.field)
        self.toggle.clicked.connect(self._toggled)
        self.field.edited.connect(self.changed)
        self.use_last.clicked.connect(self.last_asked)
        self.show_seed(None)

    def show_seed(self, seed: int | None) -> None:
        """A locked seed, or None for random; silent."""
        locked = seed is not None
        self.field.set_seed(seed)
        self.toggle.setChecked(locked)
        self.toggle.set_icon_name("lock" if locked else "dice")
        name = self.tr("Seed locked") if locked else self.tr("Random seed")
        hint = self.tr("Locked: every run uses this seed. Click for a random one.")
        if not locked:
            hint = self.tr("Every run draws a new seed. Click to lock the last one.")
        describe(self.toggle, name, hint)

    def show_last(self, seed: int | None) -> None:
        """The link is there as soon as there is a last seed."""
        self.use_last.setVisible(seed is not None)
        if seed is not None:
            hint = self.tr("Lock the seed of the last picture: {seed}")
            self.use_last.setToolTip(hint.format(seed=grouped(seed)))

    def set_invalid(self, invalid: bool) -> None:
        set_style_property(self.field, "invalid", invalid)

    def _toggled(self, locked: bool) -> None:
        if locked:
            self.lock_asked.emit()
        else:
            self.changed.emit(None)


class CountRow(QWidget):
    """How many pictures a run makes: minus, number, plus. `changed` carries the number."""

    changed = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fewer = IconButton(theme, "minus", "")
        self.field = NumberField(1, COUNT_MAX)
        self.field.setFixedWidth(48)
        self.field.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.more = IconButton(theme, "plus", "")
        describe(self.fewer, self.tr("One picture fewer"))
        hint = self.tr("How many pictures a run makes, each with a seed of its own.")
        describe(self.field, self.tr("Pictures"), hint)
        describe(self.more, self.tr("One picture more"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(ROW_GAP)
        for part in (self.fewer, self.field, self.more):
            row.addWidget(part)
        row.addStretch(1)
        self.setFocusProxy(self.field)
        self.fewer.clicked.connect(self.field.stepDown)
        self.more.clicked.connect(self.field.stepUp)
        self.field.valueChanged.connect(self.changed)
        self.set_count(1)

    def set_count(self, count: int) -> None:
        """Shows a number; silent."""
        blocked = self.field.blockSignals(True)
        self.field.setValue(count)
        self.field.blockSignals(blocked)

    def set_invalid(self, invalid: bool) -> None:
        self.field.set_invalid(invalid)

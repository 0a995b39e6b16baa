"""Settings that only some families of models have: image guidance, noise level, VAE, refiner."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.added_files import AddedFiles, title
from sdstudio.app.session import Session
from sdstudio.domain.added_find import added_of
from sdstudio.domain.additions import AddedFile
from sdstudio.domain.family_tasks import IMAGE_GUIDANCE_RANGE, REFINER_BEGIN, tasks_of
from sdstudio.domain.model_file import ModelRole
from sdstudio.domain.model_names import told_apart
from sdstudio.domain.request import GUIDANCE_MAX, NOISE_LEVEL_MAX, RefinerSpec
from sdstudio.ui.controls import ComboField, FieldLabel, ValueSlider, describe
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CONTROL_HEIGHT, LABEL_COLUMN, ROW_GAP

_DATA = Qt.ItemDataRole.UserRole
_PERCENT = 100
_LABEL_GAP = 8


class FamilyFields(QWidget):
    """Bound to the session in both directions; not there at all where the model has none of them."""

    stops_changed = Signal()

    def __init__(self, session: Session, added: AddedFiles, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._added = added
        self._theme = theme
        low, high = IMAGE_GUIDANCE_RANGE
        self.image_guidance = ValueSlider(
            theme, 0, GUIDANCE_MAX, slider_low=low, slider_high=high, step=0.05, decimals=True
        )
        self.noise_level = ValueSlider(theme, 0, NOISE_LEVEL_MAX)
        self.vae = ComboField(theme)
        self.refiner = ComboField(theme)
        self.begin = ValueSlider(theme, 0, _PERCENT, unit=self.tr("%"))
        self._rows: dict[QWidget, QWidget] = {}
        self._column = QVBoxLayout(self)
        self._arrange()
        self._describe()
        self._connect()
        self._show_all()

    def tab_stops(self) -> list[QWidget]:
        """In reading order."""
        guidance, level, begin = self.image_guidance, self.noise_level, self.begin
        return [
            *(guidance.slider, guidance.number, level.slider, level.number),
            *(self.vae, self.refiner, begin.slider, begin.number),
        ]

    def _arrange(self) -> None:
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(ROW_GAP)
        named: dict[str, tuple[QWidget, QWidget]] = {
            self.tr("Image guidance"): (self.image_guidance, self.image_guidance.number),
            self.tr("Noise level"): (self.noise_level, self.noise_level.number),
            self.tr("VAE"): (self.vae, self.vae),
            self.tr("Refiner"): (self.refiner, self.refiner),
            self.tr("From"): (self.begin, self.begin.number),
        }
        for name, (field, entry) in named.items():
            row = self._rows[field] = QWidget()
            label = FieldLabel(self._theme, name, entry)
            # A name that is longer than the column goes on in a second line: the fields stand below each other.
            label.setWordWrap(True)
            label.setFixedWidth(LABEL_COLUMN)
            label.setContentsMargins(0, 0, _LABEL_GAP, 0)
            label.setFixedHeight(max(CONTROL_HEIGHT, label.heightForWidth(LABEL_COLUMN)))
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(0)
            line.addWidget(label)
            line.addWidget(field, 1)
            self._column.addWidget(row)

    def _describe(self) -> None:
        hint = self.tr("How closely the result follows the picture. Raise it when too much changes, lower it for more.")
        self.image_guidance.describe(self.tr("Image guidance"), hint)
        hint = self.tr("Noise on the picture that the model looks at: more gives it more freedom.")
        self.noise_level.describe(self.tr("Noise level"), hint)
        hint = self.tr("Turns what the model has made into pixels. Another one changes colours and fine detail.")
        describe(self.vae, self.tr("VAE"), hint)
        describe(self.refiner, self.tr("Refiner"), self.tr("A second model that makes the last steps."))
        self.begin.describe(self.tr("Refiner begins at (%)"), self.tr("After this share of the steps it takes over."))

    def _connect(self) -> None:
        session = self._session
        self.image_guidance.value_changed.connect(lambda value: session.update(image_guidance_scale=value))
        self.noise_level.value_changed.connect(lambda value: session.update(noise_level=round(value)))
        self.vae.activated.connect(lambda row: session.update(vae=self.vae.itemData(row, _DATA)))
        self.refiner.activated.connect(self._choose_refiner)
        self.begin.value_changed.connect(self._set_begin)
        session.state_changed.connect(self._follow)
        session.model_changed.connect(self._show_all)
        self._added.changed.connect(self._show_all)

    # Hands

    def _choose_refiner(self, row: int) -> None:
        model = self.refiner.itemData(row, _DATA)
        known = self._session.state.refiner
        begin = known.begin if known is not None else REFINER_BEGIN
        self._session.update(refiner=None if model is None else RefinerSpec(model=model, begin=begin))

    def _set_begin(self, percent: float) -> None:
        known = self._session.state.refiner
        if known is not None:
            self._session.update(refiner=RefinerSpec(model=known.model, begin=percent / _PERCENT))

    # Showing

    def _follow(self, names: frozenset[str]) -> None:
        if names & {"image_guidance_scale", "noise_level", "vae", "refiner"}:
            self._show_all()

    def _show_all(self, *_: object) -> None:
        state, tasks = self._session.state, tasks_of(self._session.model.family)
        self.image_guidance.set_value(state.image_guidance_scale)
        level = state.noise_level if state.noise_level is not None else tasks.noise_level
        self.noise_level.set_most(tasks.noise_most)
        self.noise_level.set_value(min(level or 0, tasks.noise_most))
        vaes = self._fill_vaes()
        refiners = self._fill_refiners() if tasks.refiner else 0
        self.begin.set_value(round(_PERCENT * (state.refiner.begin if state.refiner is not None else REFINER_BEGIN)))
        shown = {
            self.image_guidance: tasks.image_guidance is not None,
            self.noise_level: tasks.noise_level is not None,
            self.vae: vaes > 0,
            self.refiner: refiners > 0,
            self.begin: refiners > 0 and state.refiner is not None,
        }
        changed = False
        for field, there in shown.items():
            changed |= self._rows[field].isHidden() == there
            self._rows[field].setVisible(there)
        self.setVisible(any(shown.values()))
        if changed:
            self.stops_changed.emit()

    def _fill_vaes(self) -> int:
        """How many there are to choose from; one that is chosen and not here is among them, named as such."""
        family, state = self._session.model.family, self._session.state
        rows: list[tuple[str, AddedFile | None, str]] = [(self.tr("The model's own"), None, "")]
        files = self._added.of(ModelRole.VAE, family)
        names = told_apart((title(file), file.path) for file in files)
        rows += [(names.get(file.path, title(file)), added_of(file), file.path) for file in files]
        current = 0
        if state.vae is not None:
            file = self._added.vae(state.vae, family)
            paths = [hint for _, _, hint in rows]
            if file is not None and file.path in paths:
                current = paths.index(file.path)
            elif self._added.looked:
                words = (
                    self.tr("{name}: not for this model") if self._is_here(state.vae) else self.tr("{name}: not here")
                )
                rows.append((words.format(name=state.vae.name), state.vae, ""))
                current = len(rows) - 1
        _fill(self.vae, rows, current)
        return len(rows) - 1

    def _is_here(self, vae: AddedFile) -> bool:
        return any(file.path == vae.path for file in self._added.files if vae.path)

    def _fill_refiners(self) -> int:
        state = self._session.state
        rows: list[tuple[str, object, str]] = [(self.tr("None"), None, "")]
        rows += [(info.name, info.spec, info.spec.path) for info in self._added.refiners()]
        current = 0
        if state.refiner is not None:
            info = self._added.refiner(state.refiner.model)
            paths = [hint for _, _, hint in rows]
            if info is not None and info.spec.path in paths:
                current = paths.index(info.spec.path)
            elif self._added.looked:
                name = state.refiner.model.name
                rows.append((self.tr("{name}: not here").format(name=name), state.refiner.model, ""))
                current = len(rows) - 1
        _fill(self.refiner, rows, current)
        return len(rows) - 1


def _fill(field: ComboField, rows: Sequence[tuple[str, object, str]], current: int) -> None:
    """Silent; nothing is made anew where the rows are the same."""
    known = [(field.itemText(row), field.itemData(row, _DATA)) for row in range(field.count())]
    if known != [(name, data) for name, data, _ in rows]:
        field.clear()
        for name, data, hint in rows:
            field.addItem(name, data)
            field.setItemData(field.count() - 1, hint or None, Qt.ItemDataRole.ToolTipRole)
    field.setCurrentIndex(current)

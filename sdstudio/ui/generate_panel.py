"""The settings of a run: model, size, steps, guidance, sampler, seed, pictures."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from sdstudio.app.added_files import AddedFiles
from sdstudio.app.catalog_model import CatalogModel
from sdstudio.app.model_menu import ModelMenu
from sdstudio.app.session import Session
from sdstudio.domain.errors import StudioError
from sdstudio.domain.geometry import Size
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import GUIDANCE_MAX, STEPS_MAX
from sdstudio.domain.samplers import SAMPLERS
from sdstudio.ui.added_fields import FamilyFields
from sdstudio.ui.controls import ComboField, ErrorLine, FieldLabel, ValueSlider, describe
from sdstudio.ui.models_menu import ModelField
from sdstudio.ui.quick_row import QuickRow
from sdstudio.ui.seed_row import CountRow, SeedRow
from sdstudio.ui.size_row import SizeChips, SizeFields
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import DOCK_PADDING, LABEL_COLUMN, ROW_GAP, SECTION_GAP

CHIP_ROW_HEIGHT = 28
_STEPS_EVERYDAY = 60
_GUIDANCE_EVERYDAY = 15


class _Field(Protocol):
    def set_invalid(self, invalid: bool) -> None: ...


class GeneratePanel(QWidget):
    """Bound to the session in both directions: what a person changes goes there, what it says is shown.

    `models_asked`: somebody wants to see all models.
    """

    models_asked = Signal()

    def __init__(
        self,
        session: Session,
        catalog: CatalogModel,
        added: AddedFiles,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self._row = self._chips_row = 0
        self._size_row: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._errors: dict[str, ErrorLine] = {}
        self._fields: dict[str, tuple[_Field, QWidget]] = {}
        self._menu = ModelMenu(catalog, self)
        self.model = ModelField(self._menu, theme)
        self.chips = SizeChips(theme)
        self.size_fields = SizeFields(theme)
        self.steps = ValueSlider(theme, 1, STEPS_MAX, slider_high=_STEPS_EVERYDAY)
        self.quick = QuickRow(session, theme, self)
        self.guidance = ValueSlider(theme, 0, GUIDANCE_MAX, slider_high=_GUIDANCE_EVERYDAY, step=0.5, decimals=True)
        self.sampler = ComboField(theme)
        self.family = FamilyFields(session, added, theme)
        self.seed = SeedRow(theme)
        self.count = CountRow(theme)
        self._fill()
        self._describe()
        self._arrange()
        self._connect()
        self._show_model(session.model)
        self.seed.show_last(session.last_seed)
        self._show(frozenset({"model", "width", "height", "steps", "guidance_scale", "sampler", "seed", "count"}))

    def show_error(self, field: str, error: StudioError, remedy: str = "") -> bool:
        """Puts an error beside the field of a request it belongs to. False where no field here has that name."""
        name = _OWNERS.get(field, field)
        if name not in self._fields:
            return False
        self._fields[name][0].set_invalid(True)
        self._errors[name].show_error(error, remedy)
        return True

    def clear_error(self, field: str) -> None:
        """Nothing happens where there is none."""
        name = _OWNERS.get(field, field)
        if name in self._fields and self._errors[name].text:
            self._fields[name][0].set_invalid(False)
            self._errors[name].clear()

    def focus_field(self, field: str) -> bool:
        """Moves the keyboard to a field of a request. False where there is none of that name."""
        name = _OWNERS.get(field, field)
        if name not in self._fields:
            return False
        self._fields[name][1].setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True

    def error_line(self, field: str) -> ErrorLine:
        """For giving its remedy something to do. Raises KeyError."""
        return self._errors[_OWNERS.get(field, field)]

    def set_size_shown(self, shown: bool) -> None:
        """Of an edit the frame decides the size."""
        for widget in self._size_row:
            widget.setVisible(shown)
        self._grid.setRowMinimumHeight(self._chips_row, CHIP_ROW_HEIGHT if shown else 0)

    def set_right_padding(self, padding: int) -> None:
        self._grid.setContentsMargins(DOCK_PADDING, SECTION_GAP, padding, SECTION_GAP)

    def tab_stops(self) -> list[QWidget]:
        """In reading order; of the chips only one is a stop at a time."""
        size, seed, count = self.size_fields, self.seed, self.count
        return [
            self.model,
            *self.chips.chips,
            *(size.width_field, size.swap, size.height_field),
            *(self.steps.slider, self.steps.number, self.quick.switch),
            *(self.guidance.slider, self.guidance.number),
            self.sampler,
            *self.family.tab_stops(),
            *(seed.toggle, seed.field, seed.use_last),
            *(count.fewer, count.field, count.more),
        ]

    def _fill(self) -> None:
        for info in SAMPLERS:
            self.sampler.addItem(info.name)
            self.sampler.setItemData(self.sampler.count() - 1, info.hint, Qt.ItemDataRole.ToolTipRole)

    def _describe(self) -> None:
        describe(self.model, self.tr("Model"), self.tr("The model that paints. Its own settings are taken over."))
        hint = self.tr("How many times the noise is made clearer. More takes longer; past 30 little changes.")
        self.steps.describe(self.tr("Steps"), hint)
        hint = self.tr("How closely the picture follows the prompt. Low is free, high is strict and harsh.")
        self.guidance.describe(self.tr("Guidance"), hint)
        describe(self.sampler, self.tr("Sampler"))

    def _arrange(self) -> None:
        self.set_right_padding(DOCK_PADDING)
        self._grid.setHorizontalSpacing(0)
        self._grid.setVerticalSpacing(ROW_GAP)
        self._grid.setColumnMinimumWidth(0, LABEL_COLUMN)
        self._grid.setColumnStretch(1, 1)
        self._add_row("model", self.tr("Model"), self.model, self.model, self.model)
        self._add_row("chips", self.tr("Size"), self.chips, None, self.size_fields.width_field)
        self._add_row("size", "", self.size_fields, self.size_fields, self.size_fields.width_field)
        self._add_row("steps", self.tr("Steps"), self.steps, self.steps, self.steps.number)
        self._grid.addWidget(self.quick, self._row, 1)
        self._row += 1
        self._add_row("guidance_scale", self.tr("Guidance"), self.guidance, self.guidance, self.guidance.number)
        self._add_row("sampler", self.tr("Sampler"), self.sampler, self.sampler, self.sampler)
        self._grid.addWidget(self.family, self._row, 0, 1, 2)
        self._row += 1
        self._add_row("seed", self.tr("Seed"), self.seed, self.seed, self.seed.field)
        self._add_row("count", self.tr("Pictures"), self.count, self.count, self.count.field)

    def _add_row(self, name: str, label: str, widget: QWidget, field: _Field | None, entry: QWidget) -> None:
        title = FieldLabel(self._theme, label, entry) if label else None
        if title is not None:
            self._grid.addWidget(title, self._row, 0, Qt.AlignmentFlag.AlignTop)
        if name in ("chips", "size"):
            self._size_row += [widget] if title is None else [title, widget]
        if name == "chips":
            self._chips_row = self._row
            self._grid.setRowMinimumHeight(self._row, CHIP_ROW_HEIGHT)
        self._grid.addWidget(widget, self._row, 1, Qt.AlignmentFlag.AlignVCenter)
        self._row += 1
        if field is None:
            return
        self._fields[name] = (field, entry)
        self._errors[name] = ErrorLine(self._theme)
        self._grid.addWidget(self._errors[name], self._row, 1)
        self._row += 1

    def _connect(self) -> None:
        self.model.chosen.connect(self._choose_model)
        self.model.more_asked.connect(self._show_catalog)
        self.model.more_asked.connect(self.models_asked)
        self.chips.chosen.connect(self._choose_size)
        self.size_fields.edited.connect(self._choose_size)
        self.steps.value_changed.connect(lambda value: self._update(steps=int(value)))
        self.guidance.value_changed.connect(lambda value: self._update(guidance_scale=value))
        self.sampler.activated.connect(lambda: self._update(sampler=self.sampler.currentText()))
        self.sampler.currentIndexChanged.connect(self._show_sampler_hint)
        self.seed.changed.connect(self._choose_seed)
        self.seed.lock_asked.connect(self._lock_seed)
        self.seed.last_asked.connect(self._session.use_last_seed)
        self.count.changed.connect(lambda count: self._update(count=count))
        self._session.state_changed.connect(self._show)
        self._session.model_changed.connect(self._show_model)
        self._session.last_seed_changed.connect(self.seed.show_last)
        self._menu.modelReset.connect(self._show_catalog)

    def _update(self, **changes: Any) -> None:
        for field in changes:
            self.clear_error(field)
        self._session.update(**changes)

    def _choose_model(self, info: ModelInfo) -> None:
        """Its settings are taken over where it is another one."""
        self.clear_error("model")
        self._session.choose_model(info, presets=info.spec.path != self._session.model.spec.path)

    def _choose_size(self, size: Size) -> None:
        self._update(width=size.width, height=size.height)

    def _choose_seed(self, seed: int | None) -> None:
        if seed is None:
            self._update(seed_locked=False)
        else:
            self._update(seed=seed, seed_locked=True)
        self._show_seed()

    def _lock_seed(self) -> None:
        """The seed of the last picture, so that what was liked stays; before the first one, what the field holds."""
        last = self._session.last_seed
        self._update(seed=self._session.state.seed if last is None else last, seed_locked=True)
        self._show_seed()

    def _show(self, names: frozenset[str]) -> None:
        state = self._session.state
        for name in names:
            self.clear_error(name)
        if names & {"width", "height"}:
            size = Size(state.width, state.height)
            self.size_fields.set_size(size)
            self.chips.set_current(size)
        if "steps" in names:
            self.steps.set_value(state.steps)
        if "guidance_scale" in names:
            self.guidance.set_value(state.guidance_scale)
        if "sampler" in names:
            self.sampler.setCurrentIndex(self.sampler.findText(state.sampler))
        if "count" in names:
            self.count.set_count(state.count)
        if "model" in names:
            self._show_catalog()
        if names & {"seed", "seed_locked"}:
            self._show_seed()

    def _show_seed(self) -> None:
        state = self._session.state
        self.seed.show_seed(state.seed if state.seed_locked else None)

    def _show_model(self, info: ModelInfo) -> None:
        self.chips.set_sizes(info.presets.sizes)
        self._show_catalog()

    def _show_catalog(self) -> None:
        model = self._session.state.model
        self.model.show_row(self._menu.row_of(model), model.name)

    def _show_sampler_hint(self) -> None:
        hint = self.sampler.currentData(Qt.ItemDataRole.ToolTipRole)
        describe(self.sampler, self.tr("Sampler"), str(hint or self.tr("Sampler")))


_OWNERS = {"width": "size", "height": "size", "seed_locked": "seed", "guidance": "guidance_scale"}
"""Fields of a request that share a row here."""

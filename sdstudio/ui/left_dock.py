"""The left dock: prompt and settings scroll, Generate at its foot does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from sdstudio.app.added_files import AddedFiles
from sdstudio.app.added_thumbs import AddedThumbs
from sdstudio.app.catalog_model import CatalogModel
from sdstudio.app.session import Session
from sdstudio.app.token_ask import TokenAsk
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.family_tasks import tasks_of
from sdstudio.ui.added_panel import AddedPanel
from sdstudio.ui.controls import SectionLine
from sdstudio.ui.fold_box import FoldBox
from sdstudio.ui.generate_bar import GenerateBar
from sdstudio.ui.generate_panel import GeneratePanel
from sdstudio.ui.prompt_panel import PromptPanel
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import DOCK_PADDING, LEFT_DOCK_MAX, LEFT_DOCK_MIN, LEFT_DOCK_WIDTH

if TYPE_CHECKING:
    from sdstudio.app.canvas_session import CanvasSession
    from sdstudio.app.edit_plan import EditPlanner
    from sdstudio.app.edit_settings import EditSettings
    from sdstudio.app.mix_pictures import MixPictures
    from sdstudio.app.model_news import ModelNews
    from sdstudio.ui.edit_panel import EditPanel
    from sdstudio.ui.mix_panel import MixPanel

_PROMPT_FIELDS = ("prompt", "positive", "negative")


class DockFront(Protocol):
    """The part of the application's context that the dock needs for its first picture."""

    @property
    def session(self) -> Session: ...
    @property
    def catalog(self) -> CatalogModel: ...
    @property
    def tokens(self) -> TokenAsk: ...
    @property
    def added(self) -> AddedFiles: ...
    @property
    def added_thumbs(self) -> AddedThumbs: ...


class DockContext(DockFront, Protocol):
    """All of it that the dock needs."""

    @property
    def canvas(self) -> CanvasSession: ...
    @property
    def edit_settings(self) -> EditSettings: ...
    @property
    def mix(self) -> MixPictures: ...
    @property
    def edit_planner(self) -> EditPlanner: ...
    @property
    def model_news(self) -> ModelNews: ...


class DockPanel(Protocol):
    """One part of the column."""

    def set_right_padding(self, padding: int) -> None: ...
    def tab_stops(self) -> Sequence[QWidget]: ...


class LeftDock(QWidget):
    """`generate_requested` comes when a run is wanted and nothing stands in its way.

    Begins with what every run needs; `complete` brings the panels that are folded away until the canvas or another
    model asks for them."""

    generate_requested = Signal()
    edit: EditPanel
    mix: MixPanel
    edit_fold: FoldBox
    mix_fold: FoldBox
    """These four only after `complete`."""
    _planner: EditPlanner

    def __init__(self, context: DockFront, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self._session = context.session
        self._theme = theme
        self._ask_hash: Callable[[str], None] | None = None
        self._hashes_wanted: list[str] = []
        self._field_at_fault = ""
        self.prompt = PromptPanel(context.session, context.tokens, theme)
        self.loras = AddedPanel(context.session, context.added, context.added_thumbs, theme, self._want_hash)
        self.settings = GeneratePanel(context.session, context.catalog, context.added, theme)
        self.bar = GenerateBar(theme)
        self._scroll = QScrollArea()
        self._column = QVBoxLayout()
        self._panels: tuple[DockPanel, ...] = (self.prompt, self.loras, self.settings)
        self._arrange()
        self.bar.generate_clicked.connect(self.generate)
        self._session.state_changed.connect(self._clear_fault)
        self._session.model_changed.connect(self._set_tab_order)
        self.loras.prompt_asked.connect(self.prompt.positive.set_text)
        for link in (self.loras.error.remedy, self.loras.error.other):
            link.clicked.connect(self.prompt.focus_prompt)
        self.loras.stops_changed.connect(self._set_tab_order)
        self.settings.family.stops_changed.connect(self._set_tab_order)
        self._set_tab_order()

    def complete(self, context: DockContext) -> None:
        """Once. Their modules are read here: the window's first picture does not wait for them."""
        from sdstudio.ui.edit_panel import EditPanel
        from sdstudio.ui.mix_panel import MixPanel

        theme, self._planner = self._theme, context.edit_planner
        self.edit = EditPanel(context.edit_settings, context.edit_planner, context.canvas, theme)
        self.edit_fold = FoldBox(theme, self._with_line(self.edit))
        self.mix = MixPanel(context.session, context.mix, theme)
        self.mix_fold = FoldBox(theme, self._with_line(self.mix))
        place = self._column.indexOf(self.settings)
        for number, fold in enumerate((self.edit_fold, self.mix_fold)):
            self._column.insertWidget(place + number, fold)
        self._panels = (self.prompt, self.loras, self.edit, self.mix, self.settings)
        self._session.model_changed.connect(self._follow_plan)
        self.mix.stops_changed.connect(self._set_tab_order)
        self._planner.plan_changed.connect(self._follow_plan)
        self._make_room_for_bar(0, self._scroll.verticalScrollBar().maximum())
        self._set_tab_order()
        self._follow_plan()
        _ = self.loras.popup  # its field is one of those that the window guards
        self._ask_hash = context.model_news.ask
        for path in self._hashes_wanted:
            self._ask_hash(path)

    def _want_hash(self, path: str) -> None:
        if self._ask_hash is None:
            self._hashes_wanted.append(path)
        else:
            self._ask_hash(path)

    def sizeHint(self) -> QSize:
        return QSize(LEFT_DOCK_WIDTH, 800)

    def generate(self) -> None:
        """What Generate and Ctrl+Enter do: ask for a run, or go to the field that stands in its way."""
        if not self.bar.blocked:
            self.generate_requested.emit()
        elif not self.settings.focus_field(self._field_at_fault):
            self.prompt.focus_prompt()

    def show_error(self, error: InvalidRequest) -> bool:
        """Beside its field; Generate waits until that is changed. False where no field of the dock is meant."""
        if error.field == "mix":
            self.mix.show_error(error)
            self._scroll.ensureWidgetVisible(self.mix)
            return True
        name = "" if error.field in _PROMPT_FIELDS else error.field
        if name and not self.settings.show_error(name, error):
            return False
        self._field_at_fault = error.field
        self.bar.set_blocked(error.message if not name else self._change_words(error.field))
        self.generate()
        return True

    def _arrange(self) -> None:
        inside = QWidget()
        set_surface(inside, "dock")
        column = self._column
        inside.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.prompt)
        column.addWidget(SectionLine())
        column.addWidget(self.loras)
        column.addWidget(SectionLine())
        column.addWidget(self.settings)
        column.addStretch(1)
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.verticalScrollBar().rangeChanged.connect(self._make_room_for_bar)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._scroll, 1)
        outer.addWidget(self.bar)
        self.setMinimumWidth(LEFT_DOCK_MIN)
        self.setMaximumWidth(LEFT_DOCK_MAX)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    @staticmethod
    def _with_line(panel: QWidget) -> QWidget:
        """Folds away together with the line below it."""
        whole = QWidget()
        set_surface(whole, "dock")
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(panel)
        column.addWidget(SectionLine())
        return whole

    def _follow_plan(self) -> None:
        """The canvas decides what is asked here; where it does, its frame decides the size, too. What needs a
        picture has no size of its own."""
        plan = self._planner.plan
        self.edit.show_plan(plan)
        self.edit_fold.set_open(plan.on_canvas and plan.task != "text")
        self.mix.show_plan(plan)
        self.mix_fold.set_open(tasks_of(self._session.model.family).varies)
        draws = tasks_of(self._session.model.family).can("text")
        self.settings.set_size_shown(draws and not plan.on_canvas)

    def _change_words(self, field: str) -> str:
        words = {
            "model": self.tr("Choose another model to go on"),
            "steps": self.tr("Change the steps to go on"),
            "guidance_scale": self.tr("Change the guidance to go on"),
            "sampler": self.tr("Choose another sampler to go on"),
            "seed": self.tr("Change the seed to go on"),
            "count": self.tr("Change the number of pictures to go on"),
        }
        return words.get(field, self.tr("Change the size to go on"))

    def _make_room_for_bar(self, least: int, most: int) -> None:
        """The scroll bar stands in the padding at the right, so that no field moves when it comes."""
        taken = self._scroll.verticalScrollBar().sizeHint().width() if most > least else 0
        for panel in self._panels:
            panel.set_right_padding(DOCK_PADDING - min(taken, DOCK_PADDING))

    def _set_tab_order(self) -> None:
        stops = [*(stop for panel in self._panels for stop in panel.tab_stops()), self.bar.button]
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

    def _clear_fault(self, names: frozenset[str]) -> None:
        field = "positive" if self._field_at_fault == "prompt" else self._field_at_fault
        sides = {"width", "height", "size"}
        # Another model may know a LoRA that the prompt names.
        other = field == "positive" and names & {"model", "loras"}
        if field and (field in names or (field in sides and names & sides) or other):
            self._field_at_fault = ""
            self.bar.set_blocked("")

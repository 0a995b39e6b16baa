"""What the canvas adds to the settings: how a mask is filled, a picture redrawn, an edge extended."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app import edit_words
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_plan import EditPlan, EditPlanner
from sdstudio.app.edit_settings import STRENGTH_MIN, EditSettings
from sdstudio.domain.edits import CONTEXT_MAX, FEATHER_MAX, GROW_MAX, FillMode
from sdstudio.ui.controls import ElidedLabel, FieldLabel, Heading, TextLabel, ValueSlider
from sdstudio.ui.segments import Segment, Segments
from sdstudio.ui.steady_hint import SteadyHint
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import DOCK_PADDING, LABEL_COLUMN, LINE_BODY, LINE_SMALL, ROW_GAP, SECTION_GAP

COVERAGE_MS = 120
"""How often the covered part is counted while somebody paints."""
FEATHER_EVERYDAY, GROW_EVERYDAY, CONTEXT_EVERYDAY = 64, 64, 256


class EditPanel(QWidget):
    """Bound to EditSettings in both directions; which part of it is there depends on what Generate will do."""

    def __init__(
        self,
        settings: EditSettings,
        planner: EditPlanner,
        canvas: CanvasSession,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self._settings = settings
        self._planner = planner
        self._canvas = canvas
        self._theme = theme
        self._task, self._own_title = "inpaint", ""
        self.title = Heading(theme, "")
        self.fact = TextLabel(theme, role="hint")
        self.modes = Segments(theme, self._segments())
        self.says = SteadyHint(theme)
        self.strength = ValueSlider(theme, round(STRENGTH_MIN * 100), 100, unit=self.tr("%"))
        self.feather = self._pixels(FEATHER_MAX, FEATHER_EVERYDAY)
        self.grow = self._pixels(GROW_MAX, GROW_EVERYDAY)
        self.context = self._pixels(CONTEXT_MAX, CONTEXT_EVERYDAY)
        self.match_colours = QCheckBox(self.tr("Match colours"))
        self.match_colours.setAccessibleName(self.match_colours.text())
        self.islands = QCheckBox(self.tr("One frame each"))
        self.islands.setAccessibleName(self.islands.text())
        self.seen = ElidedLabel(theme, font="small", role="hint")
        self._column = QVBoxLayout(self)
        self._numbers: list[tuple[QWidget, QWidget]] = []
        self._counting = QTimer(self)
        self._describe()
        self._arrange()
        self._connect()
        self._show_settings()
        self.show_plan(planner.plan)

    def set_right_padding(self, padding: int) -> None:
        self._column.setContentsMargins(DOCK_PADDING, SECTION_GAP, padding, SECTION_GAP)

    def tab_stops(self) -> list[QWidget]:
        """In reading order; of the modes only one is a stop at a time."""
        numbers = (self.strength, self.feather, self.grow, self.context)
        sliders = [part for number in numbers for part in (number.slider, number.number)]
        return [*self.modes.buttons.values(), *sliders, self.match_colours, self.islands]

    # Making

    def _pixels(self, most: int, everyday: int) -> ValueSlider:
        return ValueSlider(self._theme, 0, most, slider_high=everyday, unit=self.tr("px"))

    def _segments(self) -> list[Segment]:
        words = {
            FillMode.FILL: (self.tr("Fill"), self.tr("Fill what is masked from what is around it")),
            FillMode.CHANGE: (self.tr("Keep shape"), self.tr("Redraw what is masked in its own shape")),
            FillMode.REPLACE: (self.tr("Replace"), self.tr("Something new in place of what is masked")),
            FillMode.REMOVE: (self.tr("Remove"), self.tr("What is masked goes, its surroundings take its place")),
        }
        return [Segment(mode.value, *words[mode]) for mode in words]

    def _sentences(self) -> dict[FillMode, str]:
        return {
            FillMode.FILL: self.tr("Goes on from what is around it."),
            FillMode.CHANGE: self.tr("The same shape in another look."),
            FillMode.REPLACE: self.tr("Something new. What was there is ignored."),
            FillMode.REMOVE: self.tr("What the prompt names goes away."),
        }

    def _describe(self) -> None:
        self.feather.describe(
            self.tr("Feather (px)"), self.tr("How far inwards from its edge the result blends with the picture.")
        )
        self.grow.describe(self.tr("Grow (px)"), self.tr("By how much the mask is made larger all round."))
        self.context.describe(
            self.tr("Context (px)"), self.tr("How much around the mask the model sees, if the frame is left to itself.")
        )
        self.match_colours.setToolTip(
            self.tr("Brings the result to the tones of the picture around it, measured where nothing changes.")
        )
        self.islands.setToolTip(self.tr("Each island of the mask is made larger by itself, one run each."))

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.fact)
        grid = QGridLayout()
        grid.setHorizontalSpacing(0)
        grid.setVerticalSpacing(ROW_GAP)
        grid.setColumnMinimumWidth(0, LABEL_COLUMN)
        grid.setColumnStretch(1, 1)
        named = {
            self.tr("Strength"): self.strength,
            self.tr("Feather"): self.feather,
            self.tr("Grow"): self.grow,
            self.tr("Context"): self.context,
        }
        for row, (name, field) in enumerate(named.items()):
            label = FieldLabel(self._theme, name, field.number)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
            self._numbers.append((label, field))
        checks = QHBoxLayout()
        checks.setSpacing(16)
        checks.addWidget(self.match_colours)
        checks.addWidget(self.islands)
        checks.addStretch(1)
        self.title.setFixedHeight(LINE_BODY)
        self.fact.setFixedHeight(LINE_BODY)
        self.seen.setFixedHeight(LINE_SMALL)
        self.set_right_padding(DOCK_PADDING)
        self._column.setSpacing(ROW_GAP)
        self._column.addLayout(head)
        self._column.addWidget(self.modes)
        self._column.addWidget(self.says)
        self._column.addLayout(grid)
        self._column.addLayout(checks)
        self._column.addWidget(self.seen)
        # Qt takes two neighbours for ordered already, although the slider's parent, which stands for its number, lies
        # between them in the chain and would be the next stop. Out of order first, the dock puts it right.
        QWidget.setTabOrder(self.strength.number, self.strength.slider)

    def _connect(self) -> None:
        settings, canvas = self._settings, self._canvas
        self._counting.setSingleShot(True)
        self._counting.setInterval(COVERAGE_MS)
        self._counting.timeout.connect(self._show_fact)
        self.modes.chosen.connect(lambda mode: setattr(settings, "mode", FillMode(mode)))
        self.strength.value_changed.connect(self._set_strength)
        self.feather.value_changed.connect(lambda value: settings.update(feather=round(value)))
        self.grow.value_changed.connect(lambda value: settings.update(grow=round(value)))
        self.context.value_changed.connect(lambda value: settings.update(context=round(value)))
        self.match_colours.clicked.connect(lambda on: settings.update(match_colours=on))
        self.islands.clicked.connect(lambda on: setattr(settings, "islands", on))
        settings.changed.connect(self._show_settings)
        canvas.mask_changed.connect(self._count)
        canvas.pixels_changed.connect(self._count)

    # Showing

    def show_plan(self, plan: EditPlan) -> None:
        """What Generate will do; a picture of its own leaves the panel as it was, for it is about to go."""
        if not plan.on_canvas or plan.task == "text":
            return
        if (plan.task, plan.title) != (self._task, self._own_title):
            self._task, self._own_title = plan.task, plan.title
            self._show_settings()
        masked = plan.task == "inpaint"
        self.modes.setVisible(masked)
        for parts in self._numbers[1:]:
            for part in parts:
                part.setVisible(masked)
        for part in self._numbers[0]:
            part.setVisible(plan.task != "outpaint" and plan.strength_counts)
        # Of a picture that is redrawn as a whole nothing stays that the colours could be matched with.
        self.match_colours.setVisible(masked or plan.task == "outpaint" or not plan.whole)
        self.islands.setVisible(masked and plan.islands > 1 and self._settings.frame is None)
        self.islands.setText(self.tr("One frame each ({count})").format(count=plan.islands))
        seen = edit_words.seen(plan)
        self.seen.setText(seen[:1].upper() + seen[1:])
        self._show_fact()

    def _show_settings(self) -> None:
        settings, task = self._settings, self._task
        titles = {"inpaint": self.tr("Inpaint"), "outpaint": self.tr("Extend"), "image": self.tr("Redraw")}
        self.title.setText(self._own_title or titles[task])
        self.modes.set_value(settings.mode.value)
        self._show_strength()
        values = settings.values_of(self._mode)
        self.feather.set_value(values.feather)
        self.grow.set_value(values.grow)
        self.context.set_value(values.context)
        self.match_colours.setChecked(values.match_colours)
        self.islands.setChecked(settings.islands)
        sentences = self._sentences()
        if task == "inpaint":
            self.says.show_one(sentences[settings.mode], tuple(sentences.values()))
        elif task == "outpaint":
            self.says.show_one(self.tr("The edge leads, the prompt fills in the rest."))
        else:
            says = self._planner.plan.says if self._own_title else ""
            self.says.show_one(says or self.tr("A new picture in this one's composition."))

    @property
    def _mode(self) -> FillMode:
        """Whose numbers are shown."""
        if self._task == "inpaint":
            return self._settings.mode
        return FillMode.FILL if self._task == "outpaint" else FillMode.CHANGE

    def _show_strength(self) -> None:
        """Replacing knows only one strength; the sentence above says why."""
        settings = self._settings
        image = self._task == "image"
        fixed = not image and settings.mode is FillMode.REPLACE
        self.strength.set_value(round((settings.image_strength if image else settings.strength) * 100))
        self.strength.setEnabled(not fixed)
        hint = self.tr("How much is made anew: little keeps what is there, 100 % nothing of it.")
        if fixed:
            hint = self.tr("Replacing leaves nothing of what was there.")
        self.strength.describe(self.tr("Strength (%)"), hint)

    def _set_strength(self, percent: float) -> None:
        if self._task == "image":
            self._settings.image_strength = percent / 100
        else:
            self._settings.update(strength=percent / 100)

    def _count(self, *_: object) -> None:
        if self._task == "inpaint" and not self._counting.isActive():
            self._counting.start()

    def _show_fact(self) -> None:
        plan = self._planner.plan
        words = ""
        if self._task == "outpaint":
            words = edit_words.added(plan.margins)
        elif self._task == "inpaint" and not self._canvas.mask_empty:
            percent = self._canvas.mask_coverage * 100
            shown = "<1" if percent < 1 else f"{percent:.0f}"
            words = self.tr("mask covers {percent} %").format(percent=shown)
        if words != self.fact.text():
            self.fact.setText(words)

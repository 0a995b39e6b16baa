"""What is behind the parts of the main window: presenters, commands, and how they are connected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QWidget

from sdstudio.app.bin import PictureBin
from sdstudio.app.context import AppContext
from sdstudio.ui.action_state import ActionState
from sdstudio.ui.actions import Actions
from sdstudio.ui.areas import Area, Areas
from sdstudio.ui.attention import Attention
from sdstudio.ui.bottom_strip import BottomStrip
from sdstudio.ui.canvas.frame_controls import FrameControls
from sdstudio.ui.canvas_area import CanvasArea
from sdstudio.ui.canvas_presenter import CanvasPresenter
from sdstudio.ui.cost_presenter import CostPresenter
from sdstudio.ui.file_drop import FileDrop
from sdstudio.ui.key_guard import KeyGuard
from sdstudio.ui.keymap import key_table
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.results_wiring import ResultsWiring
from sdstudio.ui.right_dock import RightDock
from sdstudio.ui.run_presenter import RunPresenter
from sdstudio.ui.theme import Theme
from sdstudio.ui.troubles import Troubles
from sdstudio.ui.window_parts import WindowParts
from sdstudio.ui.window_wiring import Commands


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenParts:
    """What the main window is put together from, and its way for files from outside."""

    window: QMainWindow
    theme: Theme
    actions: Actions
    left: LeftDock
    canvas: CanvasArea
    right: RightDock
    bottom: BottomStrip
    open_files: Callable[[Sequence[str | Path]], None]


class WindowInside(QObject):
    """Made once, on a window whose parts are complete."""

    def __init__(self, seen: SeenParts, context: AppContext) -> None:
        window, canvas, left = seen.window, seen.canvas, seen.left
        super().__init__(window)
        self._seen = seen
        self._context = context
        self.files_bin = PictureBin(context.io, window)
        self.troubles = Troubles(context, canvas.banner, left, self.files_bin, window)
        self.presenter = CanvasPresenter(context, canvas, window)
        self.run_presenter = RunPresenter(context, seen.bottom, seen.right.results, window)
        self.cost = CostPresenter(context, left.bar, canvas.first_start, window)
        self.attention = Attention(context, window)
        self.frame_controls = FrameControls(
            context.canvas,
            context.edit_settings,
            context.edit_planner,
            context.canvas_io,
            seen.theme,
            canvas.page,
        )
        self.areas = Areas(self._areas(), window)
        parts = self._parts()
        self.commands = Commands(parts)
        self.action_state = ActionState(parts)
        self.results_wiring = ResultsWiring(parts, self.commands)
        self._connect()
        for note in key_table(context.settings.settings.keys)[1]:
            self.troubles.show_note(note)
        self._set_tab_order()

    def _parts(self) -> WindowParts:
        seen = self._seen
        return WindowParts(
            window=seen.window,
            context=self._context,
            theme=seen.theme,
            actions=seen.actions,
            left=seen.left,
            canvas=seen.canvas,
            right=seen.right,
            results=seen.right.results,
            bottom=seen.bottom,
            files_bin=self.files_bin,
            troubles=self.troubles,
            presenter=self.presenter,
            areas=self.areas,
            attention=self.attention,
            open_files=seen.open_files,
        )

    def _connect(self) -> None:
        commands, seen, context = self.commands, self._seen, self._context
        canvas, window = seen.canvas, seen.window
        seen.left.generate_requested.connect(commands.generate)
        seen.left.settings.models_asked.connect(lambda: commands.run("models"))
        canvas.page_changed.connect(self._follow_page)
        self._follow_page()
        seen.bottom.cancel_clicked.connect(context.queue.cancel_current)
        context.files.restored.connect(commands.on_restored)
        canvas.view.menu_asked.connect(commands.show_picture_menu)
        canvas.foot.enlarge_asked.connect(lambda: commands.run("enlarge"))
        canvas.foot.edit_asked.connect(lambda: commands.run("edit_result"))
        canvas.view.edit_asked.connect(lambda: commands.run("edit_result"))
        canvas.view.drag_out_asked.connect(commands.drag_out)
        page = canvas.page.view
        page.open_asked.connect(lambda: commands.run("open"))
        page.new_asked.connect(lambda: commands.run("new_canvas"))
        page.paste_asked.connect(lambda: commands.run("paste"))
        drop = FileDrop(window)
        drop.dropped.connect(seen.open_files)
        drop.image_dropped.connect(commands.canvas_files.take)
        drop.models_dropped.connect(commands.dialogs.take_models)
        KeyGuard(window, seen.actions)

    def _follow_page(self) -> None:
        """Generate means what is in front."""
        self._context.edit_planner.set_canvas_active(self._seen.canvas.canvas_shown)

    def _areas(self) -> tuple[Area, ...]:
        seen = self._seen
        canvas, left, right, bottom = seen.canvas, seen.left, seen.right, seen.bottom

        def canvas_first() -> QWidget | None:
            if canvas.canvas_shown:
                return canvas.page.view
            if not canvas.first_start_shown:
                return canvas.view
            return next(iter(canvas.first_start.rows), None)

        def bottom_first() -> QWidget | None:
            return bottom.cancel_button if bottom.running else None

        return (
            Area(left, lambda: left.prompt.positive),
            Area(canvas, canvas_first),
            Area(right, right.first_control),
            Area(bottom, bottom_first),
        )

    def _set_tab_order(self) -> None:
        """Reading order; inside the left dock it sets its own."""
        seen = self._seen
        canvas, right, results = seen.canvas, seen.right, seen.right.results
        stops = (
            seen.left.bar.button, canvas.tab_row.tabs, canvas.view, canvas.strip,
            *canvas.foot.tab_stops(), *canvas.page.tab_stops(), right.tab_row.tabs,
            results.run_list, results.queue, results.earlier_list, *right.layers.tab_stops(),
            seen.bottom.cancel_button,
        )  # fmt: skip
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

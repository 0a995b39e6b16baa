"""The main window: four parts put together. What they do is in the presenters and in window_wiring."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from sdstudio.app.bin import PictureBin
from sdstudio.app.context import AppContext
from sdstudio.storage.settings import Settings
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
from sdstudio.ui.keymap import key_table, native_text
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.menus import fill_menu_bar
from sdstudio.ui.results_dock import DOCK_LEAST, DOCK_WIDTH
from sdstudio.ui.results_wiring import ResultsWiring
from sdstudio.ui.right_dock import RightDock
from sdstudio.ui.run_presenter import RunPresenter
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import LEFT_DOCK_MIN, LEFT_DOCK_WIDTH
from sdstudio.ui.troubles import Troubles
from sdstudio.ui.window_parts import WindowParts
from sdstudio.ui.window_wiring import Commands

DEFAULT_SIZE = QSize(1440, 900)
LEAST_SIZE = QSize(1024, 640)
FRAME_SIZE = QSize(8, 40)
"""What a window manager's title bar and edges take; how much exactly is known only after the window is shown."""
ROOMY_WIDTH = 1200
"""Up to this width the docks begin as narrow as they can be, for the picture's sake."""


class MainWindow(QMainWindow):
    """`closing` comes once, when the window has been closed and its state is remembered."""

    closing = Signal()

    def __init__(self, context: AppContext, theme: Theme) -> None:
        super().__init__()
        self.context = context
        self.theme = theme
        self.actions_table = Actions(self)
        self.left = LeftDock(context, theme)
        self.canvas = CanvasArea(context.canvas, context.candidates, context.io, theme, self.actions_table)
        self.right = RightDock(context.gallery, context.canvas, theme)
        self.results = self.right.results
        self.bottom = BottomStrip(theme)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._lay_out()
        self.files_bin = PictureBin(context.io, self)
        self.troubles = Troubles(context, self.canvas.banner, self.left, self.files_bin, self)
        self.presenter = CanvasPresenter(context, self.canvas, self)
        self.run_presenter = RunPresenter(context, self.bottom, self.results, self)
        self.cost = CostPresenter(context, self.left.bar, self.canvas.first_start, self)
        self.attention = Attention(context, self)
        self.frame_controls = FrameControls(
            context.canvas,
            context.edit_settings,
            context.edit_planner,
            context.canvas_io,
            theme,
            self.canvas.page,
        )
        self.areas = Areas(self._areas(), self)
        parts = self._parts()
        self.commands = Commands(parts)
        self.action_state = ActionState(parts)
        self.results_wiring = ResultsWiring(parts, self.commands)
        fill_menu_bar(self.menuBar(), self.actions_table)
        self._connect()
        self._follow_settings(context.settings.settings)
        for note in key_table(context.settings.settings.keys)[1]:
            self.troubles.show_note(note)
        self._set_tab_order()
        self._restore_window()

    def open_files(self, paths: Sequence[str | Path]) -> None:
        """Puts the first picture on the canvas, and back the settings that made it."""
        self.results_wiring.something_opened()
        self.commands.canvas_files.open_paths(paths)

    def _parts(self) -> WindowParts:
        return WindowParts(
            window=self,
            context=self.context,
            theme=self.theme,
            actions=self.actions_table,
            left=self.left,
            canvas=self.canvas,
            right=self.right,
            results=self.results,
            bottom=self.bottom,
            files_bin=self.files_bin,
            troubles=self.troubles,
            presenter=self.presenter,
            areas=self.areas,
            attention=self.attention,
            open_files=self.open_files,
        )

    def _lay_out(self) -> None:
        for part in (self.left, self.canvas, self.right):
            self._splitter.addWidget(part)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(1)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._splitter, 1)
        column.addWidget(self.bottom)
        self.setCentralWidget(whole)
        self.setMinimumSize(LEAST_SIZE)

    def _connect(self) -> None:
        commands, canvas = self.commands, self.canvas
        self.left.generate_requested.connect(commands.generate)
        self.left.settings.models_asked.connect(lambda: commands.run("models"))
        canvas.page_changed.connect(self._follow_page)
        self._follow_page()
        self.bottom.cancel_clicked.connect(self.context.queue.cancel_current)
        self.context.files.restored.connect(commands.on_restored)
        self.context.settings.changed.connect(self._follow_settings)
        canvas.view.menu_asked.connect(commands.show_picture_menu)
        canvas.foot.enlarge_asked.connect(lambda: commands.run("enlarge"))
        canvas.foot.edit_asked.connect(lambda: commands.run("edit_result"))
        canvas.view.edit_asked.connect(lambda: commands.run("edit_result"))
        canvas.view.drag_out_asked.connect(commands.drag_out)
        page = canvas.page.view
        page.open_asked.connect(lambda: commands.run("open"))
        page.new_asked.connect(lambda: commands.run("new_canvas"))
        page.paste_asked.connect(lambda: commands.run("paste"))
        drop = FileDrop(self)
        drop.dropped.connect(self.open_files)
        drop.image_dropped.connect(commands.canvas_files.take)
        drop.models_dropped.connect(commands.dialogs.take_models)
        KeyGuard(self, self.actions_table)
        self.actions_table.keys_changed.connect(self._show_keys)

    def _follow_page(self) -> None:
        """Generate means what is in front."""
        self.context.edit_planner.set_canvas_active(self.canvas.canvas_shown)

    def _follow_settings(self, settings: Settings) -> None:
        self.theme.reduce_motion = settings.reduce_motion
        self.theme.set_mode(settings.theme)
        self.actions_table[f"theme_{settings.theme}"].setChecked(True)
        self.actions_table.set_keys(key_table(settings.keys)[0])

    def _show_keys(self) -> None:
        """Where a key stands beside its word; tooltips and menus follow by themselves."""
        keys = self.actions_table.keys
        self.left.bar.show_key(keys["generate"])
        self.bottom.cancel_button.show_key(native_text(keys["cancel"][:1]))

    def _areas(self) -> tuple[Area, ...]:
        def canvas_first() -> QWidget | None:
            if self.canvas.canvas_shown:
                return self.canvas.page.view
            if not self.canvas.first_start_shown:
                return self.canvas.view
            return next(iter(self.canvas.first_start.rows), None)

        def bottom_first() -> QWidget | None:
            return self.bottom.cancel_button if self.bottom.running else None

        return (
            Area(self.left, lambda: self.left.prompt.positive),
            Area(self.canvas, canvas_first),
            Area(self.right, self.right.first_control),
            Area(self.bottom, bottom_first),
        )

    def _set_tab_order(self) -> None:
        """Reading order; inside the left dock it sets its own."""
        stops = (
            self.left.bar.button, self.canvas.tab_row.tabs, self.canvas.view, self.canvas.strip,
            *self.canvas.foot.tab_stops(), *self.canvas.page.tab_stops(), self.right.tab_row.tabs,
            self.results.run_list, self.results.queue, self.results.earlier_list, *self.right.layers.tab_stops(),
            self.bottom.cancel_button,
        )  # fmt: skip
        for first, second in pairwise(stops):
            QWidget.setTabOrder(first, second)

    def _restore_window(self) -> None:
        state = self.context.state_file
        room = QGuiApplication.primaryScreen().availableGeometry().size() - FRAME_SIZE
        self.resize(DEFAULT_SIZE.boundedTo(room).expandedTo(LEAST_SIZE))
        geometry, widths = state.window("geometry"), state.window("splitter")
        if geometry:
            self.restoreGeometry(geometry)
        if not widths or not self._splitter.restoreState(widths):
            roomy = self.width() > ROOMY_WIDTH
            left, right = (LEFT_DOCK_WIDTH, DOCK_WIDTH) if roomy else (LEFT_DOCK_MIN, DOCK_LEAST)
            self._splitter.setSizes([left, self.width() - left - right, right])
        shown = state.window("results") != b"hidden"
        self.right.setVisible(shown)
        self.actions_table["results"].setChecked(shown)
        if state.window("right_tab") == b"layers":
            self.right.show_layers()

    def _remember_window(self) -> None:
        state = self.context.state_file
        state.set_window(bytes(self.saveGeometry().data()), "geometry")
        state.set_window(bytes(self._splitter.saveState().data()), "splitter")
        state.set_window(b"hidden" if self.right.isHidden() else b"shown", "results")
        state.set_window(b"layers" if self.right.layers_shown else b"results", "right_tab")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.context.models.watch.window_used()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Never asks: finished pictures are saved, and what is not finished is offered at the next start."""
        self._remember_window()
        event.accept()
        self.closing.emit()

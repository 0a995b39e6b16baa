"""The main window: four parts put together. What they do is in window_inside, the presenters and window_wiring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from sdstudio.app import messages
from sdstudio.app.engine_state import EngineState
from sdstudio.app.front_context import FrontContext
from sdstudio.storage.settings import Settings
from sdstudio.ui.action_types import Needs
from sdstudio.ui.actions import Actions
from sdstudio.ui.bottom_strip import BottomStrip
from sdstudio.ui.canvas_area import CanvasArea
from sdstudio.ui.keymap import key_table, native_text
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.menus import fill_menu_bar
from sdstudio.ui.results_dock import DOCK_LEAST, DOCK_WIDTH
from sdstudio.ui.right_dock import RightDock
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import LEFT_DOCK_MIN, LEFT_DOCK_WIDTH

if TYPE_CHECKING:
    from sdstudio.app.bin import PictureBin
    from sdstudio.app.context import AppContext
    from sdstudio.ui.attention import Attention
    from sdstudio.ui.canvas.frame_controls import FrameControls
    from sdstudio.ui.canvas_presenter import CanvasPresenter
    from sdstudio.ui.troubles import Troubles
    from sdstudio.ui.window_inside import WindowInside
    from sdstudio.ui.window_wiring import Commands

DEFAULT_SIZE = QSize(1440, 900)
LEAST_SIZE = QSize(1024, 640)
FRAME_SIZE = QSize(8, 40)
"""What a window manager's title bar and edges take; how much exactly is known only after the window is shown."""
ROOMY_WIDTH = 1200
"""Up to this width the docks begin as narrow as they can be, for the picture's sake."""


class MainWindow(QMainWindow):
    """`closing` comes once, when the window has been closed and its state is remembered.

    Made in two steps, so that it is on the screen before the modules are read that only a person's next step needs:
    first the parts that are seen, then, by `complete`, the canvas's page, the layers and all that makes the parts work.
    What is asked for in between is done then.
    """

    closing = Signal()
    context: AppContext
    commands: Commands
    troubles: Troubles
    presenter: CanvasPresenter
    attention: Attention
    frame_controls: FrameControls
    files_bin: PictureBin
    """These only after `complete`."""

    def __init__(self, front: FrontContext, theme: Theme) -> None:
        super().__init__()
        self._front = front
        self._inside: WindowInside | None = None
        self._asked_early: list[str] = []
        self.theme = theme
        self.actions_table = Actions(self)
        self.left = LeftDock(front, theme)
        self.canvas = CanvasArea(theme, self.actions_table)
        self.right = RightDock(front.gallery, theme)
        self.results = self.right.results
        self.bottom = BottomStrip(theme)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._lay_out()
        fill_menu_bar(self.menuBar(), self.actions_table)
        self.actions_table.set_state(frozenset({Needs.NOTHING}))
        self.bottom.show_idle(messages.engine_state(EngineState.STARTING))
        self.actions_table.keys_changed.connect(self._show_keys)
        self.actions_table.chosen.connect(self._ask_early)
        self.left.generate_requested.connect(self._generate_early)
        self.left.settings.models_asked.connect(self._models_early)
        front.settings.changed.connect(self._follow_settings)
        self._follow_settings(front.settings.settings)
        self._restore_window()

    @staticmethod
    def read_ahead() -> None:
        """The modules that `complete` needs: the larger part of what it takes, in a step of its own."""
        import sdstudio.ui.canvas.editor_page
        import sdstudio.ui.window_inside  # noqa: F401

    def complete(self, context: AppContext) -> None:
        """The second step, once; `context` is built on the one that the window was made with."""
        from sdstudio.ui.window_inside import SeenParts, WindowInside

        self.context = context
        self.left.complete(context)
        self.canvas.complete(context.canvas, context.candidates, context.io)
        self.right.complete(context.canvas)
        seen = SeenParts(
            window=self,
            theme=self.theme,
            actions=self.actions_table,
            left=self.left,
            canvas=self.canvas,
            right=self.right,
            bottom=self.bottom,
            open_files=self.open_files,
        )
        inside = WindowInside(seen, context)
        self.commands, self.troubles, self.presenter = inside.commands, inside.troubles, inside.presenter
        self.attention, self.frame_controls = inside.attention, inside.frame_controls
        self.files_bin = inside.files_bin
        self._inside = inside
        self.actions_table.chosen.disconnect(self._ask_early)
        self.left.generate_requested.disconnect(self._generate_early)
        self.left.settings.models_asked.disconnect(self._models_early)
        for name in self._asked_early:
            self.commands.run(name)

    def open_files(self, paths: Sequence[str | Path]) -> None:
        """After `complete`: puts the first picture on the canvas, and back the settings that made it."""
        if self._inside is not None:
            self._inside.results_wiring.something_opened()
            self.commands.canvas_files.open_paths(paths)

    @property
    def asked_early(self) -> bool:
        """Whether something waits for `complete`."""
        return self._inside is None and bool(self._asked_early)

    def _ask_early(self, name: str) -> None:
        self._asked_early.append(name)

    def _generate_early(self) -> None:
        self._asked_early.append("generate")

    def _models_early(self) -> None:
        self._asked_early.append("models")

    def _lay_out(self) -> None:
        """From the outside in: what is put into something later is styled anew with all that is in it."""
        whole = QWidget()
        self.setCentralWidget(whole)
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._splitter, 1)
        column.addWidget(self.bottom)
        for part in (self.left, self.canvas, self.right):
            self._splitter.addWidget(part)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(1)
        self.setMinimumSize(LEAST_SIZE)

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

    def _restore_window(self) -> None:
        state = self._front.state_file
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
        state = self._front.state_file
        state.set_window(bytes(self.saveGeometry().data()), "geometry")
        state.set_window(bytes(self._splitter.saveState().data()), "splitter")
        state.set_window(b"hidden" if self.right.isHidden() else b"shown", "results")
        state.set_window(b"layers" if self.right.layers_shown else b"results", "right_tab")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        active = event.type() == QEvent.Type.ActivationChange and self.isActiveWindow()
        if active and self._inside is not None:
            self.context.models.watch.window_used()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Never asks: finished pictures are saved, and what is not finished is offered at the next start."""
        self._remember_window()
        event.accept()
        self.closing.emit()

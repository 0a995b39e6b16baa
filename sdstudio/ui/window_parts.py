"""The parts of the main window, for those that connect them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QMainWindow

from sdstudio.app.bin import PictureBin
from sdstudio.app.context import AppContext
from sdstudio.ui.actions import Actions
from sdstudio.ui.areas import Areas
from sdstudio.ui.attention import Attention
from sdstudio.ui.bottom_strip import BottomStrip
from sdstudio.ui.canvas_area import CanvasArea
from sdstudio.ui.canvas_presenter import CanvasPresenter
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.results_dock import ResultsDock
from sdstudio.ui.right_dock import RightDock
from sdstudio.ui.theme import Theme
from sdstudio.ui.troubles import Troubles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowParts:
    """`window` is only the parent of dialogs and menus here; `open_files` is its way for files from outside."""

    window: QMainWindow
    context: AppContext
    theme: Theme
    actions: Actions
    left: LeftDock
    canvas: CanvasArea
    right: RightDock
    results: ResultsDock
    bottom: BottomStrip
    files_bin: PictureBin
    troubles: Troubles
    presenter: CanvasPresenter
    areas: Areas
    attention: Attention
    open_files: Callable[[Sequence[str | Path]], None]

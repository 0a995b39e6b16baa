"""What the actions do, and which of them can be done now."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QProcess, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QMainWindow, QMenu

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.request import GenerationRequest
from sdstudio.ui.candidate_commands import CandidateCommands
from sdstudio.ui.canvas_commands import CanvasCommands
from sdstudio.ui.canvas_file_commands import CanvasFileCommands
from sdstudio.ui.dialogs import SideDialog
from sdstudio.ui.gallery_view import DRAG_SIDE, drag_files, file_data
from sdstudio.ui.menus import picture_menu
from sdstudio.ui.mix_commands import MixCommands
from sdstudio.ui.qimage import fitted, to_qimage
from sdstudio.ui.window_dialogs import WindowDialogs
from sdstudio.ui.window_parts import WindowParts
from sdstudio.ui.zoom_view import ZoomView


def _close(window: QMainWindow) -> None:
    window.close()


def open_locally(path: str) -> None:
    """Shows a folder or file of this computer in the system's own program."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(path))


class Commands(QObject):
    """One method a command; `names` of the actions' table lead here."""

    def __init__(self, parts: WindowParts, opener: Callable[[str], None] = open_locally) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._window = parts.window
        self._context = parts.context
        self._open = opener
        self.dialogs = WindowDialogs(parts, self.show_in_folder, self.open_folder)
        self.canvas = CanvasCommands(parts)
        self.canvas_files = CanvasFileCommands(parts)
        self.candidates = CandidateCommands(parts)
        self.mix = MixCommands(parts)
        self._do: dict[str, Callable[[], None]] = self._table()
        for commands in (self.canvas, self.canvas_files, self.candidates):
            self._do |= commands.table()
        parts.actions.chosen.connect(self.run)
        parts.right.layers.make_again.connect(self.make_again)

    def _table(self) -> dict[str, Callable[[], None]]:
        parts, window, context = self._parts, self._window, self._context
        settings = context.settings
        return {
            "results_folder": lambda: self.open_folder(context.results_folder),
            "models_folder": lambda: self.open_folder(context.paths.models),
            "models": self.dialogs.show_models,
            "settings": self.dialogs.show_settings,
            "quit": lambda: _close(window),
            "copy": lambda: self.canvas.copy() if parts.canvas.canvas_shown else self.copy(self._shown()),
            "use_settings": lambda: self.use_settings(parts.presenter.path),
            "use_last_seed": context.session.use_last_seed,
            "show_in_folder": lambda: self.show_in_folder(parts.presenter.path),
            "to_bin": lambda: self.to_bin(self._shown()),
            "zoom_in": lambda: self._view().zoom_step(1),
            "zoom_out": lambda: self._view().zoom_step(-1),
            "zoom_100": lambda: self._view().set_zoom(1.0),
            "zoom_fit": lambda: self._view().fit(),
            "switch_page": parts.canvas.switch_page,
            "results": lambda: parts.right.setVisible(parts.actions["results"].isChecked()),
            "full_screen": lambda: window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen),
            "theme_dark": lambda: settings.update(theme="dark"),
            "theme_light": lambda: settings.update(theme="light"),
            "theme_system": lambda: settings.update(theme="system"),
            "next_area": lambda: parts.areas.go(1),
            "previous_area": lambda: parts.areas.go(-1),
            "generate": parts.left.generate,
            "cancel": self.cancel,
            "clear_waiting": context.queue.clear_waiting,
            "enlarge": lambda: self.enlarge(parts.presenter.path),
            "shortcuts": self.dialogs.show_shortcuts,
            "about": self.dialogs.show_about,
        }

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._do)

    def run(self, name: str) -> None:
        self._do[name]()

    def cancel(self) -> None:
        """Esc: first what is under way on the canvas, then its candidates, then the run."""
        if not (self._parts.canvas.canvas_shown and (self.canvas.cancel() or self.candidates.cancel())):
            self._context.queue.cancel_current()

    def _view(self) -> ZoomView:
        return self._parts.canvas.page.view if self._parts.canvas.canvas_shown else self._parts.canvas.view

    # Making pictures

    def generate(self) -> None:
        """Adds a run of what the fields hold, or of what the canvas asks for; a value that cannot be is shown beside
        its field."""
        context = self._context
        try:
            if context.edit_planner.plan.on_canvas:
                context.edit_jobs.generate()
            else:
                context.queue.add(context.session.build_request())
        except InvalidRequest as error:
            self._parts.troubles.show_error(error)

    def make_again(self, layer_id: str) -> None:
        """An accepted result anew, with what the fields hold now."""
        try:
            self._context.edit_jobs.make_again(layer_id)
        except InvalidRequest as error:
            self._parts.troubles.show_error(error)

    def enlarge(self, path: str) -> None:
        if path:
            self._context.enlarge.enlarge_file(path)

    def enlarge_all(self, paths: list[str]) -> None:
        for path in paths:
            self.enlarge(path)

    # Files

    def on_restored(self, request: GenerationRequest, path: str) -> None:
        self._context.models.missing.restore(request)

    def use_settings(self, path: str) -> None:
        if path:
            self._context.files.restore(path)

    def open_folder(self, folder: Path) -> None:
        """Made first where it is not there yet."""
        self._context.files.make_folder(folder, lambda: self._open(str(folder)))

    def show_in_folder(self, path: str) -> None:
        """With the file marked, where the system can do that."""
        if not path:
            return
        if sys.platform == "win32":
            QProcess.startDetached("explorer", ["/select,", str(Path(path))])
        elif sys.platform == "darwin":
            QProcess.startDetached("open", ["-R", path])
        else:
            self._open(str(Path(path).parent))

    def copy(self, paths: list[str]) -> None:
        """Picture and files to the clipboard; a forming picture as it is now."""
        shown = self._parts.presenter.image
        if shown is not None and paths == self._shown():
            self._to_clipboard(shown, paths)
        elif paths:
            self._context.files.read(paths[0], to_qimage, lambda image: self._to_clipboard(image, paths))

    @staticmethod
    def _to_clipboard(image: QImage, paths: list[str]) -> None:
        data = file_data(paths)
        data.setImageData(image)
        QGuiApplication.clipboard().setMimeData(data)

    def to_bin(self, paths: list[str]) -> None:
        if paths:
            self._parts.files_bin.move(paths)

    def _shown(self) -> list[str]:
        path = self._parts.presenter.path
        return [path] if path else []

    # Menus, drags, dialogs

    def show(self, path: str) -> None:
        """A picture of the lists, in the middle."""
        self._parts.presenter.show_file(path)
        self._parts.canvas.show_result()

    def show_forming(self) -> None:
        self._parts.presenter.follow()
        self._parts.canvas.show_result()

    def show_picture_menu(self, position: QPoint) -> None:
        menu = picture_menu(self._parts.actions, self._window)
        self.mix.add_to(menu, self._shown())
        menu.popup(position)

    def show_list_menu(self, paths: list[str], position: QPoint) -> None:
        self.list_menu(paths).popup(position)

    def list_menu(self, paths: list[str]) -> QMenu:
        """For pictures chosen in a list, which need not be the one in the middle."""
        menu, first, one = QMenu(self._window), paths[0], len(paths) == 1
        menu.addAction(self.tr("Show"), lambda: self.show(first)).setEnabled(one)
        menu.addAction(self.tr("Edit on the canvas"), lambda: self.canvas_files.edit_result(first)).setEnabled(one)
        menu.addAction(self.tr("Use settings of this picture"), lambda: self.use_settings(first)).setEnabled(one)
        menu.addAction(self.tr("Enlarge 4×"), lambda: self.enlarge_all(paths))
        self.mix.add_to(menu, paths)
        menu.addSeparator()
        menu.addAction(self.tr("Copy picture"), lambda: self.copy(paths))
        menu.addAction(self.tr("Show in folder"), lambda: self.show_in_folder(first))
        menu.addSeparator()
        menu.addAction(self.tr("Move to bin"), lambda: self.to_bin(paths))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def drag_out(self) -> None:
        paths, image = self._shown(), self._parts.presenter.image
        if paths and image is not None:
            drag_files(self._parts.canvas.view, paths, QPixmap.fromImage(fitted(image, DRAG_SIDE)))

    def dialog(self, name: str) -> SideDialog | None:
        """The one that is open."""
        return self.dialogs.open_one(name)

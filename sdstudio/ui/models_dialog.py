"""Models: the folders, all that is in them, what each file is, and why one is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from sdstudio.app import model_words
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.model_desk import ModelDesk
from sdstudio.domain.errors import StudioError
from sdstudio.domain.models_found import FolderKind, FoundFolder
from sdstudio.ui.controls import Button, SectionLine, TextLabel, ToggleButton, describe
from sdstudio.ui.dialogs import SideDialog
from sdstudio.ui.file_drop import take_as_copy
from sdstudio.ui.models_folders import FolderList, telling_name
from sdstudio.ui.models_intake import IntakeBar, IntakeState, model_paths
from sdstudio.ui.models_pane import ModelsPane
from sdstudio.ui.theme import Theme, set_surface

SIDE_WIDTH = 208
SLOW_MS = 300
"""A look that takes longer is told of."""


class ModelsDialog(SideDialog):
    """Follows the desk: what changes in a folder changes here by itself."""

    def __init__(
        self,
        desk: ModelDesk,
        io: IoWorker,
        theme: Theme,
        show_file: Callable[[str], None],
        open_folder: Callable[[Path], None],
        parent: QWidget | None = None,
    ) -> None:
        """`show_file` and `open_folder` show something of this computer in the system's own program."""
        super().__init__(theme, self.tr("Models"), parent)
        self._desk = desk
        self._open_folder = open_folder
        self.folders = FolderList(theme)
        self.add_button = Button(theme, self.tr("Add folder"))
        self.pane = ModelsPane(desk, io, theme, show_file)
        self.details_button = ToggleButton(theme, self.tr("Details"))
        self.intake = IntakeBar(theme)
        self.note = TextLabel(theme, role="hint")
        self._brought = ""
        self._slow = QTimer(self)
        self._dress()
        self._arrange()
        self._connect()
        self._follow()
        if not desk.intake.busy and not desk.folders:
            desk.catalog.refresh()
        self.resize(920, 680)
        self.pane.list.setFocus()

    def ask_about(self, paths: list[Path]) -> None:
        """What to do with files that came from outside."""
        if self.intake.state is not IntakeState.BUSY:
            self.intake.ask(paths)

    def folder_menu(self, folder: FoundFolder) -> QMenu:
        """What can be done with a folder; only an added one can be taken off the list."""
        menu = QMenu(self)
        menu.addAction(self.tr("Open the folder"), lambda: self._open_folder(folder.path)).setEnabled(folder.connected)
        if folder.kind is FolderKind.ADDED:
            menu.addSeparator()
            menu.addAction(self.tr("Remove from the list"), lambda: self._desk.remove_folder(folder.path))
        return menu

    # What goes on

    def _follow(self) -> None:
        self.folders.set_folders(self._desk.folders)
        self.pane.follow()
        self.pane.show_folder(self.folders.folder)
        self._judge()

    def _on_looking(self, looking: bool) -> None:
        self.pane.refresh_button.setEnabled(not looking)
        if looking:
            self._slow.start(SLOW_MS)
        else:
            self._slow.stop()
        self._say_what_goes_on()

    def _say_what_goes_on(self) -> None:
        slow = self._desk.catalog.looking and not self._slow.isActive()
        usual = self.tr("The type is read from the file itself, not from its name.")
        self.note.setText(self.tr("Looking through the folders…") if slow else usual)

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("Add a folder of models"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda folder: self._use_in_place([Path(folder)]))
        dialog.open()

    def _show_folder_menu(self, folder: FoundFolder, position: QPoint) -> None:
        menu = self.folder_menu(folder)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(position)

    # Files that are brought in

    def _use_in_place(self, paths: list[Path]) -> None:
        """Their folders are added. Where they are in the list already, they are only shown."""
        folders = sorted({path if path.is_dir() else path.parent for path in paths})
        new = [folder for folder in folders if not self._desk.looks_through(folder)]
        self._show_all()
        self.pane.list.setFocus()
        shown = next((path for path in paths if path in new or path.parent in new), paths[0])
        self._brought = str(shown)
        there = self.pane.want(str(shown))
        for folder in new:
            self._desk.add_folder(folder)
        if new:
            names = ", ".join(f"“{telling_name(folder)}”" for folder in new)
            self.intake.show_outcome(self.tr("Added to the list: {folders}").format(folders=names))
            return
        words = self.tr("“{name}” is in the list already.")
        if len(paths) > 1:
            words = self.tr("All {count} are in the list already.")
        self.intake.show_outcome(words.format(name=paths[0].name, count=len(paths)))
        self._judge()
        if not there:
            self._desk.catalog.refresh()

    def _on_made(self, paths: tuple[Path, ...]) -> None:
        if not paths:
            self.intake.show_outcome(self.tr("There was no model to copy."))
            return
        self._show_all()
        self.pane.list.setFocus()
        self._brought = str(paths[0])
        words = self.tr("“{name}” is in the list now.")
        if self.pane.want(str(paths[0])):
            words = self.tr("“{name}” is in the list already.")
        if len(paths) > 1:
            words = self.tr("“{name}” and {count} more are in the list now.")
        self.intake.show_outcome(words.format(name=paths[0].name, count=len(paths) - 1), str(paths[0].parent))
        self._judge()

    def _judge(self) -> None:
        """What was brought in is known as soon as it is the chosen row; it may be of no use."""
        model = self.pane.list.current
        if not self._brought or model is None or model.file.path != self._brought:
            return
        self._brought = ""
        reason = model_words.reason(model)
        if reason is not None and self.intake.state in (IntakeState.IDLE, IntakeState.OUTCOME):
            self.intake.show_useless(model_words.file_name(model.file), reason)

    def _on_stopped(self) -> None:
        self.intake.show_idle()
        self.pane.list.setFocus()

    def _on_problem(self, error: StudioError) -> None:
        self.intake.show_problem(error)
        self.pane.list.setFocus()

    def _show_all(self) -> None:
        self.pane.clear_search()
        self.folders.choose("")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if model_paths(event.mimeData()) and self.intake.state is not IntakeState.BUSY:
            take_as_copy(event)
            self.intake.set_hot(True)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        take_as_copy(event)  # only what was taken as it came in moves on here

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.intake.set_hot(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.intake.set_hot(False)
        paths = model_paths(event.mimeData())
        if paths:
            take_as_copy(event)
            self.ask_about(paths)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc takes back what is asked; else it closes the dialog."""
        asked = self.intake.state in (IntakeState.QUESTION, IntakeState.OUTCOME)
        if event.key() == Qt.Key.Key_Escape and asked:
            self.intake.show_idle()
            self.pane.list.setFocus()
        else:
            super().keyPressEvent(event)

    # How it is put together

    def _dress(self) -> None:
        self.setAcceptDrops(True)
        self.setMinimumSize(720, 480)
        self.close_button.setDefault(False)  # Enter means the chosen model
        self._colour()
        describe(self.add_button, self.tr("Add folder"), self.tr("Used in place: nothing is copied or changed"))
        describe(self.details_button, self.tr("Details"), self.tr("What is known of the chosen model"), key="Space")
        self._slow.setSingleShot(True)
        self._say_what_goes_on()

    def _colour(self) -> None:
        self.add_button.setIcon(self.theme.icon("plus", "text", 16))

    def _arrange(self) -> None:
        column = self.layout()
        assert column is not None
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.heading.setContentsMargins(16, 10, 16, 10)
        self.body.setSpacing(0)
        drop = QHBoxLayout()
        drop.setContentsMargins(16, 12, 16, 12)
        drop.addWidget(self.intake)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addWidget(self.pane, 1)
        right.addWidget(SectionLine())
        right.addLayout(drop)
        halves = QHBoxLayout()
        halves.setSpacing(0)
        halves.addWidget(self._side())
        halves.addLayout(right, 1)
        self.body.addWidget(SectionLine())
        self.body.addLayout(halves, 1)
        self.body.addWidget(SectionLine())
        self.foot.setContentsMargins(16, 10, 16, 10)
        self.foot.setSpacing(8)
        self.foot.insertWidget(0, self.note)
        self.foot.insertWidget(self.foot.count() - 1, self.details_button)

    def _side(self) -> QWidget:
        side = QWidget()
        set_surface(side, "window")
        side.setFixedWidth(SIDE_WIDTH)
        self.folders.setProperty("surface", "window")
        heading = TextLabel(self.theme, self.tr("Folders"), font="heading")
        heading.setContentsMargins(16, 10, 16, 6)
        button = QHBoxLayout()
        button.setContentsMargins(16, 12, 16, 12)
        button.addWidget(self.add_button)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(heading)
        column.addWidget(self.folders, 1)
        column.addLayout(button)
        return side

    def _connect(self) -> None:
        desk, made = self._desk, self._desk.intake
        self.theme.changed.connect(self._colour)
        desk.catalog.folders_changed.connect(self._follow)
        desk.catalog.looking_changed.connect(self._on_looking)
        self._slow.timeout.connect(self._say_what_goes_on)
        self.folders.chosen.connect(lambda _: self.pane.show_folder(self.folders.folder))
        self.folders.remove_asked.connect(desk.remove_folder)
        self.folders.menu_asked.connect(self._show_folder_menu)
        self.add_button.clicked.connect(self._ask_folder)
        self.details_button.clicked.connect(self.pane.show_details)
        self.pane.details_shown.connect(self.details_button.setChecked)
        self.pane.empty.open_asked.connect(lambda: self._open_folder(desk.own_folder))
        self.pane.empty.add_asked.connect(self._ask_folder)
        self.intake.use_asked.connect(self._use_in_place)
        self.intake.copy_asked.connect(made.copy)
        self.intake.cancel_asked.connect(made.cancel)
        made.progress.connect(self.intake.show_progress)
        made.made.connect(self._on_made)
        made.stopped.connect(self._on_stopped)
        made.problem.connect(self._on_problem)
        QShortcut(QKeySequence.StandardKey.Find, self, self.pane.go_to_search)
        QShortcut(QKeySequence(Qt.Key.Key_F5), self, desk.catalog.refresh)

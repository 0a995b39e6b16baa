"""The ways by which pictures come into a mixture: files, the clipboard, a result of before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu

from sdstudio.domain.family_tasks import tasks_of
from sdstudio.ui.file_drop import SUFFIXES, picture_paths
from sdstudio.ui.window_parts import WindowParts


class MixCommands(QObject):
    """Dialogs and menus are opened and never waited for."""

    def __init__(self, parts: WindowParts) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._mix = parts.context.mix
        panel = parts.left.mix
        panel.add_asked.connect(lambda place: self.add_menu().popup(place))
        panel.replace_asked.connect(self.ask_for_other)

    @property
    def possible(self) -> bool:
        """Whether the chosen model mixes pictures."""
        return tasks_of(self._parts.context.session.model.family).varies

    def add(self, paths: Sequence[str]) -> None:
        """Results of before."""
        self._mix.add_files(paths)

    def add_menu(self) -> QMenu:
        menu, panel, shown = QMenu(self._parts.window), self._parts.left.mix, self._parts.presenter.path
        menu.addAction(self.tr("Choose files…"), self.ask_for_files)
        menu.addAction(self.tr("Paste"), panel.paste).setEnabled(_can_paste())
        result = menu.addAction(self.tr("The result that is shown"), lambda: self.add([shown]))
        result.setEnabled(bool(shown))
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def add_to(self, menu: QMenu, paths: Sequence[str]) -> None:
        """A line in the menu of pictures, where the model can do something with it."""
        if self.possible and paths:
            text = self.tr("Mix into the next picture") if len(paths) == 1 else self.tr("Mix into the next pictures")
            menu.addAction(text, lambda: self.add(paths))

    def ask_for_files(self) -> None:
        dialog = self._dialog(self.tr("Add pictures to mix with"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(self._mix.add_files)
        dialog.open()

    def ask_for_other(self, key: str) -> None:
        dialog = self._dialog(self.tr("Choose the picture again"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._mix.replace(key, path))
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        context = self._parts.context
        document = context.canvas.document
        source = document.source if document is not None else ""
        folder = Path(source).parent if source else context.results_folder
        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES if suffix != ".ora")
        dialog = QFileDialog(self._parts.window, title, str(folder))
        dialog.setNameFilter(self.tr("Pictures ({patterns})").format(patterns=patterns))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog


def _can_paste() -> bool:
    data = QGuiApplication.clipboard().mimeData()
    return data is not None and (data.hasImage() or bool(picture_paths(data)))

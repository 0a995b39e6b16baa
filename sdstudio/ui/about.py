"""What this program is, what it runs on, where its files are, and whose work is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QWidget

from sdstudio import __version__
from sdstudio.app.about_facts import device_words, folders, licences_file, report
from sdstudio.app.context import AppContext
from sdstudio.storage.resources import resource_path
from sdstudio.ui.controls import Button, Heading, TextLabel
from sdstudio.ui.dialogs import SideDialog
from sdstudio.ui.theme import Theme

NOTICE_NAMES = ("NOTICE", "../NOTICE")
"""In a package the file lies in the resources; in a checkout it lies beside them."""


def notice_text() -> str:
    """The notices owed for what is inside; "" only where the file was not packed."""
    for name in NOTICE_NAMES:
        try:
            return resource_path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    return ""


class AboutDialog(SideDialog):
    """`open_folder` and `show_file` show something of this computer in the system's own program."""

    def __init__(
        self,
        context: AppContext,
        theme: Theme,
        open_folder: Callable[[Path], None],
        show_file: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, self.tr("About SD Studio"), parent)
        self._context = context
        self.body.addWidget(TextLabel(theme, self.tr("Version {version}").format(version=__version__), role="hint"))
        words = TextLabel(
            theme,
            self.tr(
                "Makes pictures with Stable Diffusion on your own computer. Nothing is sent or fetched: no account, "
                "no network. Your pictures are yours."
            ),
        )
        words.setWordWrap(True)
        self.body.addWidget(words)
        self.device = TextLabel(theme)
        self.device.setWordWrap(True)
        self.body.addWidget(self.device)
        self.body.addSpacing(8)
        self.body.addWidget(Heading(theme, self.tr("Your folders")))
        self.folder_buttons = self._add_folders(open_folder)
        self.body.addSpacing(8)
        self._add_notices(show_file)
        self.report_button = Button(theme, self.tr("Copy a report"))
        self.report_button.setToolTip(
            self.tr("For whoever helps you: versions, device, the last lines of the log. No prompts, no pictures.")
        )
        self.report_button.clicked.connect(self._copy_report)
        self.foot.insertWidget(0, self.report_button)
        self._show_device()
        context.bridge.info_changed.connect(self._show_device)
        self.resize(620, 640)

    def _add_folders(self, open_folder: Callable[[Path], None]) -> list[Button]:
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(4)
        buttons = []
        for row, folder in enumerate(folders(self._context.paths, self._context.results_folder)):
            path = TextLabel(self.theme, str(folder.path), role="hint")
            path.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            path.setWordWrap(True)
            button = Button(self.theme, self.tr("Open"))
            button.setAccessibleName(self.tr("Open the folder: {name}").format(name=folder.name))
            button.clicked.connect(lambda _=False, path=folder.path: open_folder(path))
            for column, widget in enumerate((TextLabel(self.theme, folder.name), path, button)):
                grid.addWidget(widget, row, column)
            buttons.append(button)
        self.body.addLayout(grid)
        return buttons

    def _add_notices(self, show_file: Callable[[str], None]) -> None:
        self.body.addWidget(Heading(self.theme, self.tr("Licence, and the work of others in it")))
        self.notices = QPlainTextEdit(notice_text() or self.tr("The notices were not packed with this copy."))
        self.notices.setReadOnly(True)
        self.notices.setFont(self.theme.font("small"))
        self.notices.setAccessibleName(self.tr("Licences and notices"))
        self.body.addWidget(self.notices, 1)
        texts = licences_file()
        self.licences_button = Button(self.theme, self.tr("All licence texts"))
        self.licences_button.clicked.connect(lambda: show_file(str(texts)))
        self.licences_button.setVisible(texts is not None)
        self.foot.insertWidget(0, self.licences_button)

    def _show_device(self) -> None:
        self.device.setText(device_words(self._context.bridge.info))

    def _copy_report(self) -> None:
        context = self._context
        screen = QGuiApplication.platformName()
        QGuiApplication.clipboard().setText(report(__version__, context.bridge.info, context.paths.logs, screen))
        self.report_button.setText(self.tr("Copied"))

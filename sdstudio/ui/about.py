"""What this program is, and whose work is in it."""

from __future__ import annotations

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from sdstudio import __version__
from sdstudio.storage.resources import resource_path
from sdstudio.ui.controls import Heading, TextLabel
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
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, self.tr("About SD Studio"), parent)
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
        self.body.addSpacing(8)
        self.body.addWidget(Heading(theme, self.tr("The work of others in it")))
        self.notices = QPlainTextEdit(notice_text() or self.tr("The notices were not packed with this copy."))
        self.notices.setReadOnly(True)
        self.notices.setFont(theme.font("small"))
        self.notices.setAccessibleName(self.tr("Licences and notices"))
        self.body.addWidget(self.notices, 1)
        self.resize(560, 480)

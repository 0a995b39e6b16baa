"""Every key, from the table of actions and a few rows for what is done with the mouse or inside a field."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from sdstudio.ui.action_table import ACTION_ROWS, Menu
from sdstudio.ui.actions import translated
from sdstudio.ui.controls import Heading, TextLabel
from sdstudio.ui.dialogs import SideDialog
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import BADGE_HEIGHT
from sdstudio.ui.translate import QT_TRANSLATE_NOOP

ELSEWHERE: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        QT_TRANSLATE_NOOP("Shortcuts", "In the prompt"),
        ((QT_TRANSLATE_NOOP("Shortcuts", "More or less weight for the word at the cursor"), "Ctrl+Up / Ctrl+Down"),),
    ),
    (
        QT_TRANSLATE_NOOP("Shortcuts", "On the picture"),
        (
            (QT_TRANSLATE_NOOP("Shortcuts", "Zoom at the pointer"), QT_TRANSLATE_NOOP("Shortcuts", "Wheel")),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Move the picture"),
                QT_TRANSLATE_NOOP("Shortcuts", "Drag, or Space and drag"),
            ),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Take a fitted picture to another program"),
                QT_TRANSLATE_NOOP("Shortcuts", "Drag"),
            ),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Between fitted and larger"),
                QT_TRANSLATE_NOOP("Shortcuts", "Double-click"),
            ),
        ),
    ),
    (
        QT_TRANSLATE_NOOP("Shortcuts", "In the results"),
        (
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Put back all settings of a picture"),
                QT_TRANSLATE_NOOP("Shortcuts", "Double-click or Enter"),
            ),
            (QT_TRANSLATE_NOOP("Shortcuts", "Move a waiting run"), "Ctrl+Shift+Up / Ctrl+Shift+Down"),
            (QT_TRANSLATE_NOOP("Shortcuts", "Remove a waiting run"), "Del"),
        ),
    ),
)


def shortcut_rows() -> list[tuple[str, list[tuple[str, str]]]]:
    """Sections of (what, keys), in words of the chosen language."""
    sections = []
    for menu in Menu:
        rows = [
            (translated(row.text).rstrip("…"), _keys(row.keys)) for row in ACTION_ROWS if row.menu is menu and row.keys
        ]
        if rows:
            sections.append((translated(menu.value).replace("&", ""), rows))
    for title, more in ELSEWHERE:
        sections.append((_words(title), [(_words(what), _words(keys)) for what, keys in more]))
    return sections


def _words(text: str) -> str:
    return QCoreApplication.translate("Shortcuts", text)


def _keys(keys: tuple[str, ...]) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    # To Qt, "Enter" is the key of the number pad and "Return" the large one; people know both by one name.
    return " / ".join(QKeySequence(key).toString(native) for key in keys if not key.endswith("Return"))


class ShortcutsDialog(SideDialog):
    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, self.tr("Keyboard shortcuts"), parent)
        sheet = QWidget()
        set_surface(sheet, "dock")
        grid = QGridLayout(sheet)
        grid.setContentsMargins(0, 0, 16, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        line = 0
        for title, rows in shortcut_rows():
            heading = Heading(theme, title)
            heading.setContentsMargins(0, 8 if line else 0, 0, 0)
            grid.addWidget(heading, line, 0, 1, 2)
            for line, (what, keys) in enumerate(rows, line + 1):  # noqa: B020
                key = TextLabel(theme, keys, font="badge", role="key")
                key.setFixedHeight(BADGE_HEIGHT)
                grid.addWidget(TextLabel(theme, what, role="hint"), line, 0)
                grid.addWidget(key, line, 1, Qt.AlignmentFlag.AlignRight)
            line += 1
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(line, 1)
        area = QScrollArea()
        area.setWidget(sheet)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setAccessibleName(self.windowTitle())
        self.body.addWidget(area, 1)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.resize(600, 600)

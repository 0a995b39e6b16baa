"""Every key, from the table of actions and a few rows for what is done with the mouse; the actions' can be changed."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QWidget

from sdstudio.app.settings_store import SettingsStore
from sdstudio.ui.action_table import ACTION_ROWS, ActionRow, Menu
from sdstudio.ui.actions import Actions, translated
from sdstudio.ui.controls import Button, Heading, LinkButton, TextLabel
from sdstudio.ui.dialogs import SideDialog
from sdstudio.ui.key_field import KeyField
from sdstudio.ui.keymap import (
    ROWS,
    USUAL,
    Keys,
    key_table,
    moves_about,
    native_text,
    only_changed,
    read_key,
    users_of,
    with_key,
)
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import BADGE_HEIGHT, CONTROL_HEIGHT
from sdstudio.ui.translate import QT_TRANSLATE_NOOP

ELSEWHERE: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        QT_TRANSLATE_NOOP("Shortcuts", "In the prompt"),
        ((QT_TRANSLATE_NOOP("Shortcuts", "More or less weight for the word at the cursor"), "Ctrl+Up / Ctrl+Down"),),
    ),
    (
        QT_TRANSLATE_NOOP("Shortcuts", "On the canvas"),
        (
            (QT_TRANSLATE_NOOP("Shortcuts", "Straight line from the last stroke"), "Shift"),
            (QT_TRANSLATE_NOOP("Shortcuts", "Take a colour while painting"), "Ctrl"),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Size and hardness of the brush"),
                QT_TRANSLATE_NOOP("Shortcuts", "Alt and drag with the right button"),
            ),
            (QT_TRANSLATE_NOOP("Shortcuts", "Add to the mask, take away from it"), "Shift / Alt"),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Close a polygon, take its last corner back"),
                QT_TRANSLATE_NOOP("Shortcuts", "Enter / Backspace"),
            ),
        ),
    ),
    (
        QT_TRANSLATE_NOOP("Shortcuts", "On the picture"),
        (
            (QT_TRANSLATE_NOOP("Shortcuts", "Zoom at the pointer"), QT_TRANSLATE_NOOP("Shortcuts", "Wheel")),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Move the picture"),
                QT_TRANSLATE_NOOP("Shortcuts", "Space and drag, or the middle button"),
            ),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Take a fitted result to another program"),
                QT_TRANSLATE_NOOP("Shortcuts", "Drag"),
            ),
            (
                QT_TRANSLATE_NOOP("Shortcuts", "Between fitted and larger"),
                QT_TRANSLATE_NOOP("Shortcuts", "Double-click"),
            ),
            (QT_TRANSLATE_NOOP("Shortcuts", "Edit a result on the canvas"), QT_TRANSLATE_NOOP("Shortcuts", "Enter")),
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


def action_sections() -> list[tuple[str, list[ActionRow]]]:
    """The actions of each menu under its name."""
    return [
        (translated(menu.value).replace("&", ""), [row for row in ACTION_ROWS if row.menu is menu]) for menu in Menu
    ]


def _words(text: str) -> str:
    return QCoreApplication.translate("Shortcuts", text)


class ShortcutsDialog(SideDialog):
    """A click on a key, then the new key. What that would take from another action is said first."""

    def __init__(self, store: SettingsStore, actions: Actions, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, self.tr("Keyboard shortcuts"), parent)
        self._store = store
        self._actions = actions
        self._wanted: tuple[str, Keys] | None = None
        self.fields: dict[str, KeyField] = {}
        self.resets: dict[str, LinkButton] = {}
        self.note = TextLabel(theme, role="hint")
        self.take_over = Button(theme, self.tr("Take it over"))
        self.leave_it = Button(theme, self.tr("Leave it"))
        self.reset_all = LinkButton(theme, self.tr("Usual keys for all"))
        self.body.addWidget(self._sheet(), 1)
        self.body.addWidget(self._note_row())
        self.foot.insertWidget(0, self.reset_all)
        for button in (self.take_over, self.leave_it):
            button.setAutoDefault(True)  # Enter means the button that has the focus, not Close
        self.take_over.clicked.connect(self._take_over)
        self.leave_it.clicked.connect(self._say_usual)
        self.reset_all.clicked.connect(lambda: self._keep(dict(USUAL)))
        actions.keys_changed.connect(self._show_keys)
        self._show_keys()
        self._say_usual()
        self.resize(640, 640)

    def _sheet(self) -> QScrollArea:
        sheet = QWidget()
        set_surface(sheet, "dock")
        grid = QGridLayout(sheet)
        grid.setContentsMargins(0, 0, 16, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        line = 0
        for title, rows in action_sections():
            line = self._heading(grid, line, title)
            for row in rows:
                self._action_line(grid, line, row)
                line += 1
        for title, others in ELSEWHERE:
            line = self._heading(grid, line, _words(title))
            for what, keys in others:
                key = TextLabel(self.theme, _words(keys), font="badge", role="key")
                key.setFixedHeight(BADGE_HEIGHT)
                grid.addWidget(TextLabel(self.theme, _words(what), role="hint"), line, 0)
                grid.addWidget(key, line, 2, Qt.AlignmentFlag.AlignRight)
                grid.setRowMinimumHeight(line, BADGE_HEIGHT + 6)
                line += 1
        grid.setColumnStretch(0, 1)
        grid.setRowStretch(line, 1)
        area = QScrollArea()
        area.setWidget(sheet)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setAccessibleName(self.windowTitle())
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _heading(self, grid: QGridLayout, line: int, title: str) -> int:
        heading = Heading(self.theme, title)
        heading.setContentsMargins(0, 12 if line else 0, 0, 2)
        grid.addWidget(heading, line, 0, 1, 3)
        return line + 1

    def _action_line(self, grid: QGridLayout, line: int, row: ActionRow) -> None:
        name = translated(row.text).rstrip("…")
        field = KeyField(self.theme, name)
        reset = LinkButton(self.theme, self.tr("Usual key"))
        reset.setAccessibleName(self.tr("Usual key for {action}").format(action=name))
        field.pressed_key.connect(lambda key, which=row.name: self._on_key(which, key))
        field.recording.connect(self._on_recording)
        reset.clicked.connect(lambda _=False, which=row.name: self._give(which, USUAL[which]))
        grid.addWidget(TextLabel(self.theme, name, role="hint"), line, 0)
        grid.addWidget(reset, line, 1)
        grid.addWidget(field, line, 2, Qt.AlignmentFlag.AlignRight)
        self.fields[row.name], self.resets[row.name] = field, reset

    def _note_row(self) -> QWidget:
        part = QWidget()
        part.setFixedHeight(CONTROL_HEIGHT)
        line = QHBoxLayout(part)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.note, 1)
        line.addWidget(self.take_over)
        line.addWidget(self.leave_it)
        return part

    def _show_keys(self) -> None:
        for name, keys in self._actions.keys.items():
            self.fields[name].show_keys(native_text(keys))
            self.resets[name].setVisible(keys != USUAL[name])
        self.reset_all.setEnabled(any(keys != USUAL[name] for name, keys in self._actions.keys.items()))

    # A new key

    def _on_recording(self, on: bool) -> None:
        if on:
            self._say(self.tr("Press the new key. Backspace takes the key away, Esc leaves it."))
        elif self._wanted is None:
            self._say_usual()

    def _on_key(self, name: str, key: str) -> None:
        """ "" takes the key away."""
        if not key:
            self._give(name, ())
        elif moves_about(key):
            words = self.tr("{key} is needed for moving about in the window.")
            self._say(words.format(key=native_text((key,))))
        elif not read_key(key):
            self._say(self.tr("This cannot be a key of its own."))
        else:
            self._give(name, (read_key(key),))

    def _give(self, name: str, keys: Keys) -> None:
        table = self._actions.keys
        losers = [other for key in keys for other in users_of(key, name, table)]
        if not losers:
            self._keep(with_key(table, name, keys))
            return
        words = self.tr("{key} is the key of “{action}”.")
        self._say(words.format(key=native_text(keys), action=translated(ROWS[losers[0]].text).rstrip("…")))
        self._wanted = name, keys
        self.take_over.show()
        self.leave_it.show()
        self.take_over.setFocus()

    def _take_over(self) -> None:
        if self._wanted is not None:
            self._keep(with_key(self._actions.keys, *self._wanted))

    def _keep(self, table: dict[str, Keys]) -> None:
        self._store.update(keys=only_changed(table, self._store.settings.keys))
        self._actions.set_keys(key_table(self._store.settings.keys)[0])
        self._say_usual()

    def _say_usual(self) -> None:
        self._say(self.tr("Click a key to change it."))

    def _say(self, words: str) -> None:
        self._wanted = None
        self.note.setText(words)
        self.take_over.hide()
        self.leave_it.hide()

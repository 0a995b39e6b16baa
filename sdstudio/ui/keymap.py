"""Which key means which action: the rows' own keys, those that were changed, and where two of them meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QCoreApplication, QKeyCombination, Qt
from PySide6.QtGui import QKeySequence

from sdstudio.app.settings_store import ChangedKeys
from sdstudio.ui.action_table import ACTION_ROWS, ActionRow

Keys = tuple[str, ...]
KeyTable = Mapping[str, Keys]

ROWS: Mapping[str, ActionRow] = {row.name: row for row in ACTION_ROWS}
USUAL: KeyTable = {row.name: row.keys for row in ACTION_ROWS}

_MOVING = (
    Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter,
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down,
)  # fmt: skip
_MODIFIERS = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr)
_HARMLESS = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)


def read_key(text: str) -> str:
    """A key as it is kept ("Ctrl+E"); "" where `text` is none that an action can have."""
    keys = QKeySequence.fromString(text, QKeySequence.SequenceFormat.PortableText)
    if keys.count() != 1 or _stroke(keys).key() in (Qt.Key.Key_unknown, *_MODIFIERS) or moves_about(text):
        return ""
    return keys.toString(QKeySequence.SequenceFormat.PortableText)


def moves_about(text: str) -> bool:
    """Tab, Space, Enter and the arrows belong to the window itself, unless Ctrl or Alt is held with them."""
    keys = QKeySequence(text)
    return keys.count() == 1 and _stroke(keys).key() in _MOVING and _stroke(keys).keyboardModifiers() in _HARMLESS


def _stroke(keys: QKeySequence) -> QKeyCombination:
    first: QKeyCombination = keys[0]  # type: ignore[index]
    return first


def key_table(changed: ChangedKeys) -> tuple[dict[str, Keys], list[str]]:
    """Every action's keys, and notes about what of `changed` was left aside."""
    table = dict(USUAL)
    notes: list[str] = []
    wanted: list[str] = []
    for name, keys in changed:
        read = tuple(read_key(key) for key in keys)
        if name not in ROWS:
            notes.append(_words("There is no action “{name}”; its key is left aside.").format(name=name))
        elif not all(read):
            notes.append(_words("“{keys}” is no key for “{name}”.").format(keys=", ".join(keys), name=name))
        else:
            table[name] = read
            wanted.append(name)
    for name in wanted:
        meeting = [other for key in table[name] for other in users_of(key, name, table)]
        if meeting:
            words = _words("The key of “{name}” is used by “{other}” already; it keeps its usual one.")
            notes.append(words.format(name=name, other=meeting[0]))
            table[name] = tuple(key for key in USUAL[name] if not users_of(key, name, table))
    return table, notes


def users_of(key: str, name: str, table: KeyTable) -> list[str]:
    """The other actions that `key` would be taken from, were it given to `name`."""
    native = QKeySequence(key)
    row = ROWS[name]
    return [
        other
        for other, keys in table.items()
        if other != name and row.meets(ROWS[other]) and any(QKeySequence(used) == native for used in keys)
    ]


def with_key(table: KeyTable, name: str, keys: Keys) -> dict[str, Keys]:
    """`name` gets `keys`; whoever had one of them loses that one."""
    changed = dict(table) | {name: keys}
    for key in keys:
        for other in users_of(key, name, changed):
            changed[other] = tuple(used for used in changed[other] if QKeySequence(used) != QKeySequence(key))
    return changed


def only_changed(table: KeyTable, before: ChangedKeys) -> ChangedKeys:
    """What the settings file keeps: the actions whose keys are not the usual ones, and what it held of others."""
    strangers = [(name, keys) for name, keys in before if name not in ROWS]
    changed = [(name, tuple(keys)) for name, keys in table.items() if _same(keys) != _same(USUAL[name])]
    return tuple(sorted([*strangers, *changed]))


def native_text(keys: Iterable[str]) -> str:
    """As the system writes them: "Ctrl+Enter". To Qt, "Enter" is the key of the number pad and "Return" the large
    one; people know both by one name."""
    shown = [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys]
    return " / ".join(text for key, text in zip(keys, shown, strict=True) if not key.endswith("Return"))


def _same(keys: Keys) -> list[str]:
    return [QKeySequence(key).toString() for key in keys]


def _words(text: str) -> str:
    return QCoreApplication.translate("Keys", text)

"""Everything one can do from a menu or by a key, as rows of one table.

Menus, shortcuts and the sheet of shortcuts are made from these rows. A new command is a row here and a line in
`window_wiring` that says what it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sdstudio.ui.translate import QT_TRANSLATE_NOOP

CONTEXT = "Actions"


class Menu(Enum):
    FILE = QT_TRANSLATE_NOOP("Actions", "&File")
    EDIT = QT_TRANSLATE_NOOP("Actions", "&Edit")
    VIEW = QT_TRANSLATE_NOOP("Actions", "&View")
    GENERATE = QT_TRANSLATE_NOOP("Actions", "&Generate")
    HELP = QT_TRANSLATE_NOOP("Actions", "&Help")


class Needs(Enum):
    """What must be there for the action to make sense."""

    NOTHING = "nothing"
    PICTURE = "picture"
    FILE = "file"
    RUNNING = "running"
    WAITING = "waiting"
    LAST_SEED = "last_seed"


@dataclass(frozen=True, slots=True)
class ActionRow:
    """`group` makes a one-of-many choice; `line` draws a separator above."""

    name: str
    menu: Menu
    text: str
    keys: tuple[str, ...] = ()
    hint: str = ""
    needs: Needs = Needs.NOTHING
    line: bool = False
    checkable: bool = False
    group: str = ""


ACTION_ROWS: tuple[ActionRow, ...] = (
    ActionRow(
        "open",
        Menu.FILE,
        QT_TRANSLATE_NOOP("Actions", "Open a picture…"),
        ("Ctrl+O",),
        QT_TRANSLATE_NOOP("Actions", "Shows a picture and puts back the settings that made it"),
    ),
    ActionRow(
        "results_folder",
        Menu.FILE,
        QT_TRANSLATE_NOOP("Actions", "Open the results folder"),
        ("Ctrl+Shift+O",),
        QT_TRANSLATE_NOOP("Actions", "Shows where your pictures are kept"),
    ),
    ActionRow(
        "models_folder",
        Menu.FILE,
        QT_TRANSLATE_NOOP("Actions", "Open the models folder"),
        hint=QT_TRANSLATE_NOOP("Actions", "Models in diffusers layout that you put there appear under Model"),
    ),
    ActionRow("settings", Menu.FILE, QT_TRANSLATE_NOOP("Actions", "Settings…"), ("Ctrl+,",), line=True),
    ActionRow("quit", Menu.FILE, QT_TRANSLATE_NOOP("Actions", "Quit"), ("Ctrl+Q",), line=True),
    ActionRow(
        "copy",
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Actions", "Copy picture"),
        ("Ctrl+C",),
        QT_TRANSLATE_NOOP("Actions", "Puts the picture on the clipboard"),
        Needs.PICTURE,
    ),
    ActionRow(
        "use_settings",
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Actions", "Use settings of this picture"),
        ("Ctrl+R",),
        QT_TRANSLATE_NOOP("Actions", "Puts back prompt, seed and all other settings that made it"),
        Needs.FILE,
    ),
    ActionRow(
        "use_last_seed",
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Actions", "Use last seed"),
        ("Ctrl+L",),
        QT_TRANSLATE_NOOP("Actions", "Keeps the seed of the last run, so that only what you change changes"),
        Needs.LAST_SEED,
    ),
    ActionRow(
        "show_in_folder",
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Actions", "Show in folder"),
        ("Ctrl+Shift+F",),
        QT_TRANSLATE_NOOP("Actions", "Shows where the file of this picture is"),
        Needs.FILE,
        line=True,
    ),
    ActionRow(
        "to_bin",
        Menu.EDIT,
        QT_TRANSLATE_NOOP("Actions", "Move to bin"),
        ("Del",),
        QT_TRANSLATE_NOOP("Actions", "Moves the file of this picture to the system's bin"),
        Needs.FILE,
    ),
    ActionRow("zoom_in", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Zoom in"), ("Ctrl++", "Ctrl+="), needs=Needs.PICTURE),
    ActionRow("zoom_out", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Zoom out"), ("Ctrl+-",), needs=Needs.PICTURE),
    ActionRow(
        "zoom_100", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Actual pixels (100 %)"), ("1",), needs=Needs.PICTURE
    ),
    ActionRow(
        "zoom_fit",
        Menu.VIEW,
        QT_TRANSLATE_NOOP("Actions", "Fit"),
        ("0",),
        QT_TRANSLATE_NOOP("Actions", "Shows the whole picture"),
        Needs.PICTURE,
    ),
    ActionRow(
        "results",
        Menu.VIEW,
        QT_TRANSLATE_NOOP("Actions", "Results"),
        ("F9",),
        QT_TRANSLATE_NOOP("Actions", "Shows or hides the list of pictures"),
        line=True,
        checkable=True,
    ),
    ActionRow("full_screen", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Full screen"), ("F11",), checkable=True),
    ActionRow("theme_dark", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Dark"), line=True, checkable=True, group="theme"),
    ActionRow("theme_light", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Light"), checkable=True, group="theme"),
    ActionRow(
        "theme_system", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Like the system"), checkable=True, group="theme"
    ),
    ActionRow(
        "next_area",
        Menu.VIEW,
        QT_TRANSLATE_NOOP("Actions", "Next area"),
        ("F6",),
        QT_TRANSLATE_NOOP("Actions", "Moves the keyboard to the next part of the window"),
        line=True,
    ),
    ActionRow("previous_area", Menu.VIEW, QT_TRANSLATE_NOOP("Actions", "Previous area"), ("Shift+F6",)),
    ActionRow(
        "generate",
        Menu.GENERATE,
        QT_TRANSLATE_NOOP("Actions", "Generate"),
        ("Ctrl+Enter", "Ctrl+Return"),
        QT_TRANSLATE_NOOP("Actions", "Makes pictures from the prompt; while a run goes on, adds another"),
    ),
    ActionRow(
        "cancel",
        Menu.GENERATE,
        QT_TRANSLATE_NOOP("Actions", "Cancel"),
        ("Esc",),
        QT_TRANSLATE_NOOP("Actions", "Stops the run; finished pictures stay"),
        Needs.RUNNING,
    ),
    ActionRow(
        "clear_waiting",
        Menu.GENERATE,
        QT_TRANSLATE_NOOP("Actions", "Remove all waiting runs"),
        ("Ctrl+Shift+Backspace",),
        needs=Needs.WAITING,
    ),
    ActionRow(
        "enlarge",
        Menu.GENERATE,
        QT_TRANSLATE_NOOP("Actions", "Enlarge 4×"),
        ("Ctrl+4",),
        QT_TRANSLATE_NOOP("Actions", "Makes this picture four times as wide and high, as a new file"),
        Needs.FILE,
        line=True,
    ),
    ActionRow("shortcuts", Menu.HELP, QT_TRANSLATE_NOOP("Actions", "Keyboard shortcuts"), ("F1", "?")),
    ActionRow("about", Menu.HELP, QT_TRANSLATE_NOOP("Actions", "About SD Studio"), line=True),
)

"""What a row of the table of actions is: its words, its keys, and what must be there for it to make sense."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sdstudio.ui.translate import QT_TRANSLATE_NOOP

CONTEXT = "Actions"


class Menu(Enum):
    FILE = QT_TRANSLATE_NOOP("Actions", "&File")
    EDIT = QT_TRANSLATE_NOOP("Actions", "&Edit")
    VIEW = QT_TRANSLATE_NOOP("Actions", "&View")
    CANVAS = QT_TRANSLATE_NOOP("Actions", "&Canvas")
    TOOLS = QT_TRANSLATE_NOOP("Actions", "&Tools")
    GENERATE = QT_TRANSLATE_NOOP("Actions", "&Generate")
    MODELS = QT_TRANSLATE_NOOP("Actions", "&Models")
    HELP = QT_TRANSLATE_NOOP("Actions", "&Help")


class Place(Enum):
    """Which page of the middle an action belongs to; one key may mean two things on two pages."""

    ANYWHERE = "anywhere"
    RESULT = "result"
    CANVAS = "canvas"


class Needs(Enum):
    """What must be there for the action to make sense. UNDO, REDO, MASK, PAINT, CANVAS, CANDIDATES and CANDIDATE (a
    finished one is chosen) also say that the canvas shows."""

    NOTHING = "nothing"
    PICTURE = "picture"
    FILE = "file"
    RUNNING = "running"
    WAITING = "waiting"
    LAST_SEED = "last_seed"
    DOCUMENT = "document"
    CANVAS = "canvas"
    UNDO = "undo"
    REDO = "redo"
    MASK = "mask"
    PAINT = "paint"
    CANDIDATES = "candidates"
    CANDIDATE = "candidate"

    @property
    def place(self) -> Place:
        if self is Needs.FILE:
            return Place.RESULT
        if self in _ON_CANVAS:
            return Place.CANVAS
        return Place.ANYWHERE


_ON_CANVAS = frozenset(
    (Needs.CANVAS, Needs.UNDO, Needs.REDO, Needs.MASK, Needs.PAINT, Needs.CANDIDATES, Needs.CANDIDATE)
)


@dataclass(frozen=True, slots=True)
class ActionRow:
    """`group` makes a one-of-many choice; `line` draws a separator above; `sub` puts it into a submenu of that name."""

    name: str
    menu: Menu
    text: str
    keys: tuple[str, ...] = ()
    hint: str = ""
    needs: Needs = Needs.NOTHING
    line: bool = False
    checkable: bool = False
    group: str = ""
    sub: str = ""

    def meets(self, other: ActionRow) -> bool:
        """Whether both can be asked for at the same moment: then they cannot share a key."""
        mine, others = self.needs.place, other.needs.place
        return mine is others or Place.ANYWHERE in (mine, others)

"""The actions of the candidates: flipping, looking, deciding. On the canvas plain keys do the same."""

from __future__ import annotations

from sdstudio.ui.action_types import ActionRow, Menu, Needs
from sdstudio.ui.translate import QT_TRANSLATE_NOOP

_SUB = QT_TRANSLATE_NOOP("Actions", "Candidates")

CANDIDATE_ROWS: tuple[ActionRow, ...] = (
    ActionRow(
        "candidate_next",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Next candidate"),
        ("Alt+Right",),
        QT_TRANSLATE_NOOP("Actions", "On the canvas: the right arrow key, or the number of a candidate"),
        Needs.CANDIDATES,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_previous",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Previous candidate"),
        ("Alt+Left",),
        QT_TRANSLATE_NOOP("Actions", "On the canvas: the left arrow key"),
        Needs.CANDIDATES,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_before",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Before"),
        ("\\",),
        QT_TRANSLATE_NOOP("Actions", "Shows the canvas as it was; on the canvas while the key is held"),
        Needs.CANDIDATES,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_compare",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Before and after side by side"),
        ("C",),
        QT_TRANSLATE_NOOP("Actions", "With a line that can be dragged between them"),
        Needs.CANDIDATE,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_difference",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Show what changed"),
        ("D",),
        QT_TRANSLATE_NOOP("Actions", "Black where nothing did"),
        Needs.CANDIDATE,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_accept",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Accept this one"),
        ("Alt+Return",),
        QT_TRANSLATE_NOOP("Actions", "Adds it to the canvas as a layer of its own; on the canvas: Enter"),
        Needs.CANDIDATE,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_more",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "More like this"),
        hint=QT_TRANSLATE_NOOP("Actions", "Makes others of the same, with other seeds"),
        needs=Needs.CANDIDATE,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_soften",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Soften the seam"),
        hint=QT_TRANSLATE_NOOP("Actions", "Blends the edge anew, without generating"),
        needs=Needs.CANDIDATE,
        sub=_SUB,
    ),
    ActionRow(
        "candidate_discard",
        Menu.CANVAS,
        QT_TRANSLATE_NOOP("Actions", "Discard all"),
        hint=QT_TRANSLATE_NOOP("Actions", "Leaves the canvas as it was; they stay in Results. On the canvas: Esc"),
        needs=Needs.CANDIDATES,
        sub=_SUB,
    ),
)

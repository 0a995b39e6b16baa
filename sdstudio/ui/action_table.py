"""Everything one can do from a menu or by a key, as rows of one table.

Menus, shortcuts and the sheet of shortcuts are made from these rows. A new command is a row in one of the three parts
and a line in `window_wiring` or `canvas_commands` that says what it does.
"""

from __future__ import annotations

from sdstudio.ui.action_rows_candidates import CANDIDATE_ROWS
from sdstudio.ui.action_rows_canvas import CANVAS_ROWS
from sdstudio.ui.action_rows_window import WINDOW_ROWS
from sdstudio.ui.action_types import CONTEXT, ActionRow, Menu, Needs, Place

__all__ = ["ACTION_ROWS", "CONTEXT", "ActionRow", "Menu", "Needs", "Place"]

ACTION_ROWS: tuple[ActionRow, ...] = (*WINDOW_ROWS, *CANVAS_ROWS, *CANDIDATE_ROWS)

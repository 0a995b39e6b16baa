"""Which actions make sense now, and what the checkable ones show."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sdstudio.domain.canvas_state import PAINT
from sdstudio.ui.action_table import Needs
from sdstudio.ui.actions import translated
from sdstudio.ui.canvas.history_list import history_words
from sdstudio.ui.keymap import ROWS
from sdstudio.ui.mnemonics import with_mnemonics
from sdstudio.ui.window_parts import WindowParts


class ActionState(QObject):
    """Follows everything that an action can need."""

    def __init__(self, parts: WindowParts) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._canvas = parts.context.canvas
        self._last: frozenset[Needs] | None = None
        queue, canvas = parts.context.queue, self._canvas
        for signal in (
            queue.current_changed, queue.waiting_changed, parts.context.session.last_seed_changed,
            parts.presenter.shown_changed, parts.canvas.view.content_changed, parts.canvas.page_changed,
            canvas.document_changed, canvas.history_changed, canvas.mask_changed, canvas.work_changed,
            canvas.layers_changed, parts.context.candidates.changed,
        ):  # fmt: skip
            signal.connect(self._update)
        canvas.history_changed.connect(self._name_steps)
        canvas.document_changed.connect(self._name_steps)
        parts.canvas.page.tool_changed.connect(self._check_tool)
        parts.canvas.page.look_changed.connect(self._check_look)
        self._check_tool(parts.canvas.page.tool)
        self._check_look(parts.canvas.page.look)
        self._update()

    def _update(self, *_: object) -> None:
        present = frozenset(need for need, met in self._facts().items() if met)
        if present != self._last:
            self._last = present
            self._parts.actions.set_state(present)

    def _facts(self) -> dict[Needs, bool]:
        parts, queue, canvas = self._parts, self._parts.context.queue, self._canvas
        document, candidates = canvas.document, parts.context.candidates
        shown = parts.canvas.canvas_shown
        return {
            Needs.NOTHING: True,
            Needs.PICTURE: shown or parts.canvas.view.content is not None,
            Needs.FILE: not shown and bool(parts.presenter.path),
            Needs.RUNNING: queue.current is not None or canvas.work is not None or (shown and candidates.open),
            Needs.WAITING: bool(queue.waiting),
            Needs.LAST_SEED: parts.context.session.last_seed is not None,
            Needs.DOCUMENT: document is not None,
            Needs.CANVAS: shown,
            Needs.UNDO: shown and canvas.can_undo,
            Needs.REDO: shown and canvas.can_redo,
            Needs.MASK: shown and not canvas.mask_empty,
            Needs.PAINT: shown and document is not None and bool(document.grid(PAINT).keys()),
            Needs.CANDIDATES: shown and candidates.open,
            Needs.CANDIDATE: shown and candidates.finished is not None and candidates.fits,
        }

    def _name_steps(self) -> None:
        """ "Undo brush": what the key will do is said before it is pressed."""
        document = self._canvas.document
        undo = document.history.undo_labels[-1:] if document is not None else ()
        redo = document.history.redo_labels[:1] if document is not None else ()
        for name, labels in (("undo", undo), ("redo", redo)):
            words = translated(ROWS[name].text)
            if labels:
                step = history_words(labels[0])
                words = self.tr("{action}: {step}").format(action=words, step=step[:1].lower() + step[1:])
            self._parts.actions[name].setText(*with_mnemonics([words]))

    def _check_tool(self, tool: str) -> None:
        self._parts.actions[f"tool_{tool}"].setChecked(True)

    def _check_look(self, look: str) -> None:
        self._parts.actions["quick_mask"].setChecked(look == "greys")
        self._parts.actions["mask_edge"].setChecked(look == "edge")
        self._parts.right.layers.set_mask_look(look)

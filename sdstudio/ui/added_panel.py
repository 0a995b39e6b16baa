"""LoRAs below the prompt: those in use with their strengths, and a list to add from; folded while there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.added_files import AddedFiles, chosen, told
from sdstudio.app.added_rows import (
    LoraRow,
    PromptFault,
    embeddings_words,
    lora_rows,
    prompt_fault,
    summary,
    used_words,
    with_word,
)
from sdstudio.app.added_state import ChosenLora
from sdstudio.app.added_thumbs import AddedThumbs
from sdstudio.app.session import Session
from sdstudio.domain.errors import StudioError
from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.model_file import ModelFile, ModelRole
from sdstudio.ui.added_row import LoraRowView
from sdstudio.ui.controls import ErrorLine, FoldButton, LinkButton, TextLabel, describe
from sdstudio.ui.fold_box import FoldBox
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import CHIP_HEIGHT, DOCK_PADDING, ROW_GAP

if TYPE_CHECKING:
    from sdstudio.ui.added_popup import AddPopup

_EDGE = 8
"""Above and below."""


class AddedPanel(QWidget):
    """Bound to the session's LoRAs in both directions. `prompt_asked` carries a whole prompt that should be the new
    one; `stops_changed` comes when there are other controls."""

    prompt_asked = Signal(str)
    stops_changed = Signal()

    def __init__(
        self,
        session: Session,
        added: AddedFiles,
        thumbs: AddedThumbs,
        theme: Theme,
        want_hash: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        """`want_hash`: asks for the hash of a file that is used, which pictures tell."""
        super().__init__(parent)
        set_surface(self, "dock")
        self._session = session
        self._added = added
        self._theme = theme
        self._thumbs = thumbs
        self._want_hash = want_hash
        self._fault: PromptFault | None = None
        self.fold = FoldButton(theme, self.tr("LoRAs"))
        self.add = LinkButton(theme, self.tr("Add"))
        self.error = ErrorLine(theme)
        self.empty = TextLabel(theme, font="small", role="hint")
        self.embeddings = TextLabel(theme, font="small", role="hint")
        self.rows: dict[str, LoraRowView] = {}
        self._inside = QWidget()
        self._list = QVBoxLayout(self._inside)
        self.box = FoldBox(theme, self._inside)
        self._column = QVBoxLayout(self)
        self._describe()
        self._arrange()
        self._connect()
        self._show()
        self._set_unfolded(bool(session.state.loras))

    def set_right_padding(self, padding: int) -> None:
        self._column.setContentsMargins(DOCK_PADDING, _EDGE, padding, _EDGE)

    def tab_stops(self) -> list[QWidget]:
        """In reading order."""
        inside = [stop for view in self.rows.values() for stop in view.tab_stops()]
        return [self.fold, self.add, self.error.remedy, self.error.other, *inside]

    @cached_property
    def popup(self) -> AddPopup:
        """Made when it is asked for: the window's first picture does not wait for it."""
        from sdstudio.ui.added_popup import AddPopup

        popup = AddPopup(self._theme, self._thumbs, self)
        popup.chosen.connect(self._add)
        return popup

    def open_list(self) -> None:
        """What can be added to this model, below the button."""
        model = self._session.model
        taken = {row.place for row in lora_rows(self._session, self._added)}
        fitting = self._added.of(ModelRole.LORA, model.family)
        files = [file for file in fitting if file.path not in taken]
        self.popup.open_at(
            self.mapToGlobal(QPoint(DOCK_PADDING, self.add.geometry().bottom() + 4)), files, self._none()
        )

    # Making

    def _describe(self) -> None:
        describe(self.fold, self.tr("LoRAs"), self.tr("Open or close the list of LoRAs in use."))
        describe(self.add, self.tr("Add a LoRA"), self.tr("Add a LoRA that fits the model."))
        self.empty.setText(self.tr("Small files that teach a model a style or a thing."))
        self.empty.setWordWrap(True)

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.fold, 1)
        top.addWidget(self.add)
        self.fold.setFixedHeight(CHIP_HEIGHT)
        set_surface(self._inside, "dock")
        self._list.setContentsMargins(0, ROW_GAP // 2, 0, 0)
        self._list.setSpacing(ROW_GAP)
        self.embeddings.setWordWrap(True)
        self.embeddings.setContentsMargins(0, ROW_GAP // 2, 0, 0)
        self._list.addWidget(self.empty)
        self.set_right_padding(DOCK_PADDING)
        self._column.setSpacing(0)
        self._column.addLayout(top)
        self._column.addWidget(self.error)
        self._column.addWidget(self.box)
        self._column.addWidget(self.embeddings)

    def _connect(self) -> None:
        self.fold.toggled.connect(self._set_unfolded)
        self.add.clicked.connect(self.open_list)
        self.error.remedy.clicked.connect(self._cure)
        self.error.other.clicked.connect(self._take_out)
        self._session.state_changed.connect(self._follow)
        self._session.model_changed.connect(self._show)
        self._added.changed.connect(self._show)

    # Hands

    def _add(self, file: ModelFile) -> None:
        self._session.update(loras=(*self._session.state.loras, chosen(file)))
        self._set_unfolded(True)
        view = self.rows.get(chosen(file).key)
        if view is not None:
            view.weight.number.setFocus()
            view.weight.number.selectAll()

    def _change(self, key: str, change: Callable[[ChosenLora], ChosenLora]) -> None:
        loras = (change(lora) if lora.key == key else lora for lora in self._session.state.loras)
        self._session.update(loras=tuple(loras))

    def _remove(self, key: str) -> None:
        keys = [lora.key for lora in self._session.state.loras]
        place = keys.index(key)
        self._session.update(loras=tuple(lora for lora in self._session.state.loras if lora.key != key))
        # The keyboard stays in the list: on the row that is there now.
        left = [lora.key for lora in self._session.state.loras]
        target = self.rows[left[min(place, len(left) - 1)]].remove if left else self.add
        target.setFocus()

    def _use_word(self, word: str) -> None:
        self.prompt_asked.emit(with_word(self._session.state.positive, word))

    def _cure(self) -> None:
        if self._fault is not None and self._fault.cured:
            self.prompt_asked.emit(self._fault.cured)

    def _take_out(self) -> None:
        if self._fault is not None:
            self.prompt_asked.emit(self._fault.rest)

    # Showing

    def _follow(self, names: frozenset[str]) -> None:
        if names & {"loras", "positive", "negative", "model"}:
            self._show()

    def _show(self, *_: object) -> None:
        rows = lora_rows(self._session, self._added)
        self._learn_files()
        self._show_rows(rows)
        self.fold.set_summary(summary(rows))
        self.empty.setVisible(not rows)
        words = embeddings_words(self._session, self._added)
        self.embeddings.setText(words)
        self.embeddings.setVisible(bool(words))
        self._show_fault()

    def _learn_files(self) -> None:
        """Where a chosen LoRA lies and its hash, as soon as that is known; the hash is asked for where it is not."""
        family = self._session.model.family
        known = []
        for lora in self._session.state.loras:
            file = self._added.lora(lora, family).file
            known.append(lora if file is None else told(lora, file))
            if file is not None and file.hashes is None:
                self._want_hash(file.path)
        if tuple(known) != self._session.state.loras:
            self._session.update(loras=tuple(known))

    def _show_rows(self, rows: tuple[LoraRow, ...]) -> None:
        """Views stay where their LoRA stays; what a hand holds is not taken away."""
        wanted = {row.key: row for row in rows}
        before = list(self.rows)
        for key in [key for key, view in self.rows.items() if _other(view, wanted.get(key))]:
            view = self.rows.pop(key)
            self._list.removeWidget(view)
            view.hide()
            view.deleteLater()
        for place, (key, row) in enumerate(wanted.items()):
            if key in self.rows:
                self.rows[key].show_row(row)
            else:
                self.rows[key] = self._make(row)
            if self._list.indexOf(self.rows[key]) != place + 1:
                self._list.insertWidget(place + 1, self.rows[key])
        self.rows = {key: self.rows[key] for key in wanted}
        for view in self.rows.values():
            view.words.show_used(used_words(self._session.state.positive, view.words.words))
        if list(self.rows) != before:
            self.stops_changed.emit()

    def _make(self, row: LoraRow) -> LoraRowView:
        view, key = LoraRowView(self._theme, row), row.key
        view.weight_changed.connect(lambda weight: self._change(key, lambda lora: lora.weighing(weight)))
        view.switched.connect(lambda on: self._change(key, lambda lora: replace(lora, on=on)))
        view.removed.connect(lambda: self._remove(key))
        view.word_chosen.connect(self._use_word)
        return view

    def _show_fault(self) -> None:
        fault = prompt_fault(self._session, self._added)
        if fault == self._fault:
            return
        self._fault = fault
        if fault is None:
            self.error.clear()
        else:
            self.error.show_error(StudioError(fault.words), fault.remedy, fault.take_out)

    def _none(self) -> str:
        model = self._session.model
        words = self.tr("No other LoRA here fits {model}.")
        if any(file.role is ModelRole.LORA for file in self._added.files):
            badge = FAMILY_PRESETS[model.family].badge if model.family is not None else ""
            kind = f"{model.name} ({badge})" if badge and badge != model.name else model.name
            return words.format(model=kind)
        return self.tr("There are no LoRAs yet. Put them into the models folder, or add the folder they are in.")

    def _set_unfolded(self, unfolded: bool) -> None:
        self.fold.setChecked(unfolded)
        self.box.set_open(unfolded)


def _other(view: LoraRowView, row: LoraRow | None) -> bool:
    """Whether a view shows something else from now on."""
    return row is None or row.words != view.row.words

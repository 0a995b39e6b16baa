"""How many tokens the prompts have, asked while somebody types."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from sdstudio.app.added_files import AddedFiles
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.session import Session
from sdstudio.domain.added_find import prompt_embeddings
from sdstudio.domain.engine_api import NOTHING_LEARNT, TokenCount, TokenCounter
from sdstudio.domain.errors import StudioError
from sdstudio.domain.model_file import ModelRole

log = logging.getLogger(__name__)

DELAY_MS = 120
VECTORS_MOST = 75
"""Of one word: what a text encoder takes at once. A file that tells more is refused when it is used."""
Field = Literal["positive", "negative"]


class FieldTokens(NamedTuple):
    field: Field
    tokens: TokenCount


class _Asked:
    """What was last asked for one field. A question is answered only while it is the newest."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.number = 0
        self.answered = 0
        self.counting = False


class TokenAsk(QObject):
    """Waits until the typing rests for 120 ms, then counts on the io worker: one question at a time, newest wins.

    When the model changes, or the words that it could have learnt, both prompts are counted anew.
    """

    counted = Signal(object)  # FieldTokens: (field, TokenCount)

    def __init__(
        self,
        session: Session,
        counter: TokenCounter,
        io: IoWorker,
        parent: QObject | None = None,
        *,
        added: AddedFiles | None = None,
        begun: bool = True,
    ) -> None:
        """`added`: the files that can be added to models, learnt words among them. Not `begun`: nothing is counted
        before `begin`."""
        super().__init__(parent)
        self._session = session
        self._added = added
        self._counter = counter
        self._io = io
        self._asked: dict[Field, _Asked] = {"positive": _Asked(), "negative": _Asked()}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._count_all)
        self._begun = begun
        session.model_changed.connect(self._ask_again)
        if added is not None:
            added.changed.connect(self._ask_again)

    def begin(self) -> None:
        """What was asked meanwhile is counted."""
        self._begun = True
        self._timer.start()

    def ask(self, field: Field, text: str) -> None:
        """`counted` follows, unless something newer is asked for the field before."""
        asked = self._asked[field]
        asked.text = text
        asked.number += 1
        if self._begun:
            self._timer.start()

    def _ask_again(self, *_: object) -> None:
        for field, asked in self._asked.items():
            self.ask(field, asked.text if asked.text is not None else getattr(self._session.state, field))

    def _count_all(self) -> None:
        for field in self._asked:
            self._count(field)

    def _count(self, field: Field) -> None:
        asked = self._asked[field]
        if asked.text is None or asked.counting or asked.answered == asked.number:
            return
        asked.counting = True
        model, text, number, counter = self._session.state.model, asked.text, asked.number, self._counter
        learnt = self._learnt()
        self._io.submit(
            lambda: counter.count(model, text, learnt),
            lambda count: self._on_counted(field, number, count),
            lambda error: self._on_failed(field, number, error),
        )

    def _learnt(self) -> Mapping[str, int]:
        """The embeddings that the prompts name, as a request of this moment would hold them."""
        added, state, family = self._added, self._session.state, self._session.model.family
        if added is None:
            return NOTHING_LEARNT
        vectors = {file.path: file.vectors for file in added.all_of(ModelRole.TEXTUAL_INVERSION)}
        prompts = [getattr(state, field) if asked.text is None else asked.text for field, asked in self._asked.items()]
        named = prompt_embeddings(prompts, added.all_of(ModelRole.TEXTUAL_INVERSION), family)
        return {file.name: min(vectors[file.path], VECTORS_MOST) for file in named if vectors[file.path]}

    def _on_counted(self, field: Field, number: int, count: TokenCount) -> None:
        if self._is_newest(field, number):
            self.counted.emit(FieldTokens(field, count))

    def _on_failed(self, field: Field, number: int, error: StudioError) -> None:
        """A prompt can be used without being counted, so this is no one's problem but the log's."""
        log.info("The tokens could not be counted: %s", error)
        self._is_newest(field, number)

    def _is_newest(self, field: Field, number: int) -> bool:
        asked = self._asked[field]
        asked.counting = False
        asked.answered = number
        if number == asked.number:
            return True
        if not self._timer.isActive():
            self._count(field)
        return False

"""Prompt and negative prompt, with their tokens counted and earlier prompts at hand."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from sdstudio.app.session import Session
from sdstudio.app.token_ask import FieldTokens, TokenAsk
from sdstudio.domain.engine_api import TokenCount
from sdstudio.domain.family_presets import negative_counts
from sdstudio.domain.lora_prompt import with_tags_of
from sdstudio.ui.controls import FoldButton, Heading, IconButton, TextLabel, describe
from sdstudio.ui.negative_tags import NegativeTags
from sdstudio.ui.prompt_completion import PromptCompletion
from sdstudio.ui.prompt_edit import PromptEdit
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import CHIP_HEIGHT, DOCK_PADDING, LINE_BODY
from sdstudio.ui.unknown_words import UnknownWords

_MENU_PROMPTS = 15
_MENU_WIDTH = 360


class PromptPanel(QWidget):
    """What to draw and what not; bound to the session in both directions."""

    def __init__(self, session: Session, tokens: TokenAsk, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tokens = tokens
        self._theme = theme
        self._place = -1
        self._draft = ""
        self.positive = PromptEdit(theme, least=88)
        self.negative = PromptEdit(theme, least=56, most=160)
        self.completion = PromptCompletion(self.positive, session)
        self.unknown_words = UnknownWords(session, theme)
        self.negative_tags = NegativeTags(theme)
        self.counter = TextLabel(theme, role="hint")
        self.negative_counter = TextLabel(theme, role="hint")
        self.history_button = IconButton(
            theme, "restore", "", flat=True, side=CHIP_HEIGHT, token="text2", icon_size=LINE_BODY
        )
        self.fold = FoldButton(theme, self.tr("Negative prompt"))
        self._column = QVBoxLayout(self)
        self._gap = QWidget()
        self._gap.setFixedHeight(4)
        self._describe()
        self._arrange()
        self._connect()
        self.set_unfolded(False)
        self._show(frozenset({"positive", "negative"}))
        for edit in (self.positive, self.negative):
            edit.document().clearUndoRedoStacks()
        self._show_history()
        self._follow_guidance()
        for field in ("positive", "negative"):
            self._tokens.ask(field, getattr(session.state, field))

    def focus_prompt(self) -> None:
        self.positive.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_unfolded(self, unfolded: bool) -> None:
        """Opens or closes the negative prompt."""
        self.fold.setChecked(unfolded)
        self._show_unfolded(unfolded)

    def _show_unfolded(self, unfolded: bool) -> None:
        self.negative.setVisible(unfolded)
        self._gap.setVisible(unfolded)
        self.negative_counter.setVisible(unfolded)

    def set_right_padding(self, padding: int) -> None:
        self._column.setContentsMargins(DOCK_PADDING, 10, padding, DOCK_PADDING)

    def tab_stops(self) -> list[QWidget]:
        """In reading order."""
        return [self.history_button, self.positive, self.fold, self.negative, self.negative_tags.move_link]

    def _describe(self) -> None:
        describe(
            self.positive,
            self.tr("Prompt"),
            self.tr("What the picture shows. Ctrl+Up and Ctrl+Down make the word at the cursor count more or less."),
        )
        describe(self.negative, self.tr("Negative prompt"), self.tr("What the picture should not show."))
        describe(self.fold, self.tr("Negative prompt"), self.tr("Open or close the negative prompt."))
        describe(self.history_button, self.tr("Earlier prompts"), key="Alt+Up")
        self.positive.setPlaceholderText(self.tr("Describe the picture"))
        self.negative.setPlaceholderText(self.tr("What should not be in it"))

    def _arrange(self) -> None:
        heading = Heading(self._theme, self.tr("Prompt"))
        heading.setBuddy(self.positive)
        heading.setFixedHeight(CHIP_HEIGHT)
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(heading)
        top.addStretch(1)
        top.addWidget(self.history_button)
        top.addWidget(self.counter)
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addWidget(self.fold, 1)
        below.addWidget(self.negative_counter)
        column = self._column
        self.set_right_padding(DOCK_PADDING)
        column.setSpacing(0)
        column.addLayout(top)
        column.addSpacing(2)
        column.addWidget(self.positive)
        column.addWidget(self.unknown_words)
        column.addSpacing(8)
        column.addLayout(below)
        column.addWidget(self._gap)
        column.addWidget(self.negative)
        column.addWidget(self.negative_tags)

    def _connect(self) -> None:
        self.positive.edited.connect(lambda text: self._edited("positive", text))
        self.negative.edited.connect(lambda text: self._edited("negative", text))
        self.positive.history_step.connect(self._step)
        self.history_button.clicked.connect(self._open_menu)
        self.fold.toggled.connect(self._folded)
        self.negative_tags.move_link.clicked.connect(self._move_tags)
        self._session.state_changed.connect(self._show)
        self._session.model_changed.connect(self._follow_guidance)
        self._session.history_changed.connect(self._show_history)
        self._tokens.counted.connect(self._counted)

    def _edited(self, field: str, text: str) -> None:
        self._session.update(**{field: text})
        self._tokens.ask("positive" if field == "positive" else "negative", text)
        self._show_summary()

    def _show(self, names: frozenset[str]) -> None:
        state = self._session.state
        if "positive" in names:
            self.positive.set_text(state.positive)
        if "negative" in names:
            self.negative.set_text(state.negative)
            self._show_summary()
        if "guidance_scale" in names:
            self._follow_guidance()

    def _move_tags(self) -> None:
        """As typed by hand, so that undo takes it back."""
        positive, negative = with_tags_of(self.negative.text, self.positive.text)
        self.positive.set_text(positive)
        self.negative.set_text(negative)
        self.focus_prompt()

    def _show_summary(self) -> None:
        self.negative_tags.show_text("" if self.fold.isHidden() else self._session.state.negative)
        words = self._session.state.negative.strip() or self.tr("empty")
        counts = negative_counts(self._session.state.guidance_scale)
        self.fold.set_summary(words if counts else self.tr("has no effect at this guidance"))

    def _follow_guidance(self) -> None:
        """Of a model that is made for a guidance of 1 there is no negative prompt. Of others it stays where it is while
        somebody moves the slider, and says that it has no effect."""
        session = self._session
        scales = (session.state.guidance_scale, session.model.presets.guidance_scale)
        shown = any(map(negative_counts, scales))
        self.fold.setVisible(shown)
        self._show_unfolded(shown and self.fold.isChecked())
        self._show_summary()

    def _folded(self, unfolded: bool) -> None:
        self.set_unfolded(unfolded)
        if unfolded:
            self.negative.setFocus(Qt.FocusReason.OtherFocusReason)

    def _counted(self, answer: FieldTokens) -> None:
        field, count = answer
        label = self.counter if field == "positive" else self.negative_counter
        label.setText(f"{count.used} / {count.room}")
        label.setToolTip(self._count_words(count))

    def _count_words(self, count: TokenCount) -> str:
        words = self.tr("{used} tokens; the model reads {room} at a time.")
        if count.room > 75:
            words = self.tr("{used} tokens; the model reads them in parts of 75, and what stands early counts most.")
        return words.format(used=count.used, room=count.room)

    def _show_history(self) -> None:
        self.history_button.setVisible(bool(self._session.history))
        self._place = -1

    def _step(self, step: int) -> None:
        """Through the history: -1 is what was being written when the journey began."""
        history = self._session.history
        if self._place < 0:
            self._draft = self.positive.text
        place = self._place + step
        if self._place < 0 < step and history and history[0] == self._draft:
            place += 1
        if place >= len(history) or self._place + step < -1:
            return
        if place == 0 and step < 0 and history[0] == self._draft:
            place = -1
        self._place = place
        self.positive.set_text(self._draft if place < 0 else history[place])

    def _open_menu(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        metrics = QFontMetrics(menu.font())
        for text in self._session.history[:_MENU_PROMPTS]:
            line = metrics.elidedText(" ".join(text.split()), Qt.TextElideMode.ElideRight, _MENU_WIDTH)
            action = menu.addAction(line.replace("&", "&&"))
            action.setData(text)
        menu.triggered.connect(lambda action: self.positive.set_text(action.data()))
        menu.popup(self.positive.mapToGlobal(QPoint(0, 0)))

"""The box a prompt is written in."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QSizePolicy, QTextEdit, QWidget

from sdstudio.domain.prompt import weighted_spans
from sdstudio.ui.prompt_text import WEIGHT_STEP, changed_part, reweigh, to_units
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import LINE_PROMPT

_DOCUMENT_MARGIN = 4.0
_EDGE = 4
"""Border 1 and padding 3 (with focus 2 and 2) above and below the text's own margin, from the style sheet."""


class PromptEdit(QTextEdit):
    """Plain text of several lines that grows with what is written.

    Ctrl+Up and Ctrl+Down change the weight at the cursor; Tab goes to the next field; Ctrl+Enter is left to the
    window. `edited` carries the whole text; `typed` comes after a key that wrote or deleted something;
    `history_step` asks for an older (+1) or newer (-1) prompt.
    """

    edited = Signal(str)
    typed = Signal()
    history_step = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, least: int = 88, most: int = 240) -> None:
        """`least` and `most` are heights in logical pixels."""
        super().__init__(parent)
        self._theme = theme
        self._heights = (least, most)
        self.setFont(theme.font("prompt"))
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(_DOCUMENT_MARGIN)
        self.setFixedHeight(least)
        self._space_lines()
        self.document().clearUndoRedoStacks()
        self.document().documentLayout().documentSizeChanged.connect(self._grow)
        self.textChanged.connect(self._tell)
        theme.changed.connect(self._underline)

    @property
    def text(self) -> str:
        return self.toPlainText()

    def set_text(self, text: str, undoable: bool = True) -> None:
        """Shows another text; the cursor goes to its end. Nothing happens where it is there already."""
        if text == self.text:
            return
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        if not undoable:
            self.document().clearUndoRedoStacks()
        self.moveCursor(QTextCursor.MoveOperation.End)

    def change_weight(self, delta: float) -> None:
        """Of the word or bracket at the cursor, or of the selection; one edit for undo."""
        cursor = self.textCursor()
        old = self.text
        new, start, end = reweigh(old, cursor.anchor(), cursor.position(), delta)
        if new == old:
            return
        first, last, words = changed_part(old, new)
        cursor.beginEditBlock()
        cursor.setPosition(to_units(old, first))
        cursor.setPosition(to_units(old, last), QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(words)
        cursor.endEditBlock()
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        up = event.key() == Qt.Key.Key_Up
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and held == Qt.KeyboardModifier.ControlModifier:
            self.change_weight(WEIGHT_STEP if up else -WEIGHT_STEP)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and held == Qt.KeyboardModifier.AltModifier:
            self.history_step.emit(1 if up else -1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and held & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
        else:
            super().keyPressEvent(event)
            if event.text():
                self.typed.emit()

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        super().inputMethodEvent(event)
        if event.commitString():
            self.typed.emit()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Text comes in plain; files are left to the window."""
        if source.hasText():
            self.textCursor().insertText(source.text())
            self.ensureCursorVisible()

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() and not source.hasUrls()

    def _space_lines(self) -> None:
        """Lines of 20 px; later paragraphs take it over from the first."""
        lines = QTextBlockFormat()
        lines.setLineHeight(LINE_PROMPT, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeBlockFormat(lines)

    def _grow(self) -> None:
        least, most = self._heights
        wanted = round(self.document().size().height()) + 2 * _EDGE
        self.setFixedHeight(min(max(wanted, least), most))
        full = wanted > most
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if full else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)

    def _tell(self) -> None:
        self._underline()
        self.edited.emit(self.text)

    def _underline(self) -> None:
        """Weighted words carry a line in the accent colour."""
        text = self.text
        line = QTextCharFormat()
        line.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        line.setUnderlineColor(self._theme.color("accent"))
        marks: list[QTextEdit.ExtraSelection] = []
        for start, end, _weight in weighted_spans(text):
            mark = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.document())
            cursor.setPosition(to_units(text, start))
            cursor.setPosition(to_units(text, end), QTextCursor.MoveMode.KeepAnchor)
            mark.cursor = cursor
            mark.format = line
            marks.append(mark)
        self.setExtraSelections(marks)

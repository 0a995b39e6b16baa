"""Completes the words of a prompt from those that the chosen model has learnt."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, QStringListModel, Qt
from PySide6.QtGui import QKeyEvent, QTextCursor
from PySide6.QtWidgets import QListView

from sdstudio.app.session import Session
from sdstudio.domain.words import Completion
from sdstudio.ui.prompt_edit import PromptEdit

_GAP = 4
_FRAME = 10
"""Border and padding of the list, left and right or above and below, from the style sheet."""
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PromptCompletion(QObject):
    """A list below the cursor while a word is being typed. Tab takes the first (or the chosen) row, Up and Down
    choose, Enter takes what was chosen, Esc closes it; every other key is the prompt's own.

    The list is a child of the window and not a popup: a popup would take the keyboard, and with it Ctrl+Enter.
    """

    def __init__(self, edit: PromptEdit, session: Session) -> None:
        super().__init__(edit)
        self._edit = edit
        self._session = session
        self._offers: tuple[Completion, ...] = ()
        self._rows = QStringListModel(self)
        self._list = QListView(edit)
        self._list.setObjectName("completions")
        self._list.setModel(self._rows)
        self._list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setCursor(Qt.CursorShape.PointingHandCursor)
        self._list.setAccessibleName(self.tr("Words to complete with"))
        self._list.hide()
        self._list.pressed.connect(self._on_pressed)
        edit.typed.connect(self._offer)
        edit.installEventFilter(self)

    @property
    def offers(self) -> tuple[Completion, ...]:
        """What the list shows; () while it is closed."""
        return () if self._list.isHidden() else self._offers

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Of the edit. A row is chosen by the person, never in advance: Enter alone goes on writing."""
        if self._list.isHidden():
            return False
        if event.type() == QEvent.Type.FocusOut:
            self._list.hide()
        elif event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                event.accept()
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._on_key(event)
        return False

    def _on_key(self, event: QKeyEvent) -> bool:
        row, key = self._list.currentIndex().row(), event.key()
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            return False
        if key == Qt.Key.Key_Tab or (key in _ENTER and row >= 0):
            self._put_in(self._offers[max(0, row)])
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            count = len(self._offers) + 1
            step = 1 if key == Qt.Key.Key_Down else -1
            self._list.setCurrentIndex(self._rows.index((row + 1 + step) % count - 1))
        elif key == Qt.Key.Key_Escape:
            self._list.hide()
        else:
            self._list.setVisible(key not in _ENTER)
            return False
        return True

    def _offer(self) -> None:
        words = self._session.model.words
        cursor = self._edit.textCursor()
        self._offers = ()
        if words is not None and not cursor.hasSelection() and _at_word_end(cursor):
            self._offers = words.complete(cursor.block().text()[: cursor.positionInBlock()])
        self._list.setVisible(bool(self._offers))
        if self._offers:
            self._rows.setStringList([offer.phrase for offer in self._offers])
            self._list.setCurrentIndex(QModelIndex())
            self._place()

    def _place(self) -> None:
        """Below the line that is written, over whatever is there, inside the window."""
        window = self._edit.window()
        if self._list.parent() is not window:
            self._list.setParent(window)
        width = self._list.sizeHintForColumn(0) + _FRAME
        height = self._list.sizeHintForRow(0) * len(self._offers) + _FRAME
        line = self._edit.cursorRect()
        corner = self._edit.viewport().mapTo(window, line.bottomLeft() + QPoint(0, _GAP))
        corner.setX(min(corner.x(), window.width() - width))
        self._list.setGeometry(corner.x(), corner.y(), width, height)
        self._list.show()
        self._list.raise_()

    def _on_pressed(self, index: QModelIndex) -> None:
        self._put_in(self._offers[index.row()])

    def _put_in(self, offer: Completion) -> None:
        """One edit for undo; nothing else of the prompt changes."""
        self._offers = ()
        self._list.hide()
        cursor = self._edit.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, offer.typed)
        cursor.insertText(offer.phrase)
        self._edit.setTextCursor(cursor)


def _at_word_end(cursor: QTextCursor) -> bool:
    after = cursor.block().text()[cursor.positionInBlock() :][:1]
    return not after or after.isspace() or after in ",;.()[]:"

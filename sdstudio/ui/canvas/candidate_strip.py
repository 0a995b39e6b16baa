"""The strip below the canvas while candidates are there: thumbnails, the proof, what can be done with the chosen."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app import messages
from sdstudio.app.candidate_shelf import Candidate
from sdstudio.app.candidates import Candidates
from sdstudio.ui.canvas.candidate_hand import CandidateHand
from sdstudio.ui.canvas.candidate_list import CandidateList
from sdstudio.ui.canvas.proof_badge import ProofBadge, seam_words
from sdstudio.ui.canvas.task_dialog import TaskDialog
from sdstudio.ui.controls import Button, ElidedLabel, IconButton, LinkButton, PrimaryButton, SectionLine, describe
from sdstudio.ui.theme import Theme, set_surface

STRIP_HEIGHT = 124
NARROW = 660
"""Below this width the buttons say less."""


class CandidateStrip(QWidget):
    """Follows the candidates; there only while there are any. `left`: it goes while the focus is in it."""

    left = Signal()

    def __init__(
        self, candidates: Candidates, theme: Theme, hand: CandidateHand, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.setFixedHeight(STRIP_HEIGHT)
        self._candidates = candidates
        self._theme = theme
        self._hand = hand
        self._told = ""
        self.list = CandidateList(candidates, theme)
        self.badge = ProofBadge(theme)
        self.hint = ElidedLabel(theme, role="hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.link = LinkButton(theme, self.tr("Soften the seam"))
        self.compare = IconButton(theme, "before", self.tr("Before and after side by side"))
        self.difference = IconButton(theme, "difference", self.tr("Show what changed"))
        self.more = IconButton(theme, "dice", self.tr("More like this"))
        self.discard = Button(theme, self.tr("Discard all"))
        self.accept = PrimaryButton(theme, self.tr("Accept this one"))
        self._dress()
        self._lay_out()
        self._connect()
        for part in self.tab_stops():
            part.installEventFilter(self)
        self.follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The candidates' keys mean the same on every button: Enter accepts, the space bar presses the button."""
        if not isinstance(event, QKeyEvent):
            return False
        if event.type() == QEvent.Type.ShortcutOverride and self._hand.wants(event):
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress:
            return self._hand.key(event)
        return event.type() == QEvent.Type.KeyRelease and self._hand.key_up(event)

    def _dress(self) -> None:
        for button in (self.compare, self.difference):
            button.setCheckable(True)
        describe(self.compare, self.tr("Before and after side by side"), key="C")
        describe(self.difference, self.tr("Show what changed"), key="D")
        hint = self.tr("Makes others of the same, with other seeds")
        describe(self.more, self.tr("More like this"), hint)
        describe(
            self.discard, self.tr("Discard all"), self.tr("Leaves the canvas as it was; they stay in Results"), "Esc"
        )
        hint = self.tr("Adds it to the canvas as a layer of its own; the mask stays")
        describe(self.accept, self.tr("Accept this one"), hint, "Return")
        self.link.setToolTip(self.tr("Blends the edge anew, without generating; or marks the pixels that changed"))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addStretch(1)
        top.addWidget(self.badge)
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.hint, 1)
        middle.addWidget(self.link)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        for button in (self.compare, self.difference, self.more):
            buttons.addWidget(button)
        buttons.addSpacing(4)
        buttons.addWidget(self.discard)
        buttons.addWidget(self.accept)
        right = QVBoxLayout()
        right.setSpacing(0)
        right.addLayout(top)
        right.addStretch(1)
        right.addLayout(middle)
        right.addStretch(1)
        right.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 12, 12, 12)
        row.setSpacing(12)
        row.addWidget(self.list, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(right)
        self._line = SectionLine(self)

    def _connect(self) -> None:
        candidates = self._candidates
        candidates.changed.connect(self.follow)
        candidates.forming.connect(self._show_words)
        candidates.doubted.connect(self._ask)
        self.compare.clicked.connect(candidates.toggle_compare)
        self.difference.clicked.connect(candidates.set_difference)
        self.more.clicked.connect(candidates.more_like_this)
        self.discard.clicked.connect(candidates.discard)
        self.accept.clicked.connect(lambda: candidates.accept())
        self.link.clicked.connect(self._follow_link)

    def tab_stops(self) -> tuple[QWidget, ...]:
        return self.list, self.link, self.compare, self.difference, self.more, self.discard, self.accept

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._line.setGeometry(0, 0, self.width(), 1)
        narrow = self.width() < NARROW
        self.discard.setText(self.tr("Discard") if narrow else self.tr("Discard all"))
        self.accept.setText(self.tr("Accept") if narrow else self.tr("Accept this one"))
        super().resizeEvent(event)

    def follow(self) -> None:
        """Another candidate, or another way of looking at it."""
        candidates = self._candidates
        finished = candidates.finished
        focus = QApplication.focusWidget()
        if not candidates.open and focus is not None and self.isAncestorOf(focus):
            self.left.emit()
        self.setVisible(candidates.open)
        self.badge.show_item(finished)
        self.compare.setChecked(candidates.compare is not None)
        self.difference.setChecked(candidates.difference)
        for button in (self.compare, self.difference, self.more):
            button.setEnabled(finished is not None and candidates.fits)
        self.accept.setEnabled(finished is not None and candidates.fits and not candidates.softening)
        self._show_words()
        self._announce(finished)

    def _show_words(self) -> None:
        candidates, item = self._candidates, self._candidates.finished
        link = ""
        if not candidates.fits:
            words = self.tr("The canvas has another size now; undo that to accept.")
        elif item is not None and self.badge.failed:
            words = self.tr("Something is wrong with this one.")
            link = self.tr("Hide them") if candidates.stray else self.tr("Show them")
        elif candidates.softening:
            words = self.tr("Softening the seam…")
        elif item is not None and item.stands_out:
            words, link = seam_words(item.seam), self.tr("Soften the seam")
        elif candidates.running:
            words = self.tr("Finished ones stay in Results.")
        else:
            words = self.tr("They stay in Results.")
        if words != self.hint.text():
            self.hint.setText(words)
        self.link.setVisible(bool(link))
        if link and link != self.link.text():
            self.link.setText(link)
            self.link.updateGeometry()

    def _follow_link(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)  # the link goes, and the focus must not go anywhere
        if self.badge.failed:
            self._candidates.show_stray(not self._candidates.stray)
        else:
            self._candidates.soften()

    def _announce(self, finished: Candidate | None) -> None:
        """For those who hear the window: which one is shown, and its proof."""
        words = ""
        if finished is not None:
            words = self.tr("Candidate {number} of {count}. {proof}").format(
                number=self._candidates.place + 1, count=len(self._candidates.items), proof=self.badge.words
            )
        if words and words != self._told:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, words))
        self._told = words

    def _ask(self, item: Candidate) -> None:
        dialog = DoubtDialog(self._theme, item, self.window())
        dialog.accepted.connect(lambda: self._candidates.accept(anyway=True))
        dialog.show_them.clicked.connect(lambda: self._candidates.show_stray(True))
        dialog.open()


class DoubtDialog(TaskDialog):
    """Before a result is accepted that changed what it must not."""

    def __init__(self, theme: Theme, item: Candidate, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("Accept it nevertheless?"))
        words = self.tr("{count} pixels outside the mask changed.")
        self.heading.setText(words.format(count=messages.number(item.changed_outside)))
        self.add_words(
            self.tr(
                "That must not happen. You can look at them, accept the result as it is, and undo that at any time."
            )
        )
        self.primary.setText(self.tr("Accept it"))
        self.show_them = self.add_second(self.tr("Show them"))
        self.show_them.clicked.connect(lambda: self.done(0))

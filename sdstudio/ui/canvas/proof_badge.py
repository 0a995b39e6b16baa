"""The badge that says how many pixels outside the mask changed: counted, never assumed."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from sdstudio.app import messages
from sdstudio.app.candidate_shelf import Candidate
from sdstudio.canvas.region_seam import stands_out
from sdstudio.ui.theme import Theme
from sdstudio.ui.tokens import LINE_BODY, RADIUS_BADGE

HEIGHT = 24
PAD = 8
UNSEEN = 1.2
"""Up to this seam figure untouched pictures come, too."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("Candidates", text)


def proof_words(item: Candidate) -> str:
    """ "0 of 1,048,576 pixels outside the mask changed"; "" where nothing is outside."""
    if not item.parts or not item.pixels_outside:
        return ""
    task = item.parts[0].ground.job.task
    words = _tr("{changed} of {all} pixels outside the mask changed")
    if task == "outpaint":
        words = _tr("{changed} of {all} pixels of the picture changed")
    elif task != "inpaint":
        words = _tr("{changed} of {all} pixels outside the frame changed")
    return words.format(changed=messages.number(item.changed_outside), all=messages.number(item.pixels_outside))


def seam_words(seam: float) -> str:
    """ "Seam 0.8: not to be seen"."""
    if seam <= UNSEEN:
        judged = _tr("not to be seen")
    elif stands_out(seam):
        judged = _tr("stands out")
    else:
        judged = _tr("hardly to be seen")
    return _tr("Seam {figure}: {judged}").format(figure=f"{seam:.1f}", judged=judged)


class ProofBadge(QWidget):
    """A tick and the count, or the icon of an error; never cut off."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = ""
        self._failed = False
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    @property
    def words(self) -> str:
        return self._words

    @property
    def failed(self) -> bool:
        return self._failed

    def show_item(self, item: Candidate | None) -> None:
        """Hidden where there is nothing to prove."""
        words = "" if item is None or not item.done else proof_words(item)
        failed = bool(words) and item is not None and item.changed_outside > 0
        self.setVisible(bool(words))
        if item is None or not words:
            self._words = ""
            return
        details = [words + ".", _tr("Counted in the whole canvas, pixel by pixel, for this candidate.")]
        if any(part.seam for part in item.parts):
            details.append(seam_words(item.seam) + ".")
        self.setToolTip("\n".join(details))
        if (words, failed) != (self._words, self._failed):
            self._words, self._failed = words, failed
            self.setAccessibleName(words)
            self.setAccessibleDescription("\n".join(details[1:]))
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        wide = QFontMetrics(self._theme.font("badge")).horizontalAdvance(self._words)
        return QSize(wide + LINE_BODY + 3 * PAD - 2, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._theme.color("error" if self._failed else "border"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS_BADGE, RADIUS_BADGE)
            name, token = ("error", "error") if self._failed else ("check", "ok")
            icon = self._theme.pixmap(name, token, LINE_BODY, self.devicePixelRatioF())
            painter.drawPixmap(PAD - 2, (HEIGHT - LINE_BODY) // 2, icon)
            painter.setFont(self._theme.font("badge"))
            painter.setPen(self._theme.color("text"))
            area = self.rect().adjusted(PAD + LINE_BODY + 4, 0, -PAD, 0)
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._words)

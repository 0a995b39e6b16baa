"""Says kindly that LoRA tags do nothing in the negative prompt, and moves them to where they work."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from sdstudio.domain.lora_prompt import lora_tags
from sdstudio.ui.controls import LinkButton, TextLabel
from sdstudio.ui.theme import Theme


class NegativeTags(QWidget):
    """Below the negative prompt; not there while it names no LoRA. `move_link` takes them to the prompt."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = TextLabel(theme, font="small", role="hint")
        self.words.setWordWrap(True)
        self.move_link = LinkButton(theme, self.tr("Move it to the prompt"))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.words)
        column.addWidget(self.move_link, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def show_text(self, negative: str) -> None:
        """Of the negative prompt as it is now."""
        tags = len(lora_tags(negative))
        if tags:
            self.words.setText(self.tr("LoRA tags work in the prompt. Here they do nothing."))
            one = self.tr("Move it to the prompt")
            self.move_link.setText(one if tags == 1 else self.tr("Move them to the prompt"))
        self.setVisible(bool(tags))

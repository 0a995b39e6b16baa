"""Questions of the canvas as dialogs. Each is answered by a button; closing one is its Cancel."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from sdstudio.app import messages
from sdstudio.app.canvas_questions import MaskSizeQuestion, MemoryQuestion, UnsavedQuestion
from sdstudio.ui.canvas.task_dialog import TaskDialog
from sdstudio.ui.theme import Theme


class UnsavedDialog(TaskDialog):
    """Save, don't save, cancel, before another canvas takes the place of this one."""

    def __init__(
        self, theme: Theme, question: UnsavedQuestion, ask_path: Callable[[], None], parent: QWidget | None = None
    ) -> None:
        """`ask_path` asks for a file and gives it to the question, where the canvas has none yet."""
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("Save the canvas?"))
        self.heading.setText(self.tr("Save “{name}” first?").format(name=question.name))
        self.add_words(self.tr("It has changes that are in no file."))
        self.primary.setText(self.tr("Save") if question.path else self.tr("Save…"))
        self.discard = self.add_second(self.tr("Don't save"))
        self._question = question
        self._ask_path = ask_path
        self.accepted.connect(self._save)
        self.rejected.connect(question.cancel)
        self.discard.clicked.connect(self._discard)

    def _save(self) -> None:
        if self._question.path:
            self._question.save()
        else:
            self._ask_path()

    def _discard(self) -> None:
        self._question.discard()
        self.done(0)  # what comes after an answer changes nothing


class MemoryDialog(TaskDialog):
    """A picture that needs more memory than is free."""

    def __init__(self, theme: Theme, question: MemoryQuestion, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("Open a very large picture?"))
        self.heading.setText(self.windowTitle())
        words = self.tr(
            "“{name}” has {size} pixels and needs about {needed} of memory; {available} is free. The computer may "
            "become slow."
        )
        self.add_words(
            words.format(
                name=question.name,
                size=messages.size(question.size),
                needed=messages.memory(question.needed),
                available=messages.memory(question.available),
            )
        )
        self.primary.setText(self.tr("Open it"))
        self.accepted.connect(question.open_anyway)
        self.rejected.connect(question.cancel)


class MaskSizeDialog(TaskDialog):
    """A mask file of another size than the canvas."""

    def __init__(self, theme: Theme, question: MaskSizeQuestion, parent: QWidget | None = None) -> None:
        super().__init__(theme, "", "", parent)
        self.setWindowTitle(self.tr("A mask of another size"))
        self.heading.setText(self.windowTitle())
        words = self.tr("“{name}” has {mask} pixels, the canvas {canvas}.")
        self.add_words(
            words.format(name=question.name, mask=messages.size(question.mask), canvas=messages.size(question.canvas))
        )
        self.primary.setText(self.tr("Scale it"))
        self.primary.setToolTip(self.tr("Stretches the mask to the size of the canvas"))
        self.centre = self.add_second(self.tr("Centre it"))
        self.centre.setToolTip(self.tr("Leaves the mask as large as it is, in the middle"))
        self._question = question
        self.accepted.connect(question.scale)
        self.rejected.connect(question.cancel)
        self.centre.clicked.connect(self._centre)

    def _centre(self) -> None:
        self._question.centre()
        self.done(0)

"""Commands of the canvas with random values, as panels, lists and dialogs would give them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.domain.canvas_state import LayerKind
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.ui.canvas.mask_panel import MASK_CHANGES
from sdstudio.ui.canvas.question_dialogs import MaskSizeDialog, UnsavedDialog
from sdstudio.ui.canvas.size_dialogs import NewCanvasDialog
from tests.helpers.canvas_checks import wait_until
from tests.helpers.random_hand import RandomHand

SIDES = (1, 2, 31, 200, 255, 256, 257, 300, 511, 513, 640)
LARGE = Size(1200, 900)
"""Above a million pixels: whole-canvas operations go to the other thread."""
TOOLS = ("brush", "brush", "brush", "eraser", "lasso", "polygon", "rectangle", "ellipse", "fill", "wand", "picker")
UNSAVED = 0.7
"""How often changes are thrown away when asked."""


def picture(chance: random.Random, size: Size) -> Pixels:
    """Patches of colour, some of them transparent with RGB beneath."""
    rng = np.random.default_rng(chance.randrange(1 << 30))
    step = chance.choice((7, 40, 300))
    shape = -(-size.height // step), -(-size.width // step)
    patches = rng.integers(0, 256, (*shape, 4), np.uint8)
    patches[..., 3] = 255 if chance.random() < 0.5 else rng.choice((0, 90, 255), shape)
    whole = patches.repeat(step, 0).repeat(step, 1)[: size.height, : size.width]
    return np.ascontiguousarray(whole)


class RandomCommands:
    """`folder` is for its files. After each of them the program may still be at work."""

    def __init__(self, hand: RandomHand, folder: Path, large: bool = True) -> None:
        self.hand = hand
        self.chance = hand.chance
        self.session: CanvasSession = hand.session
        self.folder = folder
        self._large = large

    def size(self) -> Size:
        if self._large and self.chance.random() < 0.1:
            return LARGE
        return Size(self.chance.choice(SIDES), self.chance.choice(SIDES))

    # Tools

    def set_tool(self) -> None:
        tool = self.chance.choice(TOOLS)
        self.hand.tell(f"tool {tool}")
        self.hand.window.canvas.page.choose_tool(tool)

    def set_view_tool(self) -> None:
        tool = self.chance.choice(("hand", "zoom"))
        self.hand.tell(f"tool {tool}")
        self.hand.window.canvas.page.choose_tool(tool)

    def set_brush(self) -> None:
        chance = self.chance
        size = chance.choices((chance.uniform(1, 6), chance.uniform(6, 90), chance.uniform(90, 700)), (3, 6, 1))[0]
        changes = {
            "size": size,
            "hardness": chance.choice((0.0, 0.5, 1.0)),
            "opacity": chance.choice((0.0, 0.4, 1.0)),
            "flow": chance.choice((0.05, 0.6, 1.0)),
            "spacing": chance.choice((0.05, 0.1, 1.0)),
            "smoothing": chance.choice((0.0, 0.3, 1.0)),
            "size_by_pressure": chance.random() < 0.5,
            "opacity_by_pressure": chance.random() < 0.5,
        }
        self.hand.tell(f"brush {changes}")
        self.session.update_brush(**changes)

    def set_options(self) -> None:
        chance = self.chance
        changes = {
            "target": chance.choice(("mask", "paint")),
            "combine": chance.choice(("add", "subtract", "replace")),
            "tolerance": chance.choice((0, 32, 255)),
            "contiguous": chance.random() < 0.7,
            "antialias": chance.random() < 0.5,
            "colour": tuple(chance.randrange(256) for _ in range(3)),
        }
        self.hand.tell(f"options {changes}")
        self.session.update_settings(**changes)

    def set_look(self) -> None:
        look = self.chance.choice(("tint", "edge", "greys"))
        self.hand.tell(f"mask as {look}")
        self.hand.window.canvas.page.set_look(look)

    # The mask

    def change_mask(self) -> None:
        name = self.chance.choice(("invert", "clear", "all", "fill_holes", "from_alpha"))
        self.hand.tell(f"mask {name}")
        getattr(self.session, f"mask_{name}")()

    def mask_by_panel(self) -> None:
        """Opened, moved, and applied, left, or interrupted."""
        panel, change = self.hand.window.canvas.page.panel, self.chance.choice(MASK_CHANGES)
        self.hand.tell(f"panel {change.name}")
        self.hand.window.canvas.page.begin_mask_change(change.name)
        for _ in range(self.chance.randrange(3)):
            amount = self.chance.choice((1, 2, 7, 30, 120))
            self.hand.tell(f"panel {amount}")
            panel.field.number.setValue(amount)
            self.hand.turn()
        if self.chance.random() < 0.3:
            self.hand.press_action()
        if self.chance.random() < 0.7:
            self.hand.tell("panel: apply")
            panel.apply.click()
        else:
            self.hand.tell("panel: cancel")
            panel.cancel.click()
        if self.chance.random() < 0.2:
            self.cancel()

    def mask_file(self) -> None:
        document = self.session.document
        if document is None:
            return
        path = self.folder / "mask.png"
        if self.chance.random() < 0.4:
            self.hand.tell("mask to a file, and back")
            self.session.mask_to_file(path)
            wait_until(lambda: self.session.work is None)
        else:
            size = document.size if self.chance.random() < 0.5 else self.size()
            self.hand.tell(f"mask from a file of {size}")
            Image.fromarray(picture(self.chance, size)[..., 0]).save(path)
        self.session.mask_from_file(path)

    # History, layers, size

    def undo_some(self) -> None:
        for _ in range(self.chance.choice((1, 1, 2, 5))):
            name = self.chance.choice(("undo", "undo", "redo"))
            self.hand.tell(name)
            getattr(self.session, name)()

    def go_to(self) -> None:
        document = self.session.document
        if document is not None:
            count = len(document.history.undo_labels) + len(document.history.redo_labels)
            position = self.chance.choice((0, count, self.chance.randint(0, count)))
            self.hand.tell(f"go to {position}")
            self.session.go_to(position)

    def change_layer(self) -> None:
        document = self.session.document
        if document is None:
            return
        layer = self.chance.choice([info for info in document.layers if info.kind is not LayerKind.MASK])
        if layer.kind is LayerKind.PATCH and self.chance.random() < 0.3:
            self.hand.tell(f"remove {layer.id}")
            self.session.remove_layer(layer.id)
            return
        change = self.chance.choice(({"visible": not layer.visible}, {"opacity": self.chance.choice((0, 0.5, 1.0))}))
        self.hand.tell(f"layer {layer.id} {change}")
        self.session.set_layer(layer.id, **change)

    def accept_patch(self) -> None:
        size, x, y = self.size(), self.chance.randint(-100, 500), self.chance.randint(-100, 500)
        self.hand.tell(f"patch {size} at {x}, {y}")
        self.session.accept_patch(ImageBuffer(picture(self.chance, size)), x, y, "", None)

    def clear_paint(self) -> None:
        self.hand.tell("clear paint")
        self.session.clear_paint()

    def resize(self) -> None:
        document = self.session.document
        if document is None:
            return
        if self.chance.random() < 0.5:
            size = self.size()
            self.hand.tell(f"scale to {size}")
            self.session.scale_picture(size)
        else:
            size = self.size()
            rect = Rect(self.chance.randint(-260, 260), self.chance.randint(-260, 260), size.width, size.height)
            self.hand.tell(f"resize to {rect}")
            self.session.resize_canvas(rect)

    # Documents and dialogs

    def open_another(self) -> None:
        """A picture from a file or from memory, or an empty canvas."""
        size, path = self.size(), self.folder / "picture.png"
        way = self.chance.choice(("file", "memory", "blank"))
        self.hand.tell(f"open {way} {size}")
        if way == "file":
            Image.fromarray(picture(self.chance, size)).save(path)
            self.session.open_file(path)
        elif way == "memory":
            self.session.open_image(ImageBuffer(picture(self.chance, size)), "memory")
        else:
            self.session.new_blank(size, self.chance.choice((None, (200, 30, 30))))

    def save_and_reopen(self) -> None:
        if self.session.document is None:
            return
        path = self.folder / "canvas.ora"
        self.hand.tell("save, close, open again")
        self.session.save(path)
        wait_until(lambda: self.session.work is None)
        self.session.close_document()
        self.answer()
        self.session.open_file(path)
        self.answer()

    def close(self) -> None:
        self.hand.tell("close")
        self.session.close_document()

    def cancel(self) -> None:
        self.hand.tell("cancel")
        self.session.cancel()

    def switch_page(self) -> None:
        self.hand.tell("page")
        self.hand.window.canvas.switch_page()

    def answer(self) -> None:
        """Every dialog that stands open gets an answer."""
        QApplication.processEvents()
        for dialog in [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QDialog)]:
            if not dialog.isVisible():
                continue
            self.hand.tell(f"answer {type(dialog).__name__}")
            if isinstance(dialog, UnsavedDialog) and self.chance.random() < UNSAVED:
                dialog.discard.click()
            elif isinstance(dialog, MaskSizeDialog | NewCanvasDialog) and self.chance.random() < 0.7:
                dialog.accept()
            elif isinstance(dialog, QFileDialog) or self.chance.random() < 0.9:
                dialog.reject()
            else:
                dialog.close()
            QApplication.processEvents()

"""What the canvas's actions do: tools, brush, mask, history, size, and what of it is kept as a setting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QColor, QGuiApplication, QImage

from sdstudio.app.settings_store import Curve
from sdstudio.domain.geometry import Rect
from sdstudio.storage.settings import Settings
from sdstudio.ui.action_table import ACTION_ROWS
from sdstudio.ui.canvas.editor_foot import document_title
from sdstudio.ui.canvas.mask_panel import MASK_CHANGES
from sdstudio.ui.canvas.size_dialogs import ResizeDialog, ScaleDialog
from sdstudio.ui.menus import CANVAS_MENU, picture_menu
from sdstudio.ui.window_parts import WindowParts

BRUSHES = ("brush", "eraser", "paint_brush", "paint_eraser")


class CanvasCommands(QObject):
    """Most of it is one call of the session."""

    def __init__(self, parts: WindowParts) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._canvas = parts.context.canvas
        self._page = parts.canvas.page
        store, page = parts.context.settings, self._page
        page.mask_colour_chosen.connect(lambda colour: store.update(mask_colour=colour))
        page.mask_opacity_chosen.connect(lambda percent: store.update(mask_opacity=percent))
        page.curve_chosen.connect(lambda curve: store.update(pressure_curve=curve))
        page.menu_asked.connect(self.show_menu)
        parts.right.layers.mask_eye_clicked.connect(page.next_look)
        parts.canvas.page_changed.connect(self._show_title)
        self._canvas.title_changed.connect(self._show_title)
        store.changed.connect(self._follow_settings)
        self._follow_settings(store.settings)
        self._show_title()

    def table(self) -> dict[str, Callable[[], None]]:
        """The actions that are done here."""
        canvas, page = self._canvas, self._page
        table: dict[str, Callable[[], None]] = {
            "undo": canvas.undo,
            "redo": canvas.redo,
            "mask_invert": canvas.mask_invert,
            "mask_clear": canvas.mask_clear,
            "mask_all": canvas.mask_all,
            "mask_fill_holes": canvas.mask_fill_holes,
            "mask_from_alpha": canvas.mask_from_alpha,
            "quick_mask": lambda: page.set_look("tint" if page.look == "greys" else "greys"),
            "mask_edge": lambda: page.set_look("tint" if page.look == "edge" else "edge"),
            "clear_paint": canvas.clear_paint,
            "resize_canvas": self.ask_canvas_size,
            "scale_picture": self.ask_scale,
            "target": canvas.toggle_target,
            "swap": canvas.swap_paint_and_erase,
            "larger": lambda: canvas.change_size(1),
            "smaller": lambda: canvas.change_size(-1),
            "harder": lambda: canvas.change_hardness(1),
            "softer": lambda: canvas.change_hardness(-1),
        }
        for change in MASK_CHANGES:
            table[change.name] = lambda name=change.name: page.begin_mask_change(name)  # type: ignore[misc]
        for row in ACTION_ROWS:
            if row.group == "tool":
                tool = row.name.removeprefix("tool_")
                table[row.name] = lambda name=tool: page.choose_tool(name)  # type: ignore[misc]
        return table

    def cancel(self) -> bool:
        """Esc: what is under way on the canvas, if there is anything."""
        if self._page.panel.active:
            self._page.panel.leave()
            return True
        cancelled: bool = self._canvas.cancel()
        return cancelled

    def copy(self) -> None:
        """What the canvas shows, as one picture."""
        document = self._canvas.document
        if document is None:
            return
        pixels = document.composite(Rect.of(document.size))
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
        QGuiApplication.clipboard().setImage(image.copy())

    def ask_canvas_size(self) -> None:
        document = self._canvas.document
        if document is not None:
            dialog = ResizeDialog(self._parts.theme, document.size, self._parts.window)
            dialog.chosen.connect(self._canvas.resize_canvas)
            dialog.open()

    def ask_scale(self) -> None:
        document = self._canvas.document
        if document is not None:
            dialog = ScaleDialog(self._parts.theme, document.size, self._parts.window)
            dialog.chosen.connect(self._canvas.scale_picture)
            dialog.open()

    def show_menu(self, position: QPoint) -> None:
        picture_menu(self._parts.actions, self._parts.window, CANVAS_MENU).popup(position)

    def _follow_settings(self, settings: Settings) -> None:
        self._page.set_mask_colour(settings.mask_colour, settings.mask_opacity)
        self._parts.right.layers.set_mask_colour(QColor(settings.mask_colour))
        self._set_curve(settings.pressure_curve)

    def _set_curve(self, curve: Curve) -> None:
        """One for all brushes: it belongs to the hand and the pen."""
        tools = self._canvas.settings
        brushes = {name: getattr(tools, name) for name in BRUSHES}
        changed = {name: replace(brush, curve=curve) for name, brush in brushes.items() if brush.curve != curve}
        if changed:
            self._canvas.update_settings(**changed)

    def _show_title(self) -> None:
        canvas = self._canvas
        title = document_title(canvas.name, canvas.modified) if canvas.document is not None else ""
        self._parts.attention.set_document(title)

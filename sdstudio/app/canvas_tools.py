"""What the tools are set to, and the keys that change it: a part of CanvasSession."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from sdstudio.app.canvas_background import CanvasBackground
from sdstudio.app.io_worker import IoWorker
from sdstudio.canvas.tool_settings import SIZE_MAX, SIZE_MIN, ToolSettings

SIZE_STEP = 1.1
"""One press of a bracket key: a tenth, at least one pixel."""
HARDNESS_STEP = 0.1
SWAPPED_TOOL = {"brush": "eraser", "eraser": "brush"}
SWAPPED_COMBINE = {"add": "subtract", "subtract": "add", "replace": "subtract"}


class CanvasTools(CanvasBackground):
    """Every change is told once by `settings_changed`; the session file keeps it."""

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(io, parent)
        self._settings = ToolSettings()

    @property
    def settings(self) -> ToolSettings:
        return self._settings

    def update_settings(self, **changes: Any) -> None:
        """Sets fields of ToolSettings by name. Silent when nothing changed."""
        self._set_settings(self._settings.with_changes(**changes))

    def update_brush(self, **changes: Any) -> None:
        """Sets fields of the brush in hand: brush or eraser, of the mask or of paint."""
        self._set_settings(self._settings.with_brush(**changes))

    def restore_settings(self, data: object) -> None:
        """From the session file; what cannot be read gets its usual value."""
        self._set_settings(ToolSettings.from_dict(data))

    def choose_tool(self, name: str) -> None:
        self.update_settings(tool=name)

    def swap_paint_and_erase(self) -> None:
        """Brush for eraser and back; for the shapes, adding for taking away."""
        tool = self._settings.tool
        if tool in SWAPPED_TOOL:
            self.update_settings(tool=SWAPPED_TOOL[tool])
        else:
            self.update_settings(combine=SWAPPED_COMBINE[self._settings.combine])

    def toggle_target(self) -> None:
        """Mask for paint and back."""
        self.update_settings(target="paint" if self._settings.target == "mask" else "mask")

    def change_size(self, steps: int) -> None:
        """The brush in hand larger or smaller by so many steps of a tenth; whole pixels, at least one each."""
        size = self._settings.brush_in_hand.size
        for _ in range(abs(steps)):
            scaled = round(size * SIZE_STEP if steps > 0 else size / SIZE_STEP)
            size = max(scaled, int(size) + 1) if steps > 0 else min(scaled, -int(-size // 1) - 1)
            size = min(max(size, SIZE_MIN), SIZE_MAX)
        self.update_brush(size=float(size))

    def change_hardness(self, steps: int) -> None:
        hardness = self._settings.brush_in_hand.hardness + steps * HARDNESS_STEP
        self.update_brush(hardness=min(max(round(hardness, 2), 0.0), 1.0))

    def _set_settings(self, settings: ToolSettings) -> None:
        if settings != self._settings:
            self._settings = settings
            self.settings_changed.emit(settings)

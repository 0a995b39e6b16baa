"""The settings, observable, and kept in their file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.storage.settings import (
    MASK_OPACITY,
    UNDO_MEGABYTES,
    ChangedKeys,
    Curve,
    Settings,
    load_settings,
    save_settings,
)

__all__ = ["MASK_OPACITY", "UNDO_MEGABYTES", "ChangedKeys", "Curve", "SettingsStore"]


class SettingsStore(QObject):
    changed = Signal(object)  # Settings
    problem = Signal(object)  # StudioError: the file could not be written

    def __init__(self, path: Path, io: IoWorker, parent: QObject | None = None) -> None:
        """Reads the file at once; what was wrong with it is in `notes`, in words."""
        super().__init__(parent)
        self._path = path
        self._io = io
        self._settings, notes = load_settings(path)
        self._notes = tuple(notes)

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def notes(self) -> tuple[str, ...]:
        return self._notes

    def update(self, **changes: Any) -> None:
        """Sets settings by name and writes the file on the io worker. Silent when nothing changed."""
        settings = replace(self._settings, **changes)
        if settings == self._settings:
            return
        self._settings = settings
        self._io.submit(lambda: save_settings(self._path, settings), failed=self.problem.emit)
        self.changed.emit(settings)

"""The dialogs that stay beside the work: settings, keys, about; one of each."""

from __future__ import annotations

from collections.abc import Callable

from sdstudio.ui.about import AboutDialog
from sdstudio.ui.dialogs import SideDialog
from sdstudio.ui.settings_dialog import SettingsDialog
from sdstudio.ui.shortcuts_dialog import ShortcutsDialog
from sdstudio.ui.window_parts import WindowParts


class WindowDialogs:
    """Asked for again, a dialog that is open comes to the front."""

    def __init__(self, parts: WindowParts) -> None:
        self._parts = parts
        self._open: dict[str, SideDialog] = {}

    def open_one(self, name: str) -> SideDialog | None:
        """The one that is open."""
        return self._open.get(name)

    def show_settings(self) -> None:
        context, parts = self._parts.context, self._parts
        self._show(
            "settings",
            lambda: SettingsDialog(context.settings, lambda: context.results_folder, parts.theme, parts.window),
        )

    def show_shortcuts(self) -> None:
        parts = self._parts
        self._show(
            "shortcuts", lambda: ShortcutsDialog(parts.context.settings, parts.actions, parts.theme, parts.window)
        )

    def show_about(self) -> None:
        self._show("about", lambda: AboutDialog(self._parts.theme, self._parts.window))

    def _show(self, name: str, make: Callable[[], SideDialog]) -> None:
        dialog = self._open.get(name)
        if dialog is None:
            dialog = self._open[name] = make()
            dialog.destroyed.connect(lambda *_: self._open.pop(name, None))
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

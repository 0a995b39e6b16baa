"""The dialogs that stay beside the work: settings, keys, models, about; one of each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sdstudio.app.messages import graphics_cards
from sdstudio.ui.dialogs import SideDialog
from sdstudio.ui.window_parts import WindowParts

if TYPE_CHECKING:
    from sdstudio.ui.models_dialog import ModelsDialog


class WindowDialogs:
    """Asked for again, a dialog that is open comes to the front. Each is imported when it is first asked for: together
    they are 20 ms of a start."""

    def __init__(
        self, parts: WindowParts, show_file: Callable[[str], None], open_folder: Callable[[Path], None]
    ) -> None:
        """`show_file` and `open_folder` show something of this computer in the system's own program."""
        self._parts = parts
        self._show_file = show_file
        self._open_folder = open_folder
        self._open: dict[str, SideDialog] = {}

    def open_one(self, name: str) -> SideDialog | None:
        """The one that is open."""
        return self._open.get(name)

    def show_settings(self) -> None:
        from sdstudio.ui.settings_dialog import SettingsDialog

        context, parts = self._parts.context, self._parts
        self._show(
            "settings",
            lambda: SettingsDialog(
                context.settings,
                lambda: context.results_folder,
                parts.theme,
                parts.window,
                cards=graphics_cards(context.bridge.info),
            ),
        )

    def show_shortcuts(self) -> None:
        from sdstudio.ui.shortcuts_dialog import ShortcutsDialog

        parts = self._parts
        self._show(
            "shortcuts", lambda: ShortcutsDialog(parts.context.settings, parts.actions, parts.theme, parts.window)
        )

    def show_models(self) -> None:
        self._models()

    def take_models(self, paths: list[Path]) -> None:
        """Model files that were dropped on the window: what to do with them is asked in the dialog."""
        self._models().ask_about(paths)

    def _models(self) -> ModelsDialog:
        from sdstudio.ui.models_dialog import ModelsDialog

        context, parts = self._parts.context, self._parts
        dialog = self._show(
            "models",
            lambda: ModelsDialog(
                context.models, context.io, parts.theme, self._show_file, self._open_folder, parts.window
            ),
        )
        assert isinstance(dialog, ModelsDialog)
        return dialog

    def show_about(self) -> None:
        from sdstudio.ui.about import AboutDialog

        context, parts = self._parts.context, self._parts
        self._show("about", lambda: AboutDialog(context, parts.theme, self._open_folder, self._show_file, parts.window))

    def _show(self, name: str, make: Callable[[], SideDialog]) -> SideDialog:
        dialog = self._open.get(name)
        if dialog is None:
            dialog = self._open[name] = make()
            dialog.destroyed.connect(lambda *_: self._open.pop(name, None))
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        return dialog

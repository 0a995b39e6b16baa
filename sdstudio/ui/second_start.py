"""What the window does when the program is started a second time: it comes to the front and opens the files."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication

from sdstudio.app.single_instance import Call, Doorkeeper, keep_token
from sdstudio.ui.canvas.editor_hand import Doing
from sdstudio.ui.main_window import MainWindow


class SecondStart(QObject):
    """Opening asks about unsaved changes as ever. It waits for the end of a stroke, which it would cut off."""

    def __init__(self, window: MainWindow, keeper: Doorkeeper) -> None:
        super().__init__(window)
        self._window = window
        self._hand = window.canvas.page.view.hand
        self._files: list[str] = []
        keeper.called.connect(self._on_call, Qt.ConnectionType.QueuedConnection)
        window.closing.connect(keeper.close)
        self._hand.changed.connect(self._open)
        keeper.listen()

    def _on_call(self, call: Call) -> None:
        self._files += call.files
        if call.token:
            keep_token(call.token)  # Qt takes it from there, and out, when it asks for the front.
        self._come_to_the_front()
        self._open()

    def _come_to_the_front(self) -> None:
        window = self._window
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.show()
        window.raise_()
        window.activateWindow()
        QApplication.alert(window)

    def _open(self) -> None:
        if self._files and self._hand.doing is Doing.NOTHING:
            files, self._files = self._files, []
            self._window.open_files(files)

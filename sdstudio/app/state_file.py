"""The session file: what comes back at the next start."""

from __future__ import annotations

import base64
import binascii
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.session import Session
from sdstudio.storage.files import write_atomic

if TYPE_CHECKING:
    from sdstudio.app.canvas_session import CanvasSession
    from sdstudio.app.edit_settings import EditSettings

log = logging.getLogger(__name__)

SCHEMA = 1
SAVE_DELAY_MS = 500
"""Typing saves at most twice a second."""


class StateFile(QObject):
    """Keeps the session, the canvas's tools, what is chosen for edits, and the window's own bytes (geometry, docks) in
    one JSON file.

    Writes on the io worker half a second after the last change; `save_now` before the worker is closed.
    """

    def __init__(
        self,
        path: Path,
        session: Session,
        io: IoWorker,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._path = path
        self._session = session
        self._canvas: CanvasSession | None = None
        self._edits: EditSettings | None = None
        self._others: dict[str, Any] = {}
        self._io = io
        self._window: dict[str, str] = {}
        self._saved = b""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_DELAY_MS)
        self._timer.timeout.connect(self.save_now)

    def load(self) -> bool:
        """Reads the file into the session and begins to follow it. False when there was nothing to read."""
        data = self._read()
        if data is not None:
            self._session.from_dict(_mapping(data.get("session")))
            self._window = {str(k): str(v) for k, v in _mapping(data.get("window")).items()}
            self._others = {name: data[name] for name in ("tools", "edits") if name in data}
        self._saved = self._bytes()
        self._session.state_changed.connect(self._schedule)
        self._session.last_seed_changed.connect(self._schedule)
        self._session.history_changed.connect(self._schedule)
        return data is not None

    def keep_edits(self, canvas: CanvasSession, edits: EditSettings) -> None:
        """After `load`: gives both what was read for them and follows them, too. Until then it is written as it is."""
        if "tools" in self._others:
            canvas.restore_settings(self._others["tools"])
        if "edits" in self._others:
            edits.from_dict(self._others["edits"])
        unchanged = self._saved == self._bytes()
        self._canvas, self._edits = canvas, edits
        if unchanged:
            self._saved = self._bytes()
        canvas.settings_changed.connect(self._schedule)
        edits.changed.connect(self._schedule)

    def window(self, name: str = "geometry") -> bytes:
        """What the window last kept under `name`; b"" when there is nothing (any more)."""
        try:
            return base64.b64decode(self._window.get(name, ""), validate=True)
        except (binascii.Error, ValueError):
            return b""

    def set_window(self, data: bytes, name: str = "geometry") -> None:
        """Keeps bytes of the window's own, for example those of QWidget.saveGeometry."""
        text = base64.b64encode(data).decode("ascii")
        if self._window.get(name, "") != text:
            self._window[name] = text
            self._schedule()

    def save_now(self) -> None:
        """Hands the file to the io worker; silent when nothing changed since the last time."""
        self._timer.stop()
        data = self._bytes()
        if data != self._saved:
            self._saved = data
            path = self._path
            self._io.submit(lambda: write_atomic(path, data))

    def _schedule(self, *_: object) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _bytes(self) -> bytes:
        content: dict[str, Any] = {"schema": SCHEMA, "session": self._session.to_dict(), "window": self._window}
        content |= self._others
        if self._canvas is not None and self._edits is not None:
            content |= {"tools": self._canvas.settings.to_dict(), "edits": self._edits.to_dict()}
        return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")

    def _read(self) -> dict[str, Any] | None:
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("%s cannot be read: %s", self._path, error)
            return None
        try:
            data = json.loads(text.decode("utf-8", "surrogatepass"))
        except ValueError as error:
            self._set_aside(text, str(error))
            return None
        if not isinstance(data, dict):
            self._set_aside(text, "it is not an object")
            return None
        return data

    def _set_aside(self, text: bytes, reason: str) -> None:
        """A damaged file is kept beside the new one."""
        log.info("%s is damaged (%s) and was kept as .bad", self._path, reason)
        aside = self._path.with_name(self._path.name + ".bad")
        self._io.submit(lambda: write_atomic(aside, text))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}

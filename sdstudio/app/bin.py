"""Pictures to the system's bin, and back while one can still change one's mind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDir, QFile, QObject, QStandardPaths, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.errors import StorageError

INFO_SUFFIX = ".trashinfo"


@dataclass(frozen=True, slots=True)
class Binned:
    """Where a file was, and where it lies now ("" where the system does not say)."""

    path: str
    lies_at: str


class PictureBin(QObject):
    """Moves files on the io worker. Only the last move can be undone."""

    moved = Signal(object)  # list[str]: the paths that are gone
    restored = Signal(object)  # list[str]: the paths that are back
    problem = Signal(object)  # StudioError

    def __init__(self, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._io = io
        self._last: tuple[Binned, ...] = ()

    @property
    def can_undo(self) -> bool:
        return bool(self._last)

    def move(self, paths: list[str]) -> None:
        """`moved` or `problem` follows."""
        wanted = tuple(paths)
        self._io.submit(lambda: _move_all(wanted), self._on_moved, self.problem.emit)

    def undo(self) -> None:
        """`restored` or `problem` follows; nothing where there is nothing to undo."""
        last, self._last = self._last, ()
        if last:
            self._io.submit(lambda: _restore_all(last), self.restored.emit, self.problem.emit)

    def _on_moved(self, binned: tuple[Binned, ...]) -> None:
        self._last = binned if all(entry.lies_at for entry in binned) else ()
        self.moved.emit([entry.path for entry in binned])


def _tr(text: str) -> str:
    return QCoreApplication.translate("Bin", text)


def _move_all(paths: tuple[str, ...]) -> tuple[Binned, ...]:
    """Raises StorageError when not one of them could be moved."""
    binned = []
    for path in paths:
        done, lies_at = _to_trash(path)
        if done:
            binned.append(Binned(path, lies_at))
    if not binned:
        name = Path(paths[0]).name
        raise StorageError(
            _tr("“{name}” could not be moved to the bin.").format(name=name),
            hint=_tr("Delete it in its folder instead."),
        )
    return tuple(binned)


def _to_trash(path: str) -> tuple[bool, str]:
    # Qt makes the bin, but not the folder that it lies in, and then says no more than that it failed.
    QDir().mkpath(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation))
    file = QFile(path)
    # Afterwards the object carries the name that the file has in the bin, where the system tells it.
    return (True, file.fileName()) if file.moveToTrash() else (False, "")


def _restore_all(entries: tuple[Binned, ...]) -> list[str]:
    """Raises StorageError naming the first file that could not be brought back; the others are back all the same."""
    back, lost = [], []
    for entry in entries:
        if QFile.exists(entry.path) or not QFile.rename(entry.lies_at, entry.path):
            lost.append(entry.path)
            continue
        back.append(entry.path)
        # The freedesktop bin keeps a note beside each file; without its file it would show as a broken entry.
        lies_at = Path(entry.lies_at)
        note = lies_at.parent.parent / "info" / (lies_at.name + INFO_SUFFIX)
        QFile.remove(str(note))
    if lost:
        name = Path(lost[0]).name
        raise StorageError(
            _tr("“{name}” could not be brought back.").format(name=name), hint=_tr("Look for it in the system's bin.")
        )
    return back

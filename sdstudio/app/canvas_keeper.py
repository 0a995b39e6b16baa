"""The canvas's journal as the autosave's thread uses it: whose it is, and whether the last owner left it in order.

Each running program has a journal of its own: `canvas.sqlite`, for a second window at the same time `canvas-2.sqlite`.
A small file beside it names the process that has it; where that process is gone, the program had ended unexpectedly.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdstudio.app.canvas_pace import step_back
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.domain.errors import StorageError
from sdstudio.storage.canvas_journal import CanvasJournal, JournalInUse
from sdstudio.storage.files import ensure_folder, numbered, storage_error, write_atomic
from sdstudio.storage.processes import alive, own_start

log = logging.getLogger(__name__)
STEM, SUFFIX, OWNER_SUFFIX = "canvas", ".sqlite", ".owner"
SLOTS_MAX = 64
CLOSING_WAIT_S = 20.0
"""A program that is closing may still be writing its last state: started anew at once, it waits for itself."""
LOOK_AGAIN_S = 0.1
PIECE_S = 0.2
"""Of writing in one go: what the hand does meanwhile waits for so long."""


def holds_journal(folder: Path) -> bool:
    """Whether there may be a canvas to bring back; looks at names alone."""
    return any(folder.glob(f"{STEM}*{SUFFIX}"))


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What the journal held. `crashed`: the program that wrote it did not end in order. Not `complete`: it is to be
    written again, the program ended before all of it was."""

    snapshot: CanvasSnapshot | None
    crashed: bool = False
    note: str = ""
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Piece:
    """What became of a write. `note`: what the person should know, mostly "". Not `complete`: more pieces follow."""

    note: str = ""
    complete: bool = True


class CanvasKeeper:
    """Lives in the autosave's thread: made anywhere, everything else called there. Opens nothing before it has to."""

    def __init__(self, folder: Path, rest: Callable[[], None] | None = None) -> None:
        """`rest`: see CanvasJournal."""
        self._folder = folder
        self._rest = rest
        self._slot: Path | None = None
        self._journal: CanvasJournal | None = None
        self._crashed = False
        self._in_use: set[Path] = set()

    def read(self) -> Kept:
        """Never raises for what the journal holds. Raises StorageError where nothing can be written there."""
        journal = self._opened()
        snapshot = journal.read()
        return Kept(snapshot, self._crashed, journal.note, journal.complete)

    def write(self, snapshot: CanvasSnapshot | None) -> Piece:
        """What the canvas is and what the hand changed; more with `go_on`. None: no canvas is open. Raises
        StorageError; what was written before is still there then."""
        journal = self._opened()
        noted = journal.note
        complete = True
        if snapshot is None:
            journal.clear()
        else:
            complete = journal.write(snapshot, PIECE_S)
        return Piece("" if journal.note == noted else journal.note, complete)

    def go_on(self) -> Piece:
        """The next piece. Raises StorageError."""
        journal = self._opened()
        noted = journal.note
        complete = journal.go_on(PIECE_S)
        return Piece("" if journal.note == noted else journal.note, complete)

    def finish(self) -> None:
        """All pieces that are left. Raises StorageError."""
        if self._journal is not None:
            self._journal.go_on()

    def announce_close(self) -> None:
        """Lets a program that starts now wait for this one's last write. May be called in any thread."""
        slot = self._slot
        if slot is None:
            return
        try:
            write_atomic(_owner_file(slot), _owner(closing=True))
        except StorageError as error:
            log.info("That the program closes could not be noted: %s", error)

    def close(self) -> None:
        """In order: the next start says nothing of a crash."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._slot is not None:
            _owner_file(self._slot).unlink(missing_ok=True)
            self._slot = None

    def _opened(self) -> CanvasJournal:
        """Raises StorageError."""
        if self._journal is None:
            step_back()
        while self._journal is None:
            if self._slot is None:
                self._slot, self._crashed = self._take_slot()
            try:
                self._journal = CanvasJournal(self._slot, self._rest)
            except JournalInUse:
                # Its owner could not be told from its file, but lives. (Not to be read or written: the next one.)
                self._in_use.add(self._slot)
                self._slot = None
        return self._journal

    def _take_slot(self) -> tuple[Path, bool]:
        """A journal that no living process has, and whether its last owner died with it. One left by a crash is
        taken before any other, so that nothing stays behind unseen."""
        ensure_folder(self._folder)
        _wait_for_closing(self._folder / numbered(STEM, SUFFIX, 1))
        slots = [self._folder / numbered(STEM, SUFFIX, number) for number in range(1, SLOTS_MAX + 1)]
        free = [
            (slot, _owner_file(slot).exists())
            for slot in slots
            if slot not in self._in_use and _living_owner(slot) is None
        ]
        free.sort(key=lambda row: not (row[1] and row[0].exists()))
        for slot, crashed in free:
            if self._claim(slot, crashed):
                return slot, crashed
        raise StorageError("There are too many canvases open at once.", hint="Close a window of SD Studio.")

    def _claim(self, slot: Path, crashed: bool) -> bool:
        owner, data = _owner_file(slot), _owner()
        if crashed:
            write_atomic(owner, data)
            return True
        try:
            with owner.open("xb") as file:
                file.write(data)
        except FileExistsError:
            return False  # Another program was faster.
        except OSError as error:
            raise storage_error(self._folder, error) from error
        return True


def _owner_file(slot: Path) -> Path:
    return slot.with_suffix(OWNER_SUFFIX)


def _owner(closing: bool = False) -> bytes:
    pid = os.getpid()
    return json.dumps({"pid": pid, "started": own_start(pid), "closing": closing}).encode()


def _wait_for_closing(slot: Path) -> None:
    end = time.monotonic() + CLOSING_WAIT_S
    while time.monotonic() < end:
        owner = _living_owner(slot)
        if owner is None or not owner.get("closing"):
            return
        time.sleep(LOOK_AGAIN_S)


def _living_owner(slot: Path) -> dict[str, Any] | None:
    """What is noted of the process that has it; None where that is gone, or was never noted."""
    try:
        data: dict[str, Any] = json.loads(_owner_file(slot).read_bytes())
        return data if alive(int(data["pid"]), float(data["started"])) else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("%s cannot be read: %s", _owner_file(slot), error)
        return None

"""What accepted results were made from, as rows of the canvas journal; pictures that several share are kept once."""

from __future__ import annotations

import json
import logging
import sqlite3
import zlib
from dataclasses import dataclass, field

import numpy as np

from sdstudio.domain.canvas_state import MAX_SIDE
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.patches import PatchRecord
from sdstudio.storage.patch_records import record_from_dict, record_to_dict

FAULTS = (InvalidRequest, ValueError, KeyError, TypeError, zlib.error, OverflowError, RecursionError)
"""What a damaged row raises; a damaged file is the journal's affair."""
_log = logging.getLogger(__name__)

CREATE_RECORDS = """
CREATE TABLE IF NOT EXISTS pixels (id INTEGER PRIMARY KEY, width INTEGER NOT NULL, height INTEGER NOT NULL,
    channels INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY, text TEXT NOT NULL, made INTEGER NOT NULL, mask INTEGER);
"""


@dataclass(frozen=True, slots=True, eq=False)
class RecordRow:
    """A record that is in the file, its row, and those of its pictures. It is held: its identity is its name."""

    record: PatchRecord
    number: int
    made: int
    mask: int | None


@dataclass(slots=True)
class WrittenRecords:
    """`rows`: by the record's identity; `pixels`: by the array's, with the array and its row."""

    rows: dict[int, RecordRow] = field(default_factory=dict)
    pixels: dict[int, tuple[Pixels, int]] = field(default_factory=dict)

    def note(self, row: RecordRow) -> None:
        self.rows[id(row.record)] = row
        self.pixels[id(row.record.made.pixels)] = (row.record.made.pixels, row.made)
        if row.record.mask is not None and row.mask is not None:
            self.pixels[id(row.record.mask)] = (row.record.mask, row.mask)


class RecordWriter:
    """One write: rows for what is new, then none any more for what nothing refers to."""

    def __init__(self, database: sqlite3.Connection, old: WrittenRecords) -> None:
        self._database = database
        self._old = old
        self.new = WrittenRecords()

    def row(self, record: PatchRecord | None) -> int | None:
        """Its number; written where it is not yet."""
        if record is None:
            return None
        known = self.new.rows.get(id(record)) or self._old.rows.get(id(record))
        if known is None:
            made = self._pixels(record.made.pixels)
            mask = None if record.mask is None else self._pixels(record.mask)
            text = json.dumps(record_to_dict(record, shared=False))
            values = (text, made, mask)
            number = self._database.execute("INSERT INTO record (text, made, mask) VALUES (?, ?, ?)", values).lastrowid
            assert number is not None
            known = RecordRow(record, number, made, mask)
        self.new.note(known)
        return known.number

    def drop(self) -> None:
        kept = {row.number for row in self.new.rows.values()}
        gone = ((row.number,) for row in self._old.rows.values() if row.number not in kept)
        self._database.executemany("DELETE FROM record WHERE id = ?", gone)
        used = {row for _, row in self.new.pixels.values()}
        unused = ((row,) for _, row in self._old.pixels.values() if row not in used)
        self._database.executemany("DELETE FROM pixels WHERE id = ?", unused)

    def _pixels(self, pixels: Pixels) -> int:
        known = self.new.pixels.get(id(pixels)) or self._old.pixels.get(id(pixels))
        if known is not None:
            self.new.pixels[id(pixels)] = known
            return known[1]
        height, width = pixels.shape[:2]
        data = zlib.compress(np.ascontiguousarray(pixels).data, 1)
        values = (width, height, 1 if pixels.ndim == 2 else pixels.shape[2], data)
        query = "INSERT INTO pixels (width, height, channels, data) VALUES (?, ?, ?, ?)"
        number = self._database.execute(query, values).lastrowid
        assert number is not None
        self.new.pixels[id(pixels)] = (pixels, number)
        return number


class RecordReader:
    """Each record and each picture is decoded once: states share them again. `damaged`: some could not be read."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._records: dict[int, PatchRecord | None] = {}
        self._pixels: dict[int, Pixels] = {}
        self.written = WrittenRecords()
        self.damaged = False

    def record(self, number: int | None) -> PatchRecord | None:
        """None for a damaged one, too: its layer is as good without."""
        if number is None:
            return None
        if number not in self._records:
            try:
                self._records[number] = self._read(number)
            except FAULTS as error:
                _log.info("What a result was made from cannot be read any more: %s", error)
                self._records[number] = None
                self.damaged = True
        return self._records[number]

    def _read(self, number: int) -> PatchRecord:
        query = "SELECT text, made, mask FROM record WHERE id = ?"
        text, made, mask = self._database.execute(query, (number,)).fetchone()
        picture = ImageBuffer(self._array(made, 4))
        record = record_from_dict(json.loads(text), picture, None if mask is None else self._array(mask, 1))
        self.written.note(RecordRow(record, number, made, mask))
        return record

    def _array(self, number: int, channels: int) -> Pixels:
        pixels = self._pixels.get(number)
        if pixels is None:
            query = "SELECT width, height, channels, data FROM pixels WHERE id = ?"
            width, height, depth, data = self._database.execute(query, (number,)).fetchone()
            if depth != channels or not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
                raise ValueError(f"a picture of {width} x {height} x {depth}")
            raw = zlib.decompressobj().decompress(data, width * height * depth)
            pixels = np.frombuffer(raw, np.uint8).reshape((height, width) if depth == 1 else (height, width, depth))
            self._pixels[number] = pixels
        return pixels

"""The canvas's journal: whole or not at all, whatever happens to the program or the disk."""

from __future__ import annotations

import itertools
import random
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.domain.canvas_state import (
    MASK,
    TILE,
    CanvasSnapshot,
    CanvasState,
    HistoryItem,
    LayerInfo,
    LayerKind,
    LayerState,
    Tile,
    TileChange,
)
from sdstudio.domain.errors import StorageError
from sdstudio.domain.geometry import Size
from sdstudio.storage.canvas_journal import CanvasJournal, JournalInUse
from tests.helpers.canvas_snapshots import same_history, same_state, snapshots, stroke
from tests.helpers.sources import ROOT

_ONE = LayerInfo(id="picture", kind=LayerKind.PICTURE)
_numbers = itertools.count()


def simple(*tiles: Tile, name: str = "") -> CanvasSnapshot:
    size = Size(TILE * max(1, len(tiles)), TILE)
    layer = LayerState(info=_ONE, tiles={(index, 0): tile for index, tile in enumerate(tiles)})
    return CanvasSnapshot(name=name, source="", state=CanvasState(size=size, layers=(layer,)))


def noise(seed: int) -> Tile:
    return Tile(np.random.default_rng(seed).integers(0, 256, (TILE, TILE, 4), dtype=np.uint8))


def rows(path: Path, table: str) -> int:
    with sqlite3.connect(path) as database:
        count: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    database.close()
    return count


def check_brought_back(found: CanvasSnapshot | None, expected: CanvasSnapshot) -> None:
    assert found is not None
    assert (found.source, found.saved_serial, found.pending) == (expected.source, expected.saved_serial, None)
    assert found.name == expected.name
    assert same_state(found.state, expected.state)
    pending = expected.pending
    if pending is not None and pending.tiles:
        item = replace(pending, label=f"{pending.label} (interrupted)")
        expected = replace(expected, undo=(*expected.undo, item), redo=())
    assert same_history(found, expected)
    assert [item.serial for item in found.undo] == [item.serial for item in expected.undo]


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(snapshots(), min_size=1, max_size=3))
def test_the_last_of_several_canvases_comes_back_with_undo_and_redo(
    tmp_path: Path, canvases: list[CanvasSnapshot]
) -> None:
    path = tmp_path / f"{next(_numbers)}.sqlite"
    journal = CanvasJournal(path)
    for canvas in canvases:
        journal.write(canvas)
    check_brought_back(journal.read(), canvases[-1])
    journal.close()
    again = CanvasJournal(path)
    check_brought_back(again.read(), canvases[-1])
    again.close()
    assert again.note == ""


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(snapshots(), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99), st.integers(0, 3)), max_size=6))
def test_strokes_undone_and_done_again_are_followed(
    tmp_path: Path, canvas: CanvasSnapshot, steps: list[tuple[int, int, int]]
) -> None:
    """As a person works: strokes, undo, redo, old items falling out of the history, in one open journal."""
    journal = CanvasJournal(tmp_path / f"{next(_numbers)}.sqlite")
    journal.write(canvas)
    found = journal.read()
    assert found is not None
    canvas = found
    for what, seed, layer in steps:
        if what < 2:
            state, item = stroke(canvas.state, layer % len(canvas.state.layers), seed)
            canvas = replace(canvas, state=state, undo=(*canvas.undo, item), redo=(), pending=None)
        elif what == 2 and canvas.undo:
            canvas = replace(canvas, undo=canvas.undo[:-1], redo=(canvas.undo[-1], *canvas.redo))
        elif what == 3 and canvas.redo:
            canvas = replace(canvas, undo=(*canvas.undo, canvas.redo[0]), redo=canvas.redo[1:])
        else:
            canvas = replace(canvas, undo=canvas.undo[1:])
        journal.write(canvas)
        check_brought_back(journal.read(), canvas)
    journal.close()


def test_nothing_is_written_twice(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    canvas = simple(noise(1), noise(2))
    journal.write(canvas)
    changes = journal._database.total_changes
    journal.write(canvas)
    assert journal._database.total_changes - changes == 2  # the rows of name and size
    found = journal.read()
    assert found is not None
    changes = journal._database.total_changes
    journal.write(found)
    assert journal._database.total_changes - changes == 2
    journal.close()
    assert rows(path, "tile") == 2


def test_what_nothing_refers_to_is_deleted_and_the_file_shrinks(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    for seed in range(0, 60, 12):
        journal.write(simple(*(noise(seed + index) for index in range(12))))
    large = path.stat().st_size
    assert large < 3 * 12 * TILE * TILE * 4
    assert journal._database.execute("SELECT count(*) FROM tile").fetchone()[0] == 12
    journal.clear()
    assert journal.read() is None
    journal.close()
    assert path.stat().st_size < large / 10
    assert not path.with_name("canvas.sqlite-wal").exists()


def test_tiles_of_one_value_take_a_few_bytes(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    pixel = np.array([9, 8, 7, 6], np.uint8)
    journal.write(simple(Tile(np.broadcast_to(pixel, (TILE, TILE, 4))), Tile(np.full((TILE, TILE, 4), 5, np.uint8))))
    found = journal.read()
    journal.close()
    assert found is not None
    tiles = found.state.layers[0].tiles
    assert [tiles[index, 0].pixels[255, 255].tolist() for index in (0, 1)] == [[9, 8, 7, 6], [5, 5, 5, 5]]
    assert tiles[0, 0].nbytes == 4
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT sum(length(data)) FROM tile").fetchone()[0] == 8
    database.close()


def test_a_new_canvas_replaces_one_that_was_not_read(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(simple(noise(1), noise(2)))
    journal.close()
    journal = CanvasJournal(path)
    journal.write(simple(noise(3), name="new"))
    found = journal.read()
    journal.close()
    assert found is not None and found.name == "new"
    assert rows(path, "tile") == 1


def test_two_programs_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(simple(noise(1), name="first"))
    with pytest.raises(JournalInUse, match="Another SD Studio"):
        CanvasJournal(path)
    code = f"""
from pathlib import Path
from sdstudio.storage.canvas_journal import CanvasJournal, JournalInUse
try:
    CanvasJournal(Path({str(path)!r}))
except JournalInUse as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Another SD Studio has the canvas open." in done.stdout
    journal.close()
    journal = CanvasJournal(path)
    found = journal.read()
    assert found is not None and found.name == "first"
    journal.close()


@pytest.mark.parametrize("damage", ["text", "cut", "tables", "later", "tile", "json"])
def test_a_damaged_file_is_set_aside_and_said(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(simple(noise(1), noise(2)))
    journal.close()
    if damage == "text":
        path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 // 16384 * 16384])
    else:
        statement = {
            "tables": "DROP TABLE canvas",
            "later": "PRAGMA user_version = 99",
            "tile": "UPDATE tile SET coding = 1, data = x'0102'",
            "json": "UPDATE state SET layers = '[1]'",
        }[damage]
        with sqlite3.connect(path) as database:
            database.execute(statement)
        database.close()
    journal = CanvasJournal(path)
    assert journal.read() is None
    assert "canvas.damaged" in journal.note
    assert (tmp_path / "canvas.damaged").exists()
    journal.write(simple(noise(3), name="after"))
    found = journal.read()
    journal.close()
    assert found is not None and found.name == "after"


def test_a_damaged_history_does_not_take_the_picture_with_it(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    old, new = noise(1), noise(2)
    item = HistoryItem(serial=1, label="Brush", tiles=(TileChange("picture", (0, 0), old, new),))
    journal = CanvasJournal(path)
    journal.write(replace(simple(new, name="kept"), undo=(item,)))
    journal.close()
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM tile WHERE id NOT IN (SELECT tile FROM state_tile)")
    database.close()
    journal = CanvasJournal(path)
    found = journal.read()
    assert found is not None and found.name == "kept" and found.undo == ()
    assert "history was damaged" in journal.note
    journal.write(found)
    check_brought_back(journal.read(), found)
    journal.close()


def test_damage_while_it_is_open_does_not_stop_the_autosave(tmp_path: Path) -> None:
    journal = CanvasJournal(tmp_path / "canvas.sqlite")
    journal.write(simple(noise(1)))
    journal._database.execute("DROP TABLE canvas")
    journal.write(simple(noise(2), name="still kept"))
    found = journal.read()
    journal.close()
    assert found is not None and found.name == "still kept" and journal.note


def test_a_full_disk_is_said_and_the_last_state_stays(tmp_path: Path) -> None:
    journal = CanvasJournal(tmp_path / "canvas.sqlite")
    first = simple(noise(1), name="first")
    journal.write(first)
    pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StorageError, match="is full"):
        journal.write(simple(*(noise(seed) for seed in range(10, 20)), name="second"))
    check_brought_back(journal.read(), first)
    journal._database.execute("PRAGMA max_page_count = 100000")
    second = simple(*(noise(seed) for seed in range(10, 20)), name="second")
    journal.write(second)
    check_brought_back(journal.read(), second)
    journal.close()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be a folder"):
        CanvasJournal(tmp_path / "file" / "canvas.sqlite")
    (tmp_path / "canvas.sqlite").mkdir()
    with pytest.raises(StorageError):
        CanvasJournal(tmp_path / "canvas.sqlite")


CHILD = """
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from sdstudio.domain.canvas_state import *
from sdstudio.domain.geometry import Size
from sdstudio.storage.canvas_journal import CanvasJournal

infos = (LayerInfo(id="picture", kind=LayerKind.PICTURE), LayerInfo(id="mask", kind=LayerKind.MASK))
journal = CanvasJournal(Path(sys.argv[1]))
tiles = [{}, {}]
undo = ()
for number in range(1, 10000):
    changes = []
    for layer, shape in enumerate(((TILE, TILE, 4), (TILE, TILE))):
        rng = np.random.default_rng(number)
        for key in ((0, 0), (number % 4, 0)):
            pixels = np.full(shape, number % 251, np.uint8)
            pixels[1:40] = rng.integers(0, 256, (39, *shape[1:]), dtype=np.uint8)
            tile = Tile(pixels)
            changes.append(TileChange(infos[layer].id, key, tiles[layer].get(key), tile))
            tiles[layer] = {**tiles[layer], key: tile}
    item = HistoryItem(serial=number, label=str(number), tiles=tuple(changes))
    layers = tuple(LayerState(info=info, tiles=found) for info, found in zip(infos, tiles))
    state = CanvasState(size=Size(4 * TILE, TILE), layers=layers)
    canvas = CanvasSnapshot(name=str(number), source="", state=state, undo=undo[-5:], pending=item)
    journal.write(canvas)
    undo = (*undo[-5:], item)
    print(number, flush=True)
"""


def test_a_program_killed_at_any_moment_leaves_a_whole_canvas(tmp_path: Path) -> None:
    """Never older than the last write that had ended, never a mixture of two."""
    chance = random.Random(5)
    for number in range(3):
        path = tmp_path / f"{number}.sqlite"
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        wanted, last = chance.randint(1, 25), 0
        for line in child.stdout:
            last = int(line)
            if last >= wanted:
                break
        # A random part of the next write: it takes about this many turns of a loop.
        for _ in range(chance.randint(0, 200_000)):
            pass
        child.kill()
        last = max([last, *map(int, child.stdout.read().split())])
        child.wait()
        child.stdout.close()
        journal = CanvasJournal(path)
        found = journal.read()
        journal.close()
        assert found is not None and journal.note == ""
        written = int(found.name)
        assert last <= written <= last + 1
        assert [item.label for item in found.undo][-1] == f"{written} (interrupted)"
        for layer in found.state.layers:
            assert layer.tiles[0, 0].pixels[0, 0].max() == written % 251
            assert layer.tiles[0, 0] is not layer.tiles.get((1, 0))
            before = [change.before for change in found.undo[-1].tiles if change.layer == layer.info.id]
            assert (before[0] is None) == (written == 1)
        assert found.state.layer(MASK).tiles

"""The canvas's journal in pieces: a large picture on its way to the disk, and what comes back if it does not arrive."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.canvas_state import MASK, PICTURE, TILE, CanvasSnapshot
from sdstudio.domain.errors import StorageError
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.canvas_journal import CanvasJournal
from sdstudio.storage.canvas_origin import origin_of
from sdstudio.storage.open_picture import open_picture
from sdstudio.storage.ora import load_ora, save_ora
from tests.helpers.canvas_snapshots import same_history, same_state
from tests.helpers.sources import ROOT

NOW = 0.0
"""Seconds: what is awaited comes one tile a piece."""


@pytest.fixture
def wall(tmp_path: Path) -> Path:
    """A picture of 3 x 2 tiles, none of one value, and not whole ones."""
    path = tmp_path / "wall.png"
    rng = np.random.default_rng(4)
    Image.fromarray(rng.integers(0, 256, (TILE + 30, 2 * TILE + 70, 3), dtype=np.uint8)).save(path)
    return path


def opened(path: Path) -> CanvasDocument:
    facts = path.stat()
    document = CanvasDocument.from_image(open_picture(path).image, path.name, str(path))
    document.origin = origin_of(path, facts, document.state())
    return document


def pasted(path: Path) -> CanvasDocument:
    return CanvasDocument.from_image(open_picture(path).image, "pasted")


def paint(document: CanvasDocument, value: int, layer: str = MASK, label: str = "Brush") -> None:
    document.begin(label)
    for view, part in document.grid(layer).edit(Rect(10 + value, 20, TILE, 40)):
        view[:] = value
        view[part.height // 2 :, : part.width // 2] = value // 2
    document.commit()


def after_a_kill(path: Path) -> tuple[CanvasSnapshot | None, str]:
    """What the next start reads. (Nothing is written at closing.)"""
    journal = CanvasJournal(path)
    found = journal.read()
    assert found is None or journal.complete == (journal.note == "" and not awaited(journal))
    note = journal.note
    journal.close()
    return found, note


def awaited(journal: CanvasJournal) -> int:
    count: int = journal._database.execute("SELECT count(*) FROM tile WHERE coding = 3").fetchone()[0]
    return count


def check_same(found: CanvasSnapshot | None, expected: CanvasSnapshot) -> None:
    assert found is not None
    assert same_state(found.state, expected.state) and same_history(found, expected)
    assert (found.name, found.source, found.saved_serial) == (expected.name, expected.source, expected.saved_serial)


def test_the_hand_comes_first_and_the_picture_piece_by_piece(tmp_path: Path, wall: Path) -> None:
    document = opened(wall)
    paint(document, 200)
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    assert not journal.write(document.snapshot(), NOW)
    assert not journal.complete
    left = [awaited(journal)]
    while not journal.go_on(NOW):
        left.append(awaited(journal))
        if len(left) == 3:  # the hand goes on meanwhile
            paint(document, 90)
            assert not journal.write(document.snapshot(), NOW)
    assert left == [6, 5, 4, 3, 2, 1]
    assert journal.complete and awaited(journal) == 0 and journal.go_on(NOW)
    assert journal._database.execute("SELECT count(*) FROM origin").fetchone()[0] == 0
    check_same(journal.read(), document.snapshot())
    journal.close()


@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_what_is_missing_comes_from_the_file(tmp_path: Path, wall: Path, pieces: int) -> None:
    document = opened(wall)
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    paint(document, 200)
    paint(document, 100)
    document.undo()
    journal.write(document.snapshot(), NOW)
    for _ in range(pieces):
        journal.go_on(NOW)
    assert awaited(journal)
    journal.close()
    found, note = after_a_kill(path)
    assert note == ""
    check_same(found, document.snapshot())
    again = CanvasJournal(path)  # killed again, and then there is time for the rest
    snapshot = again.read()
    assert snapshot is not None and not again.complete
    assert again.write(snapshot) and again.complete
    again.close()
    wall.unlink()
    found, note = after_a_kill(path)
    assert note == ""
    check_same(found, document.snapshot())


def test_the_rest_can_be_written_without_another_state(tmp_path: Path, wall: Path) -> None:
    document = opened(wall)
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(document.snapshot(), NOW)
    journal.close()
    again = CanvasJournal(path)
    assert again.read() is not None and again.go_on() and again.complete
    again.close()
    wall.unlink()
    check_same(after_a_kill(path)[0], document.snapshot())


def test_a_project_gives_its_layers_again(tmp_path: Path, wall: Path) -> None:
    first = opened(wall)
    paint(first, 200)
    paint(first, 120, "paint")
    result = ImageBuffer(open_picture(wall).image.pixels[:80, :90].copy())
    first.accept_patch(result, 200, 100, "Result", None)
    project = save_ora(first.snapshot(), tmp_path / "wall.ora")
    facts = project.stat()
    document = CanvasDocument.from_snapshot(load_ora(project)[0])
    document.origin = origin_of(project, facts, document.state())
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(document.snapshot(), NOW)
    assert awaited(journal) >= 6
    journal.close()
    found, note = after_a_kill(path)
    assert note == ""
    check_same(found, document.snapshot())


@pytest.mark.parametrize("file", ["changed", "gone", "none"])
def test_a_picture_that_cannot_be_had_again_is_missed_in_words(tmp_path: Path, wall: Path, file: str) -> None:
    document = pasted(wall) if file == "none" else opened(wall)
    paint(document, 200)
    paint(document, 100)
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(document.snapshot(), NOW)
    while awaited(journal) > 4:
        journal.go_on(NOW)
    journal.close()
    if file == "changed":
        facts = wall.stat()
        os.utime(wall, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1_000_000))
    elif file == "gone":
        wall.unlink()
    found, note = after_a_kill(path)
    words = {"changed": "“wall.png” has been changed", "gone": "“wall.png” cannot be read", "none": "in no file"}
    assert "missing and left empty" in note and words[file] in note
    assert found is not None and found.saved_serial == -1
    assert same_history(found, document.snapshot()) and len(found.undo) == 2
    assert same_state(
        replace(found.state, layers=found.state.layers[1:]),
        replace(document.state(), layers=document.state().layers[1:]),
    )
    whole = document.state().layer(PICTURE).tiles
    kept = found.state.layer(PICTURE).tiles
    assert len(whole) - len(kept) == 4
    assert all(np.array_equal(tile.pixels, whole[key].pixels) for key, tile in kept.items())
    journal = CanvasJournal(path)
    found = journal.read()
    assert found is not None and not journal.complete
    journal.write(found)
    journal.close()
    assert after_a_kill(path)[1] == "", "it was said; what is left is whole"


def test_a_large_step_that_did_not_get_there_is_taken_back(tmp_path: Path, wall: Path) -> None:
    """The state before it is whole: better than one with holes."""
    document = opened(wall)
    paint(document, 200)
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(document.snapshot())
    before = document.snapshot()
    document.resize_canvas(Rect(-7, -9, 600, 500))
    paint(document, 100)
    journal.write(document.snapshot(), NOW)
    for _ in range(4):
        journal.go_on(NOW)
    assert awaited(journal)
    journal.close()
    found, note = after_a_kill(path)
    assert "before “Resize canvas”" in note
    check_same(found, before)
    journal = CanvasJournal(path)
    found = journal.read()
    assert found is not None
    assert journal.write(found) and awaited(journal) == 0
    journal.close()
    assert after_a_kill(path)[1] == ""


def test_steps_whose_past_is_missing_leave_the_history_alone(tmp_path: Path, wall: Path) -> None:
    document = pasted(wall)
    document.scale(document.size.__class__(90, 60))
    paint(document, 20)
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(document.snapshot(), NOW)
    order = {tile.serial for layer in document.state().layers for tile in layer.tiles.values()}
    assert journal._written is not None
    while any(tile.serial in order for tile in journal._written.awaiting.values()):
        journal.go_on(NOW)
    assert awaited(journal), "the picture as it was before it was scaled"
    journal.close()
    found, note = after_a_kill(path)
    assert "history is gone" in note and found is not None
    assert same_state(found.state, document.state())
    assert [item.label for item in found.undo] == ["Brush"]


def test_another_canvas_in_the_middle_replaces_it(tmp_path: Path, wall: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(opened(wall).snapshot(), NOW)
    journal.go_on(NOW)
    second = pasted(wall)
    journal.write(second.snapshot(), NOW)
    while not journal.go_on(NOW):
        pass
    assert journal._database.execute("SELECT count(*) FROM tile").fetchone()[0] == 6
    journal.close()
    found, note = after_a_kill(path)
    assert note == ""
    check_same(found, second.snapshot())


def test_a_disk_that_gets_full_in_the_middle_loses_nothing(tmp_path: Path, wall: Path) -> None:
    document = opened(wall)
    path = tmp_path / "canvas.sqlite"
    journal = CanvasJournal(path)
    journal.write(document.snapshot(), NOW)
    pages = journal._database.execute("PRAGMA page_count").fetchone()[0]
    journal._database.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StorageError, match="is full"):
        journal.go_on()
    left = awaited(journal)
    assert left and not journal.complete
    journal._database.execute("PRAGMA max_page_count = 100000")
    assert journal.go_on() and awaited(journal) == 0
    check_same(journal.read(), document.snapshot())
    journal.close()


def test_damage_in_the_middle_begins_anew(tmp_path: Path, wall: Path) -> None:
    document = opened(wall)
    journal = CanvasJournal(tmp_path / "canvas.sqlite")
    journal.write(document.snapshot(), NOW)
    journal._database.execute("DROP TABLE origin")
    while not journal.go_on(NOW):
        pass
    assert journal.note
    check_same(journal.read(), document.snapshot())
    journal.close()


CHILD = """
import sys
from pathlib import Path
from sdstudio.domain.canvas_state import MASK, TILE
from sdstudio.domain.geometry import Rect
from sdstudio.storage.canvas_journal import CanvasJournal
from tests.unit.test_canvas_journal_pieces import opened

document = opened(Path(sys.argv[2]))
journal = CanvasJournal(Path(sys.argv[1]))
for number in range(1, 10000):
    document.begin(str(number))
    for view, _ in document.mask.edit(Rect(number % 300, number % 200, 50, 30)):
        view[:] = number % 251 + 1
    document.commit()
    journal.write(document.snapshot(), 0.0)
    journal.go_on(0.0)
    print(number, flush=True)
"""


def test_a_program_killed_in_the_first_write_leaves_picture_and_strokes(tmp_path: Path, wall: Path) -> None:
    chance = random.Random(7)
    picture = open_picture(wall).image.pixels
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for number in range(3):
        path = tmp_path / f"{number}.sqlite"
        command = [sys.executable, "-c", CHILD, str(path), str(wall)]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            wanted, last = number + 1, 0
            while last < wanted:
                last = int(child.stdout.readline())
            for _ in range(chance.randint(0, 100_000)):  # a random part of the next pieces
                pass
            child.kill()
            last = max([last, *map(int, child.stdout.read().split())])
        found, note = after_a_kill(path)
        assert note == "" and found is not None
        document = CanvasDocument.from_snapshot(found)
        assert np.array_equal(document.composite(document.rect), picture)
        assert last <= len(found.undo) <= last + 1
        for _ in found.undo:
            place = int(document.history.undo_labels[-1])
            assert document.mask.read(Rect(place % 300, place % 200, 1, 1))[0, 0] == place % 251 + 1
            document.undo()
        assert document.mask_empty

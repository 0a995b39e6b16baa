"""What accepted results were made from is kept: in the journal, in project files; hostile ones do no harm."""

from __future__ import annotations

import io
import itertools
import json
import sqlite3
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.patch_edit import Blending
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.patches import PatchRecord
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.canvas_gaps import Gaps, state_before, without_gaps
from sdstudio.storage.canvas_journal import CanvasJournal
from sdstudio.storage.ora import load_ora, look_at_layers, save_ora
from tests.helpers.canvas_snapshots import same_history, same_state
from tests.helpers.ora_files import load_bytes, png, rewritten
from tests.helpers.patches import MASKS, picture_of, record_of, same_record
from tests.helpers.requests import generations

SIZE = Size(300, 260)
_numbers = itertools.count()
QUICK = settings(
    max_examples=15,
    suppress_health_check=list(HealthCheck),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def accepted(document: CanvasDocument, record: PatchRecord, name: str = "apple") -> str:
    layer = Blending(document.state(), record).layer()
    return document.accept_patch(layer.pixels, layer.x, layer.y, name, layer.record)


def example(**how: Any) -> CanvasDocument:
    document = CanvasDocument.from_image(ImageBuffer(picture_of(np.random.default_rng(1), SIZE.height, SIZE.width)))
    accepted(document, record_of(3, Rect(20, 30, 90, 64), **how))
    return document


def rows(path: Path, table: str) -> int:
    with sqlite3.connect(path) as database:
        count: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    database.close()
    return count


def journal_of(path: Path, *snapshots: CanvasSnapshot) -> tuple[CanvasSnapshot, str]:
    journal = CanvasJournal(path)
    for snapshot in snapshots:
        journal.write(snapshot)
    journal.close()
    return replayed(path)


def replayed(path: Path) -> tuple[CanvasSnapshot, str]:
    journal = CanvasJournal(path)
    found = journal.read()
    journal.close()
    assert found is not None
    return found, journal.note


@QUICK
@given(st.lists(st.tuples(st.sampled_from(["accept", "edge", "remove", "undo", "redo", "crop"]), st.integers(0, 99))))
def test_the_journal_replayed_is_the_document(tmp_path: Path, played: list[tuple[str, int]]) -> None:
    path = tmp_path / f"{next(_numbers)}.sqlite"
    document = example()
    snapshots = [document.snapshot()]
    for name, number in played:
        patches = [info.id for info in document.layers if document.record(info.id) is not None]
        if name == "accept" and document.size.width > 80 and document.size.height > 80:
            accepted(document, record_of(number, Rect(number % 10, 5, 70, 60), MASKS[number % 5]))
        elif name == "edge" and patches:
            document.refeather(patches[number % len(patches)], number)
        elif name == "remove" and patches:
            document.remove_layer(patches[number % len(patches)])
        elif name == "crop":
            document.resize_canvas(Rect(number - 50, 0, document.size.width, document.size.height))
        elif name in ("undo", "redo"):
            getattr(document, name)()
        snapshots.append(document.snapshot())
    found, note = journal_of(path, *snapshots)
    assert not note
    assert same_state(found.state, snapshots[-1].state)
    assert same_history(found, snapshots[-1])
    again = CanvasDocument.from_snapshot(found)
    again.go_to(0)
    document.go_to(0)
    assert same_state(again.state(), document.state())


def test_pictures_that_edges_share_are_kept_once_and_dropped_with_the_last(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    document = example()
    for feather in (1, 5, 9):
        document.refeather("patch-1", feather)
    journal = CanvasJournal(path)
    journal.write(document.snapshot())
    assert journal.complete
    journal.close()
    assert (rows(path, "record"), rows(path, "pixels")) == (4, 2)
    journal = CanvasJournal(path)
    found = journal.read()
    assert found is not None
    states = [state for item in found.undo for state in (item.before, item.after) if state is not None]
    made = {id(layer.record.made) for state in states for layer in state.layers if layer.record is not None}
    assert len(made) <= 4
    journal.write(replace(found, undo=()))
    journal.write(found := replace(found, undo=()))
    journal.close()
    assert (rows(path, "record"), rows(path, "pixels")) == (1, 2)
    journal = CanvasJournal(path)
    journal.read()
    journal.write(CanvasDocument.blank(Size(9, 9)).snapshot())
    journal.close()
    assert (rows(path, "record"), rows(path, "pixels")) == (0, 0)


def test_what_only_the_history_holds_is_kept_through_later_writes(tmp_path: Path) -> None:
    document = example()
    snapshots = [document.snapshot()]
    document.remove_layer("patch-1")
    for value in (1, 2, 3):
        document.begin("Brush")
        document.mask.fill(Rect(0, 0, 9, 9), value)
        document.commit()
        snapshots.append(document.snapshot())
    found, note = journal_of(tmp_path / "canvas.sqlite", *snapshots)
    assert not note
    again = CanvasDocument.from_snapshot(found)
    again.go_to(1)
    document.go_to(1)
    assert same_record(again.record("patch-1"), document.record("patch-1"))


def test_a_state_that_is_worked_out_backwards_has_its_records() -> None:
    document = example()
    before = document.state()
    document.begin("Brush")
    document.mask.fill(Rect(0, 0, 9, 9), 5)
    document.commit()
    earlier = state_before(document.history.undo_items[-1], document.state())
    assert same_state(earlier, before) and earlier.layer("patch-1").record is document.record("patch-1")
    lost = next(iter(document.picture.freeze().values()))
    holed, words = without_gaps(replace(document.snapshot(), undo=()), Gaps(frozenset({lost})))
    assert words and holed.state.layer("patch-1").record is document.record("patch-1")


def as_kind_1(path: Path) -> None:
    """As the journal was before there were records."""
    with sqlite3.connect(path) as database:
        for number, text in database.execute("SELECT id, layers FROM state").fetchall():
            layers = json.dumps([row[:5] for row in json.loads(text)])
            database.execute("UPDATE state SET layers = ? WHERE id = ?", (layers, number))
        database.execute("DROP TABLE record")
        database.execute("DROP TABLE pixels")
        database.execute("PRAGMA user_version = 1")
    database.close()


def test_a_journal_of_before_is_opened_and_goes_on_with_records(tmp_path: Path) -> None:
    path = tmp_path / "canvas.sqlite"
    document = example()
    journal_of(path, document.snapshot())
    as_kind_1(path)
    found, note = replayed(path)
    assert not note and found.state.layer("patch-1").record is None
    again = CanvasDocument.from_snapshot(found)
    accepted(again, record_of(5, Rect(0, 0, 64, 64)))
    journal = CanvasJournal(path)
    journal.read()
    journal.write(again.snapshot())
    journal.close()
    found, _ = replayed(path)
    assert same_record(found.state.layer("patch-2").record, again.record("patch-2"))


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM record", "UPDATE record SET text = '{}'", "UPDATE pixels SET data = x'0102'", "DELETE FROM pixels"],
)
def test_a_damaged_record_does_not_take_the_layer_with_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "canvas.sqlite"
    document = example()
    journal_of(path, document.snapshot())
    with sqlite3.connect(path) as database:
        database.execute(damage)
    database.close()
    found, note = replayed(path)
    assert "what some of them were made from is damaged" in note
    again = CanvasDocument.from_snapshot(found)
    assert again.record("patch-1") is None
    assert np.array_equal(again.composite(again.rect), document.composite(document.rect))
    assert len(found.undo) == 1


@QUICK
@given(generations, st.sampled_from(MASKS), st.integers(0, 512), st.integers(0, 6), st.booleans(), st.booleans())
def test_a_project_file_keeps_records(
    tmp_path: Path, request: GenerationRequest, kind: str, feather: int, grow: int, matched: bool, fresh: bool
) -> None:
    document = example()
    record = record_of(9, Rect(100, 100, 61, 75), kind, feather=feather, grow=grow, match_colours=matched)
    record = replace(record, request=request, mask=None if fresh else record.mask)
    document.accept_patch(ImageBuffer(np.full((9, 9, 4), 255, np.uint8)), 4, 5, "new ground", record)
    path = save_ora(document.snapshot(), tmp_path / f"{next(_numbers)}.ora")
    found, notes = load_ora(path)
    assert notes == () and same_state(found.state, document.state())
    known = found.state.layer("patch-2").record
    assert known is not None and known.request.model.path == ""
    again, notes = load_ora(save_ora(found, tmp_path / f"{next(_numbers)}.ora"))
    assert notes == () and same_state(again.state, document.state())


def test_a_record_of_a_file_works_as_before(tmp_path: Path) -> None:
    document = example(kind="soft", made=Size(96, 128))
    found, _ = load_ora(save_ora(document.snapshot(), tmp_path / "a.ora"))
    again = CanvasDocument.from_snapshot(found)
    for canvas in (document, again):
        canvas.refeather("patch-1", 3)
    assert np.array_equal(again.composite(again.rect), document.composite(document.rect))


def test_the_memory_of_records_is_said_before(tmp_path: Path) -> None:
    document = example()
    path = save_ora(document.snapshot(), tmp_path / "a.ora")
    with_records = look_at_layers(path)[1]
    document.undo()
    without = look_at_layers(save_ora(document.snapshot(), tmp_path / "b.ora"))[1]
    assert with_records - without >= 96 * 64 + 90 * 64


Change = Callable[[dict[str, Any]], None]


def setting(name: str, value: object) -> Change:
    return lambda result: result.__setitem__(name, value)


WRONG: dict[str, Change] = {
    "a path outside": setting("made", "../../etc/passwd"),
    "an absolute path": setting("mask", "/etc/passwd"),
    "another part": setting("made", "data/layer0.png"),
    "a missing part": setting("made", "sdstudio/patches/none.png"),
    "no name": setting("made", 5),
    "the wrong picture": setting("mask", "sdstudio/patches/patch-1-made.png"),
    "a huge frame": setting("frame", [0, 0, 10**9, 10**9]),
    "a frame far off": setting("frame", [10**30, 0, 90, 64]),
    "an empty frame": setting("frame", [0, 0, 0, 64]),
    "a frame of words": setting("frame", "all"),
    "another frame": setting("frame", [20, 30, 91, 64]),
    "no request": setting("request", None),
    "a damaged request": lambda result: result["request"].pop("prompt"),
    "an upscaling": setting("request", {"kind": "upscale", "image": {"sha256": "ab", "width": 1, "height": 1}}),
    "a huge feather": setting("feather", 10**9),
    "a negative grow": setting("grow", -1),
    "a feather of words": setting("feather", "16"),
    "a number for a tick": setting("match_colours", 1),
}


def with_result(data: bytes, change: Change, more: dict[str, bytes] | None = None) -> bytes:
    def part(name: str, content: bytes) -> bytes:
        if name != "sdstudio/canvas.json":
            return (more or {}).get(name, content)
        record = json.loads(content)
        change(record["layers"][1]["result"])
        return json.dumps(record).encode()

    return rewritten(data, part)


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_record_is_left_out_in_words(tmp_path: Path, kind: str) -> None:
    document = example()
    data = save_ora(document.snapshot(), tmp_path / "a.ora").read_bytes()
    found, notes = load_bytes(tmp_path, with_result(data, WRONG[kind]))
    assert len(notes) == 1 and "“apple” looks as it did" in notes[0]
    assert found.state.layer("patch-1").record is None
    again = CanvasDocument.from_snapshot(found)
    assert np.array_equal(again.composite(again.rect), document.composite(document.rect))


@pytest.mark.parametrize(
    "made",
    [
        b"no picture at all",
        png(9, 9)[:-30],
        png(61, 64),
        b"\x89PNG\r\n\x1a\n" + png(9, 9)[8:] + bytes(50_000_000),
    ],
    ids=["text", "cut", "no size of a model's", "bomb"],
)
def test_a_wrong_picture_in_a_record_is_left_out_in_words(tmp_path: Path, made: bytes) -> None:
    data = save_ora(example().snapshot(), tmp_path / "a.ora").read_bytes()
    more = {"sdstudio/patches/patch-1-made.png": made}
    found, notes = load_bytes(tmp_path, with_result(data, lambda _: None, more))
    assert len(notes) == 1 and found.state.layer("patch-1").record is None


def test_an_empty_mask_is_none(tmp_path: Path) -> None:
    data = save_ora(example().snapshot(), tmp_path / "a.ora").read_bytes()
    more = {"sdstudio/patches/patch-1-mask.png": png(90, 64, (0, 0, 0, 255))}
    found, notes = load_bytes(tmp_path, with_result(data, lambda _: None, more))
    assert len(notes) == 1 and found.state.layer("patch-1").record is None


def test_a_record_on_another_layer_is_left_out(tmp_path: Path) -> None:
    data = save_ora(example().snapshot(), tmp_path / "a.ora").read_bytes()

    def part(name: str, content: bytes) -> bytes:
        if name != "sdstudio/canvas.json":
            return content
        record = json.loads(content)
        record["layers"][0]["result"] = record["layers"][1]["result"]
        return json.dumps(record).encode()

    found, notes = load_bytes(tmp_path, rewritten(data, part))
    assert len(notes) == 1
    assert found.state.layer("picture").record is None and found.state.layer("patch-1").record is not None


def test_other_programs_find_the_layers_where_they_were(tmp_path: Path) -> None:
    """Records lie in a folder of our own, and a file without them is laid out as ever."""
    data = save_ora(example().snapshot(), tmp_path / "a.ora").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert b"patches" not in archive.read("stack.xml")
    assert [name for name in names if "patches" in name] == [
        "sdstudio/patches/patch-1-made.png",
        "sdstudio/patches/patch-1-mask.png",
    ]

"""Opening, saving and exporting, and the questions on the way."""

from __future__ import annotations

import io as bytes_io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from sdstudio.app.canvas_questions import MemoryQuestion, UnsavedQuestion
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.geometry import Size
from sdstudio.storage.pictures import load_picture, save_png
from tests.helpers.canvas_desk import SMALL, CanvasDesk, picture


@pytest.fixture
def desk(io: IoWorker, qtbot: QtBot) -> CanvasDesk:
    return CanvasDesk.make(io, qtbot)


@pytest.fixture
def unsaved(desk: CanvasDesk) -> list[UnsavedQuestion]:
    """Every question about unsaved changes, unanswered."""
    asked: list[UnsavedQuestion] = []
    desk.session.ask_unsaved.connect(asked.append)
    return asked


@pytest.fixture
def png(tmp_path: Path) -> Path:
    return save_png(picture(SMALL, seed=3), tmp_path / "pear.png")


def test_opening_a_picture(desk: CanvasDesk, png: Path) -> None:
    session = desk.session
    session.open_file(png)
    assert session.work is not None and "pear.png" in session.work.label
    desk.wait(lambda: session.document is not None)
    assert (session.name, session.path, session.modified) == ("pear.png", "", False)
    assert np.array_equal(desk.document.composite(desk.document.rect), picture(SMALL, seed=3).pixels)
    assert desk.told[:1] == ["document_changed"] and session.work is None


def test_a_new_canvas(desk: CanvasDesk) -> None:
    desk.session.new_blank(Size(64, 32), (10, 20, 30), "Sketch")
    desk.wait(lambda: desk.session.document is not None)
    assert desk.session.name == "Sketch" and not desk.session.modified
    assert (desk.document.composite(desk.document.rect) == (10, 20, 30, 255)).all()
    desk.session.new_blank(Size(16, 16))
    desk.wait(lambda: desk.document.size == Size(16, 16))
    assert not desk.document.composite(desk.document.rect).any()


@pytest.mark.parametrize("content", [b"<html><body>", b"", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_leaves_everything(
    desk: CanvasDesk, unsaved: list[UnsavedQuestion], tmp_path: Path, content: bytes
) -> None:
    document = desk.open()
    desk.stroke()
    (tmp_path / "bad.png").write_bytes(content)
    with desk.qtbot.waitSignal(desk.session.problem):
        desk.session.open_file(tmp_path / "bad.png")
    assert desk.session.document is document and len(document.history.undo_items) == 1 and not unsaved


def test_what_was_pasted(desk: CanvasDesk, png: Path) -> None:
    session = desk.session
    session.open_bytes(png.read_bytes())
    desk.wait(lambda: session.document is not None)
    assert session.modified and session.name == "Pasted picture", "it is in no file yet"
    session.ask_unsaved.connect(lambda question: question.discard())
    with desk.qtbot.waitSignal(session.problem):
        session.open_bytes(b"<html>")
    assert session.document is not None


def test_an_animation_says_so(desk: CanvasDesk) -> None:
    out = bytes_io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    desk.session.open_bytes(out.getvalue(), "dance.gif")
    desk.wait(lambda: bool(desk.notes))
    assert "3" in desk.notes[0] and desk.document.size == Size(8, 8)


def test_of_several_files_the_last_is_opened(desk: CanvasDesk, tmp_path: Path) -> None:
    for number in range(4):
        save_png(picture(Size(8 + number, 8)), tmp_path / f"{number}.png")
        desk.session.open_file(tmp_path / f"{number}.png")
    desk.wait(lambda: desk.session.document is not None)
    desk.settle()
    assert desk.document.size == Size(11, 8) and desk.told.count("document_changed") == 1


@pytest.mark.parametrize("answer", ["save", "discard", "cancel"])
def test_unsaved_changes_are_asked_about(
    desk: CanvasDesk, unsaved: list[UnsavedQuestion], png: Path, tmp_path: Path, answer: str
) -> None:
    session = desk.session
    session.open_file(png)
    desk.wait(lambda: session.document is not None)
    document = desk.document
    desk.stroke()
    session.new_blank(Size(10, 10))
    (question,) = unsaved
    assert (question.name, question.path, session.document) == ("pear.png", "", document)
    session.new_blank(Size(20, 20))
    assert len(unsaved) == 1 and len(desk.notes) == 1, "one question at a time"
    if answer == "save":
        with pytest.raises(ValueError, match="file"):
            question.save()
        question.save(tmp_path / "pear.ora")
    else:
        getattr(question, answer)()
    desk.settle()
    question.discard()
    desk.settle()
    assert (session.document is document) == (answer == "cancel")
    assert (tmp_path / "pear.ora").exists() == (answer == "save")


def test_saving_that_fails_does_not_go_on(desk: CanvasDesk, unsaved: list[UnsavedQuestion], tmp_path: Path) -> None:
    document = desk.open()
    desk.stroke()
    desk.session.close_document()
    (tmp_path / "file").write_text("in the way")
    with desk.qtbot.waitSignal(desk.session.problem):
        unsaved[-1].save(tmp_path / "file" / "pear.ora")
    assert desk.session.document is document and desk.session.modified


def test_closing(desk: CanvasDesk) -> None:
    desk.session.new_blank(Size(10, 10))
    desk.wait(lambda: desk.session.document is not None)
    desk.session.close_document()
    assert desk.session.document is None and desk.session.pyramid is None and desk.session.name == ""


def test_a_project_comes_back_with_all_its_layers(desk: CanvasDesk, tmp_path: Path) -> None:
    desk.open()
    session = desk.session
    desk.stroke()
    session.toggle_target()
    desk.stroke([(100, 200), (200, 220)])
    session.accept_patch(picture(Size(50, 40), seed=9), 30, 20, "Result 1", None)
    mask, flat = desk.mask(), desk.document.composite(desk.document.rect)
    assert not session.save(), "it has no file of its own yet"
    with desk.qtbot.waitSignal(session.saved) as saved:
        assert session.save(tmp_path / "work.ora")
    assert saved.args == [str(tmp_path / "work.ora")]
    assert (session.modified, session.path, session.name) == (False, str(tmp_path / "work.ora"), "work.ora")
    before = desk.document
    session.open_file(tmp_path / "work.ora")
    desk.wait(lambda: session.document is not before)
    assert np.array_equal(desk.mask(), mask)
    assert np.array_equal(desk.document.composite(desk.document.rect), flat)
    assert (session.path, session.modified) == (str(tmp_path / "work.ora"), False)
    assert [info.name for info in desk.document.layers if info.id == "patch-1"] == ["Result 1"]
    desk.stroke()
    assert session.modified
    with desk.qtbot.waitSignal(session.saved):
        assert session.save()
    assert not session.modified


def test_painting_goes_on_while_it_is_saved_and_counts_as_not_saved(desk: CanvasDesk, tmp_path: Path) -> None:
    desk.open()
    desk.stroke()
    with desk.qtbot.waitSignal(desk.session.saved):
        desk.session.save(tmp_path / "work.ora")
        desk.stroke([(200, 200), (220, 220)])
    assert desk.session.modified and not desk.notes
    desk.session.undo()
    assert not desk.session.modified


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_exporting_what_is_seen(desk: CanvasDesk, tmp_path: Path, suffix: str) -> None:
    desk.open()
    desk.session.toggle_target()
    desk.session.update_settings(colour=(200, 10, 10))
    desk.stroke()
    with desk.qtbot.waitSignal(desk.session.saved):
        desk.session.export(tmp_path / f"out{suffix}", lossless=True)
    flat = desk.document.composite(desk.document.rect)
    difference = np.abs(load_picture(tmp_path / f"out{suffix}").pixels.astype(int) - flat)
    assert difference.mean() < 6 if suffix == ".jpg" else not difference.any()
    assert desk.session.modified, "an export is no save"


class Memory:
    available = 1000


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("psutil.virtual_memory", Memory)
    yield


@pytest.mark.parametrize("answer", ["open_anyway", "cancel"])
def test_too_little_memory_is_asked_about_before_pixels_are_read(
    desk: CanvasDesk, png: Path, little_memory: None, answer: str
) -> None:
    with desk.qtbot.waitSignal(desk.session.ask_memory) as asked:
        desk.session.open_file(png)
    question: MemoryQuestion = asked.args[0]  # type: ignore[index]
    assert (question.name, question.size, question.available) == ("pear.png", SMALL, 1000)
    assert question.needed >= SMALL.pixels * 4 and desk.session.document is None
    getattr(question, answer)()
    desk.settle()
    assert (desk.session.document is not None) == (answer == "open_anyway")


def test_the_memory_of_a_project_is_that_of_all_its_layers(
    desk: CanvasDesk, tmp_path: Path, little_memory: None
) -> None:
    desk.open()
    for number in range(3):
        desk.session.accept_patch(picture(SMALL, seed=number), 0, 0, "", None)
    desk.session.save(tmp_path / "pear.ora")
    desk.settle()
    with desk.qtbot.waitSignal(desk.session.ask_memory) as asked:
        desk.session.open_file(tmp_path / "pear.ora")
    question: MemoryQuestion = asked.args[0]  # type: ignore[index]
    assert question.size == SMALL and question.needed >= SMALL.pixels * 4 * (4 + 1)
    question.cancel()


def test_what_comes_while_the_last_canvas_is_awaited_comes_after_it(desk: CanvasDesk, png: Path) -> None:
    session = desk.session
    session.hold()
    session.open_file(png)
    session.new_blank(Size(10, 10))
    assert session.work is None and session.document is None
    session.resume()
    desk.wait(lambda: session.document is not None)
    desk.settle()
    assert desk.document.size == Size(10, 10)

"""The list of pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from sdstudio.app.gallery_model import GalleryModel, GalleryRole
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.events import PictureSaved
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.fake import fake_picture
from sdstudio.storage.gallery import Thumbnails
from sdstudio.storage.pictures import save_png
from tests.helpers.app_fixtures import make_request

Rows = Callable[[], list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


@pytest.fixture
def model(io: IoWorker, folder: Path, tmp_path: Path, qtmodeltester: ModelTester) -> GalleryModel:
    model = GalleryModel(folder, Thumbnails(tmp_path / "thumbnails"), io, limit=6, side=32)
    qtmodeltester.check(model)
    return model


@pytest.fixture
def rows(model: GalleryModel) -> Rows:
    return lambda: [model.index(row).data(GalleryRole.PATH) for row in range(model.rowCount())]


def put(folder: Path, name: str, age: int, seed: int = 1) -> Path:
    """A picture that is `age` seconds old."""
    path = save_png(fake_picture(make_request(seed=seed)), folder / name)
    when = 1_700_000_000 - age
    os.utime(path, (when, when))
    return path


def refresh(model: GalleryModel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(model.refreshed):
        model.refresh()


def thumbnail(model: GalleryModel, row: int, qtbot: QtBot) -> ImageBuffer:
    index = model.index(row)
    qtbot.waitUntil(lambda: index.data(GalleryRole.THUMBNAIL) is not None)
    image = index.data(GalleryRole.THUMBNAIL)
    assert isinstance(image, ImageBuffer)
    return image


def saved(path: Path, prompt: str = "a red apple") -> PictureSaved:
    request = make_request(prompt)
    return PictureSaved(job_id="a", index=0, path=str(path), image=fake_picture(request), request=request, seconds=1.0)


def test_newest_first_and_no_more_than_the_limit(model: GalleryModel, folder: Path, rows: Rows, qtbot: QtBot) -> None:
    paths = [str(put(folder, f"{age}.png", age)) for age in range(8)]
    (folder / "notes.txt").write_text("no picture")
    refresh(model, qtbot)
    assert rows() == paths[:6]


def test_a_folder_that_is_not_there_is_empty(model: GalleryModel, folder: Path, rows: Rows, qtbot: QtBot) -> None:
    folder.rmdir()
    refresh(model, qtbot)
    assert rows() == []


def test_thumbnails_come_when_somebody_looks(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    put(folder, "a.png", 0)
    put(folder, "b.png", 1)
    refresh(model, qtbot)
    changed: list[int] = []
    model.dataChanged.connect(lambda first, last: changed.append(first.row()))
    assert model.index(1).data(GalleryRole.THUMBNAIL) is None
    image = thumbnail(model, 1, qtbot)
    assert (image.size.width, image.size.height) == (32, 32)
    assert changed == [1], "nobody looked at the other one"


def test_of_many_thumbnails_the_last_asked_for_is_loaded_first(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    for age in range(6):
        put(folder, f"{age}.png", age)
    refresh(model, qtbot)
    order: list[int] = []
    model.dataChanged.connect(lambda first, last: order.append(first.row()))
    for row in range(6):
        model.index(row).data(GalleryRole.THUMBNAIL)
    qtbot.waitUntil(lambda: len(order) == 6)
    assert order == [0, 5, 4, 3, 2, 1], "the first was under way already"


def test_a_saved_picture_is_at_the_top_at_once(model: GalleryModel, folder: Path, rows: Rows, qtbot: QtBot) -> None:
    old = [str(put(folder, f"{age}.png", age)) for age in range(6)]
    refresh(model, qtbot)
    new = save_png(fake_picture(make_request()), folder / "new.png")
    model.add_saved(saved(new, "a blue pear"))
    assert rows() == [str(new), *old[:5]]
    assert "a blue pear" in model.index(0).data(GalleryRole.TOOLTIP)
    assert "new.png" in model.index(0).data(Qt.ItemDataRole.ToolTipRole)
    model.add_saved(saved(new))
    refresh(model, qtbot)
    assert rows() == [str(new), *old[:5]], "listed once"
    assert thumbnail(model, 0, qtbot).size.width == 32


def test_a_small_picture_needs_no_loading(io: IoWorker, folder: Path, tmp_path: Path) -> None:
    model = GalleryModel(folder, Thumbnails(tmp_path / "thumbnails"), io)
    event = saved(folder / "new.png")
    model.add_saved(event)
    assert model.index(0).data(GalleryRole.THUMBNAIL) is event.image


def test_the_folder_is_watched(model: GalleryModel, folder: Path, rows: Rows, qtbot: QtBot) -> None:
    first = put(folder, "a.png", 10)
    refresh(model, qtbot)
    second = put(folder, "b.png", 0)
    qtbot.waitUntil(lambda: rows() == [str(second), str(first)])


def test_what_vanishes_is_marked_until_it_is_removed_or_comes_back(
    model: GalleryModel, folder: Path, rows: Rows, qtbot: QtBot
) -> None:
    paths = [put(folder, f"{age}.png", age) for age in range(3)]
    refresh(model, qtbot)
    data = paths[1].read_bytes()
    paths[1].unlink()
    qtbot.waitUntil(lambda: model.index(1).data(GalleryRole.MISSING))
    assert [model.index(row).data(GalleryRole.MISSING) for row in range(3)] == [False, True, False]
    assert model.index(1).data(GalleryRole.PROBLEM) == "file missing"
    assert not model.index(1).flags() & Qt.ItemFlag.ItemIsDragEnabled
    paths[1].write_bytes(data)
    os.utime(paths[1], (1_700_000_000 - 1, 1_700_000_000 - 1))
    qtbot.waitUntil(lambda: not model.index(1).data(GalleryRole.MISSING))
    model.remove(paths[1])
    model.remove("/nowhere.png")
    assert rows() == [str(paths[0]), str(paths[2])]


def test_a_full_list_says_nothing_of_older_files(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    for age in range(6):
        put(folder, f"{age}.png", 10 + age)
    refresh(model, qtbot)
    put(folder, "new.png", 0)
    refresh(model, qtbot)
    assert [model.index(row).data(GalleryRole.MISSING) for row in range(6)] == [False] * 6


def test_a_changed_file_gets_a_new_thumbnail(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    path = put(folder, "a.png", 10, seed=1)
    refresh(model, qtbot)
    before = thumbnail(model, 0, qtbot)
    path.unlink()
    put(folder, "a.png", 0, seed=900_000)
    refresh(model, qtbot)
    assert thumbnail(model, 0, qtbot) != before


def test_a_file_that_is_no_picture_says_so(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    (folder / "broken.png").write_bytes(b"not a picture")
    refresh(model, qtbot)
    index = model.index(0)
    assert index.data(GalleryRole.THUMBNAIL) is None
    qtbot.waitUntil(lambda: bool(index.data(GalleryRole.PROBLEM)))
    assert "broken.png" in index.data(GalleryRole.PROBLEM)
    assert index.data(GalleryRole.MISSING) is False


def test_a_saved_file_that_is_gone_already_is_missing(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    event = saved(folder / "gone.png")
    model.add_saved(event)
    assert model.index(0).data(GalleryRole.THUMBNAIL) is None
    qtbot.waitUntil(lambda: model.index(0).data(GalleryRole.MISSING))


def test_rows_keep_their_place_when_others_come(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    kept = put(folder, "kept.png", 50)
    refresh(model, qtbot)
    selected = QPersistentModelIndex(model.index(0))
    for age in range(3):
        put(folder, f"{age}.png", age)
    refresh(model, qtbot)
    assert selected.isValid() and selected.row() == 3
    assert selected.data(GalleryRole.PATH) == str(kept)


def test_another_folder_replaces_everything(
    model: GalleryModel, folder: Path, tmp_path: Path, rows: Rows, qtbot: QtBot
) -> None:
    put(folder, "a.png", 0)
    refresh(model, qtbot)
    other = tmp_path / "other"
    other.mkdir()
    path = put(other, "b.png", 0)
    model.refresh()
    with qtbot.waitSignal(model.refreshed):
        model.set_folder(other)
    assert rows() == [str(path)]
    with qtbot.assertNotEmitted(model.modelReset):
        model.set_folder(other)


def test_a_folder_that_cannot_be_read_is_a_problem_in_words(model: GalleryModel, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with qtbot.waitSignal(model.problem) as problem:
        model.set_folder(file)
    assert str(file) in str(problem.args[0])  # type: ignore[index]


def test_rows_are_dragged_out_as_files(model: GalleryModel, folder: Path, qtbot: QtBot) -> None:
    path = put(folder, "with space.png", 0)
    refresh(model, qtbot)
    index = model.index(0)
    assert index.flags() & Qt.ItemFlag.ItemIsDragEnabled
    assert [url.toLocalFile() for url in model.mimeData([index]).urls()] == [str(path)]
    assert model.mimeTypes() == ["text/uri-list"]
    assert model.flags(QModelIndex()) == Qt.ItemFlag.NoItemFlags

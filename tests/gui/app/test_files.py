"""Opening, restoring, enlarging and throwing away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.picture_files import PictureFiles
from sdstudio.app.restored import restored_request
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.errors import StudioError, UnreadableFile
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.metadata import PictureMetadata, PictureRecord
from sdstudio.domain.request import GenerationRequest, ModelSpec, UpscaleRequest
from sdstudio.engine.fake import fake_picture
from sdstudio.storage.pictures import load_picture, save_png
from tests.helpers.app_fixtures import make_request

A1111 = (
    "a castle, (sunset:1.2)\nNegative prompt: fog\n"
    "Steps: 28, Sampler: Euler a, CFG scale: 6.5, Seed: 18446744073709551615, Size: 640x500, "
    "Model hash: 6ce0161689, Model: v1-5-pruned, Clip skip: 2, Version: v1.9.4"
)


class Heard(QObject):
    def __init__(self, files: PictureFiles) -> None:
        super().__init__()
        self.shown: list[tuple[str, ImageBuffer]] = []
        self.restored: list[tuple[GenerationRequest, str]] = []
        self.problems: list[StudioError] = []
        self.order: list[str] = []
        files.shown.connect(lambda path, image: (self.shown.append((path, image)), self.order.append("shown")))
        files.restored.connect(lambda request, path: (self.restored.append((request, path)), self.order.append("back")))
        files.problem.connect(self.problems.append)


@pytest.fixture
def files(context: AppContext) -> PictureFiles:
    return context.files


@pytest.fixture
def heard(files: PictureFiles) -> Heard:
    return Heard(files)


def write(path: Path, request: Any, seed: int = 1) -> Path:
    record = None if request is None else PictureRecord(request=request, seconds=1.0, app_version="0")
    return save_png(fake_picture(make_request(seed=seed)), path, record)


def write_a1111(path: Path, text: str) -> Path:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("parameters", text)
    Image.new("RGB", (64, 64)).save(path, pnginfo=info)
    return path


def test_our_own_picture_brings_its_request_back(
    files: PictureFiles, heard: Heard, tmp_path: Path, qtbot: QtBot
) -> None:
    request = make_request("a red apple", seed=2**64 - 1)
    path = write(tmp_path / "a.png", request)
    files.open_files([path])
    qtbot.waitUntil(lambda: bool(heard.restored))
    assert heard.restored == [(request, str(path))]
    assert heard.shown == [(str(path), load_picture(path))]
    assert heard.order == ["shown", "back"]


def test_a_picture_of_another_program_is_restored_as_far_as_it_goes(
    files: PictureFiles, heard: Heard, context: AppContext, tmp_path: Path, qtbot: QtBot
) -> None:
    context.session.update(count=3, guidance_rescale=0.5)
    files.restore(write_a1111(tmp_path / "a.png", A1111))
    qtbot.waitUntil(lambda: bool(heard.restored))
    request = heard.restored[0][0]
    assert (request.prompt.positive, request.prompt.negative) == ("a castle, (sunset:1.2)", "fog")
    assert (request.prompt.clip_skip, request.sampling.steps, request.sampling.guidance_scale) == (2, 28, 6.5)
    assert (request.sampling.sampler, request.sampling.seed, request.sampling.count) == ("Euler a", 2**64 - 1, 1)
    assert request.size == Size(640, 504), "to the nearest that can be made"
    assert request.model == ModelSpec(name="v1-5-pruned", path="", hash="6ce0161689")
    assert "v1-5-pruned" in context.session.restore(request)


@pytest.mark.parametrize("request_in_file", [None, "upscale"])
def test_a_picture_without_settings_is_just_shown(
    files: PictureFiles, heard: Heard, tmp_path: Path, qtbot: QtBot, request_in_file: str | None
) -> None:
    enlarged = UpscaleRequest(image=ImageInput(sha256="0" * 64, width=16, height=16))
    plain = write(tmp_path / "plain.png", enlarged if request_in_file else None)
    last = write(tmp_path / "last.png", make_request())
    files.open_files([plain, last])
    qtbot.waitUntil(lambda: bool(heard.restored))
    assert [path for path, _ in heard.shown] == [str(plain), str(last)]
    assert [path for _, path in heard.restored] == [str(last)]


def test_what_cannot_be_opened_is_a_problem_and_the_others_go_on(
    files: PictureFiles, heard: Heard, tmp_path: Path, qtbot: QtBot
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nrest")
    good = write(tmp_path / "good.png", make_request())
    files.open_files([tmp_path / "missing.png", broken, good])
    qtbot.waitUntil(lambda: bool(heard.restored))
    assert all(isinstance(error, UnreadableFile) for error in heard.problems)
    assert ["missing.png" in str(heard.problems[0]), "broken.png" in str(heard.problems[1])] == [True, True]


def test_of_many_looked_at_quickly_the_last_is_shown(
    files: PictureFiles, heard: Heard, tmp_path: Path, qtbot: QtBot
) -> None:
    paths = [write(tmp_path / f"{number}.png", make_request(), seed=number) for number in range(30)]
    for path in paths:
        files.load(path)
    qtbot.waitUntil(lambda: bool(heard.shown))
    assert [path for path, _ in heard.shown] == [str(paths[-1])]
    assert heard.restored == []
    with qtbot.waitSignal(files.problem):
        files.load(tmp_path / "missing.png")
    with qtbot.waitSignal(files.shown):
        files.load(paths[0])


BASE = make_request("base", seed=3)


@pytest.mark.parametrize(
    "found",
    [{}, {"width": 640}, {"model": "x"}, {"foo": 1}],
)
def test_too_little_is_nothing_to_restore(found: dict[str, Any]) -> None:
    assert restored_request(PictureMetadata(dialect="a1111", request=found), BASE) is None


def test_odd_values_of_other_programs_never_make_an_invalid_request() -> None:
    found = {
        "prompt": "x",
        "steps": 10**9,
        "guidance_scale": -4,
        "seed": 2**80,
        "width": 3,
        "height": 10**7,
        "sampler": "Nothing we know",
        "clip_skip": float("nan"),
        "model": 7,
    }
    request = restored_request(PictureMetadata(dialect="x", request=found), BASE)
    assert request is not None
    assert (request.sampling.steps, request.sampling.guidance_scale) == (1000, 0.0)
    assert (request.sampling.sampler, request.sampling.seed) == (BASE.sampling.sampler, 2**64 - 1)
    assert (request.size, request.prompt.clip_skip, request.model) == (Size(64, 4096), 1, BASE.model)


def test_enlarging_a_file_makes_a_larger_one(ready_context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    path = write(tmp_path / "small.png", make_request())
    with qtbot.waitSignal(ready_context.queue.picture_saved) as told:
        ready_context.enlarge.enlarge_file(path)
    saved = told.args[0]  # type: ignore[index]
    request = saved.request
    assert (request.scale, request.source_name) == (4, "small")
    assert saved.image.size == Size(256, 256)
    assert ready_context.images.load(request.image.sha256) == load_picture(path)
    assert ready_context.gallery.index_of(saved.path).row() == 0
    with qtbot.waitSignal(ready_context.enlarge.queued) as queued:
        ready_context.enlarge.enlarge_file(path, scale=2)
    assert queued.args == [replace(request, scale=2)]


def test_enlarging_what_is_no_picture_is_a_problem(ready_context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(ready_context.enlarge.problem) as problem:
        ready_context.enlarge.enlarge_file(tmp_path / "missing.png")
    assert "missing.png" in str(problem.args[0])  # type: ignore[index]


def test_a_picture_is_read_and_converted_for_others(ready_context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    path = write(tmp_path / "a.png", make_request())
    widths: list[int] = []
    ready_context.files.read(path, lambda image: image.size.width, widths.append)
    qtbot.waitUntil(lambda: bool(widths))
    assert widths == [make_request().size.width]


def test_a_folder_is_made_before_it_is_shown(ready_context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    folder = tmp_path / "new" / "folder"
    seen: list[bool] = []
    ready_context.files.make_folder(folder, lambda: seen.append(folder.is_dir()))
    qtbot.waitUntil(lambda: seen == [True])

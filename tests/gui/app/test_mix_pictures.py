"""Pictures that are mixed into a variation: into the store, into the request, kept, and missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.mix_pictures import ROWS_MOST
from sdstudio.app.mix_state import MixedPicture, mix_from
from sdstudio.domain.additions import MixedImage
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.errors import StudioError
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.models import ModelInfo
from tests.helpers.added_models import write_models

GONE = ImageInput(sha256="ab" * 32, width=40, height=30)


def plain(shade: int, width: int = 16) -> ImageBuffer:
    return ImageBuffer(np.full((12, width, 4), (shade, shade, shade, 255), np.uint8))


def picture(folder: Path, name: str, shade: int) -> Path:
    Image.fromarray(plain(shade).rgb).save(folder / name)
    return folder / name


def model(context: AppContext, name: str) -> ModelInfo:
    return next(info for info in context.catalog.infos if info.name == name)


@pytest.fixture
def unclip(context: AppContext, qtbot: QtBot) -> AppContext:
    """With a model that varies and mixes pictures."""
    write_models(context.paths.models)
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    context.session.choose_model(model(context, "variations"))
    return context


def rows(context: AppContext) -> list[tuple[str, float]]:
    return [(each.name, each.weight) for each in context.session.state.mix]


def add(context: AppContext, qtbot: QtBot, *paths: Path) -> None:
    for path in paths:
        with qtbot.waitSignal(context.mix.added):
            context.mix.add_files([path])


def test_files_come_into_the_store_each_once(unclip: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    first, second = picture(tmp_path, "lake.png", 40), picture(tmp_path, "pear.png", 90)
    again = picture(tmp_path, "copy of lake.png", 40)
    add(unclip, qtbot, first, second, first, again)
    assert rows(unclip) == [("lake.png", 1.0), ("pear.png", 1.0)]
    key = unclip.session.state.mix[0].key
    assert unclip.images.load(key).pixels[0, 0, 0] == 40
    thumb = unclip.mix.thumb(key)
    assert thumb is not None and (thumb.size.width, thumb.size.height) == (16, 12)


def test_what_is_no_picture_is_a_problem_in_words(unclip: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    broken = tmp_path / "broken.png"
    for content in (b"", b"no picture"):
        broken.write_bytes(content)
        with qtbot.waitSignal(unclip.mix.problem) as told:
            unclip.mix.add_files([broken])
        assert isinstance(told.args[0], StudioError) and "broken.png" in told.args[0].message
    with qtbot.waitSignal(unclip.mix.problem):
        unclip.mix.add_files([tmp_path / "nowhere.png"])
    assert rows(unclip) == []


def test_there_is_an_end_to_it(unclip: AppContext, qtbot: QtBot) -> None:
    for shade in range(ROWS_MOST):
        with qtbot.waitSignal(unclip.mix.added):
            unclip.mix.add_image(plain(shade), str(shade))
    assert unclip.mix.room == 0
    with qtbot.waitSignal(unclip.mix.problem) as told:
        unclip.mix.add_image(plain(200), "one more")
    assert str(ROWS_MOST) in told.args[0].message and len(rows(unclip)) == ROWS_MOST
    with qtbot.waitSignal(unclip.mix.added):
        unclip.mix.add_image(plain(3), "there already")
    assert len(rows(unclip)) == ROWS_MOST


def test_the_request_holds_those_that_act(unclip: AppContext, qtbot: QtBot) -> None:
    for shade in (1, 2, 3):
        with qtbot.waitSignal(unclip.mix.added):
            unclip.mix.add_image(plain(shade), str(shade))
    one, two, three = unclip.session.state.mix
    unclip.mix.set_weight(one.key, 0.25)
    unclip.mix.set_weight(two.key, 0)
    unclip.mix.set_weight(three.key, -99)
    wanted = (MixedImage(image=one.image, weight=0.25), MixedImage(image=three.image, weight=-10))
    assert unclip.session.draft_request().mix == wanted
    unclip.session.choose_model(model(unclip, "depth"))
    assert unclip.session.draft_request().mix == (), "other families mix nothing"
    unclip.session.choose_model(model(unclip, "variations"))
    assert unclip.session.draft_request().mix == wanted
    unclip.mix.remove(three.key)
    assert unclip.session.draft_request().mix == wanted[:1]


def test_it_is_there_again_at_the_next_start(unclip: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(unclip.mix.added):
        unclip.mix.add_image(plain(7), "seven.png")
    unclip.mix.set_weight(unclip.session.state.mix[0].key, 0.5)
    before, stored = unclip.session.state.mix, json.loads(json.dumps(unclip.session.to_dict()))
    unclip.session.update(mix=())
    assert unclip.mix.thumb(before[0].key) is None
    with qtbot.waitSignal(unclip.mix.changed):
        unclip.session.from_dict(stored)
    assert unclip.session.state.mix == before
    assert unclip.mix.thumb(before[0].key) is not None


@pytest.mark.parametrize(
    "row",
    [
        None,
        {"image": {"sha256": "ab", "width": 4, "height": 4}},
        {"image": {"sha256": "ab" * 32, "width": 0, "height": 4}},
        {"image": {"sha256": "../" * 32, "width": 4, "height": 4}},
        {"image": {"sha256": "ab" * 32, "width": True, "height": 4}},
        {"image": [], "weight": 1},
        {"image": {"sha256": "ab" * 32, "width": 4, "height": 4}, "name": 3},
    ],
)
def test_a_damaged_state_is_no_mix(row: object) -> None:
    assert mix_from([row]) == mix_from(row) == ()
    fine = {"image": {"sha256": "cd" * 32, "width": 4, "height": 4}, "weight": float("nan")}
    assert [each.weight for each in mix_from([row, fine])] == [1.0]


def test_a_pictures_settings_bring_the_mix_back(unclip: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(unclip.mix.added):
        unclip.mix.add_image(plain(7), "seven.png")
    unclip.mix.set_weight(unclip.session.state.mix[0].key, 1.5)
    request = unclip.session.draft_request()
    unclip.mix.set_weight(unclip.session.state.mix[0].key, 0.1)
    unclip.session.restore(request)
    assert rows(unclip) == [("seven.png", 1.5)], "what it is called here is known"
    unclip.session.restore(replace(request, mix=()))
    assert rows(unclip) == []
    with qtbot.waitSignal(unclip.mix.changed):
        unclip.session.restore(request)
    assert rows(unclip) == [("", 1.5)], "a picture does not tell it"
    assert unclip.session.draft_request().mix == request.mix


def test_what_is_not_in_the_store_is_left_out_until_it_is_chosen_again(
    unclip: AppContext, tmp_path: Path, qtbot: QtBot
) -> None:
    other = replace(unclip.session.draft_request(), mix=(MixedImage(image=GONE, weight=0.7),))
    with qtbot.waitSignal(unclip.mix.changed):
        unclip.session.restore(other)
    assert unclip.mix.is_missing(GONE.sha256) and unclip.mix.thumb(GONE.sha256) is None
    assert unclip.session.draft_request().mix == ()
    with qtbot.waitSignal(unclip.mix.added):
        unclip.mix.replace(GONE.sha256, picture(tmp_path, "found.png", 77))
    assert rows(unclip) == [("found.png", 0.7)]
    assert not unclip.session.mix_missing and len(unclip.session.draft_request().mix) == 1


def test_one_that_is_gone_since_counts_again_when_it_is_back(unclip: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(unclip.mix.added):
        unclip.mix.add_image(plain(9), "nine.png")
    request = unclip.session.draft_request()
    key = request.mix[0].image.sha256
    (unclip.paths.images / key[:2] / f"{key}.png").unlink()
    unclip.session.update(mix=())
    with qtbot.waitSignal(unclip.mix.changed):
        unclip.session.restore(request)
    assert unclip.mix.is_missing(key)
    with qtbot.waitSignal(unclip.mix.added):
        unclip.mix.add_image(plain(9), "nine.png")
    assert not unclip.mix.is_missing(key) and unclip.session.draft_request().mix == request.mix


def test_only_mixed_pictures_are_taken(unclip: AppContext) -> None:
    with pytest.raises(TypeError, match="no MixedPicture"):
        unclip.session.update(mix=[GONE])
    twice = MixedPicture(image=GONE, weight=2)
    unclip.session.update(mix=[twice, replace(twice, weight=3)])
    assert [each.weight for each in unclip.session.state.mix] == [2.0]


def test_generate_says_that_it_mixes(unclip: AppContext, qtbot: QtBot) -> None:
    unclip.edit_planner.set_canvas_active(True)
    with qtbot.waitSignal(unclip.canvas.document_changed):
        unclip.canvas.open_image(ImageBuffer(np.random.default_rng(1).integers(0, 256, (64, 64, 4), np.uint8)))
    qtbot.waitUntil(lambda: unclip.edit_planner.plan.words == "Vary the picture")
    with qtbot.waitSignal(unclip.mix.added):
        unclip.mix.add_image(plain(7), "seven.png")
    assert unclip.edit_planner.plan.words == "Mix the pictures"
    unclip.mix.set_weight(unclip.session.state.mix[0].key, 0)
    assert unclip.edit_planner.plan.words == "Vary the picture"
    assert unclip.edit_planner.order().base.mix == ()

"""What is chosen for an edit: clamped, remembered for each mode, kept for the next start."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sdstudio.app.edit_settings import EditSettings, ModeValues
from sdstudio.domain.edits import MODE_STRENGTHS, FillMode
from sdstudio.domain.geometry import Rect, Size


@pytest.fixture
def settings(qapp: object) -> EditSettings:
    return EditSettings()


def told(settings: EditSettings) -> list[None]:
    calls: list[None] = []
    settings.changed.connect(lambda: calls.append(None))
    return calls


def test_each_mode_begins_with_its_own_strength(settings: EditSettings) -> None:
    for mode, strength in MODE_STRENGTHS.items():
        assert settings.values_of(mode) == ModeValues(
            strength=strength, feather=16, grow=0, context=64, match_colours=True
        )


def test_numbers_are_remembered_for_each_mode(settings: EditSettings) -> None:
    settings.update(feather=40)
    settings.mode = FillMode.CHANGE
    assert settings.values.feather == 16
    settings.update(strength=0.3, match_colours=False)
    settings.mode = FillMode.FILL
    assert settings.values == ModeValues(strength=0.9, feather=40)
    assert settings.values_of(FillMode.CHANGE) == ModeValues(strength=0.3, match_colours=False)


def test_numbers_are_clamped_and_equal_ones_are_not_told(settings: EditSettings) -> None:
    calls = told(settings)
    settings.update(feather=16)
    settings.mode = FillMode.FILL
    settings.frame = None
    settings.islands = False
    assert not calls
    settings.update(feather=9999, grow=-3, context=99999, strength=7)
    assert settings.values == ModeValues(strength=1.0, feather=512, grow=0, context=4096)
    settings.update(strength=math.nan)
    assert settings.values.strength == 1.0
    settings.image_strength = 0
    assert settings.image_strength == 0.05
    settings.extend_by = 5
    assert settings.extend_by == 64
    assert len(calls) == 3
    with pytest.raises(TypeError):
        settings.update(feathers=3)


def test_replacing_leaves_nothing_of_what_was(settings: EditSettings) -> None:
    settings.mode = FillMode.REPLACE
    settings.update(strength=0.4)
    assert settings.strength == 1.0


def test_extending_begins_with_half_of_the_models_size(settings: EditSettings) -> None:
    settings.follow_native(512)
    assert settings.extend_by == 256
    settings.follow_native(64)
    assert settings.extend_by == 64
    settings.extend_by = 320
    settings.follow_native(512)
    assert settings.extend_by == 320


def test_the_feather_follows_the_model_until_somebody_chose_one(settings: EditSettings) -> None:
    calls = told(settings)
    settings.update(feather=10)
    settings.follow_native(128)
    settings.follow_native(128)
    assert len(calls) == 2
    assert settings.values.feather == 10
    assert {settings.values_of(mode).feather for mode in set(FillMode) - {settings.mode}} == {8}
    settings.mode = FillMode.REMOVE
    settings.update(feather=8)  # what it is already, but now it is chosen
    settings.follow_native(512)
    feathers = {mode: settings.values_of(mode).feather for mode in FillMode}
    chosen = {FillMode.FILL: 10, FillMode.REMOVE: 8}
    assert feathers == {FillMode.CHANGE: 16, FillMode.REPLACE: 16, **chosen}
    again = EditSettings()
    again.follow_native(64)
    again.from_dict(settings.to_dict())
    assert {mode: again.values_of(mode).feather for mode in FillMode} == dict.fromkeys(FillMode, 4) | chosen
    again.follow_native(128)
    assert {mode: again.values_of(mode).feather for mode in FillMode} == dict.fromkeys(FillMode, 8) | chosen


def test_the_arrows_extend_side_by_side(settings: EditSettings) -> None:
    settings.extend_by = 100
    canvas = Size(640, 480)
    settings.extend("right", canvas)
    assert settings.frame == Rect(0, 0, 740, 480)
    settings.extend("right", canvas)
    settings.extend("top", canvas)
    assert settings.frame == Rect(0, -100, 840, 580)
    settings.frame = Rect(10, 10, 64, 64)
    settings.extend("left", canvas)
    assert settings.frame == Rect(-100, 0, 740, 480), "a frame inside becomes one around the picture"
    with pytest.raises(ValueError, match="inwards"):
        settings.extend("inwards", canvas)


def test_what_was_kept_comes_back(settings: EditSettings) -> None:
    settings.mode = FillMode.REMOVE
    settings.update(strength=0.7, context=200)
    settings.islands = True
    settings.image_strength = 0.4
    settings.extend_by = 300
    settings.frame = Rect(0, 0, 64, 64)
    again = EditSettings()
    again.from_dict(settings.to_dict())
    assert again.to_dict() == settings.to_dict()
    assert (again.mode, again.values.context, again.islands) == (FillMode.REMOVE, 200, True)
    assert again.frame is None, "a frame belongs to one canvas"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"mode": 3, "modes": 4, "islands": "yes", "image_strength": "x", "extend_by": None},
        {"mode": "melt", "modes": {"fill": {"strength": True, "feather": "1", "match_colours": 1}}},
        {"modes": {"fill": {"strength": math.inf, "context": math.nan}}, "extend_by": math.inf},
        {"mode": ["fill"], "modes": {"fill": []}},
    ],
)
def test_what_cannot_be_is_left_out(settings: EditSettings, data: Any) -> None:
    before = settings.to_dict()
    settings.from_dict(data)
    assert settings.to_dict() == before

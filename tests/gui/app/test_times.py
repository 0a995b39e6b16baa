"""Estimates: what was measured, what is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.step_times import StepTimes
from sdstudio.app.time_left import TimeLeft, round_time
from sdstudio.canvas.region_outpaint import Margins, plan_outpaint
from sdstudio.domain.edits import ImageInput, InpaintSpec, OutpaintSpec
from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest, UpscaleRequest
from tests.helpers.app_fixtures import make_request

CPU = EngineInfo(device="CPU", device_kind="cpu", threads=2)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, 1), (0.4, 1), (3.4, 3), (19.4, 19), (19.6, 20), (22, 20), (23, 25), (117, 115), (119, 120), (200, 180)],
)
def test_rounding(seconds: float, shown: float) -> None:
    assert round_time(seconds) == shown


@given(st.floats(0, 1e5))
def test_rounding_is_never_far_off(seconds: float) -> None:
    allowed = 1 if seconds < 20 else 2.6 if seconds < 117 else 31
    assert abs(round_time(seconds) - seconds) <= allowed


def test_time_left_waits_for_three_steps() -> None:
    left = TimeLeft()
    assert [left.update(step, 10 - step) for step in range(5)] == [None, None, None, 7, 6]


@given(st.lists(st.floats(0, 4000), min_size=1, max_size=60))
def test_time_left_never_jumps_up_by_less_than_a_fifth(estimates: list[float]) -> None:
    left, before = TimeLeft(), None
    for seconds in estimates:
        shown = left.update(3, seconds)
        assert shown is not None and shown == left.shown
        assert before is None or shown <= before or shown >= 1.2 * before
        before = shown


def sized(request: GenerationRequest, width: int, height: int) -> GenerationRequest:
    return replace(request, size=Size(width, height))


def test_nothing_is_claimed_before_it_is_measured(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    times.set_device(CPU)
    assert times.seconds_for(make_request()) is None


def test_steps_count_and_sampler_are_worked_into_the_estimate(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    times.set_device(CPU)
    request = make_request(steps=10)
    times.learn(request, 6.0, 0.5)  # 10 steps of 0.5 s, and 1 s besides
    assert times.seconds_for(request) == pytest.approx(6.0)
    assert times.fixed_for(request) == pytest.approx(1.0)
    assert times.seconds_for(make_request(steps=20)) == pytest.approx(11.0)
    assert times.seconds_for(make_request(steps=20, count=3)) == pytest.approx(33.0)
    heun = replace(request, sampling=replace(request.sampling, sampler="Heun"))
    assert times.seconds_for(heun) == pytest.approx(19 * 0.5 + 1)


def test_model_guidance_and_device_are_kept_apart_and_sizes_scaled(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    times.set_device(CPU)
    request = make_request()
    times.learn(request, 4.0)
    unguided = replace(request, sampling=replace(request.sampling, guidance_scale=1.0))
    other = replace(request, model=replace(request.model, hash="ffffffffff"))
    assert times.seconds_for(unguided) is None
    assert times.seconds_for(other) is None
    assert times.seconds_for(sized(request, 128, 64)) == pytest.approx(8.0)
    assert times.seconds_for(sized(request, 512, 512)) is None, "too far to guess"
    times.set_device(replace(CPU, threads=8))
    assert times.seconds_for(request) is None


def test_the_newest_measurement_weighs_half(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    request = make_request()
    times.learn(request, 4.0)
    times.learn(request, 8.0)
    assert times.seconds_for(request) == pytest.approx(6.0)
    times.learn(request, 0.0)
    times.learn(request, float("nan"))
    assert times.seconds_for(request) == pytest.approx(6.0)


def test_enlarging_is_estimated_by_pixels(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    small = UpscaleRequest(image=ImageInput(sha256="0" * 64, width=100, height=100))
    large = UpscaleRequest(image=ImageInput(sha256="1" * 64, width=200, height=200))
    times.learn(small, 2.0, 0.1)
    assert times.seconds_for(large) == pytest.approx(8.0)
    assert times.seconds_for(replace(large, scale=2)) is None


def test_times_come_back_at_the_next_start(tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "data" / "times.json"
    io = IoWorker()
    times = StepTimes(path, io)
    times.set_device(CPU)
    times.learn(make_request(), 6.0, 0.5)
    assert io.close()
    again = StepTimes(path)
    assert again.device == times.device == "CPU/2"
    assert again.seconds_for(make_request()) == times.seconds_for(make_request()) == pytest.approx(6.0)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"device": "x", "times": [{"model": 1}]}', '{"times": 3, "device": 1}']
)
def test_a_damaged_file_is_learnt_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "times.json"
    path.write_text(text)
    times = StepTimes(path)
    times.learn(make_request(), 4.0)
    assert times.seconds_for(make_request()) == pytest.approx(4.0)


def masked(request: GenerationRequest, refined: Size | None = None, strength: float = 1.0) -> GenerationRequest:
    image = ImageInput(sha256="0" * 64, width=512, height=512)
    return replace(request, image=image, strength=strength, inpaint=InpaintSpec(mask=image, refined=refined))


def test_an_edit_is_estimated_from_pictures_and_then_from_edits(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    times.set_device(CPU)
    request = make_request(steps=10)
    times.learn(request, 6.0, 0.5)
    edit = masked(request)
    assert times.seconds_for(edit) == pytest.approx(6.0)
    assert times.seconds_for(masked(request, strength=0.5)) == pytest.approx(3.5)
    times.learn(edit, 9.0, 0.5)
    assert times.seconds_for(edit) == pytest.approx(9.0)
    assert times.fixed_for(edit) == pytest.approx(4.0)
    assert times.seconds_for(request) == pytest.approx(6.0), "a plain picture costs what it did"


def test_the_second_pass_counts_by_its_size_and_its_steps(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    times.set_device(CPU)
    request = make_request(steps=10)
    times.learn(request, 6.0, 0.5)
    twice = masked(request, refined=Size(128, 128))
    assert times.seconds_for(twice) == pytest.approx(0.5 * (10 + 4 * 4) + 1)
    times.learn(twice, 26.0, 99.0)
    assert times.seconds_for(twice) == pytest.approx(26.0), "seconds are those of both, whatever a step took at last"
    assert times.seconds_for(replace(twice, sampling=replace(twice.sampling, count=2))) == pytest.approx(52.0)


def test_an_extension_costs_as_many_steps_as_it_has_frames(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    times.set_device(CPU)
    request = make_request(steps=10)
    times.learn(request, 6.0, 0.5)
    image = ImageInput(sha256="0" * 64, width=64, height=64)
    wider = replace(request, image=image, strength=0.9, outpaint=OutpaintSpec(right=80, native=64))
    frames = len(plan_outpaint(Size(64, 64), Margins(right=80), 64))
    assert frames > 1
    assert times.seconds_for(wider) == pytest.approx(0.5 * 9 * frames + 1)


def test_edits_come_back_at_the_next_start_and_old_files_are_read(tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "times.json"
    io = IoWorker()
    times = StepTimes(path, io)
    times.set_device(CPU)
    times.learn(make_request(), 6.0, 0.5)
    times.learn(masked(make_request()), 9.0, 0.5)
    assert io.close()
    again = StepTimes(path)
    assert again.seconds_for(masked(make_request())) == pytest.approx(9.0)
    data = json.loads(path.read_text())
    data["times"] = [{name: value for name, value in row.items() if name != "edit"} for row in data["times"][:1]]
    path.write_text(json.dumps(data))
    assert StepTimes(path).seconds_for(make_request()) == pytest.approx(6.0)


def test_a_strength_of_nothing_teaches_nothing(tmp_path: Path) -> None:
    times = StepTimes(tmp_path / "times.json")
    image = ImageInput(sha256="0" * 64, width=64, height=64)
    times.learn(replace(make_request(), image=image, strength=0.0), 1.0)
    assert times.seconds_for(make_request()) is None

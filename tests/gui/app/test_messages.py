"""The words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdstudio.app import messages
from sdstudio.app.engine_state import EngineState
from sdstudio.app.job_item import JobItem, JobState
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.errors import ErrorKind, ModelError
from sdstudio.domain.events import Failed
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import UpscaleRequest
from tests.helpers.app_fixtures import make_request


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (4.4, "4 s"), (33, "35 s"), (118, "2 min"), (600, "10 min")]
)
def test_estimates(seconds: float, words: str) -> None:
    assert messages.duration(seconds) == words
    assert messages.about(seconds) == f"about {words}"
    assert messages.time_left(seconds) == f"about {words} left"


def test_facts() -> None:
    assert messages.measured(13.62) == "13.6 s"
    assert messages.measured(125) == "2 min 5 s"
    assert messages.size(Size(512, 768)) == "512 × 768"
    assert messages.size(Size(16384, 64)) == "16,384 × 64"
    assert (messages.number(9999), messages.number(10000)) == ("9999", "10,000")
    assert messages.memory(644_245_094) == "0.6 GB"
    assert messages.memory(50 * 2**20) == "50 MB"
    assert (messages.picture_count(1), messages.picture_count(4)) == ("1 picture", "4 pictures")
    assert messages.device(EngineInfo(device="CPU", device_kind="cpu", threads=2)) == "CPU · 2 threads"
    assert messages.device(EngineInfo(device="RTX 3060", device_kind="cuda", threads=8)) == "RTX 3060"


def test_the_cost_line() -> None:
    assert messages.cost(4.2) == "about 4 s"
    assert messages.cost(None) == ""
    assert messages.cost(4.2, 1) == "starts after 1 run"
    assert messages.cost(None, 2) == "starts after 2 runs"


ITEM = JobItem(job_id="a", request=make_request(count=4), state=JobState.RUNNING, pictures=4, step=12, steps=25)


def test_every_state_has_words() -> None:
    words = {state: messages.job_state(replace(ITEM, state=state)) for state in JobState}
    assert len(set(words.values())) == len(JobState)
    assert words[JobState.RUNNING] == "Step 12 of 25"
    assert words[JobState.CANCELLED] == "Stopped"
    assert words[JobState.LOADING] == "Loading model"
    assert {messages.engine_state(state) for state in EngineState} == {"Getting ready…", "Ready", "Not ready"}


def test_progress_in_detail() -> None:
    assert messages.job_detail(replace(ITEM, index=1, seconds_left=10.0)) == "picture 2 of 4 · about 10 s left"
    assert messages.job_detail(replace(ITEM, pictures=1, seconds_left=10.0)) == "about 10 s left"
    assert messages.job_detail(replace(ITEM, pictures=1)) == ""
    reading = replace(ITEM, state=JobState.LOADING, what="Reading the model “X”", read=1_230_000_000)
    reading = replace(reading, read_of=2_132_000_000)
    assert messages.job_detail(reading) == "Reading the model “X”: 1.2 of 2.1 GB"
    assert messages.job_detail(replace(reading, read_of=0)) == "Reading the model “X”"
    upscale = UpscaleRequest(image=ImageInput(sha256="0" * 64, width=8, height=8), source_name="castle")
    item = replace(ITEM, request=upscale, pictures=1, step=3, steps=9)
    assert messages.job_state(item) == "Part 3 of 9"
    assert messages.request_title(upscale) == "Enlarge castle 4×"
    assert messages.request_title(make_request("a  red\napple")) == "a red apple"
    assert messages.request_title(make_request(" ")) == "(no prompt)"


def test_errors_keep_their_three_parts() -> None:
    error = ModelError("It broke.", meaning="Nothing is lost.", hint="Mend it.")
    assert messages.error_words(error) == messages.ErrorWords("It broke.", "Nothing is lost.", "Mend it.")
    failed = Failed(job_id="a", kind=ErrorKind.MODEL, message="It broke.", details="Traceback")
    assert messages.error_words(failed).details == "Traceback"


def test_how_much_is_done() -> None:
    assert replace(ITEM, index=1, done=1, step=5, steps=10).fraction == pytest.approx(1.5 / 4)
    assert replace(ITEM, index=0, done=1, step=25).fraction == pytest.approx(1 / 4), "saved, the next not begun"
    assert replace(ITEM, steps=0, step=0).fraction == 0.0
    assert replace(ITEM, state=JobState.DONE).fraction == 1.0

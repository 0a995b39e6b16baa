from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.domain.a1111 import A1111Text, format_pairs
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.metadata import PictureRecord, record_from_text, record_to_text, write_parameters
from sdstudio.domain.request import JobRequest, PromptSpec
from tests.helpers.requests import generation, generations, job_requests, prompts

records = st.builds(
    PictureRecord,
    request=job_requests,
    seconds=st.floats(0, 1e6),
    app_version=prompts,
    device=prompts,
    threads=st.integers(0, 64),
    parent=prompts,
)


@settings(max_examples=60)
@given(records)
def test_a_record_comes_back_equal(record: PictureRecord) -> None:
    assert record_from_text(record_to_text(record)) == record


def test_half_a_surrogate_pair_survives() -> None:
    request = replace(generation(), prompt=PromptSpec(positive="broken \ud83c paste"))
    record = PictureRecord(request=request, seconds=1, app_version="1")
    record_to_text(record).encode()
    assert record_from_text(record_to_text(record)) == record


@given(st.text() | st.dictionaries(st.text(max_size=8), st.integers() | st.text()).map(json.dumps))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(InvalidRequest):
        record_from_text(text)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"request": {}},
        {"request": None},
        {"request": {"kind": "dance"}},
        {"request": {"kind": "upscale", "image": 3}},
    ],
)
def test_records_that_are_not_whole_are_refused(change: dict[str, object]) -> None:
    good = json.loads(record_to_text(PictureRecord(request=generation(), seconds=1, app_version="1")))
    with pytest.raises(InvalidRequest):
        record_from_text(json.dumps(good | change))


@settings(max_examples=40)
@given(generations)
def test_a1111_text_keeps_the_numbers(request: JobRequest) -> None:
    """Of the prompt, A1111's format can lose what looks like its own marks; the settings line never."""
    text = write_parameters(PictureRecord(request=request, seconds=1, app_version="1"))
    found = read_metadata({"parameters": text})
    assert found.dialect == "a1111"
    assert found.request["seed"] == request.sampling.seed
    assert found.request["steps"] == request.sampling.steps
    assert found.request["sampler"] == request.sampling.sampler
    assert (found.request["width"], found.request["height"]) == (request.size.width, request.size.height)
    assert found.request.get("clip_skip", 1) == request.prompt.clip_skip


plain_prompts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs"]), max_size=60)


@given(plain_prompts, plain_prompts)
def test_a1111_text_keeps_ordinary_prompts(positive: str, negative: str) -> None:
    request = replace(generation(), prompt=PromptSpec(positive=positive, negative=negative))
    found = read_metadata({"parameters": write_parameters(PictureRecord(request=request, seconds=1, app_version="1"))})
    if not positive.startswith("Negative prompt:"):
        assert found.request["prompt"] == positive
        assert found.request.get("negative_prompt", "") == negative


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.from_regex(r"[A-Za-z][A-Za-z0-9 /-]{0,20}[a-z]", fullmatch=True), prompts), min_size=3, max_size=8
    )
)
def test_values_of_the_settings_line_come_back(pairs: list[tuple[str, str]]) -> None:
    assert A1111Text.parse("p\n" + format_pairs(pairs)).pairs == tuple((key, value) for key, value in pairs)


def test_the_written_text_is_the_one_that_others_know() -> None:
    request = replace(generation("a\nb", seed=2**64 - 1), prompt=PromptSpec(positive="a\nb", negative="n", clip_skip=2))
    assert write_parameters(PictureRecord(request=request, seconds=1, app_version="0.1")) == (
        "a\nb\nNegative prompt: n\nSteps: 3, Sampler: DDIM, CFG scale: 7.5, Seed: 18446744073709551615, Size: 64x64, "
        "Model hash: 0123456789, Model: Starter, Clip skip: 2, Version: SD Studio 0.1"
    )


def test_our_record_wins_over_the_a1111_text_and_a_bad_one_does_not() -> None:
    record = PictureRecord(request=generation("ours"), seconds=1, app_version="1")
    other = write_parameters(PictureRecord(request=generation("theirs"), seconds=1, app_version="1"))
    both = {"parameters": other, "sdstudio": record_to_text(record)}
    found = read_metadata(both)
    assert (found.dialect, found.request["prompt"], found.record) == ("sdstudio", "ours", record)
    damaged = read_metadata(both | {"sdstudio": both["sdstudio"][:-5]})
    assert (damaged.dialect, damaged.request["prompt"], damaged.record) == ("a1111", "theirs", None)


def test_a_shared_picture_does_not_tell_where_the_model_lies() -> None:
    record = PictureRecord(request=generation(), seconds=1.0, app_version="1")
    assert "/models/starter" not in record_to_text(record)
    assert record_from_text(record_to_text(record)) == record

"""The fields' values, their ranges, and the request they make."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from sdstudio.app.session import HISTORY_MAX, Session
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Size
from sdstudio.domain.models import ModelInfo, ModelPresets
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.domain.samplers import SAMPLERS
from tests.helpers.app_fixtures import MODEL, make_request

STARTER = ModelInfo(
    spec=MODEL, built_in=True, presets=ModelPresets(steps=12, guidance_scale=3.5, sampler="DDIM", size=Size(128, 96))
)
OTHER = ModelInfo(spec=ModelSpec(name="Other", path="/models/other", hash="abcdefabcd"))
MODELS = {info.spec.hash: info for info in (STARTER, OTHER)}


def find(model: ModelSpec) -> ModelInfo | None:
    return MODELS.get(model.hash)


@pytest.fixture
def session(qapp: object) -> Session:
    return Session(STARTER, find)


def changes_of(session: Session) -> list[frozenset[str]]:
    heard: list[frozenset[str]] = []
    session.state_changed.connect(heard.append)
    return heard


def test_it_begins_with_the_models_presets(session: Session) -> None:
    state = session.state
    assert (state.steps, state.guidance_scale, state.sampler) == (12, 3.5, "DDIM")
    assert (state.width, state.height, state.model) == (128, 96, MODEL)
    assert session.last_seed is None and session.history == ()


def test_changes_are_told_by_name_and_silence_is_kept(session: Session) -> None:
    heard = changes_of(session)
    session.update(positive="a pear", steps=30)
    session.update(positive="a pear", steps=30)
    session.update()
    assert heard == [frozenset({"positive", "steps"})]


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"steps": 0}, "steps", 1),
        ({"steps": 5000}, "steps", 1000),
        ({"guidance_scale": -3}, "guidance_scale", 0.0),
        ({"guidance_scale": 1e9}, "guidance_scale", 100.0),
        ({"guidance_scale": float("inf")}, "guidance_scale", 100.0),
        ({"guidance_scale": float("nan")}, "guidance_scale", 3.5),
        ({"guidance_rescale": 7}, "guidance_rescale", 1.0),
        ({"width": 100}, "width", 104),
        ({"width": 1}, "width", 64),
        ({"height": 99999}, "height", 4096),
        ({"seed": -1}, "seed", 0),
        ({"seed": 2**64}, "seed", 2**64 - 1),
        ({"count": 0}, "count", 1),
        ({"clip_skip": 99}, "clip_skip", 12),
        ({"sampler": "dpm++ 2m karras"}, "sampler", "DPM++ 2M Karras"),
    ],
)
def test_values_are_clamped(session: Session, changes: dict[str, Any], field: str, value: object) -> None:
    session.update(**changes)
    assert getattr(session.state, field) == value


def test_what_cannot_be_is_refused(session: Session) -> None:
    with pytest.raises(InvalidRequest) as error:
        session.update(sampler="Ouija")
    assert error.value.field == "sampler"
    with pytest.raises(TypeError, match="hue"):
        session.update(hue=3)
    with pytest.raises(TypeError, match="model"):
        session.update(model=OTHER.spec)
    assert session.state.sampler == "DDIM"


whole = st.integers(-(2**70), 2**70)
fields = st.fixed_dictionaries(
    {},
    optional={
        "positive": st.text(max_size=40),
        "negative": st.text(max_size=40),
        **dict.fromkeys(("steps", "seed", "count", "clip_skip", "width", "height"), whole),
        **{name: st.floats() for name in ("guidance_scale", "guidance_rescale")},
        "sampler": st.sampled_from([info.name for info in SAMPLERS]),
        "seed_locked": st.booleans(),
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields)
def test_whatever_is_entered_makes_a_valid_request_and_survives_the_file(
    session: Session, changes: dict[str, Any]
) -> None:
    session.update(**changes)
    request = session.build_request()
    stored = json.loads(json.dumps(session.to_dict()))
    again = Session(STARTER, find)
    again.from_dict(stored)
    assert again.state == session.state
    assert again.history == session.history
    assert again.last_seed == request.sampling.seed
    fresh = Session(STARTER, find)
    fresh.restore(request)
    assert replace(fresh.state, seed_locked=session.state.seed_locked, seed=session.state.seed) == session.state
    assert fresh.build_request() == request


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.booleans(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "state",
                        "steps",
                        "seed",
                        "history",
                        "model",
                        "sampler",
                        "width",
                        "positive",
                        "seed_locked",
                        "guidance_scale",
                        "name",
                        "hash",
                        "last_seed",
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_file_can_break_it(qapp: object, data: object) -> None:
    session = Session(STARTER, find)
    session.from_dict(data if isinstance(data, dict) else {"state": data, "history": data})
    session.build_request()


def test_a_random_seed_is_drawn_for_each_request(session: Session) -> None:
    seeds = {session.build_request().sampling.seed for _ in range(20)}
    assert len(seeds) == 20
    assert max(seeds) < 2**32, "a seed that a person can read and type again"
    assert session.last_seed in seeds


def test_a_draft_draws_and_remembers_nothing(session: Session) -> None:
    session.update(positive="a pear")
    assert session.draft_request() == session.draft_request()
    assert session.last_seed is None and session.history == ()


def test_a_locked_seed_stays(session: Session, qtbot: QtBot) -> None:
    big = 2**64 - 1
    session.update(seed=big, seed_locked=True)
    with qtbot.waitSignal(session.last_seed_changed) as told:
        assert session.build_request().sampling.seed == big
    assert told.args == [big]
    assert session.last_seed == big


def test_use_last_seed_locks_it(session: Session) -> None:
    session.use_last_seed()
    assert not session.state.seed_locked
    seed = session.build_request().sampling.seed
    session.use_last_seed()
    assert (session.state.seed, session.state.seed_locked) == (seed, True)


def test_choosing_a_model_brings_its_presets_unless_told_otherwise(session: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(session.model_changed) as told:
        session.choose_model(OTHER)
    assert told.args == [OTHER]
    assert (session.state.steps, session.state.width, session.state.model) == (25, 512, OTHER.spec)
    session.choose_model(STARTER, presets=False)
    assert (session.state.steps, session.state.model) == (25, STARTER.spec)
    with qtbot.assertNotEmitted(session.model_changed):
        session.choose_model(STARTER, presets=False)


def test_restoring_brings_everything_back_and_locks_the_seed(session: Session) -> None:
    request = GenerationRequest(
        prompt=PromptSpec(positive="a (red:1.2) apple", negative="blur", clip_skip=2),
        sampling=SamplingSpec(
            steps=33, guidance_scale=4.25, guidance_rescale=0.7, sampler="Heun", seed=2**64 - 5, count=3
        ),
        model=OTHER.spec,
        size=Size(256, 72),
    )
    assert session.restore(request) == ""
    assert session.model == OTHER
    assert session.build_request() == request


def test_a_model_that_is_not_here_is_named_and_the_chosen_one_kept(session: Session) -> None:
    request = replace(make_request(seed=5), model=ModelSpec(name="Dreamy", path="/gone", hash="9999999999"))
    note = session.restore(request)
    assert "Dreamy" in note and "Starter" in note
    assert session.build_request() == replace(request, model=MODEL)


def test_history_is_newest_first_without_repeats_and_ends_at_200(session: Session, qtbot: QtBot) -> None:
    for number in range(HISTORY_MAX + 5):
        session.remember_prompt(f"prompt {number}")
    session.remember_prompt("prompt 100")
    session.remember_prompt("   ")
    assert len(session.history) == HISTORY_MAX
    assert session.history[:2] == ("prompt 100", f"prompt {HISTORY_MAX + 4}")
    assert session.history.count("prompt 100") == 1
    with qtbot.assertNotEmitted(session.history_changed):
        session.remember_prompt("prompt 100")


def test_the_last_model_is_chosen_as_soon_as_it_is_found(qapp: object) -> None:
    known: dict[str, ModelInfo] = {}
    before = Session(OTHER, find)
    before.update(steps=77)
    session = Session(STARTER, lambda model: known.get(model.hash))
    session.from_dict(before.to_dict())
    assert (session.model, session.state.steps) == (STARTER, 77)
    assert session.to_dict()["state"]["model"]["name"] == "Other", "it is not forgotten meanwhile"
    session.find_awaited_model()
    assert session.model == STARTER
    known[OTHER.spec.hash] = OTHER
    session.find_awaited_model()
    assert (session.model, session.state.steps) == (OTHER, 77)
    session.choose_model(STARTER)
    session.find_awaited_model()
    assert session.model == STARTER, "a choice made since then stays"

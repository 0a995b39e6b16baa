"""A model's own form for few steps in the session: chosen, left, sent, restored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdstudio.app.session import Session
from sdstudio.domain.additions import LoraUse
from sdstudio.domain.geometry import Size
from sdstudio.domain.metadata import PictureRecord, record_from_text, record_to_text
from sdstudio.domain.models import ModelInfo, ModelPresets, QuickPreset
from sdstudio.domain.request import ModelSpec
from tests.helpers.app_fixtures import MODEL

LORA = LoraUse(name="few", path="/models/starter/few.safetensors", hash="0123456789")
QUICK = QuickPreset(steps=4, guidance_scale=1.0, sampler="DDIM", lora=LORA)
STARTER = ModelInfo(
    spec=MODEL,
    presets=ModelPresets(steps=20, guidance_scale=3.5, sampler="DPM++ 2M", size=Size(128, 128), quick=QUICK),
)
OTHER = ModelInfo(spec=ModelSpec(name="Other", path="/models/other", hash="abcdefabcd"))
MODELS = {info.spec.hash: info for info in (STARTER, OTHER)}


@pytest.fixture
def session(qapp: object) -> Session:
    return Session(STARTER, lambda model: MODELS.get(model.hash))


def sampling_of(session: Session) -> tuple[int, float, str]:
    state = session.state
    return state.steps, state.guidance_scale, state.sampler


def test_it_takes_its_settings_and_gives_those_of_before_back(session: Session) -> None:
    session.update(steps=33, sampler="UniPC")
    session.choose_quick(True)
    assert session.state.quick and sampling_of(session) == (4, 1.0, "DDIM")
    assert session.draft_request().loras == session.plain_request().loras == (LORA,)
    session.choose_quick(False)
    assert not session.state.quick and sampling_of(session) == (33, 3.5, "UniPC")
    assert session.draft_request().loras == ()


def test_another_model_begins_without_it(session: Session) -> None:
    session.choose_quick(True)
    session.choose_model(OTHER)
    session.choose_quick(True)
    assert not session.state.quick and session.draft_request().loras == ()


def test_it_is_kept_for_the_next_start_and_left_from_there(session: Session) -> None:
    session.choose_quick(True)
    again = Session(STARTER, lambda model: MODELS.get(model.hash))
    again.from_dict(session.to_dict())
    assert again.state.quick and again.draft_request() == session.draft_request()
    again.choose_quick(False)
    assert sampling_of(again) == (20, 3.5, "DPM++ 2M")


def test_a_picture_brings_it_back_and_no_row_of_the_panel(session: Session) -> None:
    glow = LoraUse(name="glow", path="/loras/glow.safetensors", weight=0.5)
    session.choose_quick(True)
    request = session.draft_request()
    request = replace(request, loras=(*request.loras, glow))
    text = record_to_text(PictureRecord(request=request, app_version="1", seconds=1.0))
    session.choose_quick(False)
    record = record_from_text(text)
    assert record is not None
    session.restore(record.request)
    assert session.state.quick and sampling_of(session) == (4, 1.0, "DDIM")
    assert [lora.name for lora in session.state.loras] == ["glow"]
    assert session.draft_request().loras == (LORA,) and session.draft_request().loras[0].path == LORA.path
    session.restore(replace(record.request, loras=()))
    assert not session.state.quick and session.draft_request().loras == ()


def test_what_another_model_made_quickly_is_an_unknown_lora_here(session: Session) -> None:
    theirs = LoraUse(name="few", path="", hash="fedcba9876")
    session.restore(replace(session.draft_request(), loras=(theirs,)))
    assert not session.state.quick and [lora.hash for lora in session.state.loras] == ["fedcba9876"]

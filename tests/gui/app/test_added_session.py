"""LoRAs, embeddings, VAE and refiner in the session: the request they make, and how they come back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.added_rows import embeddings_words, lora_rows, prompt_fault, summary, with_word
from sdstudio.app.added_state import ChosenLora, loras_from, refiner_from, vae_from
from sdstudio.app.context import AppContext
from sdstudio.app.restored import restored_request
from sdstudio.app.session import Session
from sdstudio.domain.additions import AddedFile, LoraUse
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.metadata import PictureRecord, record_from_text, record_to_text
from sdstudio.domain.model_file import ModelRole
from sdstudio.domain.request import GenerationRequest, ModelSpec, RefinerSpec
from tests.helpers.added_models import write_added, write_models


@pytest.fixture
def session(context: AppContext, qtbot: QtBot) -> Session:
    """Of a model of SD 1, with all that can be added in its folder."""
    write_models(write_added(context.paths.models))
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    return context.session


def chosen(name: str, **more: object) -> ChosenLora:
    return ChosenLora(name=name, path="", **more)  # type: ignore[arg-type]


def choose(context: AppContext, name: str) -> None:
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == name))


def names(request: GenerationRequest) -> list[tuple[str, float]]:
    return [(lora.name, lora.weight) for lora in request.loras]


def test_panel_and_prompt_make_one_request_and_the_prompt_wins(session: Session) -> None:
    session.update(positive="a cat <lora:Ink & Brush:0.4> sits", loras=(chosen("glow", weight=0.7), chosen("ink_v2")))
    request = session.build_request()
    assert names(request) == [("glow", 0.7), ("ink_v2", 0.4)]
    assert request.prompt.positive == "a cat <lora:Ink & Brush:0.4> sits"
    assert all(lora.path.endswith(f"{lora.name}.safetensors") for lora in request.loras)


def test_what_is_off_or_does_not_fit_is_not_sent(session: Session) -> None:
    session.update(loras=(chosen("glow", on=False), chosen("crystal"), chosen("gone"), chosen("half")))
    assert session.build_request().loras == ()


def test_the_prompts_words_bring_embeddings(session: Session) -> None:
    session.update(positive="a cat", negative="(BadHands:1.2)")
    assert [file.name for file in session.draft_request().embeddings] == ["badhands"]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [("<lora:inkv2>", "the nearest name is “ink_v2”"), ("<lora:crystal>", "is for SDXL, and this model is SD 1.x")],
)
def test_a_lora_of_the_prompt_that_cannot_be_stops_the_run(session: Session, prompt: str, words: str) -> None:
    session.update(positive=prompt)
    with pytest.raises(InvalidRequest, match=words) as error:
        session.build_request()
    assert error.value.field == "prompt" and session.last_seed is None
    assert session.plain_request().prompt.positive == prompt


def test_before_the_folders_are_known_nothing_is_called_missing(context: AppContext) -> None:
    context.session.update(positive="<lora:ink_v2>", loras=(chosen("glow"),))
    with pytest.raises(InvalidRequest, match="still being looked through"):
        context.session.draft_request()
    assert prompt_fault(context.session, context.added) is None
    assert [row.why for row in lora_rows(context.session, context.added)] == [""]


def test_vae_and_refiner_go_along_where_they_fit(session: Session, context: AppContext) -> None:
    vae = context.added.of(ModelRole.VAE, session.model.family)
    assert [file.name for file in vae] == ["clear"]
    (polish,) = context.added.refiners()
    session.update(vae=vae_from({"name": "clear"}), refiner=RefinerSpec(model=polish.spec, begin=0.7))
    request = session.draft_request()
    assert request.vae is not None and request.vae.path == vae[0].path
    assert request.refiner is None
    choose(context, "giant-xl")
    request = session.draft_request()
    assert request.vae is not None and request.refiner == RefinerSpec(model=polish.spec, begin=0.7)
    session.update(refiner=RefinerSpec(model=ModelSpec(name="gone", path=""), begin=0.7), vae=vae_from({"name": "x"}))
    request = session.draft_request()
    assert (request.vae, request.refiner) == (None, None)


@pytest.mark.parametrize(("model", "level"), [("upscaler", 20), ("variations", 0), ("depth", None), ("giant-xl", None)])
def test_the_noise_level_is_the_familys(session: Session, context: AppContext, model: str, level: int | None) -> None:
    choose(context, model)
    assert session.draft_request().noise_level == level
    session.update(noise_level=999)
    assert session.draft_request().noise_level == (None if level is None else 350 if model == "upscaler" else 999)
    choose(context, "instruct")
    assert session.state.noise_level is None


def test_image_guidance_is_sent_to_those_who_ask_for_it(session: Session, context: AppContext) -> None:
    session.update(image_guidance_scale=2.0)
    assert session.draft_request().sampling.image_guidance_scale == 1.5
    choose(context, "instruct")
    assert session.draft_request().sampling.image_guidance_scale == 2.0


# -- coming back ------------------------------------------------------------------------------------------------------


def test_the_state_survives_a_start(session: Session, context: AppContext) -> None:
    (polish,) = context.added.refiners()
    session.update(
        loras=(chosen("glow", weight=0.7, text_weight=0.2, on=False), chosen("crystal")),
        vae=vae_from({"name": "clear"}),
        refiner=RefinerSpec(model=polish.spec, begin=0.6),
        noise_level=30,
        image_guidance_scale=2.5,
    )
    data = json.loads(json.dumps(session.to_dict()))
    other = Session(context.session.model, context.catalog.find, added=context.added)
    other.from_dict(data)
    assert other.state.loras == session.state.loras
    assert (other.state.vae, other.state.noise_level, other.state.image_guidance_scale) == (session.state.vae, 30, 2.5)
    assert other.state.refiner is not None and other.state.refiner.begin == 0.6


@pytest.mark.parametrize("data", [None, 3, "x", [3], [{}], [{"name": ""}], [{"name": "a", "path": 3}]])
def test_a_damaged_state_brings_nothing(data: object) -> None:
    assert loras_from(data) == ()
    assert vae_from(data) is None and refiner_from(data) is None
    assert refiner_from({"model": data, "begin": 0.5}) is None


def test_odd_values_of_a_stored_state_become_possible() -> None:
    (lora,) = loras_from([{"name": "a", "weight": 99, "text_weight": "x", "on": 3}])
    assert (lora.weight, lora.text_weight, lora.on) == (10.0, None, True)
    (same,) = loras_from([{"name": "a", "weight": float("nan")}, {"name": "A"}])
    assert same.weight == 1.0


def test_a_picture_brings_its_loras_back(session: Session, context: AppContext) -> None:
    session.update(positive="a cat <lora:glow:0.3>", loras=(chosen("ink_v2", weight=0.6),))
    request = session.build_request()
    text = record_to_text(PictureRecord(request=request, seconds=1.0, app_version="0.1"))
    session.update(positive="", loras=())
    back = record_from_text(text).request
    assert isinstance(back, GenerationRequest)
    session.restore(back)
    assert session.state.positive == "a cat <lora:glow:0.3>"
    assert [(lora.name, lora.weight) for lora in session.state.loras] == [("ink_v2", 0.6)]
    assert session.draft_request() == request


def test_a_lora_that_is_called_otherwise_here_is_found_by_the_hash_of_the_picture(
    session: Session, context: AppContext, qtbot: QtBot
) -> None:
    glow = next(file for file in context.added.files if file.name == "glow")
    with qtbot.waitSignal(context.added.changed):
        context.model_news.ask(glow.path)
    digest = next(file.hashes for file in context.added.files if file.name == "glow").short  # type: ignore[union-attr]
    request = replace(
        session.plain_request(),
        prompt=replace(session.plain_request().prompt, positive="a cat <lora:soft light:0.3>"),
        loras=(LoraUse(name="soft light", path="", hash=digest, weight=0.3),),
    )
    session.restore(request)
    assert names(session.draft_request()) == [("glow", 0.3)]
    assert session.state.loras == ()


def test_a_picture_of_a1111_brings_loras_and_vae(session: Session) -> None:
    text = (
        "a cat <lora:ink_v2:0.5:0.8>\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64, "
        'VAE: Clear.safetensors, Lora hashes: "ink_v2: 0123456789ab"'
    )
    request = restored_request(read_metadata({"parameters": text}), session.plain_request())
    assert request is not None
    session.restore(request)
    made = session.draft_request()
    (ink,) = made.loras
    assert (ink.name, ink.weight, ink.text_weight) == ("ink_v2", 0.8, 0.5)
    assert made.vae is not None and made.vae.name == "clear"


def test_a_picture_without_any_takes_them_off(session: Session) -> None:
    session.update(loras=(chosen("ink_v2"),), vae=vae_from({"name": "clear"}))
    text = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64"
    request = restored_request(read_metadata({"parameters": text}), session.plain_request())
    assert request is not None
    session.restore(request)
    assert session.state.loras == () and session.state.vae is None


# -- what the panel says ----------------------------------------------------------------------------------------------


def test_rows_say_what_acts_and_why_not(session: Session, context: AppContext) -> None:
    session.update(
        positive="<lora:glow:0.5> a cat",
        loras=(chosen("ink_v2", weight=0.8), chosen("glow"), chosen("crystal"), chosen("gone")),
    )
    ink, glow, crystal, gone = lora_rows(session, context.added)
    assert (ink.title, ink.acts, ink.why, ink.words) == (
        "Ink & brush",
        True,
        "",
        ("ink style", "brush strokes", "monochrome"),
    )
    assert (glow.fixed, glow.why) == (True, "The prompt names it with 0.5, which counts.")
    assert (crystal.acts, crystal.why) == (False, "Left out: it is for SDXL, and this model is SD 1.x.")
    assert gone.why == "Left out: it is not on this computer."
    assert summary((ink, glow, crystal, gone)) == "Ink & brush 0.8, glow 0.5"
    session.update(loras=())
    (only,) = lora_rows(session, context.added)
    assert (only.weight, only.aside) == (None, "0.5 in the prompt")


def test_a_fault_of_the_prompt_offers_the_nearest_name(session: Session, context: AppContext) -> None:
    session.update(positive="a <lora:glw:0.5> cat")
    fault = prompt_fault(session, context.added)
    assert fault is not None
    assert (fault.remedy, fault.cured) == ("Use “glow”", "a <lora:glow:0.5> cat")
    session.update(positive="a <lora:crystal:0.5> cat")
    fault = prompt_fault(session, context.added)
    assert fault is not None and fault.cured == "" and "is for SDXL" in fault.words
    session.update(positive="a <lora:glow:0.5> cat, badhands")
    assert prompt_fault(session, context.added) is None
    assert embeddings_words(session, context.added) == "The embedding “badhands” is in use."


def test_an_embedding_of_a_picture_that_is_not_here_is_named(session: Session, context: AppContext) -> None:
    session.update(positive="a cat, goldenhour, badhands")
    files = tuple(AddedFile(name=name, path="") for name in ("goldenhour", "badhands"))
    session.restore(replace(session.plain_request(), embeddings=files))
    told = "The embedding “badhands” is in use. Not on this computer, and read as plain words: “goldenhour”."
    assert embeddings_words(session, context.added) == told
    session.update(positive="a cat")
    assert embeddings_words(session, context.added) == ""


@pytest.mark.parametrize(
    ("prompt", "longer"),
    [
        ("", "ink"),
        ("a cat", "a cat, ink"),
        ("a cat, ", "a cat, ink"),
        ("an ink pot", "an ink pot"),
        ("inky", "inky, ink"),
    ],
)
def test_a_word_is_put_into_the_prompt_once(prompt: str, longer: str) -> None:
    assert with_word(prompt, "ink") == longer

"""SDXL from a prompt: against the stock StableDiffusionXLPipeline, bit for bit, on the same components."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Cancelled, Failed, Preview, Progress
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.engine.latents import SDXL_RGB
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.samplers import build_scheduler
from tests.engine.conftest import Run
from tests.engine.test_pipeline_equality import KINDS, stock_scheduler
from tests.helpers.tiny_models import make_request
from tests.helpers.xl_models import make_xl_folder, make_xl_parts, write_xl_folder
from tests.helpers.xl_pipelines import SCHEDULER, drawn, load_xl_pipeline, made_by, read_xl

# diffusers' schedulers with NumPy 2: thousands of notes about __array__'s copy keyword.
pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SIZE = {"width": 64, "height": 64}
V = SCHEDULER | {"prediction_type": "v_prediction"}
ENDING = V | {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_xl_folder(tmp_path_factory.mktemp("xl") / "model", "sdxl")


@pytest.fixture(scope="module")
def loaded(model: Path) -> LoadedModel:
    return read_xl(model)


@pytest.fixture(scope="module")
def pipeline(model: Path) -> Any:
    return load_xl_pipeline(model)


@pytest.mark.parametrize("sampler", KINDS)
def test_samplers_of_every_kind_equal_the_pipeline(sampler: str, loaded: LoadedModel, pipeline: Any) -> None:
    ours = drawn(loaded, sampler=sampler, negative="blue")
    assert np.array_equal(ours, made_by(pipeline, sampler, negative_prompt="blue", **SIZE))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"guidance_scale": 1.0}, {"guidance_scale": 1.0}),
        ({"guidance_rescale": 0.7}, {"guidance_rescale": 0.7}),
        ({"negative": "  "}, {}),
        ({"clip_skip": 2}, {}),
        ({"clip_skip": 3}, {"clip_skip": 1}),
        ({"clip_skip": 4}, {"clip_skip": 2}),
        ({"positive": "ünïcode 苹果, 12:30 don't"}, {"prompt": "ünïcode 苹果, 12:30 don't"}),
        ({"size": Size(96, 64)}, {"width": 96}),
    ],
    ids=str,
)
def test_every_setting_equals_the_pipeline(
    ours: dict[str, Any], theirs: dict[str, Any], loaded: LoadedModel, pipeline: Any
) -> None:
    """Counted as A1111 does, 2 is the layer before the last, which diffusers counts as none skipped."""
    assert np.array_equal(drawn(loaded, **ours), made_by(pipeline, "Euler", **SIZE | theirs))


def test_a_negative_prompt_without_words_is_zeros_only_where_the_model_says_so(
    tmp_path: Path, loaded: LoadedModel, pipeline: Any
) -> None:
    folder = write_xl_folder(tmp_path / "model", "sdxl", make_xl_parts("sdxl"), force_zeros_for_empty_prompt=False)
    made = drawn(read_xl(folder))
    # An empty negative prompt that is given is read, whatever the model says, and so it is here without being given.
    assert np.array_equal(made, made_by(pipeline, "Euler", negative_prompt="", **SIZE))
    assert not np.array_equal(made, drawn(loaded))


@pytest.mark.parametrize("config", [V, ENDING], ids=["v", "zero SNR"])
@pytest.mark.parametrize("sampler", ["Euler", "DPM++ 2M", "DDIM", "UniPC", "Heun"])
def test_v_prediction_equals_the_pipeline(
    sampler: str, config: dict[str, Any], loaded: LoadedModel, pipeline: Any
) -> None:
    ours = drawn(replace(loaded, scheduler_config=config), sampler=sampler, guidance_rescale=0.5)
    by_itself = config is V or sampler != "Heun"
    scheduler = stock_scheduler(sampler, config) if by_itself else build_scheduler(sampler, config, 4)
    assert np.array_equal(ours, made_by(pipeline, sampler, scheduler=scheduler, guidance_rescale=0.5, **SIZE))


def conditioned(
    model: LoadedModel, positive: str, negative: str = ""
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Embeddings, pooled, measures."""
    request = make_request(Path(model.spec.path), positive=positive, negative=negative)
    with torch.inference_mode():
        told = model.conditioner.condition(request, guided=True)
    added = told.unet_options["added_cond_kwargs"]
    return told.embeddings, added["text_embeds"], added["time_ids"]


LONG = "a red apple on a blue plate, " * 12


def test_long_prompts_are_read_in_chunks_and_pooled_by_the_first(loaded: LoadedModel) -> None:
    long, pooled, measures = conditioned(loaded, LONG, "blue")
    assert long.shape == (2, 154, 80) and pooled.shape == (2, 48)
    assert measures.tolist() == [[64, 64, 0, 0, 64, 64]] * 2
    first, pooled_first, _ = conditioned(loaded, " ".join(LONG.split()[:65]), "blue")
    assert torch.equal(long[0, :77], first[0]) and torch.equal(pooled[0], pooled_first[0])
    zeros, pooled_zeros, _ = conditioned(loaded, LONG)
    assert zeros.shape == long.shape and not zeros[0].any() and not pooled_zeros[0].any()


def test_weights_act_on_both_text_encoders_and_restore_the_mean_of_each(loaded: LoadedModel) -> None:
    plain, pooled, _ = conditioned(loaded, "a red apple")
    heavy, pooled_heavy, _ = conditioned(loaded, "a (red:1.5) apple")
    assert torch.equal(pooled, pooled_heavy)
    for part in (slice(0, 32), slice(32, 80)):
        ours, before = heavy[1, :, part], plain[1, :, part]
        scaled = before.clone()
        scaled[2] *= 1.5
        assert torch.allclose(ours, scaled * (before.mean() / scaled.mean()), rtol=1e-4)
        assert not torch.allclose(ours, before)


def test_an_exclamation_mark_is_one_to_both_text_encoders(loaded: LoadedModel, pipeline: Any) -> None:
    """The original code reads it so. diffusers' second tokenizer takes it for padding, which is the same character."""
    row = [
        encoder(torch.tensor([[49406, 256, 49407, *[pad] * 74]]), output_hidden_states=True).hidden_states[-2]
        for encoder, pad in zip(loaded.conditioner.encoders, (49407, 0), strict=True)
    ]
    assert torch.equal(conditioned(loaded, "!")[0][1], torch.cat(row, dim=-1)[0])
    assert pipeline.tokenizer("!").input_ids[1] == 256 != pipeline.tokenizer_2("!").input_ids[1]


def test_previews_are_in_sdxls_colours(run: Run, model: Path, loaded: LoadedModel) -> None:
    events = run(make_request(model))
    assert loaded.latents.rgb_factors == SDXL_RGB
    shown = [event for event in events if isinstance(event, Preview)]
    assert shown and shown[-1].step == 4 and (shown[-1].image.size, shown[-1].width) == (Size(8, 8), 64)


@pytest.mark.parametrize("step", [0, 2])
def test_cancel(step: int, run: Run, model: Path) -> None:
    cancel = CancelToken()
    events = run(
        make_request(model),
        cancel,
        lambda event: cancel.cancel() if isinstance(event, Progress) and event.step == step else None,
    )
    assert isinstance(events[-1], Cancelled)


def test_a_clip_skip_that_one_of_its_text_encoders_cannot_names_its_field(run: Run, model: Path) -> None:
    failed = run(make_request(model, clip_skip=5))[-1]
    assert isinstance(failed, Failed) and (failed.kind, failed.field) == (ErrorKind.BAD_INPUT, "clip_skip")


def test_what_is_read_is_what_the_folder_is(loaded: LoadedModel) -> None:
    assert loaded.family is ModelFamily.SDXL and not loaded.inpainting
    assert [encoder.config.hidden_size for encoder in loaded.conditioner.encoders] == [32, 48]

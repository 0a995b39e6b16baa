"""Our loop against the stock StableDiffusionPipeline, bit for bit, on the same components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from sdstudio.domain.events import ImageReady
from sdstudio.domain.samplers import SAMPLERS
from sdstudio.engine.samplers import build_scheduler
from tests.engine.conftest import Run
from tests.helpers.tiny_models import SD15_SCHEDULER, ZERO_SNR_SCHEDULER, make_request, make_tiny_model

# diffusers' schedulers with NumPy 2: thousands of notes about __array__'s copy keyword.
pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SDE = {"algorithm_type": "sde-dpmsolver++"}
KARRAS = {"use_karras_sigmas": True}

# Written down anew, not taken from the engine: the names that people know and what diffusers calls them.
STOCK: dict[str, tuple[str, dict[str, Any]]] = {
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler Karras": ("EulerDiscreteScheduler", KARRAS),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "Heun": ("HeunDiscreteScheduler", {}),
    "DPM2": ("KDPM2DiscreteScheduler", {}),
    "DPM2 Karras": ("KDPM2DiscreteScheduler", KARRAS),
    "DPM2 a": ("KDPM2AncestralDiscreteScheduler", {}),
    "DPM2 a Karras": ("KDPM2AncestralDiscreteScheduler", KARRAS),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {}),
    "DPM++ 2M Karras": ("DPMSolverMultistepScheduler", KARRAS),
    "DPM++ 2M Exponential": ("DPMSolverMultistepScheduler", {"use_exponential_sigmas": True}),
    "DPM++ 2M SDE": ("DPMSolverMultistepScheduler", SDE),
    "DPM++ 2M SDE Karras": ("DPMSolverMultistepScheduler", {**SDE, **KARRAS}),
    "DPM++ 3M SDE": ("DPMSolverMultistepScheduler", {**SDE, "solver_order": 3}),
    "DPM++ 2S": ("DPMSolverSinglestepScheduler", {"lower_order_final": True}),
    "DPM++ 2S Karras": ("DPMSolverSinglestepScheduler", {"lower_order_final": True, **KARRAS}),
    "DDIM": ("DDIMScheduler", {}),
    "DDPM": ("DDPMScheduler", {}),
    "PLMS": ("PNDMScheduler", {"skip_prk_steps": True}),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "DEIS": ("DEISMultistepScheduler", {}),
    "SA-Solver": ("SASolverScheduler", {}),
    "LCM": ("LCMScheduler", {}),
    "TCD": ("TCDScheduler", {}),
}
KINDS = ("Euler", "Euler a", "DPM++ 2M", "DPM++ 2M SDE", "Heun", "UniPC")
"""One sampler of each way to step: enough where all of them were tried on another family's networks."""


def stock_scheduler(name: str, config: dict[str, Any]) -> Any:
    """As diffusers' documentation has it: from_config of the model's own config, with the model's spacing."""
    class_name, options = STOCK[name]
    accepted = getattr(diffusers, config["_class_name"]).from_config(config).config
    spacing = {"timestep_spacing": accepted["timestep_spacing"], "clip_sample": False}
    return getattr(diffusers, class_name).from_config(config, **spacing, **options)


def load_pipeline(folder: Path) -> Any:
    vae_class = diffusers.AutoencoderTiny if "zero-snr" in str(folder) else diffusers.AutoencoderKL
    pipeline = diffusers.StableDiffusionPipeline(
        vae=vae_class.from_pretrained(folder / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(folder / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        unet=diffusers.UNet2DConditionModel.from_pretrained(folder / "unet"),
        scheduler=stock_scheduler("DDIM", SD15_SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def pipeline(tiny_model: Path) -> Any:
    return load_pipeline(tiny_model)


@pytest.fixture(scope="module")
def zero_snr_pipeline(zero_snr_model: Path) -> Any:
    return load_pipeline(zero_snr_model)


def pipeline_pixels(pipeline: Any, scheduler: Any, sampler: str, **arguments: Any) -> np.ndarray:
    pipeline.scheduler = scheduler
    result = pipeline(
        "a red apple",
        height=64,
        width=64,
        # The pipeline hands eta = 0 to every scheduler that takes one; TCD's own default is 0.3.
        eta=0.3 if sampler == "TCD" else 0.0,
        generator=torch.Generator("cpu").manual_seed(7),
        output_type="np",
        **arguments,
    )
    return (result.images[0] * 255).round().astype(np.uint8)


def our_pixels(run: Run, model: Path, **changes: Any) -> np.ndarray:
    events = run(make_request(model, **changes))
    pictures = [event for event in events if isinstance(event, ImageReady)]
    assert len(pictures) == 1, events
    return pictures[0].image.rgb


def test_the_table_here_is_complete() -> None:
    assert list(STOCK) == [info.name for info in SAMPLERS]


CASES = {
    "guided": {"guidance_scale": 5.0, "negative": "blue", "guidance_rescale": 0.7},
    "unguided": {"guidance_scale": 1.0},
}


@pytest.mark.parametrize(
    ("sampler", "case"), [*((sampler, "guided") for sampler in STOCK), *((sampler, "unguided") for sampler in KINDS)]
)
def test_every_sampler_equals_the_pipeline(sampler: str, case: str, run: Run, tiny_model: Path, pipeline: Any) -> None:
    changes = CASES[case]
    ours = our_pixels(run, tiny_model, sampler=sampler, steps=4, **changes)
    expected = pipeline_pixels(
        pipeline,
        stock_scheduler(sampler, SD15_SCHEDULER),
        sampler,
        num_inference_steps=4,
        guidance_scale=changes["guidance_scale"],
        guidance_rescale=changes.get("guidance_rescale", 0.0),
        negative_prompt=changes.get("negative"),
    )
    assert ours.std() > 0
    assert np.array_equal(ours, expected)


RESCALING = ("DDIM", "Euler", "Euler a", "DPM++ 2M", "DPM++ 2M SDE", "DPM++ 3M SDE", "DDPM", "UniPC", "LCM", "TCD")


PLAIN, RESCALED = {"guidance_scale": 3.5}, {"guidance_scale": 7.5, "guidance_rescale": 0.5}


@pytest.mark.parametrize(
    ("sampler", "changes"),
    [*((sampler, PLAIN) for sampler in RESCALING), *((sampler, RESCALED) for sampler in RESCALING if sampler in KINDS)],
)
def test_zero_snr_v_prediction_with_the_tiny_decoder_equals_the_pipeline(
    sampler: str, changes: dict[str, float], run: Run, zero_snr_model: Path, zero_snr_pipeline: Any
) -> None:
    """These classes can rescale by themselves; for the others the next test takes our own scheduler."""
    ours = our_pixels(run, zero_snr_model, sampler=sampler, steps=4, **changes)
    scheduler = stock_scheduler(sampler, ZERO_SNR_SCHEDULER)
    expected = pipeline_pixels(zero_snr_pipeline, scheduler, sampler, num_inference_steps=4, **changes)
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize("sampler", [name for name in STOCK if name not in RESCALING])
def test_zero_snr_for_the_other_samplers_equals_the_pipeline_with_our_scheduler(
    sampler: str, run: Run, zero_snr_model: Path, zero_snr_pipeline: Any
) -> None:
    ours = our_pixels(run, zero_snr_model, sampler=sampler, steps=4, guidance_scale=3.5)
    scheduler = build_scheduler(sampler, ZERO_SNR_SCHEDULER, 4)
    expected = pipeline_pixels(zero_snr_pipeline, scheduler, sampler, num_inference_steps=4, guidance_scale=3.5)
    assert np.array_equal(ours, expected)


def test_a_model_distilled_with_guidance_equals_the_pipeline(run: Run, tmp_path: Path) -> None:
    """Such a network takes the guidance scale as an input; there is no unconditional half."""
    folder = make_tiny_model(tmp_path / "distilled", distilled=16)
    ours = our_pixels(run, folder, sampler="LCM", guidance_scale=6.0)
    expected = pipeline_pixels(
        load_pipeline(folder), stock_scheduler("LCM", SD15_SCHEDULER), "LCM", num_inference_steps=4, guidance_scale=6.0
    )
    assert np.array_equal(ours, expected)

"""The sampler table: schedules that hold at every number of steps, and the predicted result of every sampler."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from sdstudio.domain.samplers import SAMPLERS
from sdstudio.engine.denoise import DenoiseContext, Hook, denoise
from sdstudio.engine.latents import predicted_original
from sdstudio.engine.samplers import RECIPES, build_scheduler, timestep_spacing
from tests.helpers.tiny_models import SD15_SCHEDULER, ZERO_SNR_SCHEDULER

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAMES = [info.name for info in SAMPLERS]
CONFIGS = {"epsilon": SD15_SCHEDULER, "v with zero SNR": ZERO_SNR_SCHEDULER}


class KnowsTheAnswer:
    """A network that sees through the noise: from input and timestep alone it gives the output that means `answer`."""

    def __init__(self, answer: torch.Tensor, config: dict[str, Any]) -> None:
        self._answer = answer
        self._kind = config["prediction_type"]
        self._alpha_bar = build_scheduler("DDIM", config, 10).alphas_cumprod.double().numpy()

    def __call__(self, model_input: torch.Tensor, timestep: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        alpha_bar = float(np.interp(float(timestep), np.arange(1000), self._alpha_bar))
        alpha, sigma = alpha_bar**0.5, (1 - alpha_bar) ** 0.5
        noise = (model_input - alpha * self._answer) / sigma
        return (noise if self._kind == "epsilon" else alpha * noise - sigma * self._answer,)


class Guesses(Hook):
    def __init__(self) -> None:
        self.originals: list[torch.Tensor] = []

    def after_noise(self, context: DenoiseContext) -> None:
        assert context.noise is not None
        assert context.timestep is not None
        self.originals.append(predicted_original(context.scheduler, context.noise, context.timestep, context.latents))


def sample(name: str, config: dict[str, Any], answer: torch.Tensor, steps: int) -> tuple[torch.Tensor, Guesses]:
    scheduler = build_scheduler(name, config, steps)
    generator = torch.Generator("cpu").manual_seed(3)
    options = dict(RECIPES[name].step_options)
    if "generator" in inspect.signature(scheduler.step).parameters:
        options["generator"] = generator
    guesses = Guesses()
    context = DenoiseContext(
        unet=KnowsTheAnswer(answer, config),
        scheduler=scheduler,
        timesteps=scheduler.timesteps,
        latents=torch.randn(answer.shape, generator=generator) * scheduler.init_noise_sigma,
        embeddings=torch.zeros(1, 1, 1),
        steps=steps,
        guidance_scale=1.0,
        step_options=options,
    )
    return denoise(context, [guesses]), guesses


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", NAMES)
def test_previews_show_the_picture_that_the_network_means(name: str, config: str) -> None:
    """With a network that knows the answer, the predicted result is the answer at every single call."""
    answer = torch.randn(1, 4, 8, 8, generator=torch.Generator("cpu").manual_seed(5))
    result, guesses = sample(name, CONFIGS[config], answer, steps=8)
    assert torch.isfinite(result).all()
    errors = [float((guess - answer).abs().mean()) for guess in guesses.originals]
    # Timesteps are rounded to whole ones in some classes, which at the noisiest costs about a tenth.
    assert max(errors) < 0.2, errors
    assert errors[-1] < 0.02, errors


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("LCM", "TCD")])
def test_every_sampler_arrives_where_the_network_points(name: str) -> None:
    answer = torch.randn(1, 4, 8, 8, generator=torch.Generator("cpu").manual_seed(5))
    result, _ = sample(name, ZERO_SNR_SCHEDULER, answer, steps=12)
    assert float((result - answer).abs().mean()) < 0.1


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("info", SAMPLERS, ids=NAMES)
def test_calls_are_what_the_table_says(info: Any, config: str) -> None:
    scheduler = build_scheduler(info.name, CONFIGS[config], 6)
    expected = 2 * 6 - 1 if info.calls_per_step == 2 else 6
    assert len(scheduler.timesteps) == (7 if info.name == "PLMS" else expected)
    assert scheduler.timesteps.device.type == "cpu"
    assert scheduler.config.prediction_type == CONFIGS[config]["prediction_type"]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("name", ["DDIM", "DPM++ 2M", "DPM++ 2M Karras", "Euler", "PLMS", "UniPC", "LCM"])
def test_schedules_hold_at_any_number_of_steps(name: str, config: str) -> None:
    for steps in (1, 2, 3, 49, 61, 103, 251, 457, 500, 501, 999, 1000):
        timesteps = build_scheduler(name, CONFIGS[config], steps).timesteps.double()
        expected = steps + 1 if name == "PLMS" and steps > 1 else steps
        assert abs(len(timesteps) - expected) <= (1 if name == "PLMS" else 0), (steps, len(timesteps))
        assert timesteps.min() >= 0, steps
        assert timesteps.max() <= 999, steps


@pytest.mark.parametrize("steps", [61, 1000])
@pytest.mark.parametrize("name", ["DDIM", "DPM++ 2M Karras", "DPM++ 2M", "Euler a"])
def test_odd_numbers_of_steps_end_in_the_answer(name: str, steps: int) -> None:
    """61 trailing steps have a 62nd timestep, -1, in diffusers; rounded timesteps of 1000 steps repeat."""
    answer = torch.randn(1, 4, 8, 8, generator=torch.Generator("cpu").manual_seed(5))
    result, _ = sample(name, ZERO_SNR_SCHEDULER, answer, steps)
    assert float((result - answer).abs().mean()) < 0.1


def test_the_models_own_spacing_is_kept() -> None:
    assert timestep_spacing(SD15_SCHEDULER, 20) == "leading"
    assert timestep_spacing(ZERO_SNR_SCHEDULER, 20) == "trailing"
    assert timestep_spacing({"_class_name": "EulerDiscreteScheduler"}, 20) == "linspace"
    assert timestep_spacing({"timestep_spacing": "linspace", "_class_name": "DDIMScheduler"}, 20) == "linspace"


def test_what_belongs_to_the_models_sampler_does_not_leak_into_another() -> None:
    config = SD15_SCHEDULER | {"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": True}
    assert not build_scheduler("Euler", config, 8).config.use_karras_sigmas


def test_with_zero_snr_all_begin_in_noise_that_hides_all() -> None:
    for name in NAMES:
        scheduler = build_scheduler(name, ZERO_SNR_SCHEDULER, 8)
        assert float(scheduler.timesteps[0]) > 930, name
        sigmas = getattr(scheduler, "sigmas", None)
        alpha_bar = float(scheduler.alphas_cumprod[-1])
        assert (alpha_bar < 2e-4) if sigmas is None else (float(sigmas[0]) > 24), name


def test_a_config_of_an_unknown_shape_still_builds() -> None:
    assert build_scheduler("Euler", SimpleNamespace(x=1).__dict__, 3).config.prediction_type == "epsilon"

"""From a sampler's name to diffusers' scheduler, built for one model and one number of steps."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_deis_multistep import DEISMultistepScheduler
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_dpmsolver_singlestep import DPMSolverSinglestepScheduler
from diffusers.schedulers.scheduling_euler_ancestral_discrete import EulerAncestralDiscreteScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_heun_discrete import HeunDiscreteScheduler
from diffusers.schedulers.scheduling_k_dpm_2_ancestral_discrete import KDPM2AncestralDiscreteScheduler
from diffusers.schedulers.scheduling_k_dpm_2_discrete import KDPM2DiscreteScheduler
from diffusers.schedulers.scheduling_lcm import LCMScheduler
from diffusers.schedulers.scheduling_pndm import PNDMScheduler
from diffusers.schedulers.scheduling_sasolver import SASolverScheduler
from diffusers.schedulers.scheduling_tcd import TCDScheduler
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from sdstudio.domain.samplers import SAMPLERS


@dataclass(frozen=True, slots=True)
class Recipe:
    """A scheduler class, its options beside the model's own, and extra arguments of each step."""

    scheduler: Any
    options: dict[str, Any] = field(default_factory=dict)
    step_options: dict[str, Any] = field(default_factory=dict)


_KARRAS = {"use_karras_sigmas": True}
_SDE = {"algorithm_type": "sde-dpmsolver++"}

RECIPES: dict[str, Recipe] = {
    "Euler": Recipe(EulerDiscreteScheduler),
    "Euler Karras": Recipe(EulerDiscreteScheduler, _KARRAS),
    "Euler a": Recipe(EulerAncestralDiscreteScheduler),
    "Heun": Recipe(HeunDiscreteScheduler),
    "DPM2": Recipe(KDPM2DiscreteScheduler),
    "DPM2 Karras": Recipe(KDPM2DiscreteScheduler, _KARRAS),
    "DPM2 a": Recipe(KDPM2AncestralDiscreteScheduler),
    "DPM2 a Karras": Recipe(KDPM2AncestralDiscreteScheduler, _KARRAS),
    "DPM++ 2M": Recipe(DPMSolverMultistepScheduler),
    "DPM++ 2M Karras": Recipe(DPMSolverMultistepScheduler, _KARRAS),
    "DPM++ 2M Exponential": Recipe(DPMSolverMultistepScheduler, {"use_exponential_sigmas": True}),
    "DPM++ 2M SDE": Recipe(DPMSolverMultistepScheduler, _SDE),
    "DPM++ 2M SDE Karras": Recipe(DPMSolverMultistepScheduler, _SDE | _KARRAS),
    "DPM++ 3M SDE": Recipe(DPMSolverMultistepScheduler, _SDE | {"solver_order": 3}),
    "DPM++ 2S": Recipe(DPMSolverSinglestepScheduler, {"lower_order_final": True}),
    "DPM++ 2S Karras": Recipe(DPMSolverSinglestepScheduler, {"lower_order_final": True} | _KARRAS),
    "DDIM": Recipe(DDIMScheduler, step_options={"eta": 0.0}),
    "DDPM": Recipe(DDPMScheduler),
    "PLMS": Recipe(PNDMScheduler, {"skip_prk_steps": True}),
    "UniPC": Recipe(UniPCMultistepScheduler),
    "DEIS": Recipe(DEISMultistepScheduler),
    "SA-Solver": Recipe(SASolverScheduler),
    "LCM": Recipe(LCMScheduler),
    # 0.3 is the paper's gamma (Zheng et al. 2024) and the class's default.
    "TCD": Recipe(TCDScheduler, step_options={"eta": 0.3}),
}

if set(RECIPES) != {info.name for info in SAMPLERS}:
    raise AssertionError("the engine's recipes and domain.samplers name different samplers")

_SCHEDULE_KEYS = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
    "set_alpha_to_one",
)
"""What belongs to the model. Everything else in its scheduler_config.json belongs to the sampler it came with."""

_SPACING_BY_CLASS = {"DDIMScheduler": "leading", "DDPMScheduler": "leading", "PNDMScheduler": "leading"}
"""timestep_spacing of a config that does not say: the default of the class that wrote it, else linspace."""

_TERMINAL_ALPHA_BAR = 2.0**-24
"""What diffusers' own classes take for zero, so that the first sigma (4096) stays finite."""

_NEAR_SIGMA_MAX = 25.0
"""Where some samplers begin with zero terminal SNR: those that space their sigmas themselves (Karras, exponential);
DPM2 a, which takes its halfway look in the middle of the logarithms; and Heun, whose first step would magnify the
difference between its two looks 4096 / (2 sigma) times, at 12 steps to other colours. From 4096 they would spend most
of their steps on noise in which nothing is to be seen, and the stochastic ones end in wrong colours (seen at 8 to 20
steps; from 25 they do not, and plain white and black stay white and black: the signal left out is 4 % of the noise)."""

_NEAR_SAMPLERS = ("DPM2 a", "Heun")


def timestep_spacing(config: dict[str, Any], steps: int) -> str:
    """The model's own spacing, except where diffusers' arithmetic breaks at this number of steps.

    "leading" stays ever farther from the noisiest timestep (DPM++ at 400 of 1000 steps begins at 801) and at
    1000 leaves the table; "linspace" meets the same timestep twice near 1000 steps; and the float arithmetic of
    "trailing" yields one timestep too many, -1, at 61, 103 and sixty other numbers of steps.
    """
    count = int(config.get("num_train_timesteps", 1000))
    spacing = str(config.get("timestep_spacing") or _SPACING_BY_CLASS.get(str(config.get("_class_name")), "linspace"))
    if spacing != "trailing" and steps > count // 4:
        spacing = "trailing"
    if spacing == "trailing" and math.ceil(count / (count / steps)) != steps:
        spacing = "linspace"
    return spacing


def build_scheduler(name: str, config: dict[str, Any], steps: int) -> Any:
    """The scheduler of sampler `name` for a model's scheduler_config.json, its timesteps set, all on the CPU.

    Raises KeyError for a name that is not in the table.
    """
    recipe = RECIPES[name]
    accepted = inspect.signature(recipe.scheduler).parameters
    settings = {key: config[key] for key in _SCHEDULE_KEYS if config.get(key) is not None}
    settings["timestep_spacing"] = timestep_spacing(config, steps)
    # Latents are not clipped, and old configs without the offset are in error: both as StableDiffusionPipeline has it.
    settings |= {"clip_sample": False, "steps_offset": 1} | recipe.options
    if "original_inference_steps" in accepted:
        settings["original_inference_steps"] = max(50, steps)
    if settings.get("rescale_betas_zero_snr"):
        near = (
            name in _NEAR_SAMPLERS
            or "use_karras_sigmas" in recipe.options
            or "use_exponential_sigmas" in recipe.options
        )
        if near or "rescale_betas_zero_snr" not in accepted:
            settings["trained_betas"] = _zero_snr_betas(settings, near=near)
            settings["rescale_betas_zero_snr"] = False
    scheduler = recipe.scheduler.from_config({key: value for key, value in settings.items() if key in accepted})
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        # Rounded timesteps of many-step schedules repeat; the stock look-up would then begin at the second.
        scheduler.set_begin_index(0)
    return scheduler


def _zero_snr_betas(settings: dict[str, Any], *, near: bool) -> list[float]:
    """Betas with (nearly) zero terminal SNR, rescaled as in Lin et al. 2023, for classes that cannot do it by
    themselves; `near` = with the noisiest timesteps drawn together at _NEAR_SIGMA_MAX."""
    donor = DDIMScheduler.from_config({key: value for key, value in settings.items() if key in _SCHEDULE_KEYS})
    alpha_bar = donor.alphas_cumprod.double()
    floor = 1 / (1 + _NEAR_SIGMA_MAX**2) if near else _TERMINAL_ALPHA_BAR
    low = alpha_bar < floor
    # Falling still, by a little: the look-up from sigma to timestep divides by the difference of neighbours.
    alpha_bar[low] = floor * torch.linspace(1.0, 0.9, int(low.sum()) + 1, dtype=torch.float64)[1:]
    previous = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]])
    return [float(beta) for beta in 1 - alpha_bar / previous]

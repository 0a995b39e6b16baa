"""The samplers on offer, under the names that people know. How each is made is the engine's business."""

from __future__ import annotations

from dataclasses import dataclass

from sdstudio.domain.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class SamplerInfo:
    """`calls_per_step` 2 means that a step costs two calls of the UNet (except the last: 2n - 1)."""

    name: str
    hint: str
    calls_per_step: int = 1


SAMPLERS: tuple[SamplerInfo, ...] = (
    SamplerInfo("Euler", "Plain and dependable; 20 to 30 steps."),
    SamplerInfo("Euler Karras", "Euler with more of its steps spent on detail."),
    SamplerInfo("Euler a", "Adds fresh noise at each step: lively, never quite settles."),
    SamplerInfo("Heun", "Two looks at every step: careful, twice the time.", calls_per_step=2),
    SamplerInfo("DPM2", "Second-order solver: twice the time of Euler a step.", calls_per_step=2),
    SamplerInfo("DPM2 Karras", "DPM2 with more of its steps spent on detail.", calls_per_step=2),
    SamplerInfo("DPM2 a", "DPM2 that adds fresh noise at each step.", calls_per_step=2),
    SamplerInfo("DPM2 a Karras", "DPM2 a with more of its steps spent on detail.", calls_per_step=2),
    SamplerInfo("DPM++ 2M", "Good pictures in 15 to 25 steps."),
    SamplerInfo("DPM++ 2M Karras", "The usual first choice: good detail in 20 to 25 steps."),
    SamplerInfo("DPM++ 2M Exponential", "DPM++ 2M with an exponential noise schedule."),
    SamplerInfo("DPM++ 2M SDE", "DPM++ 2M with fresh noise: richer texture, 25 steps or more."),
    SamplerInfo("DPM++ 2M SDE Karras", "DPM++ 2M SDE with more of its steps spent on detail."),
    SamplerInfo("DPM++ 3M SDE", "Third order with fresh noise: for 30 steps or more."),
    SamplerInfo("DPM++ 2S", "Single-step second-order solver; good at few steps."),
    SamplerInfo("DPM++ 2S Karras", "DPM++ 2S with more of its steps spent on detail."),
    SamplerInfo("DDIM", "The classic: the same seed drifts little when settings change."),
    SamplerInfo("DDPM", "The original sampler; needs very many steps."),
    SamplerInfo("PLMS", "The sampler of the first Stable Diffusion."),
    SamplerInfo("UniPC", "Good pictures in 10 to 20 steps."),
    SamplerInfo("DEIS", "Good pictures in 10 to 20 steps."),
    SamplerInfo("SA-Solver", "Stochastic Adams solver."),
    SamplerInfo("LCM", "Only for distilled models: 2 to 8 steps, guidance about 1."),
    SamplerInfo("TCD", "Only for distilled models: 2 to 8 steps, guidance about 1."),
)

DEFAULT_SAMPLER = "DPM++ 2M Karras"
_BY_FOLDED_NAME = {info.name.casefold(): info for info in SAMPLERS}


def find_sampler(name: str) -> SamplerInfo | None:
    """By name, in any case; None where none is called so."""
    return _BY_FOLDED_NAME.get(" ".join(name.split()).casefold())


def require_sampler(name: str) -> SamplerInfo:
    """By name, in any case. Raises InvalidRequest("sampler") with the names that exist."""
    info = find_sampler(name)
    if info is None:
        names = ", ".join(sampler.name for sampler in SAMPLERS)
        raise InvalidRequest("sampler", f"There is no sampler “{name}”.", hint=f"Choose one of: {names}.")
    return info

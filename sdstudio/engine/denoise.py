"""The one denoising loop. Features are hooks around its steps; tasks differ in what they put into the context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch


@dataclass(slots=True)
class DenoiseContext:
    """State of the loop for one picture.

    `latents` is 1 x C x h x w on the device. `embeddings` is n x tokens x width: n is 2 with guidance (unconditional
    first) and 1 without, or what `combine` takes. `timesteps` stays on the CPU, so that the loop never waits for the
    device.
    """

    unet: Any
    scheduler: Any
    timesteps: torch.Tensor
    """Of the UNet's calls, the noisiest first: the scheduler's, or the last of them where a picture is begun with."""
    latents: torch.Tensor
    embeddings: torch.Tensor
    steps: int
    guidance_scale: float
    guidance_rescale: float = 0.0
    step_options: dict[str, Any] = field(default_factory=dict)
    unet_options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of each call of the UNet."""
    combine: Combine | None = None
    """Makes one output of n, where the family has a guidance of its own."""
    timestep_cond: torch.Tensor | None = None
    hooks: tuple[Hook, ...] = ()
    """The task's own: they come before those that the loop is given."""
    call: int = 0
    timestep: torch.Tensor | None = None
    model_input: torch.Tensor | None = None
    noise: torch.Tensor | None = None
    """The guided model output of this call (epsilon, v or sample, as the scheduler's config says)."""

    @property
    def copies(self) -> int:
        """How many rows each call of the UNet has."""
        return len(self.embeddings)

    @property
    def guided(self) -> bool:
        return self.copies > 1

    @property
    def calls(self) -> int:
        """How often the UNet is called: 2n - 1 times for second-order samplers."""
        return len(self.timesteps)

    @property
    def step(self) -> int:
        """The step that the current call belongs to, from 0."""
        return self.call * self.steps // self.calls

    @property
    def steps_done(self) -> int:
        """Whole steps done when the current call is, from 0 to `steps`."""
        return (self.call + 1) * self.steps // self.calls


Combine = Callable[[torch.Tensor], torch.Tensor]
"""n x C x h x w outputs of the UNet to 1 x C x h x w."""


class Hook:
    """What a feature may do around the steps. Every method does nothing unless overridden."""

    def before_loop(self, context: DenoiseContext) -> None:
        """Latents are as noisy as the first timestep has it, scaled for the sampler."""

    def before_step(self, context: DenoiseContext) -> None:
        """`call` and `timestep` are set."""

    def before_unet(self, context: DenoiseContext) -> None:
        """`model_input` is set and may be replaced."""

    def after_noise(self, context: DenoiseContext) -> None:
        """`noise` is set and may be replaced; `latents` is still the step's input."""

    def after_step(self, context: DenoiseContext) -> None:
        """`latents` is the step's result and may be replaced."""

    def after_loop(self, context: DenoiseContext) -> None:
        """`latents` is final."""


def rescale_guidance(guided: torch.Tensor, conditional: torch.Tensor, phi: float) -> torch.Tensor:
    """Gives the guided output the contrast of the conditional one, by the share phi (Lin et al. 2023, 3.4)."""
    axes = list(range(1, guided.ndim))
    rescaled = guided * (conditional.std(dim=axes, keepdim=True) / guided.std(dim=axes, keepdim=True))
    return phi * rescaled + (1 - phi) * guided


def _predict(context: DenoiseContext) -> torch.Tensor:
    """One call of the UNet and the guidance."""
    output = context.unet(
        context.model_input,
        context.timestep,
        encoder_hidden_states=context.embeddings,
        timestep_cond=context.timestep_cond,
        **context.unet_options,
        return_dict=False,
    )[0]
    if not context.guided:
        return output
    if context.combine is not None:
        return context.combine(output)
    unconditional, conditional = output.chunk(2)
    guided = unconditional + context.guidance_scale * (conditional - unconditional)
    if context.guidance_rescale > 0.0:
        guided = rescale_guidance(guided, conditional, context.guidance_rescale)
    return guided


def denoise(context: DenoiseContext, hooks: Sequence[Hook] = ()) -> torch.Tensor:
    """Runs the loop to its end and returns the final latents. A hook stops it by raising."""
    hooks = (*context.hooks, *hooks)
    for hook in hooks:
        hook.before_loop(context)
    for call, timestep in enumerate(context.timesteps):
        context.call, context.timestep = call, timestep
        for hook in hooks:
            hook.before_step(context)
        copies = torch.cat([context.latents] * context.copies) if context.guided else context.latents
        context.model_input = context.scheduler.scale_model_input(copies, timestep)
        for hook in hooks:
            hook.before_unet(context)
        context.noise = _predict(context)
        for hook in hooks:
            hook.after_noise(context)
        context.latents = context.scheduler.step(
            context.noise, timestep, context.latents, **context.step_options, return_dict=False
        )[0]
        for hook in hooks:
            hook.after_step(context)
    for hook in hooks:
        hook.after_loop(context)
    return context.latents

"""Pictures of which only what a mask allows is made anew, with every kind of network.

The request's picture and mask have the size that is to be made: what the model sees, cut out and filled in by the
caller, who puts the result back, too. The whole of it is decoded; outside the mask it is near the source, not equal.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from sdstudio.domain.edits import FillMode
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import GenerationRequest, PromptSpec
from sdstudio.engine.denoise import DenoiseContext, Hook
from sdstudio.engine.encode import encode
from sdstudio.engine.hooks.mask import MaskHook
from sdstudio.engine.libraries import AutoencoderKL
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.context import draw_noise, make_context, make_scheduler
from sdstudio.engine.tasks.image import fitted_rgb, last_timesteps
from sdstudio.engine.tasks.shown import cells_of, show_around

_FULL = 255


def prepare_for_inpaint(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer,
    mask: ImageBuffer,
) -> DenoiseContext:
    """The loop's beginning from the picture's latents, noised; from noise alone where the strength is 1.

    Order of draws and arithmetic are StableDiffusionInpaintPipeline's: masks of whole cells that are hard give its
    pictures bit for bit. Raises InvalidRequest("mask") for a mask that is not of the request's size.
    """
    values = mask_values(mask, request.size)
    begins = first_steps(cells_of(values, model), request.steps_made)
    from_noise = request.strength == 1.0
    held = not model.inpainting or model.puts_back or _has_grey(begins, request.steps_made)
    scheduler = make_scheduler(request, model)
    timesteps = last_timesteps(scheduler, request.sampling.steps, request.steps_made)
    rgb = fitted_rgb(start, request.size)
    # Contiguous, as repeating makes it in the pipeline: the order in memory decides the last bits of convolutions.
    source = encode(model, rgb, generator).contiguous() if held or not from_noise else None
    noise = draw_noise(request, model, generator)
    if from_noise or source is None:
        latents = noise * scheduler.init_noise_sigma
    else:
        latents = scheduler.add_noise(source, noise, timesteps[:1])
    hooks: tuple[Hook, ...] = show_around(rgb, hidden_pixels(values), model, generator)
    if not model.inpainting and isinstance(model.vae, AutoencoderKL):
        # The pipeline encodes the masked picture for every network: its draw, though nobody would read the latents.
        draw_noise(request, model, generator)
    if held and source is not None:
        hooks = (MaskHook(begins, source, noise), *hooks)
    return make_context(
        replace(request, prompt=_prompt(request)),
        model,
        generator,
        scheduler=scheduler,
        timesteps=timesteps,
        latents=latents,
        hooks=hooks,
    )


def mask_values(mask: ImageBuffer, size: Size) -> Pixels:
    """H x W uint8 of a grey picture: 255 = may change fully. Raises InvalidRequest("mask") for another size."""
    if mask.size != size:
        raise InvalidRequest(
            "mask",
            f"The mask has {_words(mask.size)} pixels, the picture to be made {_words(size)}.",
            hint="Use a mask of the size that is to be made.",
        )
    return mask.pixels[..., 0]


def _words(size: Size) -> str:
    return f"{size.width} x {size.height}"


def first_steps(cells: torch.Tensor, steps: int) -> torch.Tensor:
    """For each cell, 0 to 255, the first step, from 0, whose result it keeps; `steps` = none.

    A cell m (0 to 1) changes in step i of n where m > 1 - (i + 1) / n: the threshold falls evenly, down to 0 in the
    last step, so that m is the share of the steps that are made of it, and every cell above 0 changes at all.
    """
    return (_FULL - cells) * steps // _FULL


def hidden_pixels(values: Pixels) -> Pixels:
    """H x W, 1 where a network that reads masks is not shown the picture; it knows hard masks only.

    From half of the strongest value on: for masks that reach 255 this is diffusers' threshold. The outer half of a
    soft edge, which changes late and little, stays in sight, so that what is made can join it; and a mask that is
    light grey everywhere is seen as a mask.
    """
    return ((values > 0) & (2 * values.astype(np.int32) >= int(values.max()))).astype(np.uint8)


def _has_grey(begins: torch.Tensor, steps: int) -> bool:
    """Whether the source is put back with a network that reads masks, too: it knows nothing of grey, and what it was
    trained with outside the mask is the noised source. With hard masks it is left alone, as in diffusers."""
    return bool(((begins > 0) & (begins < steps)).any())


def _prompt(request: GenerationRequest) -> PromptSpec:
    """With REMOVE, the prompt names what is to go: it is avoided, beside what the negative prompt names, and nothing
    is asked for. The request keeps the user's words. Without guidance there is nothing to avoid with."""
    prompt = request.prompt
    if request.inpaint is None or request.inpaint.mode is not FillMode.REMOVE:
        return prompt
    avoided = ", ".join(words for words in (prompt.positive.strip(), prompt.negative.strip()) if words)
    return replace(prompt, positive="", negative=avoided)

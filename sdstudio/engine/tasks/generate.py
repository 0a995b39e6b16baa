"""Makes pictures: the task's own beginning (from noise, from a picture, behind a mask), then the one loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch

from sdstudio.domain.engine_api import CancelToken, Emit
from sdstudio.domain.errors import InvalidRequest, ModelError
from sdstudio.domain.events import ImageReady, Loading
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import FROM_NOISE_FAMILIES
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.decode import decode
from sdstudio.engine.denoise import DenoiseContext, Hook, denoise
from sdstudio.engine.hooks.cancel import CancelHook, check_cancel, interruptible
from sdstudio.engine.hooks.preview import PreviewHook
from sdstudio.engine.hooks.progress import ProgressHook
from sdstudio.engine.latents import to_image
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.again import OVERFLOWED, ready_for, to_single, with_less
from sdstudio.engine.tasks.image import fitted_rgb


def run_generation(
    job_id: str,
    request: GenerationRequest,
    emit: Emit,
    cancel: CancelToken,
    *,
    model: LoadedModel,
    start: ImageBuffer | None,
    mask: ImageBuffer | None = None,
    mixed: tuple[ImageBuffer, ...] = (),
    more_hooks: tuple[Hook, ...] = (),
) -> None:
    """Emits Progress and Preview for each step and ImageReady for each picture. `start` is the request's picture,
    `mask` that of its `inpaint`, `mixed` those of its `mix`; `more_hooks` come after the usual ones.

    Each picture is worked out alone, so that it equals the single picture of its seed bit for bit.
    Raises CancelledByUser, StudioErrors, and what torch raises when memory runs out.
    """
    request = as_taken(request, model)

    def say(what: str) -> None:
        emit(Loading(job_id=job_id, what=what))

    ready_for(model, request.size, say)
    with interruptible((model.unet, model.vae, *model.more_networks), cancel):
        for index in range(request.sampling.count):
            begin = time.perf_counter()
            single = request.for_batch(index)
            hooks = (
                CancelHook(cancel),
                ProgressHook(job_id, index, emit),
                PreviewHook(job_id, index, request.size, model.colours, emit),
                *more_hooks,
            )
            make = partial(make_picture, single, model, cancel, hooks, start, mask, mixed, say)
            image = with_less(model, make)
            seconds = time.perf_counter() - begin
            emit(ImageReady(job_id=job_id, index=index, image=image, request=single, seconds=seconds))


def as_taken(request: GenerationRequest, model: LoadedModel) -> GenerationRequest:
    """With the strength 1 where the model knows no other: all steps are made, and the picture's record says so."""
    if request.image is None or request.strength == 1.0 or model.family not in FROM_NOISE_FAMILIES:
        return request
    return replace(request, strength=1.0)


@torch.inference_mode()
def make_picture(
    request: GenerationRequest,
    model: LoadedModel,
    cancel: CancelToken,
    hooks: Sequence[Hook] = (),
    start: ImageBuffer | None = None,
    mask: ImageBuffer | None = None,
    mixed: tuple[ImageBuffer, ...] = (),
    say: Callable[[str], None] = lambda _what: None,
) -> ImageBuffer:
    """Condition, prepare, denoise and decode one picture. Where half precision overflows it is made once more, the
    network in single, and `say` hears of it. Raises as `run_generation` does."""
    check_cancel(cancel)
    request = as_taken(request, model)
    if start is not None and request.steps_made == 0:
        return ImageBuffer.from_rgb(fitted_rgb(start, request.size))

    def latents_of() -> torch.Tensor:
        # The generator lives on the CPU whatever the device, so that a seed means the same noise everywhere.
        generator = torch.Generator("cpu").manual_seed(request.sampling.seed)
        return denoise(_begin(request, model, generator, start, mask, mixed), hooks)

    latents = latents_of()
    if not bool(torch.isfinite(latents).all()) and to_single(model):
        say(OVERFLOWED)
        latents = latents_of()
    if not bool(torch.isfinite(latents).all()):
        raise ModelError(
            f"The picture fell apart: “{request.sampling.sampler}” ended in values that are no colours.",
            meaning="This sampler, number of steps or guidance does not suit the model.",
            hint="Try another sampler, more steps, or a lower guidance scale.",
        )
    check_cancel(cancel)
    decoded = decode(model, latents)
    check_cancel(cancel)
    return to_image(decoded)


def _begin(
    request: GenerationRequest,
    model: LoadedModel,
    generator: torch.Generator,
    start: ImageBuffer | None,
    mask: ImageBuffer | None,
    mixed: tuple[ImageBuffer, ...],
) -> DenoiseContext:
    if not mixed:
        return model.begin(request, model, generator, start, mask)
    if model.begin_mixed is None:
        raise InvalidRequest(
            "mix",
            f"“{model.spec.name}” cannot mix pictures.",
            hint="Choose an unCLIP model, or leave the further pictures out.",
        )
    return model.begin_mixed(request, model, generator, start, mask, mixed)

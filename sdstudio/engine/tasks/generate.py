"""Makes pictures: the task's own beginning (from noise, from a picture, behind a mask), then the one loop."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from sdstudio.domain.engine_api import CancelToken, Emit
from sdstudio.domain.errors import ModelError
from sdstudio.domain.events import ImageReady
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.decode import decode
from sdstudio.engine.denoise import Hook, denoise
from sdstudio.engine.hooks.cancel import CancelHook, check_cancel, interruptible
from sdstudio.engine.hooks.preview import PreviewHook
from sdstudio.engine.hooks.progress import ProgressHook
from sdstudio.engine.latents import to_image
from sdstudio.engine.model import LoadedModel
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
) -> None:
    """Emits Progress and Preview for each step and ImageReady for each picture. `start` is the request's picture,
    `mask` that of its `inpaint`.

    Each picture is worked out alone, so that it equals the single picture of its seed bit for bit.
    Raises CancelledByUser, StudioErrors, and what torch raises when memory runs out.
    """
    with interruptible((model.unet, model.vae), cancel):
        for index in range(request.sampling.count):
            begin = time.perf_counter()
            single = request.for_batch(index)
            hooks = (
                CancelHook(cancel),
                ProgressHook(job_id, index, emit),
                PreviewHook(job_id, index, request.size, model.colours, emit),
            )
            image = make_picture(single, model, cancel, hooks, start, mask)
            seconds = time.perf_counter() - begin
            emit(ImageReady(job_id=job_id, index=index, image=image, request=single, seconds=seconds))


@torch.inference_mode()
def make_picture(
    request: GenerationRequest,
    model: LoadedModel,
    cancel: CancelToken,
    hooks: Sequence[Hook] = (),
    start: ImageBuffer | None = None,
    mask: ImageBuffer | None = None,
) -> ImageBuffer:
    """Condition, prepare, denoise and decode one picture. Raises as `run_generation` does."""
    check_cancel(cancel)
    if start is not None and request.steps_made == 0:
        return ImageBuffer.from_rgb(fitted_rgb(start, request.size))
    # The generator lives on the CPU whatever the device, so that a seed means the same noise everywhere.
    generator = torch.Generator("cpu").manual_seed(request.sampling.seed)
    latents = denoise(model.begin(request, model, generator, start, mask), hooks)
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

"""Measurements of the engine for `sdstudio bench`. Each gives rows of plain values."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from sdstudio.domain.engine_api import CancelToken, ImageSource
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.events import EngineEvent, ImageReady, Progress
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.models import LatentSpec
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.engine.denoise import DenoiseContext
from sdstudio.engine.devices import Device, choose_device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.hooks.cancel import interruptible
from sdstudio.engine.hooks.mask import MaskHook, ShownHook
from sdstudio.engine.hooks.preview import PreviewHook
from sdstudio.engine.latents import SD1_RGB, SD1_SCALE, LatentColours
from sdstudio.engine.libraries import UNet2DConditionModel
from sdstudio.engine.samplers import build_scheduler

Row = dict[str, Any]
_SD15_CONFIG = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}
_LATENT_SIDE, _TEXT_TOKENS, _TEXT_WIDTH = 64, 77, 768
_PREVIEWS = 50
_MASKED_STEPS = 50
_MASK_PAIRS = 11
_CANCEL_SHARES = (0.1, 0.35, 0.6, 0.85)
"""Where in a step the token is set."""


class _NoImages(ImageSource):
    def load(self, sha256: str) -> ImageBuffer:
        raise LookupError(sha256)


def bench_preview() -> Iterator[Row]:
    """What a preview costs, as a share of a step, at the shapes of Stable Diffusion 1.5 and 512 pixels."""
    device = choose_device()
    context = _sd15_context(device)
    step_seconds = min(_timed(device, lambda: _call_unet(context)) for _ in range(3))
    spec = LatentSpec(channels=4, scale=SD1_SCALE, shift=0.0, rgb_factors=SD1_RGB)
    hook = PreviewHook(
        "bench", 0, Size(512, 512), LatentColours(spec, device.torch_device), lambda _: None, clock=_eager_clock()
    )

    def previews() -> None:
        for _ in range(_PREVIEWS):
            hook.after_noise(context)
        hook.after_loop(context)

    previews()
    preview_seconds = min(_timed(device, previews) for _ in range(3)) / _PREVIEWS
    yield {
        "bench": "preview",
        "device": device.info.device,
        "step_seconds": round(step_seconds, 4),
        "preview_seconds": round(preview_seconds, 6),
        "preview_share_of_a_step": round(preview_seconds / step_seconds, 6),
    }


def bench_inpaint() -> Iterator[Row]:
    """What the masking hooks cost, as a share of a step, at the shapes of Stable Diffusion 1.5 and 512 pixels, on one
    thread: the median of pairs, each a step and the hooks that a masked one has beside it. Both hooks are counted,
    the source put back and the channels of inpainting models, as with a grey mask."""
    device = choose_device(1)
    context = _sd15_context(device)
    unmasked = context.model_input
    mask = MaskHook(
        torch.randint(0, 21, (1, 1, _LATENT_SIDE, _LATENT_SIDE)).to(context.latents.device),
        context.latents,
        context.noise,
    )
    shown = ShownHook(torch.randn(1, 5, _LATENT_SIDE, _LATENT_SIDE).to(context.latents))
    context.scheduler.set_begin_index(context.call)

    @torch.inference_mode()
    def hooks() -> None:
        for _ in range(_MASKED_STEPS):
            context.model_input = unmasked
            shown.before_unet(context)
            mask.after_step(context)
        context.model_input = unmasked

    hooks()
    steps, shares = list[float](), list[float]()
    for _ in range(_MASK_PAIRS):
        steps.append(_timed(device, lambda: _call_unet(context)))
        shares.append(_timed(device, hooks) / _MASKED_STEPS / steps[-1])
    yield {
        "bench": "inpaint",
        "device": device.info.device,
        "threads": device.info.threads,
        "pairs": _MASK_PAIRS,
        "step_seconds": round(statistics.median(steps), 4),
        "hooks_share_of_a_step": round(statistics.median(shares), 6),
        "worst_share_of_a_step": round(max(shares), 6),
    }


def bench_cancel(starter: Path) -> Iterator[Row]:
    """How long a cancel takes: as a share of a step at Stable Diffusion 1.5 shapes, in ms with the starter."""
    yield _sd15_cancel_row(choose_device())
    engine, request = _starter_engine(starter)
    waits = [1000 * _starter_cancel_latency(engine, request, step) for step in range(1, 16)]
    yield {
        "bench": "cancel",
        "model": "Starter",
        "device": engine.info().device,
        "worst_ms": round(max(waits), 1),
        "median_ms": round(statistics.median(waits), 1),
    }


def _sd15_cancel_row(device: Device) -> Row:
    """A function of its own, so that the large network is gone when the starter is measured."""
    context = _sd15_context(device)
    step_seconds = min(_timed(device, lambda: _call_unet(context)) for _ in range(2))
    late = [_cancel_latency(device, context, share * step_seconds) for share in _CANCEL_SHARES]
    return {
        "bench": "cancel",
        "model": "Stable Diffusion 1.5 shapes, 512x512",
        "device": device.info.device,
        "step_seconds": round(step_seconds, 4),
        "worst_share_of_a_step": round(max(late) / step_seconds, 4),
        "median_share_of_a_step": round(statistics.median(late) / step_seconds, 4),
    }


def bench_generate(starter: Path, runs: int = 5, threads: int = 0) -> Iterator[Row]:
    """How long the starter takes for a picture, and for a step."""
    engine, request = _starter_engine(starter, threads)
    seconds: list[float] = []
    steps: list[float] = []

    def note(event: EngineEvent) -> None:
        if isinstance(event, ImageReady):
            seconds.append(event.seconds)
        if isinstance(event, Progress) and event.step == event.steps:
            steps.append(event.seconds_per_step)

    for _ in range(runs):
        engine.run("bench", request, note, CancelToken())
    info = engine.info()
    yield {
        "bench": "generate",
        "model": "Starter",
        "size": str(request.size),
        "steps": request.sampling.steps,
        "device": info.device,
        "threads": info.threads,
        "seconds": round(statistics.median(seconds), 3),
        "best_seconds": round(min(seconds), 3),
        "step_ms": round(1000 * statistics.median(steps), 1),
    }


def _eager_clock() -> Callable[[], float]:
    """Time that jumps ahead so far that every call is due a preview."""
    ticks = iter(range(10**9))
    return lambda: float(next(ticks))


def _sd15_context(device: Device) -> DenoiseContext:
    """Random weights of the real shapes, in the middle of a guided run."""
    with torch.device(device.torch_device):
        unet = UNet2DConditionModel(sample_size=_LATENT_SIDE, cross_attention_dim=_TEXT_WIDTH)
    unet = unet.to(device.dtype).eval().requires_grad_(False)
    if device.is_cuda:
        unet = unet.to(memory_format=torch.channels_last)
    scheduler = build_scheduler("Euler", _SD15_CONFIG, 20)
    latents = torch.randn(1, 4, _LATENT_SIDE, _LATENT_SIDE, dtype=device.dtype, device=device.torch_device)
    context = DenoiseContext(
        unet=unet,
        scheduler=scheduler,
        timesteps=scheduler.timesteps,
        latents=latents,
        embeddings=torch.randn(2, _TEXT_TOKENS, _TEXT_WIDTH, dtype=device.dtype, device=device.torch_device),
        steps=20,
        guidance_scale=7.5,
        call=9,
        timestep=scheduler.timesteps[9],
        noise=torch.randn_like(latents),
    )
    context.model_input = torch.cat([latents] * 2)
    return context


@torch.inference_mode()
def _call_unet(context: DenoiseContext) -> None:
    context.unet(context.model_input, context.timestep, encoder_hidden_states=context.embeddings, return_dict=False)


def _timed(device: Device, work: Callable[[], None]) -> float:
    """Seconds from first to last, the device's queue empty before and after."""
    if device.is_cuda:
        torch.cuda.synchronize()
    begin = time.perf_counter()
    work()
    if device.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def _cancel_latency(device: Device, context: DenoiseContext, after: float) -> float:
    """Seconds from setting the token, `after` seconds into a step, to the device being free again."""
    cancel, asked = CancelToken(), [0.0]

    def ask() -> None:
        asked[0] = time.perf_counter()
        cancel.cancel()

    timer = threading.Timer(after, ask)
    with ExitStack() as stack:
        stack.enter_context(interruptible([context.unet], cancel))
        timer.start()
        try:
            # On CUDA a call returns before the device is done: several are queued, as a loop would.
            for _ in range(20):
                _call_unet(context)
        except CancelledByUser:
            pass
        if device.is_cuda:
            torch.cuda.synchronize()
    timer.join()
    return time.perf_counter() - asked[0]


def _starter_engine(starter: Path, threads: int = 0) -> tuple[TorchEngine, GenerationRequest]:
    engine = TorchEngine(images=_NoImages(), upscaler=Path(), threads=threads)
    request = GenerationRequest(
        prompt=PromptSpec(positive="a red apple"),
        sampling=SamplingSpec(steps=20, guidance_scale=3.5, sampler="DDIM", seed=7),
        model=ModelSpec(name="Starter", path=str(starter)),
        size=Size(128, 128),
    )
    engine.warm_up(request.model)
    engine.run("warm", request, lambda _: None, CancelToken())
    return engine, request


def _starter_cancel_latency(engine: TorchEngine, request: GenerationRequest, step: int) -> float:
    """Seconds from setting the token, somewhere in a step, to the engine's return."""
    cancel, asked, timers = CancelToken(), [0.0], list[threading.Timer]()

    def ask() -> None:
        asked[0] = time.perf_counter()
        cancel.cancel()

    def watch(event: EngineEvent) -> None:
        if isinstance(event, Progress) and event.step == step:
            timers.append(threading.Timer(event.seconds_per_step * (step % 5) / 5, ask))
            timers[0].start()

    engine.run("bench", request, watch, cancel)
    end = time.perf_counter()
    timers[0].join()
    return max(0.0, end - asked[0])

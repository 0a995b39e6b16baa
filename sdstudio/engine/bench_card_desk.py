"""What `sdstudio bench card` measures with: a card and a meter of its memory, models read to a plan, pictures with
latents and times, and rows with a verdict."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.engine_api import CancelToken, ImageSource
from sdstudio.domain.errors import StudioError
from sdstudio.domain.events import EngineEvent, Failed, ImageReady
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.engine.bench_card_weights import MadeUp
from sdstudio.engine.denoise import DenoiseContext, Hook
from sdstudio.engine.devices import Device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.plan import Place, Plan
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.tasks.generate import run_generation

Row = dict[str, Any]
MB = 2**20
_BALLAST = (2**26, 2**23, 2**21, 2**20 + 2**9, 2**20, 2**16, 2**12, 2**9)
"""Bytes of the pieces that fill what torch has set aside, the largest first. From 1 MiB down they come from another
pool, and none is smaller than 512."""
SLACK = 2 * MB
"""Of memory that is to be as before: what torch takes for small numbers comes in pieces of this size."""
MET, MISSED, FAILED = "met", "NOT MET", "FAILED"


class Meter(Protocol):
    """A device's memory, as torch's allocator sees it."""

    def begin(self) -> None:
        """Forgets the peaks."""

    def peak(self) -> tuple[int, int]:
        """The most bytes allocated, and the most set aside, since `begin`."""

    def now(self) -> int:
        """Bytes allocated."""

    def wait(self) -> None:
        """Until the device has done all that was asked."""

    def cap(self, limit: int | None) -> None:
        """The allocator refuses more than `limit` bytes; None: than there are."""

    def squeeze(self) -> None:
        """Nothing more can be had, not one byte, until `release`."""

    def release(self) -> None: ...


class CardMeter:
    """Of an NVIDIA card."""

    def __init__(self, device: Device) -> None:
        self._device = device.torch_device
        self._total = int(torch.cuda.get_device_properties(self._device).total_memory)
        self._limit: int | None = None
        self._ballast: list[torch.Tensor] = []

    def begin(self) -> None:
        torch.cuda.reset_peak_memory_stats(self._device)

    def peak(self) -> tuple[int, int]:
        return torch.cuda.max_memory_allocated(self._device), torch.cuda.max_memory_reserved(self._device)

    def now(self) -> int:
        return torch.cuda.memory_allocated(self._device)

    def wait(self) -> None:
        torch.cuda.synchronize(self._device)

    def cap(self, limit: int | None) -> None:
        self._limit = limit
        self._set(limit)

    def _set(self, limit: int | None) -> None:
        share = 1.0 if limit is None else min(1.0, limit / self._total)
        torch.cuda.set_per_process_memory_fraction(share, self._device)

    def squeeze(self) -> None:
        self.wait()
        torch.cuda.empty_cache()
        self._set(torch.cuda.memory_reserved(self._device))
        for size in _BALLAST:
            while (piece := self._piece(size)) is not None:
                self._ballast.append(piece)

    def _piece(self, size: int) -> torch.Tensor | None:
        try:
            return torch.empty(size, dtype=torch.uint8, device=self._device)
        except torch.cuda.OutOfMemoryError:
            return None

    def release(self) -> None:
        self._ballast.clear()
        self._set(self._limit)


class Pictures(ImageSource):
    """Those that a check hands to the engine."""

    def __init__(self) -> None:
        self._held: dict[str, ImageBuffer] = {}

    def add(self, image: ImageBuffer) -> str:
        sha256 = image.sha256()
        self._held[sha256] = image
        return sha256

    def load(self, sha256: str) -> ImageBuffer:
        return self._held[sha256]


class Watch(Hook):
    """Keeps the final latents and how long a step took, the device's queue empty before and after."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._begin = 0.0
        self.latents = torch.empty(0)
        self.seconds_per_step = 0.0

    def before_loop(self, context: DenoiseContext) -> None:
        self._meter.wait()
        self._begin = time.perf_counter()

    def after_loop(self, context: DenoiseContext) -> None:
        self._meter.wait()
        self.seconds_per_step = (time.perf_counter() - self._begin) / context.steps
        self.latents = context.latents.float().cpu()


@dataclass(frozen=True, slots=True)
class Made:
    """What a run gave: its last picture and latents, all events, and the memory's peaks."""

    image: ImageBuffer
    latents: torch.Tensor
    events: list[EngineEvent]
    seconds_per_step: float
    allocated: int
    reserved: int


@dataclass(slots=True)
class Desk:
    """`sd`: a model like Stable Diffusion 1.5 in one file; `again`: the same under another name; `v`: a v-768 whose
    networks overflow in half precision; `xl`: None where disk or memory are too short for it. `cpu`: what the starter's
    picture is compared on."""

    device: Device
    cpu: Device
    meter: Meter
    sd: MadeUp
    again: MadeUp
    v: MadeUp
    xl: MadeUp | None
    starter: ModelSpec
    lora: Path
    size: Size = Size(512, 512)
    large: Size = Size(1024, 1024)
    steps: int = 8
    pictures: Pictures = field(default_factory=Pictures)

    def request(self, spec: ModelSpec, **changes: Any) -> GenerationRequest:
        """`changes` of the sampling or of the request, wherever the name belongs."""
        sampling: dict[str, Any] = {"steps": self.steps, "guidance_scale": 7.5, "sampler": "Euler", "seed": 7}
        sampling |= {key: changes.pop(key) for key in list(changes) if key in SamplingSpec.__dataclass_fields__}
        request = GenerationRequest(
            prompt=PromptSpec(positive="a red apple on a table", negative="blurred"),
            sampling=SamplingSpec(**sampling),
            model=spec,
            size=self.size,
        )
        return replace(request, **changes)

    def read(self, made: MadeUp, plan: Plan | None = None, device: Device | None = None) -> LoadedModel:
        """`plan`: None = as the engine would choose."""
        device = device or self.device
        return read_model(made.spec, device, made.resources, reading=Reading(device, plan=plan))

    def make(
        self,
        model: LoadedModel,
        request: GenerationRequest,
        *,
        cancel: CancelToken | None = None,
        on_event: Callable[[EngineEvent], None] = lambda _event: None,
        start: ImageBuffer | None = None,
        mask: ImageBuffer | None = None,
    ) -> Made:
        events, watch = list[EngineEvent](), Watch(self.meter)

        def emit(event: EngineEvent) -> None:
            events.append(event)
            on_event(event)

        self.meter.begin()
        run_generation(
            "bench", request, emit, cancel or CancelToken(), model=model, start=start, mask=mask, more_hooks=(watch,)
        )
        self.meter.wait()
        image = [event.image for event in events if isinstance(event, ImageReady)][-1]
        return Made(image, watch.latents, events, watch.seconds_per_step, *self.meter.peak())

    @contextmanager
    def capped(self, limit: int, told: bool = True) -> Iterator[Device]:
        """A device of so many bytes; not `told`: the plans are made as if it had all."""
        self.meter.cap(limit)
        try:
            yield replace(self.device, limit=limit) if told else self.device
        finally:
            self.meter.cap(None)

    def tidy(self) -> None:
        """Nothing of a check stays."""
        self.meter.release()
        self.meter.cap(None)
        gc.collect()
        if self.device.is_cuda:
            torch.cuda.empty_cache()


def row(what: str, found: float, aim: str, holds: bool, made: Made | None = None, **more: Any) -> Row:
    """`aim` in words; `holds`: whether it was kept."""
    data: Row = {"bench": "card", "what": what, **more, "found": round(found, 5), "aim": aim}
    if made is not None:
        data["seconds_per_step"] = round(made.seconds_per_step, 4)
        data["peak_allocated_mb"] = round(made.allocated / MB)
        data["peak_reserved_mb"] = round(made.reserved / MB)
    return data | {"verdict": MET if holds else MISSED}


def at_most(what: str, found: float, bound: float, unit: str = "", made: Made | None = None, **more: Any) -> Row:
    """A number that is none is not kept."""
    return row(what, found, f"<= {bound:g} {unit}".rstrip(), found <= bound, made, **more)


def words_of(plan: Plan) -> str:
    words = {Place.WHOLE: "all on the card", Place.PARTS: "part by part", Place.LAYERS: "layer by layer"}
    return words[plan.place] + (", in tiles" if plan.tiled else "")


def latents_apart(one: Made, other: Made) -> float:
    return float((one.latents - other.latents).abs().mean() / one.latents.std())


def pixels_apart(one: ImageBuffer, other: ImageBuffer) -> float:
    return float(np.abs(one.rgb.astype(np.int32) - other.rgb).mean())


@contextmanager
def engine_on(desk: Desk, made: MadeUp, device: Device) -> Iterator[TorchEngine]:
    """Its models go with it."""
    engine = TorchEngine(images=desk.pictures, upscaler=Path(), resources=made.resources, device=device)
    try:
        yield engine
    finally:
        engine.close()
        gc.collect()


def run_job(engine: TorchEngine, request: GenerationRequest) -> list[EngineEvent]:
    events = list[EngineEvent]()
    engine.run("bench", request, events.append, CancelToken())
    return events


def finished(engine: TorchEngine, request: GenerationRequest) -> ImageBuffer:
    """The picture. Raises StudioError with what the engine told."""
    events = run_job(engine, request)
    if isinstance(end := events[-1], Failed):
        raise StudioError(end.message, meaning=end.details)
    return next(event.image for event in events if isinstance(event, ImageReady))


def a_picture(desk: Desk) -> ImageBuffer:
    """Soft colours."""
    height, width = desk.size.height, desk.size.width
    down, across = np.mgrid[0:height, 0:width]
    colours = np.stack([255 * across / width, 255 * down / height, 128 + 100 * np.sin(across / 20)], axis=-1)
    return ImageBuffer.from_rgb(colours.astype(np.uint8))


def as_input(desk: Desk, image: ImageBuffer) -> ImageInput:
    return ImageInput(sha256=desk.pictures.add(image), width=image.size.width, height=image.size.height)

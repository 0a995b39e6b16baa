"""Small requests for unCLIP models, and what the engine made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import EngineEvent, ImageReady
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.engine.engine import TorchEngine

STEPS = 2


def a_picture(seed: int = 1, side: int = 64) -> ImageBuffer:
    """Blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return ImageBuffer.from_rgb(np.asarray(Image.fromarray(blocks).resize((side, side), Image.Resampling.NEAREST)))


def a_request(spec: ModelSpec, **changes: Any) -> GenerationRequest:
    whole = {"strength": 1.0, "size": Size(64, 64)} | changes
    sampling = {key: whole.pop(key) for key in ("sampler", "steps", "guidance_scale", "seed", "count") if key in whole}
    return GenerationRequest(
        prompt=PromptSpec(positive="a red apple", negative="blue"),
        sampling=SamplingSpec(**{"sampler": "Euler", "steps": STEPS, "guidance_scale": 5.0, "seed": 7} | sampling),
        model=spec,
        **whole,
    )


def run(engine: TorchEngine, request: GenerationRequest, **more: Any) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    on_event = more.pop("on_event", None)

    def emit(event: EngineEvent) -> None:
        events.append(event)
        if on_event is not None:
            on_event(event)

    engine.run("job", request, emit, more.pop("cancel", CancelToken()))
    return events


def pixels(events: list[EngineEvent]) -> np.ndarray:
    (picture,) = [event for event in events if isinstance(event, ImageReady)] or pytest.fail(str(events[-1]))
    return picture.image.rgb

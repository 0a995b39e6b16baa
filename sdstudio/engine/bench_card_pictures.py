"""The checks of pictures in `sdstudio bench card`: previews, edits, LoRAs, cancel, many in a row, the starter."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import torch

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser, StudioError
from sdstudio.domain.events import EngineEvent, ImageReady, Preview, Progress
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.bench_card_desk import (
    MB,
    SLACK,
    Desk,
    Row,
    a_picture,
    as_input,
    at_most,
    engine_on,
    finished,
    pixels_apart,
    row,
    words_of,
)
from sdstudio.engine.encode import encode
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.plan import Plan
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.inpaint import first_steps
from sdstudio.engine.tasks.shown import cells_of

STARTER = 3.0
"""Mean difference of pixels, of 255, between the card's half precision and the processor's single."""


def check_starter(desk: Desk) -> Iterator[Row]:
    """The model in the box: the card's picture beside the processor's."""
    models = [read_model(desk.starter, device) for device in (desk.device, desk.cpu)]
    side = 8 * int(models[0].unet.config.sample_size)
    request = desk.request(desk.starter, size=Size(side, side), steps=20, guidance_scale=3.5, sampler="DDIM")
    card, processor = (desk.make(model, request) for model in models)
    apart = pixels_apart(card.image, processor.image)
    yield at_most("the starter on the card: pixels, from the processor's", apart, STARTER, "of 255", card)


def check_previews(desk: Desk) -> Iterator[Row]:
    """The forming picture comes, of the right size, with something to be seen, and in order."""
    model = desk.read(desk.sd, Plan())
    made = desk.make(model, desk.request(desk.sd.spec))
    shown = [event for event in made.events if isinstance(event, Preview)]
    yield row("previews of a picture", len(shown), ">= 2", len(shown) >= 2, made)
    side = (desk.size.height // 8, desk.size.width // 8)
    good = [event.image.pixels.shape[:2] == side and float(event.image.rgb.std()) > 1 for event in shown]
    yield row("previews with something to be seen", sum(good), f"{len(shown)}", all(good))
    order = [event.step for event in shown]
    holds = order[-1:] == [desk.steps] and order == sorted(order)
    yield row("previews: of the last step", max(order, default=0), f"{desk.steps}", holds)


def check_edits(desk: Desk) -> Iterator[Row]:
    """Begun with a picture, and behind a mask: outside of it the source's latents are untouched, bit for bit."""
    start, model = a_picture(desk), desk.read(desk.sd, Plan())
    request = desk.request(desk.sd.spec, image=as_input(desk, start), strength=0.5)
    whole = desk.make(model, request, start=start)
    steps = sum(isinstance(event, Progress) for event in whole.events) - 1
    wanted = request.steps_made
    yield row("a picture from a picture: steps made", steps, f"{wanted}", steps == wanted, whole)
    values = np.zeros((desk.size.height, desk.size.width, 3), np.uint8)
    values[:, : desk.size.width // 2] = 255
    mask = ImageBuffer.from_rgb(values)
    made = desk.make(model, request, start=start, mask=mask)
    with torch.inference_mode():
        source = encode(model, start.rgb, torch.Generator("cpu").manual_seed(request.sampling.seed)).float().cpu()
    kept = (first_steps(cells_of(values[..., 0], model), steps) >= steps).cpu().expand_as(source)
    apart = (made.latents - source).abs()
    yield at_most("behind a mask: the latents outside, largest change", float(apart[kept].max()), 0.0, "", made)
    inside = float(apart[~kept].mean())
    yield row("behind a mask: the latents inside, mean change", inside, "> 0.01", inside > 0.01)


def check_loras(desk: Desk) -> Iterator[Row]:
    """A LoRA on, weaker, and off again."""
    with engine_on(desk, desk.sd, desk.device) as engine:
        plain = finished(engine, desk.request(desk.sd.spec))
        before = desk.meter.now()
        uses = [(LoraUse(name="bench", path=str(desk.lora), weight=weight),) for weight in (1.0, 0.5)]
        strong, weak = (finished(engine, desk.request(desk.sd.spec, loras=use)) for use in uses)
        left = desk.meter.now() - before
        after = finished(engine, desk.request(desk.sd.spec))
    for what, one, other in (("on", plain, strong), ("weaker", strong, weak)):
        apart = pixels_apart(one, other)
        yield row(f"a LoRA {what}: pixels changed, of 255", apart, "> 0.1", apart > 0.1)
    yield at_most("the LoRA off again: pixels, from those before it", pixels_apart(plain, after), 0.0, "of 255")
    yield at_most("the LoRA off again: left on the card", left / MB, SLACK / MB, "MB")


def check_cancel(desk: Desk) -> Iterator[Row]:
    """From the token to the card at rest, as a share of a step."""
    model = desk.read(desk.sd, Plan())
    step = desk.make(model, desk.request(desk.sd.spec)).seconds_per_step
    late = [_cancelled(desk, model, share * step) for share in (1.2, 2.5, 3.8)]
    yield at_most("cancel: the longest wait, of a step", max(late) / step, 1.0, profile=words_of(Plan()))


def _cancelled(desk: Desk, model: LoadedModel, after: float) -> float:
    cancel, asked = CancelToken(), [0.0]

    def ask() -> None:
        asked[0] = time.perf_counter()
        cancel.cancel()

    timer = threading.Timer(after, ask)

    def begin(event: EngineEvent) -> None:
        if isinstance(event, Progress) and event.step == 0:
            timer.start()

    try:
        desk.make(model, desk.request(desk.sd.spec, steps=4 * desk.steps), cancel=cancel, on_event=begin)
    except CancelledByUser:
        desk.meter.wait()
        return time.perf_counter() - asked[0]
    finally:
        timer.join()
    raise StudioError("The picture was finished before it could be cancelled.")


def check_many(desk: Desk) -> Iterator[Row]:
    """Pictures in a row, and models by turns: memory does not grow."""
    model, held = desk.read(desk.sd, Plan()), list[int]()

    def count(event: EngineEvent) -> None:
        if isinstance(event, ImageReady):
            desk.meter.wait()
            held.append(desk.meter.now())

    made = desk.make(model, desk.request(desk.sd.spec, count=6), on_event=count)
    grown = (max(held) - held[0]) / MB
    yield at_most("six pictures in a row: memory grown by", grown, SLACK / MB, "MB", made)
    del model
    desk.tidy()
    held.clear()
    with engine_on(desk, desk.sd, desk.device) as engine:
        for spec in (desk.sd.spec, desk.again.spec) * 3:
            finished(engine, desk.request(spec, steps=2))
            desk.meter.wait()
            held.append(desk.meter.now())
    grown = (max(held[1:]) - held[0]) / MB
    yield at_most("two models by turns: memory grown by", grown, SLACK / MB, "MB")

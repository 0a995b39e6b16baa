"""The checks of memory in `sdstudio bench card`: profiles, small cards, memory that ends anywhere, overflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import EngineEvent, Failed, Finished, Loading, Progress
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.bench_card_desk import (
    MB,
    SLACK,
    Desk,
    Made,
    Row,
    a_picture,
    as_input,
    at_most,
    engine_on,
    latents_apart,
    pixels_apart,
    row,
    run_job,
    words_of,
)
from sdstudio.engine.bench_card_weights import MadeUp
from sdstudio.engine.memory.keeper import NEXT_PLAN
from sdstudio.engine.memory.plan import CUDA_LADDER, Place, Plan, Room, needed
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.again import OVERFLOWED

PLANS = (*CUDA_LADDER, Plan(Place.LAYERS))
SAME = 0.01
"""Mean difference of latents, as a share of their spread, where another way of calculating the same may be taken."""
TILED = 6.0
"""Mean difference of pixels, of 255, of a picture that is decoded in tiles: each tile's norms see their own part."""
LIBRARIES = 96 * MB
"""What cuBLAS keeps for itself from its first call on: 8 to 32 MB for each way that it is called."""
SMALL_CARD = 4 * 2**30
CONTEXT = 2**29
"""What CUDA's own context takes of a real card before torch takes anything: 0.3 to 0.5 GB."""


def check_profiles(desk: Desk) -> Iterator[Row]:
    """Each way of keeping the weights, told beforehand: within what the arithmetic says, and the same picture."""
    before, slack, first = desk.meter.now(), LIBRARIES, None
    for plan in PLANS:
        model = desk.read(desk.sd, plan)
        assert model.memory is not None
        request = desk.request(desk.sd.spec)
        desk.make(model, replace(request, sampling=replace(request.sampling, steps=2)))
        made = desk.make(model, request)
        room = Room(0, cuda=desk.device.is_cuda, value_bytes=desk.device.dtype.itemsize)
        bound = needed(plan, model.memory.part_bytes, desk.size, room)
        what, profile = f"SD 1.5, {desk.size}", words_of(plan)
        yield at_most(f"{what}: peak", made.allocated / MB, bound // MB, "MB", made, profile=profile)
        if first is None:
            first = made
            yield row(f"{what}: the latents' spread", float(made.latents.std()), "> 0.1", made.latents.std() > 0.1)
        else:
            yield at_most(f"{what}: latents, from all on the card", latents_apart(first, made), SAME, profile=profile)
            apart, most = pixels_apart(first.image, made.image), TILED if plan.tiled else 1.0
            yield at_most(f"{what}: pixels, from all on the card", apart, most, "of 255", profile=profile)
        del model
        desk.tidy()
        left = (desk.meter.now() - before) / MB
        yield at_most("left behind when the model is gone", left, slack / MB, "MB", profile=words_of(plan))
        before, slack = desk.meter.now(), SLACK


def check_small_card(desk: Desk) -> Iterator[Row]:
    """The allocator capped, the plan chosen by the measured memory, as on a small card."""
    for limit in (SMALL_CARD, SMALL_CARD - CONTEXT):
        yield _capped(desk, desk.sd, f"SD 1.5, {desk.size}", desk.request(desk.sd.spec), limit)
    if desk.xl is not None:
        request = desk.request(desk.xl.spec, size=desk.large, steps=2)
        yield _capped(desk, desk.xl, f"SDXL, {desk.large}", request, SMALL_CARD)


def _capped(desk: Desk, of: MadeUp, what: str, request: GenerationRequest, limit: int) -> Row:
    desk.tidy()  # the model before, whose parts refer to each other
    with desk.capped(limit) as device:
        model = desk.read(of, device=device)
        made = desk.make(model, request)
    again = sum(isinstance(event, Loading) and event.what == NEXT_PLAN for event in made.events)
    assert model.memory is not None
    profile = words_of(model.memory.plan)
    what = f"{what}, the card capped at {limit / 2**30:g} GiB: set aside"
    return at_most(what, made.reserved / MB, limit / MB, "MB", made, profile=profile, steps_down=again)


_Where = Callable[[LoadedModel], Any]
PHASES: dict[str, tuple[_Where, int, Plan]] = {
    "the prompt": (lambda model: model.conditioner.encoders[0].get_input_embeddings(), 0, Plan()),
    "the source": (lambda model: model.vae.encoder.conv_in, 0, Plan()),
    "the first step": (lambda model: model.unet.conv_in, 0, Plan()),
    "the third step": (lambda model: model.unet.mid_block.resnets[0].conv1, 2, Plan()),
    "the third step, part by part": (lambda model: model.unet.mid_block.resnets[0].conv1, 2, Plan(Place.PARTS, True)),
    "decoding": (lambda model: model.vae.decoder.conv_in, 0, Plan()),
}
"""The layer before which memory ends, at which of its calls, and the plan until then."""


def check_running_out(desk: Desk) -> Iterator[Row]:
    """The real allocator refuses the next byte in each phase; it goes on, with the latents it has."""
    start = a_picture(desk)
    for phase, (where, call, plan) in PHASES.items():
        model = desk.read(desk.sd, plan)
        assert model.memory is not None
        request = desk.request(desk.sd.spec)
        if phase == "the source":
            request = replace(request, image=as_input(desk, start), strength=0.5)
        given = start if request.image is not None else None
        expected = desk.make(model, request, start=given)
        model.conditioner.forget()
        begun, made = _squeezed(desk, model, where(model), call, request, given)
        told = sum(isinstance(event, Loading) and event.what == NEXT_PLAN for event in made.events)
        profile = f"{words_of(plan)}, then {words_of(model.memory.plan)}"
        yield row(f"memory ended in {phase}: steps down", told, "1", told == 1 and begun == 1, made, profile=profile)
        apart = latents_apart(expected, made)
        yield at_most(f"memory ended in {phase}: latents, from those without", apart, SAME, profile=profile)
        steps = [event.step for event in made.events if isinstance(event, Progress)]
        kept = steps == list(range(len(steps)))
        yield row(f"memory ended in {phase}: no step was told twice", len(steps), "each once", kept)
        del model
        desk.tidy()


def _squeezed(
    desk: Desk, model: LoadedModel, layer: Any, call: int, request: GenerationRequest, start: ImageBuffer | None
) -> tuple[int, Made]:
    """How often the memory was made to end, and the picture. It can be had again as soon as the step down is told."""
    calls, begun = [0], [0]

    def end(_layer: Any, _args: Any) -> None:
        calls[0] += 1
        if calls[0] == call + 1:
            begun[0] += 1
            desk.meter.squeeze()

    def hear(event: EngineEvent) -> None:
        if isinstance(event, Loading) and event.what == NEXT_PLAN:
            desk.meter.release()

    handle = layer.register_forward_pre_hook(end)
    try:
        made = desk.make(model, request, on_event=hear, start=start)
    finally:
        handle.remove()
        desk.meter.release()
    return begun[0], made


def check_reading(desk: Desk) -> Iterator[Row]:
    """Less memory than was measured: another program took it while the model was read. And too little for anything."""
    size = Path(desk.sd.spec.path).stat().st_size
    with desk.capped(size // 2, told=False) as device, engine_on(desk, desk.sd, device) as engine:
        events = run_job(engine, desk.request(desk.sd.spec))
    done = isinstance(events[-1], Finished)
    yield row("half of the model's size is free when it is read: pictures", done, "1", done)
    with desk.capped(24 * MB) as device, engine_on(desk, desk.sd, device) as engine:
        end = run_job(engine, desk.request(desk.sd.spec))[-1]
    told = isinstance(end, Failed) and end.kind is ErrorKind.OUT_OF_MEMORY and bool(end.hint)
    words = end.message if isinstance(end, Failed) else ""
    yield row("24 MB in all: said in words", told, "1", told, words=words)


def check_overflow(desk: Desk) -> Iterator[Row]:
    """Half precision that overflows is noticed, and what overflowed is made once more in single."""
    for plan in (Plan(), Plan(Place.LAYERS)):
        profile = words_of(plan)
        model = desk.read(desk.v, plan)
        request = desk.request(desk.v.spec)
        made = desk.make(model, request)
        told = sum(isinstance(event, Loading) and event.what == OVERFLOWED for event in made.events)
        yield row("v-768 that overflows: said", told, "1", told == 1, made, profile=profile)
        single = [network.dtype == torch.float32 for network in (model.unet, model.vae)]
        yield row("v-768 that overflows: networks in single", sum(single), "2", all(single), profile=profile)
        again = desk.make(model, request)
        more = sum(isinstance(event, Loading) for event in again.events)
        apart = latents_apart(made, again)
        yield row("v-768: made anew for the next picture", more, "0", more == 0, again, profile=profile)
        yield at_most("v-768: the next picture's latents, from the first's", apart, SAME, profile=profile)
        del model
        desk.tidy()

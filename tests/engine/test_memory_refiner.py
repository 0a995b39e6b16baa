"""Memory that runs out while two models make one picture: they go on with less, to the same picture, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch

from sdstudio.domain.engine_api import CancelToken, EngineInfo
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import EngineEvent, Failed, Finished, Loading
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest, RefinerSpec
from sdstudio.engine.devices import Device, choose_device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.keeper import NEXT_PLAN, ModelMemory, release_guards
from sdstudio.engine.memory.plan import CPU_LADDER, CUDA_LADDER, Place, Plan
from sdstudio.engine.memory.widening import widen_all
from sdstudio.engine.model import LoadedModel
from tests.engine.conftest import Run
from tests.engine.test_memory_tries import OUT_OF_MEMORY, Card, fail_inside
from tests.helpers.one_file import OneFile, make_one_file
from tests.helpers.tiny_models import ImagesInMemory, make_request
from tests.helpers.xl_pipelines import picture_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
STEPS, SECOND_STEPS = 4, 2
SIZE = Size(64, 64)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("base"), ModelFamily.SDXL, half=True)


@pytest.fixture(scope="module")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("refiner"), ModelFamily.SDXL_REFINER, half=True)


def refined(base: OneFile, refiner: OneFile) -> GenerationRequest:
    stage = RefinerSpec(model=replace(refiner.folder_spec, name="Refiner"), begin=0.5)
    return replace(make_request(base.folder, steps=STEPS), refiner=stage)


@pytest.fixture
def request_(base: OneFile, refiner: OneFile) -> GenerationRequest:
    return refined(base, refiner)


@pytest.fixture(scope="module")
def expected(base: OneFile, refiner: OneFile, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """What comes out where memory never runs out."""
    engine = TorchEngine(images=ImagesInMemory(), upscaler=tmp_path_factory.mktemp("none"), threads=1)
    events: list[EngineEvent] = []
    engine.run("job", refined(base, refiner), events.append, CancelToken())
    engine.close()
    return picture_of(events)


PLACES: dict[str, tuple[Callable[[LoadedModel, LoadedModel], tuple[Any, str]], tuple[int, ...], tuple[int, int]]] = {
    "first model's words": (lambda one, _: (one.conditioner.encoders[0].final_layer_norm, "forward"), (0,), (1, 0)),
    "second model's words": (
        lambda _, two: (two.conditioner.encoders[0].text_model.final_layer_norm, "forward"),
        (0,),
        (0, 1),
    ),
    "a step of the first": (lambda one, _: (one.unet.conv_out, "forward"), (1,), (1, 0)),
    "first step of the second": (lambda _, two: (two.unet.conv_out, "forward"), (0,), (0, 1)),
    "last step of the second": (lambda _, two: (two.unet.mid_block, "forward"), (SECOND_STEPS - 1,), (0, 1)),
    "both steps of the second": (lambda _, two: (two.unet.conv_out, "forward"), (0, 1), (0, 2)),
    "thrice in the second": (lambda _, two: (two.unet.conv_out, "forward"), (0, 1, 2), (1, 2)),
    "the picture": (lambda one, _: (one.vae.decoder.conv_out, "forward"), (0,), (1, 0)),
}
"""Where, in which calls, and how far the plans of the two have stepped down in the end."""


@pytest.mark.parametrize("place", PLACES)
def test_the_picture_is_the_same_wherever_memory_ran_out(
    place: str, engine: TorchEngine, run: Run, request_: GenerationRequest, expected: np.ndarray
) -> None:
    first, second = models_of(engine, request_)
    where, calls, steps = PLACES[place]
    undo = fail_inside(*where(first, second), *calls)
    events = run(request_)
    undo()
    assert np.array_equal(picture_of(events), expected)
    assert sum(isinstance(event, Loading) and event.what == NEXT_PLAN for event in events) == len(calls)
    assert tuple(plan_of(one) for one in (first, second)) == tuple(CPU_LADDER[step] for step in steps)


def models_of(engine: TorchEngine, request: GenerationRequest) -> tuple[LoadedModel, LoadedModel]:
    assert request.refiner is not None
    return engine._models.get(request.model), engine._second._models.get(request.refiner.model)


def plan_of(model: LoadedModel) -> Plan:
    assert model.memory is not None
    return model.memory.plan


def test_between_the_networks_the_picture_is_begun_anew(
    engine: TorchEngine, run: Run, request_: GenerationRequest, expected: np.ndarray
) -> None:
    _, second = models_of(engine, request_)
    left = [1]

    def fail(_module: Any, _args: Any) -> None:
        if left[0]:
            left[0] = 0
            raise OUT_OF_MEMORY

    handle = second.unet.register_forward_pre_hook(fail)
    assert np.array_equal(picture_of(run(request_)), expected)
    handle.remove()
    assert left == [0]


def test_when_both_have_come_to_their_last_plan_it_is_said(
    engine: TorchEngine, run: Run, request_: GenerationRequest
) -> None:
    run(request_)
    first, second = models_of(engine, request_)
    undo = fail_inside(second.unet.conv_out, "forward", *range(40))
    failed = run(request_)[-1]
    undo()
    assert isinstance(failed, Failed) and failed.kind is ErrorKind.OUT_OF_MEMORY
    assert [plan_of(one) for one in (first, second)] == [CPU_LADDER[-1]] * 2
    # The second is given back, and read anew for the next picture.
    assert isinstance(run(request_)[-1], Finished)


# -- on a graphics card ------------------------------------------------------------------------------------------------


@dataclass
class Pair:
    """Two models on a card of a size that the test chooses."""

    one: LoadedModel
    two: LoadedModel
    first: ModelMemory
    second: ModelMemory
    free: list[int]

    def there(self) -> list[bool]:
        return [kinds(one.unet) == {"meta"} for one in (self.one, self.two)]

    def step(self, model: LoadedModel) -> None:
        with torch.inference_mode():
            unet, words = model.unet, model.unet.config.cross_attention_dim
            told = unet.config.projection_class_embeddings_input_dim - 6 * unet.config.addition_time_embed_dim
            added = {"text_embeds": torch.zeros(2, told), "time_ids": torch.zeros(2, 6)}
            unet(
                torch.zeros(2, 4, 8, 8),
                torch.tensor(1),
                encoder_hidden_states=torch.zeros(2, 77, words),
                added_cond_kwargs=added,
            )


def kinds(network: Any) -> set[str]:
    return {value.device.type for value in network.parameters()}


@pytest.fixture
def pair(base: OneFile, monkeypatch: pytest.MonkeyPatch) -> Pair:
    info = EngineInfo(device="Card", device_kind="cuda", threads=1)
    card: Device = Card(torch.device("meta"), torch.float32, info)
    free = [2**40]
    monkeypatch.setattr("sdstudio.engine.memory.keeper.free_memory", lambda _device: free[0])
    models = [read_model(base.folder_spec, choose_device(1, "cpu")) for _ in range(2)]
    memories = []
    for model in models:
        for network in model.networks:
            release_guards(network)
            widen_all(network)  # On a card no weights wait to be made single.
        memories.append(ModelMemory(card, unet=model.unet, vae=model.vae, text=model.conditioner.encoders))
    return Pair(*models, *memories, free)


def test_two_that_fit_stay_where_they_are(pair: Pair) -> None:
    pair.first.share(pair.second, SIZE)
    for model in (pair.one, pair.two, pair.one):
        pair.step(model)
        assert pair.there() == [True, True]


def test_two_that_do_not_fit_take_turns(pair: Pair) -> None:
    before = [{name: value.clone() for name, value in model.unet.state_dict().items()} for model in (pair.one,)]
    pair.free[0] = 0
    pair.first.share(pair.second, SIZE)
    for model, there in ((pair.one, [True, False]), (pair.two, [False, True]), (pair.one, [True, False])):
        pair.step(model)
        assert pair.there() == there
    assert before[0].keys() == pair.one.unet.state_dict().keys()
    pair.first.share(None, SIZE)
    pair.step(pair.one)
    assert pair.there()[0]


def test_running_out_makes_them_take_turns_before_anything_else(pair: Pair) -> None:
    pair.first.share(pair.second, SIZE)
    failed = []
    original = pair.two.unet.conv_out.forward

    def forward(values: torch.Tensor) -> torch.Tensor:
        if not failed:
            failed.append(pair.there())
            raise OUT_OF_MEMORY
        return original(values)

    pair.two.unet.conv_out.forward = forward
    pair.step(pair.two)
    assert failed == [[True, True]] and pair.there() == [False, True]
    assert [memory.plan for memory in (pair.first, pair.second)] == [Plan(), Plan()]


def test_after_turns_come_the_plans_of_both(pair: Pair) -> None:
    pair.first.share(pair.second, SIZE)
    seen = []
    while pair.second.step_down():
        seen.append((pair.second.plan, pair.first.plan))
    last = CUDA_LADDER[-1]
    assert seen[0] == (Plan(), Plan())
    assert seen[1 : len(CUDA_LADDER)] == [(plan, Plan()) for plan in CUDA_LADDER[1:]]
    assert seen[len(CUDA_LADDER) :] == [(last, plan) for plan in CUDA_LADDER[1:]]


def test_part_by_part_one_network_of_both_is_on_the_card(pair: Pair) -> None:
    pair.first.step_down()
    assert pair.first.plan.place is Place.PARTS
    pair.first.share(pair.second, SIZE)
    for model, there in ((pair.one, [True, False]), (pair.two, [False, True])):
        pair.step(model)
        assert pair.there() == there and kinds(model.vae) == ({"cpu"} if model is pair.one else {"meta"})


def test_a_large_second_model_is_read_while_the_first_waits(pair: Pair) -> None:
    pair.first.make_room(2**30)
    assert pair.there() == [True, True]
    pair.free[0] = 2**20
    pair.first.make_room(2**30)
    assert pair.there() == [False, True]


def test_who_has_gone_is_not_held(base: OneFile) -> None:
    """The memory of the second model must be free as soon as a job comes without it."""
    import gc
    import weakref

    models = [read_model(base.folder_spec, choose_device(1, "cpu")) for _ in range(2)]
    assert models[0].memory is not None
    models[0].memory.share(models[1].memory, SIZE)
    gone = weakref.ref(models[1].unet)
    models.pop()
    gc.collect()
    assert gone() is None

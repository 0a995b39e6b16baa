"""Memory that runs out at any moment of a picture: it goes on with less, and the picture is the same, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdstudio.domain.engine_api import CancelToken, EngineInfo
from sdstudio.domain.errors import ErrorKind, InvalidRequest
from sdstudio.domain.events import EngineEvent, Failed, Finished, ImageReady, Loading
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.engine.devices import Device, choose_device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.keeper import NEXT_PLAN, ModelMemory, release_guards
from sdstudio.engine.memory.layers import COMPACT, keep_compact, layer_weights, whole_state
from sdstudio.engine.memory.plan import CPU_LADDER, Place, Plan
from sdstudio.engine.memory.widening import widen_all
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.tasks.again import OVERFLOWED, to_single
from sdstudio.engine.tasks.generate import make_picture
from tests.engine.conftest import Run
from tests.helpers.one_file import OneFile, make_one_file
from tests.helpers.tiny_models import ImagesInMemory, make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
STEPS = 3
OUT_OF_MEMORY = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("half"), ModelFamily.SD1, half=True)


@pytest.fixture
def engine(tmp_path: Path, images: ImagesInMemory, one: OneFile) -> TorchEngine:
    return TorchEngine(images=images, upscaler=tmp_path / "none", resources=one.resources, threads=1, device="cpu")


def request_of(one: OneFile, **changes: Any) -> Any:
    return replace(make_request(one.path, steps=STEPS, **changes), model=one.spec)


def picture(events: list[EngineEvent]) -> np.ndarray:
    assert isinstance(events[-1], Finished), events[-1]
    return next(event.image.pixels for event in events if isinstance(event, ImageReady))


def fail_inside(module: Any, name: str, *calls: int, error: Exception = OUT_OF_MEMORY) -> Callable[[], None]:
    """Raises in the calls of that number, from 0, after the work: as late and with as much in memory as can be."""
    original, count = getattr(module, name), [0]

    def fails(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        count[0] += 1
        if count[0] - 1 in calls:
            raise error
        return result

    setattr(module, name, fails)
    return lambda: setattr(module, name, original)


PHASES = {
    "text": (lambda model: (model.conditioner.encoders[0].final_layer_norm, "forward"), (0,)),
    "first step": (lambda model: (model.unet.conv_out, "forward"), (0,)),
    "second step": (lambda model: (model.unet.mid_block, "forward"), (1,)),
    "last step": (lambda model: (model.unet.conv_out, "forward"), (STEPS - 1,)),
    "decode": (lambda model: (model.vae.decoder.conv_out, "forward"), (0,)),
    "encode": (lambda model: (model.vae.encoder.conv_out, "forward"), (0,)),
    "twice": (lambda model: (model.unet.conv_out, "forward"), (1, 2)),
}


def begun(one: OneFile, images: ImagesInMemory, encodes: bool) -> Any:
    return request_of(one, image=images.add(a_picture()), strength=1.0) if encodes else request_of(one)


@pytest.fixture(scope="module")
def expected(one: OneFile) -> dict[bool, np.ndarray]:
    """What comes out where memory never runs out: begun with a picture, and without."""
    images, made = ImagesInMemory(), {}
    engine = TorchEngine(images=images, upscaler=Path("none"), resources=one.resources, threads=1, device="cpu")
    for encodes in (False, True):
        events: list[EngineEvent] = []
        engine.run("job", begun(one, images, encodes), events.append, CancelToken())
        made[encodes] = picture(events)
    engine.close()
    return made


@pytest.mark.parametrize("phase", PHASES)
def test_the_picture_is_the_same_wherever_memory_ran_out(
    phase: str, one: OneFile, engine: TorchEngine, run: Run, images: ImagesInMemory, expected: dict[bool, np.ndarray]
) -> None:
    request = begun(one, images, phase == "encode")
    model = engine._models.get(request.model)
    where, calls = PHASES[phase]
    undo = fail_inside(*where(model), *calls)
    events = run(request)
    undo()
    assert np.array_equal(picture(events), expected[phase == "encode"])
    assert [event.what for event in events if isinstance(event, Loading)] == [NEXT_PLAN] * len(calls)
    assert model.memory is not None and model.memory.plan == CPU_LADDER[len(calls)]


def a_picture() -> Any:
    from tests.engine.test_image_to_image import a_picture as make

    return make()


def test_outside_of_the_networks_the_picture_is_begun_anew(one: OneFile, engine: TorchEngine, run: Run) -> None:
    request = request_of(one)
    expected = picture(run(request))
    left = [1]

    def fail(_module: Any, _args: Any) -> None:
        if left[0]:
            left[0] = 0
            raise OUT_OF_MEMORY

    handle = engine._models.get(request.model).unet.register_forward_pre_hook(fail)
    assert np.array_equal(picture(run(request)), expected)
    handle.remove()
    assert left == [0]


def test_after_the_last_plan_it_is_said_with_a_size_that_would_fit(one: OneFile, engine: TorchEngine, run: Run) -> None:
    request = request_of(one, size=Size(192, 128))
    model = engine._models.get(request.model)
    undo = fail_inside(model.unet.conv_out, "forward", *range(20))
    failed = run(request)[-1]
    undo()
    assert isinstance(failed, Failed) and failed.kind is ErrorKind.OUT_OF_MEMORY
    assert "A smaller size should fit: 128 x 64" in failed.hint
    assert isinstance(run(request)[-1], Finished)


def test_no_tensor_of_the_failed_attempt_lives_on(one: OneFile, engine: TorchEngine) -> None:
    """The exception's traceback holds them; the second try must not begin in the except block."""
    import gc
    import weakref

    model = engine._models.get(one.spec)
    seen: list[Any] = []
    alive: list[int] = []
    original = model.unet.conv_out.forward

    def forward(values: torch.Tensor) -> torch.Tensor:
        gc.collect()
        alive.append(sum(ref() is not None for ref in seen))
        seen.append(weakref.ref(values))
        if len(seen) == 1:
            raise OUT_OF_MEMORY
        return original(values)

    model.unet.conv_out.forward = forward
    make_picture(request_of(one), model, CancelToken())
    assert alive[1] == 0


def small(one: OneFile) -> LoadedModel:
    device = choose_device(1, "cpu")
    return read_model(one.spec, device, one.resources, reading=Reading(device, plan=Plan(Place.LAYERS)))


def test_weights_kept_in_16_bits_give_the_same_bits(one: OneFile) -> None:
    whole, compact = read_model(one.spec, choose_device(1, "cpu"), one.resources), small(one)
    pictures = [make_picture(request_of(one), model, CancelToken()).pixels for model in (whole, compact)]
    assert np.array_equal(*pictures)
    for network in compact.networks:
        weights = layer_weights(network)
        assert weights is not None
        layers = [module for module in network.modules() if isinstance(module, COMPACT)]
        assert weights.size_bytes == sum(2 * layer.weight.numel() for layer in layers)
    assert compact.unet.dtype == compact.vae.dtype == torch.float32


def test_hooks_on_layers_find_the_weights(one: OneFile) -> None:
    """As LoRA's do, which are put on later: before and after their layer."""
    whole, compact = read_model(one.spec, choose_device(1, "cpu"), one.resources), small(one)
    name = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    expected = whole_state(whole.unet)[f"{name}.weight"]
    layer, seen = compact.unet.get_submodule(name), []
    assert layer.weight.shape == expected.shape and layer.weight.dtype == expected.dtype
    layer.register_forward_pre_hook(lambda module, _args: seen.append(module.weight.clone()))
    layer.register_forward_hook(lambda module, _args, output: seen.append(module.weight.clone()))
    make_picture(request_of(one), compact, CancelToken())
    assert len(seen) == 2 * STEPS and all(torch.equal(values, expected) for values in seen)


def test_the_real_values_can_be_asked_for(one: OneFile) -> None:
    whole, compact = read_model(one.spec, choose_device(1, "cpu"), one.resources), small(one)
    expected, found = whole_state(whole.unet), whole_state(compact.unet)
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)


def test_layers_hold_the_next_one_only() -> None:
    linear = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)).requires_grad_(False)
    values = torch.randn(2, 4)
    linear.half().float()
    expected = linear(values)
    weights = keep_compact(linear, torch.float32, kept=torch.float16)
    assert torch.equal(linear(values), expected)
    ready = [layer.weight.data_ptr() for layer in linear]
    assert ready[0] != ready[1]
    weights.release()
    assert not any(bool(layer.weight.any()) for layer in linear)
    weights.remove()
    assert torch.equal(linear(values), expected)


def test_a_cpu_steps_down_before_a_picture_that_would_not_fit(one: OneFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused there: the system grinds to a halt instead."""
    model = read_model(one.spec, choose_device(1, "cpu"), one.resources)
    assert model.memory is not None
    monkeypatch.setattr("sdstudio.engine.memory.keeper.free_memory", lambda _device: 2**20)
    model.memory.prepare(Size(512, 512))
    assert model.memory.plan == CPU_LADDER[-1]


class Card(Device):
    """A graphics card's ways on the meta device: what goes there has no values any more, and nothing comes back."""

    @property
    def is_cuda(self) -> bool:
        return True


def test_part_by_part_one_network_is_on_the_card(one: OneFile) -> None:
    model = read_model(one.spec, choose_device(1, "cpu"), one.resources)
    unet, vae, text = model.unet, model.vae, model.conditioner.encoders[0]
    for network in (unet, vae, text):
        release_guards(network)
        widen_all(network)
    expected = {name: value.clone() for name, value in unet.state_dict().items()}
    card = Card(torch.device("meta"), torch.float32, EngineInfo(device="Card", device_kind="cuda", threads=1))
    ModelMemory(card, unet=unet, vae=vae, text=[text], plan=Plan(Place.PARTS))

    def there() -> list[str]:
        names = {"unet": unet, "vae": vae, "text": text}
        kinds = {name: {value.device.type for value in network.parameters()} for name, network in names.items()}
        assert all(len(kind) == 1 for kind in kinds.values())
        return [name for name, kind in kinds.items() if kind == {"meta"}]

    with torch.inference_mode():
        assert there() == []
        words = text(torch.zeros(2, 77, dtype=torch.int64))[0]
        assert there() == ["text"] and words.is_meta
        noise = unet(torch.zeros(2, 4, 8, 8), torch.tensor(1), encoder_hidden_states=words, return_dict=False)[0]
        assert there() == ["unet"] and noise.is_meta
        assert vae.decode(torch.zeros(1, 4, 8, 8), return_dict=False)[0].shape == (1, 3, 64, 64)
        assert there() == ["vae"]
    assert all(torch.equal(value, expected[name]) for name, value in unet.state_dict().items())


def half_device() -> Device:
    info = EngineInfo(device="Half", device_kind="cpu", threads=1)
    return Device(torch.device("cpu"), torch.float16, info)


def test_what_overflows_in_half_precision_is_made_once_more_in_single(one: OneFile) -> None:
    torch.set_num_threads(1)
    model = read_model(one.spec, half_device(), one.resources)
    assert model.unet.dtype == torch.float16
    # 60000 is nearly the largest number of half precision: twice it is none.
    model.unet.mid_block.register_forward_hook(lambda _module, _args, output: (output + 6e4 + 6e4) - 6e4 - 6e4)
    said: list[str] = []
    image = make_picture(request_of(one), model, CancelToken(), say=said.append)
    assert said == [OVERFLOWED] and model.unet.dtype == torch.float32
    assert image.size == Size(64, 64)
    make_picture(request_of(one), model, CancelToken(), say=said.append)
    assert len(said) == 1


@pytest.mark.parametrize("what", ["unet", "vae"])
def test_so_is_a_network_whose_layers_come_one_by_one(one: OneFile, what: str) -> None:
    """Their weights stay in half precision; only what they compute in changes. The picture is that of a whole one."""
    torch.set_num_threads(1)
    device, pictures = half_device(), []
    for plan in (Plan(), Plan(Place.LAYERS)):
        model = read_model(one.spec, device, one.resources, reading=Reading(device, plan=plan))
        network = getattr(model, what)
        inner = network.mid_block if what == "unet" else network.decoder.mid_block
        inner.register_forward_hook(lambda _module, _args, output: (output + 6e4 + 6e4) - 6e4 - 6e4)
        before = layer_weights(network)
        size = None if before is None else before.size_bytes
        pictures.append(make_picture(request_of(one), model, CancelToken()).pixels)
        assert network.dtype == torch.float32
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
        after = layer_weights(network)
        assert (after is None) == (plan.place is Place.WHOLE)
        assert after is None or after.size_bytes == size
        make_picture(request_of(one), model, CancelToken())
    assert np.array_equal(*pictures)


def test_the_network_of_the_second_stage_becomes_single_too(one: OneFile) -> None:
    device = half_device()
    first, second = (read_model(one.spec, device, one.resources) for _ in range(2))
    both = replace(first, second=second)
    assert to_single(both) and not to_single(both)
    assert (first.unet.dtype, second.unet.dtype) == (torch.float32, torch.float32)


def test_a_card_that_is_lost_is_said_plainly_and_for_all_jobs(one: OneFile, engine: TorchEngine, run: Run) -> None:
    error = RuntimeError("CUDA error: device-side assert triggered")
    undo = fail_inside(engine._models.get(one.spec).unet.conv_out, "forward", 0, error=error)
    first = run(request_of(one))[-1]
    undo()
    second = run(request_of(one))[-1]
    for failed in (first, second):
        assert isinstance(failed, Failed) and failed.kind is ErrorKind.DEVICE_LOST
        assert "start it again" in failed.hint and "kept" in failed.meaning


@pytest.mark.expects_log("hoose")
@pytest.mark.parametrize(("device", "words"), [("cuda:7", "number 7"), ("toaster", "no device “toaster”")])
def test_a_device_that_is_not_there_is_said_and_the_best_there_is_is_used(
    device: str, words: str, images: ImagesInMemory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        choose_device(1, device)
    info = TorchEngine(images=images, upscaler=tmp_path, device=device).info()
    assert info == replace(choose_device().info, missing=device)
    assert [words in record.message for record in caplog.records] == [True]
    caplog.clear()
    assert TorchEngine(images=images, upscaler=tmp_path, device="cpu").info().missing == ""


def test_all_cards_are_told_by_the_names_they_are_chosen_by(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("Card A", "Card B", "Card A")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: names[number])
    assert choose_device(1, "cpu").info.devices == (
        ("cuda:0", "Card A (1)"),
        ("cuda:1", "Card B"),
        ("cuda:2", "Card A (3)"),
    )

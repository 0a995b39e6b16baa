"""What is done differently for a graphics card, as far as it can be proved without one: order, limits, second tries."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.request import ModelSpec
from sdstudio.engine import devices
from sdstudio.engine.cache import ModelCache
from sdstudio.engine.devices import Device, free_memory
from sdstudio.engine.faults import is_device_lost, is_out_of_memory
from sdstudio.engine.lora.branch import DOWN, UP, LowRank
from sdstudio.engine.memory import layers
from sdstudio.engine.memory.layers import LayerWeights
from sdstudio.engine.memory.plan import CUDA_LADDER, Place, Plan
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.stored import Scratch

CPU = torch.device("cpu")
OUT_OF_MEMORY = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


class Card(Device):
    @property
    def is_cuda(self) -> bool:
        return True


def a_card(limit: int | None = None) -> Card:
    info = EngineInfo(device="Card", device_kind="cuda", threads=1)
    return Card(torch.device("meta"), torch.float16, info, limit)


# -- layer by layer: two streams that wait for each other -------------------------------------------------------------


class Stream:
    """A stream's clock: of each stream, how many of its operations have surely been done before the next one here."""

    def __init__(self, _device: Any = None) -> None:
        self.clock: defaultdict[Stream, int] = defaultdict(int)

    def act(self) -> int:
        self.clock[self] += 1
        return self.clock[self]

    def wait_event(self, event: Event) -> None:
        for stream, count in event.clock.items():
            self.clock[stream] = max(self.clock[stream], count)


class Event:
    def __init__(self) -> None:
        self.clock: dict[Stream, int] = {}

    def record(self, stream: Stream) -> None:
        self.clock = dict(stream.clock)


class Driver(TorchFunctionMode):
    """Notes on which stream memory is written by a copy and read by a layer, and what is not in order."""

    def __init__(self) -> None:
        super().__init__()
        self.main = self.current = Stream()
        self.copies: dict[int, tuple[Stream, int]] = {}
        self.uses: dict[int, tuple[Stream, int]] = {}
        self.races: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        stream = self.current
        if function is torch.Tensor.copy_:
            place = args[0].data_ptr()
            self._after(self.uses.get(place), "written before it was read")
            self._after(self.copies.get(place), "written twice at once")
            self.copies[place] = (stream, stream.act())
        elif function is torch.nn.functional.linear:
            place = args[1].data_ptr()
            self._after(self.copies.get(place), "read before it was written")
            self.uses[place] = (stream, stream.act())
        return function(*args, **(kwargs or {}))

    def _after(self, done: tuple[Stream, int] | None, fault: str) -> None:
        if done is not None and self.current.clock[done[0]] < done[1]:
            self.races.append(fault)


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()

    @contextmanager
    def stream(wanted: Stream) -> Iterator[None]:
        before, made.current = made.current, wanted
        yield
        made.current = before

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: made.current)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: None)
    monkeypatch.setattr(layers, "_fetcher_for", layers._Fetcher)
    return made


def five_layers() -> torch.nn.Sequential:
    sizes = (6, 8, 8, 4, 10, 2)
    torch.manual_seed(0)
    return torch.nn.Sequential(*(torch.nn.Linear(*pair) for pair in itertools.pairwise(sizes))).requires_grad_(False)


def test_layers_come_to_the_card_in_two_places_and_never_at_the_wrong_time(driver: Driver) -> None:
    network, values = five_layers(), torch.randn(3, 6)
    expected = network(values)
    LayerWeights(network, torch.float32, CPU)
    with driver, torch.inference_mode():
        for _ in range(3):
            assert torch.equal(network(values), expected)
    assert driver.races == [] and len(driver.uses) == len(driver.copies) == 2


def test_also_when_another_layer_is_called_than_was_fetched(driver: Driver) -> None:
    network, values = five_layers(), torch.randn(3, 6)
    expected = network[1](network[0](values))
    LayerWeights(network, torch.float32, CPU)
    with driver, torch.inference_mode():
        network(values)
        network(values)
        for _ in range(2):
            assert torch.equal(network[1](network[0](values)), expected)
    assert driver.races == []


def test_and_when_they_become_single(driver: Driver) -> None:
    network, values = five_layers().half(), torch.randn(3, 6)
    expected = five_layers().half().float()(values)
    weights = LayerWeights(network, torch.float16, CPU)
    with driver, torch.inference_mode():
        network(values.half())
        weights.widen()
        for layer in network:
            layer.bias.data = layer.bias.float()
        assert torch.equal(network(values), expected) and torch.equal(network(values), expected)
    assert driver.races == []


@pytest.mark.parametrize("forgotten", ["record", "wait_event"])
def test_the_order_would_be_missed(forgotten: str, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above find is there: without events, or without waiting for them, streams race."""
    monkeypatch.setattr(Event if forgotten == "record" else Stream, forgotten, lambda *_: None)
    network, values = five_layers(), torch.randn(3, 6)
    LayerWeights(network, torch.float32, CPU)
    with driver, torch.inference_mode():
        network(values)
        network(values)
    assert {"written before it was read", "read before it was written"} <= set(driver.races)


# -- memory -----------------------------------------------------------------------------------------------------------


def test_a_limit_is_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, told in (("mem_get_info", (1000, 2000)), ("memory_reserved", 300), ("memory_allocated", 100)):
        monkeypatch.setattr(torch.cuda, name, lambda _device, told=told: told)
    assert free_memory(a_card()) == 1000 + 200
    assert free_memory(a_card(limit=700)) == 400 + 200
    assert free_memory(a_card(limit=200)) == 0 + 200
    assert free_memory(a_card(limit=5000)) == 1000 + 200


def test_a_card_becomes_the_threads_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are recorded on the current card's stream: on another one's they would say nothing."""
    chosen: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    info = EngineInfo(device="Card", device_kind="cuda", threads=1)
    devices.work_here(Device(torch.device("cuda", 1), torch.float16, info))
    devices.work_here(Device(CPU, torch.float32, info))
    assert chosen == [torch.device("cuda", 1)]


@pytest.mark.parametrize(
    ("message", "short"),
    [
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("GET was unable to find an engine to execute this computation", True),
        ("CUDA error: out of memory", True),
        ("CUDA error: device-side assert triggered", False),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`", False),
    ],
)
def test_a_library_without_memory_is_no_card_that_is_lost(message: str, short: bool) -> None:
    error = RuntimeError(message)
    assert is_out_of_memory(error) is short
    assert is_device_lost(error) is not short


@pytest.mark.parametrize("place", list(Place))
def test_weights_have_one_order_wherever_they_wait(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another order would be another way of calculating the same: other bits, and on most cards slower."""
    monkeypatch.setattr("sdstudio.engine.sources.reading.Scratch", lambda pinned=False: Scratch())
    weight = Reading(a_card(), plan=Plan(place)).place((4, 8, 3, 3), torch.float16)
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()


def test_what_a_lora_had_on_the_card_goes_with_the_job() -> None:
    tensors = {DOWN: torch.ones(2, 4), UP: torch.ones(3, 2)}
    layer = torch.nn.Linear(4, 3, dtype=torch.float64)
    branch = LowRank.of(tensors, layer)
    values = torch.ones(1, 4, dtype=torch.float64)  # another precision stands in for another device
    first = branch.answer(layer, values, layer(values), 1.0)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    held = branch.near(values)(DOWN)
    assert held.dtype == torch.float64 and branch.near(values)(DOWN) is held
    assert torch.equal(branch.answer(layer, values, layer(values), 1.0), first)


# -- reading that runs out of memory ----------------------------------------------------------------------------------


class Reader:
    """Reads a model if the plan is one of those that fit."""

    def __init__(self, *fit: Plan, error: Exception = OUT_OF_MEMORY) -> None:
        self.fit, self.error = fit, error
        self.tried: list[Plan] = []

    def __call__(self, spec: ModelSpec, device: Device, /, *, reading: Reading) -> Any:
        self.tried.append(reading.plan)
        if reading.plan not in self.fit:
            raise self.error
        return type("Model", (), {"spec": spec, "memory": None, "networks": ()})()


@pytest.fixture
def plain_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdstudio.engine.sources.reading.Scratch", lambda pinned=False: Scratch())


def get(reader: Reader, device: Device, path: Path) -> Any:
    return ModelCache(device, reader, free=lambda: 2**40).get(ModelSpec(name="Model", path=str(path)))


def test_a_model_that_does_not_fit_while_it_is_read_is_read_with_the_next_plan(
    plain_memory: None, tmp_path: Path
) -> None:
    reader = Reader(CUDA_LADDER[2])
    assert get(reader, a_card(), tmp_path).spec.name == "Model"
    assert reader.tried == list(CUDA_LADDER[:3])


def test_after_the_last_plan_it_is_raised(plain_memory: None, tmp_path: Path) -> None:
    reader = Reader()
    with pytest.raises(torch.cuda.OutOfMemoryError):
        get(reader, a_card(), tmp_path)
    assert reader.tried == list(CUDA_LADDER)


def test_other_faults_and_other_devices_are_not_tried_again(plain_memory: None, tmp_path: Path) -> None:
    broken = Reader(error=ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        get(broken, a_card(), tmp_path)
    short = Reader()
    with pytest.raises(torch.cuda.OutOfMemoryError):
        get(short, devices.choose_device(1, "cpu"), tmp_path)
    assert len(broken.tried) == len(short.tried) == 1

"""Reading a model from disk: how far it is, stopped at once, files that change, and memory used again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser, ModelError
from sdstudio.domain.events import Cancelled, Loading
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.cache import ModelCache
from sdstudio.engine.devices import Device, choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.buffers import BufferPool
from sdstudio.engine.memory.layers import whole_state
from sdstudio.engine.memory.widening import widen_all
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.stored import BLOCK, FileChanged, Scratch, Stored, open_safetensors
from sdstudio.engine.sources.stored_ckpt import Held, open_ckpt
from tests.helpers.one_file import OneFile, make_one_file

DEVICE = choose_device(1, "cpu")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("one"), ModelFamily.SD1, half=True)


def other(one: OneFile, path: Path, seed: int) -> ModelSpec:
    """Another model of the same kind."""
    torch.manual_seed(seed)
    save_file({name: torch.randn_like(value) * 0.02 for name, value in load_file(one.path).items()}, path)
    return ModelSpec(name=path.stem, path=str(path), family=one.family.value, prediction="epsilon")


def states(model: LoadedModel) -> list[dict[str, torch.Tensor]]:
    return [{name: value.clone() for name, value in whole_state(network).items()} for network in model.networks]


def memory_of(model: LoadedModel) -> set[int]:
    for network in model.networks:
        widen_all(network)
    return {tensor.data_ptr() for network in model.networks for tensor in network.parameters()}


def equal(some: list[dict[str, torch.Tensor]], others: list[dict[str, torch.Tensor]]) -> bool:
    return all(
        a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
        for a, b in zip(some, others, strict=True)
    )


def cache_for(one: OneFile, free: int) -> tuple[ModelCache, list[str]]:
    """The cache, and which models it has read."""
    read: list[str] = []

    def load(spec: ModelSpec, device: Device, /, *, reading: Reading) -> LoadedModel:
        read.append(spec.name)
        return read_model(spec, device, one.resources, reading=reading)

    return ModelCache(DEVICE, load, free=lambda: free), read


# -- the file ----------------------------------------------------------------------------------------------------------


def test_pieces_make_the_whole(tmp_path: Path) -> None:
    values = {"wide": torch.randn(3, BLOCK // 4 + 1), "long": torch.randn(BLOCK // 3), "one": torch.tensor(4.6)}
    values |= {
        "half": torch.randn(5, 7).half(),
        "none": torch.zeros(0, 3),
        "eight": torch.randn(4).to(torch.float8_e5m2),
    }
    save_file(values, tmp_path / "a.safetensors")
    found = open_safetensors(tmp_path / "a.safetensors")
    for name, expected in values.items():
        got = found[name].read()
        assert got.dtype == expected.dtype and torch.equal(got.float(), expected.float())
    assert len(list(found["long"].rows(Scratch()))) == 2


def test_cuts_and_turns_are_those_of_tensors(tmp_path: Path) -> None:
    matrix, kernel = torch.randn(6, 4), torch.randn(3, 5, 1, 1)
    save_file({"matrix": matrix, "kernel": kernel}, tmp_path / "a.safetensors")
    found = open_safetensors(tmp_path / "a.safetensors")
    stored = found["matrix"]
    assert torch.equal(stored[2:4, :].read(), matrix[2:4])
    assert torch.equal(stored[4:].clone().detach().read(), matrix[4:])
    assert torch.equal(stored.T.contiguous().read(), matrix.T)
    assert torch.equal(found["kernel"][:, :, 0, 0].read(), kernel[:, :, 0, 0])
    assert [part.shape for part in stored.chunk(3)] == [(2, 4)] * 3
    for wrong in ((slice(None), slice(0, 2)), (0,), (slice(None, None, 2),)):
        with pytest.raises(TypeError):
            stored[wrong]


@pytest.mark.parametrize("fault", ["length", "json", "outside", "over", "type", "short"])
def test_a_damaged_list_of_contents_is_refused(tmp_path: Path, fault: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.zeros(8), "b": torch.ones(8)}, path)
    raw = path.read_bytes()
    broken = {
        "length": (2**63).to_bytes(8, "little") + raw[8:],
        "json": raw[:8] + b"x" + raw[9:],
        "outside": raw.replace(b"[32,64]", b"[32,96]"),
        "over": raw.replace(b"[32,64]", b"[16,48]"),
        "type": raw.replace(b'"F32"', b'"F99"'),
        "short": raw[:5],
    }[fault]
    path.write_bytes(broken)
    with pytest.raises(ValueError):
        open_safetensors(path)


def test_a_ckpt_is_read_in_pieces_where_torch_tells_the_places(tmp_path: Path) -> None:
    values = torch.randn(6, 4)
    plain = {"state_dict": {"a": values, "rows": values[2:], "half": values.half()}}
    for number, (saved, kind) in enumerate([(plain, Stored), ({"t": values.T, "a": values}, Held)]):
        path = tmp_path / f"{number}.ckpt"
        torch.save(saved, path)
        found = open_ckpt(path)
        assert {type(entry) for entry in found.values()} == {kind}
        expected = saved.get("state_dict", saved)
        assert all(torch.equal(found[name].read(), expected[name]) for name in expected)
    torch.save({"a": values}, tmp_path / "old.ckpt", _use_new_zipfile_serialization=False)
    assert torch.equal(open_ckpt(tmp_path / "old.ckpt")["a"].read(), values)


@pytest.mark.parametrize("how", ["shorter", "other"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    one: OneFile, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shutil.copy(one.path, tmp_path / "a.safetensors")
    spec = ModelSpec(name="A", path=str(path), family=one.family.value, prediction="epsilon")

    def change(done: int, _total: int) -> None:
        if done:
            if how == "shorter":
                os.truncate(path, os.path.getsize(path) // 2)
            else:
                os.utime(path, ns=(1, 1))

    ticks = iter(range(10**6))
    reading = Reading(DEVICE, on_bytes=change, clock=lambda: float(next(ticks)))
    with pytest.raises(ModelError, match="changed while it was being read"):
        read_model(spec, DEVICE, one.resources, reading=reading)


def test_a_short_file_is_told_and_does_not_end_the_process(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(10**6)}, tmp_path / "a.safetensors")
    stored = open_safetensors(tmp_path / "a.safetensors")["a"]
    os.truncate(tmp_path / "a.safetensors", 1000)
    with pytest.raises(FileChanged):
        stored.read()


# -- progress and cancel -----------------------------------------------------------------------------------------------


def test_it_tells_how_far_it_is(one: OneFile) -> None:
    told: list[tuple[int, int]] = []
    ticks = iter(range(10**6))
    reading = Reading(DEVICE, on_bytes=lambda *far: told.append(far), clock=lambda: float(next(ticks)))
    read_model(one.spec, DEVICE, one.resources, reading=reading)
    size = one.path.stat().st_size
    assert {total for _, total in told} == {size}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    # All but the list of contents.
    assert size - told[-1][0] < 200_000 and len(told) > 100


def test_ten_times_a_second_is_enough(one: OneFile) -> None:
    told: list[int] = []
    reading = Reading(DEVICE, on_bytes=lambda done, _total: told.append(done), clock=lambda: 0.0)
    read_model(one.spec, DEVICE, one.resources, reading=reading)
    assert len(told) == 1


def test_a_cancel_stops_it_at_the_next_piece(one: OneFile) -> None:
    cancel, pieces = CancelToken(), [0]

    def count(_done: int, _total: int) -> None:
        pieces[0] += 1
        if pieces[0] == 5:
            cancel.cancel()

    ticks = iter(range(10**6))
    reading = Reading(DEVICE, cancel=cancel, on_bytes=count, clock=lambda: float(next(ticks)))
    with pytest.raises(CancelledByUser):
        read_model(one.spec, DEVICE, one.resources, reading=reading)
    assert pieces == [5]


def test_a_cancelled_reading_leaves_no_half_model_behind(one: OneFile) -> None:
    cache, read = cache_for(one, free=0)
    cancel = CancelToken()
    with pytest.raises(CancelledByUser):
        cache.get(one.spec, cancel, lambda _done, _total: cancel.cancel())
    assert not cache.holds(one.spec)
    expected = states(read_model(one.spec, DEVICE, one.resources))
    assert equal(states(cache.get(one.spec)), expected) and len(read) == 2


def test_the_job_says_the_bytes(one: OneFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdstudio.engine.engine.TOLD_BYTES", 0)
    from dataclasses import replace

    from sdstudio.engine.engine import TorchEngine
    from tests.helpers.tiny_models import ImagesInMemory, make_request

    engine = TorchEngine(images=ImagesInMemory(), upscaler=tmp_path, resources=one.resources, threads=1, device="cpu")
    events: list[Any] = []
    cancel = CancelToken()

    def note(event: Any) -> None:
        events.append(event)
        if isinstance(event, Loading) and event.total:
            cancel.cancel()

    engine.run("job", replace(make_request(one.path), model=one.spec), note, cancel)
    loading = [event for event in events if isinstance(event, Loading)]
    assert loading[0].total == 0 and loading[0].fraction == 0.0
    assert loading[-1].total == one.path.stat().st_size and 0 < loading[-1].fraction < 1
    assert isinstance(events[-1], Cancelled)


# -- memory used again -------------------------------------------------------------------------------------------------


def test_the_next_model_of_a_kind_takes_the_place_of_the_last(one: OneFile, tmp_path: Path) -> None:
    spec = other(one, tmp_path / "b.safetensors", 2)
    expected = states(read_model(spec, DEVICE, one.resources))
    cache, _ = cache_for(one, free=0)
    unet = cache.get(one.spec).unet
    places = memory_of(cache.get(one.spec))
    model = cache.get(spec)
    assert memory_of(model) == places
    assert equal(states(model), expected)
    assert model.unet is unet, "building it anew would cost a third of a second"


def test_a_model_of_more_precision_in_the_same_place_is_not_taken_for_one_of_16_bits(
    one: OneFile, tmp_path: Path
) -> None:
    state = {name: value.float() * 1.0001 for name, value in load_file(one.path).items()}
    save_file(state, tmp_path / "b.safetensors")
    cache, _ = cache_for(one, free=0)
    assert cache.get(one.spec).memory.room().exact
    spec = ModelSpec(name="B", path=str(tmp_path / "b.safetensors"), family=one.family.value, prediction="epsilon")
    assert not cache.get(spec).memory.room().exact


def test_nothing_that_hung_on_the_last_model_is_left(one: OneFile, tmp_path: Path) -> None:
    spec = other(one, tmp_path / "b.safetensors", 2)
    cache, _ = cache_for(one, free=0)
    model = cache.get(one.spec)
    model.unet.conv_in.register_forward_hook(lambda *_: pytest.fail("a hook of another model ran"))
    fresh = cache.get(spec)
    assert fresh.unet is not model.unet
    fresh.unet.conv_in(torch.zeros(1, 4, 8, 8))


def test_there_and_back_costs_nothing_where_memory_allows(one: OneFile, tmp_path: Path) -> None:
    specs = [one.spec, other(one, tmp_path / "b.safetensors", 2), other(one, tmp_path / "c.safetensors", 3)]
    cache, read = cache_for(one, free=2**40)
    first, second = cache.get(specs[0]), cache.get(specs[1])
    assert cache.get(specs[0]) is first and cache.get(specs[1]) is second
    assert cache.holds(specs[0]) and cache.holds(specs[1])
    cache.get(specs[2])
    assert not cache.holds(specs[0]) and cache.holds(specs[1]) and len(read) == 3
    cache.clear()
    assert not any(cache.holds(spec) for spec in specs)


def test_where_memory_is_short_one_is_kept(one: OneFile, tmp_path: Path) -> None:
    spec = other(one, tmp_path / "b.safetensors", 2)
    cache, read = cache_for(one, free=0)
    cache.get(one.spec)
    cache.get(spec)
    assert not cache.holds(one.spec) and cache.holds(spec)
    cache.get(one.spec)
    assert len(read) == 3


def test_a_file_that_cannot_be_read_leaves_the_cache_usable(one: OneFile, tmp_path: Path) -> None:
    cache, _ = cache_for(one, free=0)
    cache.get(one.spec)
    broken = tmp_path / "b.safetensors"
    broken.write_bytes(one.path.read_bytes()[:-1000])
    with pytest.raises(ModelError):
        cache.get(ModelSpec(name="B", path=str(broken), family=one.family.value, prediction="epsilon"))
    assert equal(states(cache.get(one.spec)), states(read_model(one.spec, DEVICE, one.resources)))


def test_free_tensors_are_given_out_once(one: OneFile) -> None:
    pool = BufferPool()
    tensor = torch.ones(3, 4)
    pool.give(tensor)
    assert pool.size_bytes == 48
    assert pool.take((3, 4), torch.float32, torch.device("cpu")) is tensor
    assert pool.take((3, 4), torch.float32, torch.device("cpu")) is not tensor
    assert pool.take((3, 4), torch.float16, torch.device("cpu")).dtype == torch.float16


@pytest.mark.parametrize("value", [1e30, -1e30, 3e38])
def test_large_numbers_are_numbers(one: OneFile, tmp_path: Path, value: float) -> None:
    """The sum of their squares is none: they are looked at once more."""
    state = {name: values.float() for name, values in load_file(one.path).items()}
    state["model.diffusion_model.out.2.bias"][0] = value
    save_file(state, tmp_path / "a.safetensors")
    spec = ModelSpec(name="A", path=str(tmp_path / "a.safetensors"), family=one.family.value, prediction="epsilon")
    assert read_model(spec, DEVICE, one.resources).unet.conv_out.bias[0] == torch.tensor(value)

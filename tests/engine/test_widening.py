"""Weights that wait in 16 bits until their layer is first used: the same values, at every way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.buffers import BufferPool
from sdstudio.engine.memory.layers import COMPACT, keep_compact, layer_weights, whole_state
from sdstudio.engine.memory.placement import Placed
from sdstudio.engine.memory.plan import Place, Plan
from sdstudio.engine.memory.widening import (
    drop_all,
    is_waiting,
    second_half,
    wait_for_use,
    waiting_bytes,
    waiting_values,
    widen,
    widen_all,
)
from sdstudio.engine.sources.reading import Reading
from tests.helpers.one_file import OneFile, make_one_file

DEVICE = choose_device(1, "cpu")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(0,), (1,), (2, 3), (1024,), (1025,), (7, 11, 3, 3), (100, 321)])
def test_widening_in_place_keeps_every_value(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    values = torch.randn(shape).to(dtype)
    whole = torch.full(shape, float("nan"))
    second_half(whole, dtype).copy_(values)
    widen(whole, second_half(whole, dtype))
    assert torch.equal(whole, values.float())


class Two(nn.Module):
    """Two layers, of which `forward` calls the first alone."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(40, 30), nn.Conv2d(3, 5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.first(x))


def waiting() -> tuple[Two, dict[str, torch.Tensor]]:
    """A network whose weights wait, and their values."""
    network = Two().requires_grad_(False)
    values = {name: network.get_submodule(name).weight.half() for name in ("first", "second")}
    for name, value in values.items():
        whole = torch.empty(value.shape)
        second_half(whole, torch.float16).copy_(value)
        wait_for_use(network, name, network.get_submodule(name), whole, second_half(whole, torch.float16))
    return network, {f"{name}.weight": value.float() for name, value in values.items()}


def test_the_first_call_makes_a_layer_ready_for_good() -> None:
    network, values = waiting()
    x = torch.randn(2, 40)
    assert network.first.weight.shape == (30, 40) and network.first.weight.dtype == torch.float32
    assert not network.first.weight.any()
    with torch.inference_mode():
        expected = nn.functional.linear(x, values["first.weight"], network.first.bias)
        assert torch.equal(network(x), expected)
    assert torch.equal(network.first.weight, values["first.weight"])
    assert not network.first._forward_pre_hooks and not network.first.weight.is_inference()
    assert set(waiting_values(network)) == {"second.weight"}
    network.second(torch.randn(1, 3, 4, 4))
    assert not is_waiting(network)


def test_hooks_that_were_there_before_find_the_values() -> None:
    network = Two().requires_grad_(False)
    seen: list[torch.Tensor] = []
    network.first.register_forward_pre_hook(lambda module, _args: seen.append(module.weight.clone()))
    value = network.first.weight.half()
    whole = torch.empty(value.shape)
    second_half(whole, torch.float16).copy_(value)
    wait_for_use(network, "first", network.first, whole, second_half(whole, torch.float16))
    network(torch.randn(1, 40))
    assert torch.equal(seen[0], value.float())


def test_the_state_can_be_looked_at_while_it_waits() -> None:
    network, values = waiting()
    state = whole_state(network)
    assert all(torch.equal(state[name], value) for name, value in values.items())
    assert is_waiting(network)
    widen_all(network)
    assert not is_waiting(network)
    assert all(torch.equal(network.state_dict()[name], value) for name, value in values.items())


def test_layers_that_go_on_in_16_bits_give_the_rest_of_the_memory_back() -> None:
    network, values = waiting()
    keep_compact(network, torch.float32)
    layers = layer_weights(network)
    assert layers is not None and not is_waiting(network)
    assert layers.size_bytes == sum(2 * value.numel() for value in values.values())
    assert all(layer.stored.untyped_storage().nbytes() == 2 * layer.stored.numel() for layer in layers._layers)
    x = torch.randn(2, 40)
    assert torch.equal(network(x), nn.functional.linear(x, values["first.weight"], network.first.bias))


def test_what_is_not_touched_yet_is_not_counted_as_held() -> None:
    network, values = waiting()
    untouched = sum(2 * value.numel() for value in values.values())
    assert waiting_bytes(network) == untouched
    placed = Placed(network, DEVICE)
    held = placed.bytes_on_device
    assert placed.size_bytes - held == untouched
    placed.make_changeable()
    assert placed.bytes_on_device == placed.size_bytes


def test_memory_that_nobody_wants_any_more_is_the_next_network_s() -> None:
    network, _ = waiting()
    drop_all(network)
    assert not is_waiting(network) and not network.first._forward_pre_hooks
    assert network.first.weight.untyped_storage().nbytes() == 4 * 30 * 40


# -- a model -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("one"), ModelFamily.SD1, half=True)


def read(one: OneFile, reading: Reading) -> Any:
    spec = ModelSpec(name="one", path=str(one.path), family=one.family.value, prediction="epsilon")
    return read_model(spec, DEVICE, one.resources, reading=reading)


def test_a_model_of_16_bits_is_read_without_being_converted(one: OneFile) -> None:
    model = read(one, Reading(DEVICE))
    assert all(is_waiting(network) for network in model.networks)
    whole = read(one, Reading(DEVICE))
    for network in whole.networks:
        widen_all(network)
    for some, other in zip(model.networks, whole.networks, strict=True):
        states = whole_state(some), whole_state(other)
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_layers_and_the_table_of_words_wait_and_nothing_else(one: OneFile) -> None:
    model = read(one, Reading(DEVICE))
    for network in model.networks:
        names = {name for name, module in network.named_modules() if isinstance(module, COMPACT)}
        names |= {name for name, _ in network.named_modules() if name.endswith("token_embedding")}
        assert names and set(waiting_values(network)) == {f"{name}.weight" for name in names}
    ids = torch.tensor([[5, 700, 5]])
    words = model.networks[2].get_input_embeddings()
    expected = load_file(one.path)["cond_stage_model.transformer.text_model.embeddings.token_embedding.weight"].float()
    assert torch.equal(words(ids), expected[ids])
    assert torch.equal(words.weight, expected)


def test_the_words_are_single_precision_where_layers_go_on_in_16_bits(one: OneFile) -> None:
    expected = read(one, Reading(DEVICE)).networks[2]
    encoder = read(one, Reading(DEVICE)).networks[2]
    Placed(encoder, DEVICE).by_layers()
    assert not is_waiting(encoder)
    words = encoder.get_input_embeddings().weight
    assert words.dtype == torch.float32 and not isinstance(encoder.get_input_embeddings(), COMPACT)
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(encoder(ids).last_hidden_state, expected(ids).last_hidden_state)
    half = read(one, Reading(DEVICE, plan=Plan(Place.LAYERS))).networks[2]
    assert torch.equal(half(ids).last_hidden_state, expected(ids).last_hidden_state)


def test_a_model_that_was_never_used_leaves_its_memory_to_the_next(one: OneFile) -> None:
    buffers = BufferPool()
    first = read(one, Reading(DEVICE, buffers=buffers))
    expected = [whole_state(network) for network in first.networks]
    places = {one.whole.data_ptr() for one in first.unet.__dict__["_sdstudio_waiting"].values()}
    for network in first.networks:
        network.__dict__.pop("forward", None)
    buffers.take_apart(first.networks)
    again = read(one, Reading(DEVICE, buffers=buffers))
    assert {one.whole.data_ptr() for one in again.unet.__dict__["_sdstudio_waiting"].values()} == places
    for network, state in zip(again.networks, expected, strict=True):
        found = whole_state(network)
        assert all(torch.equal(found[name], value) for name, value in state.items())


def test_single_precision_files_are_read_as_they_are(tmp_path: Path) -> None:
    model = read(make_one_file(tmp_path, ModelFamily.SD1), Reading(DEVICE))
    assert not any(is_waiting(network) for network in model.networks)

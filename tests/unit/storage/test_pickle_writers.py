"""Pickles of Python's own writers, as torch.save uses them: at once or step by step, the same is read from them."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.storage.recognise.pickle_values import TensorRef
from tests.unit.storage.test_pickle_tensors import few_enough, outcome, stepwise, taken

__all__ = ["taken"]

PATIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


class Global(NamedTuple):
    """Something that is written by its name alone; calling it is never needed."""

    module: str
    name: str

    def __call__(self, *_: object) -> None:
        raise AssertionError("called")


BUILD, PARAMETER = Global("torch._utils", "_rebuild_tensor_v2"), Global("torch._utils", "_rebuild_parameter")
HALF, FLOAT, LONG = (Global("torch", f"{name}Storage") for name in ("Half", "Float", "Long"))


class Storage(NamedTuple):
    kind: Global
    key: str
    device: str
    count: int


class Tensor:
    """As torch.Tensor.__reduce_ex__ describes itself."""

    def __init__(self, storage: Storage, shape: tuple[int, ...], *, offset: int = 0, parameter: bool = False) -> None:
        self.storage, self.shape, self.offset, self.parameter = storage, shape, offset, parameter

    def __reduce__(self) -> Any:
        # Each time anew, as torch does: what is the same object comes from the memo.
        shape, strides = (*self.shape,), tuple(range(1, 1 + len(self.shape)))
        arguments = (self.storage, self.offset, shape, strides, False, OrderedDict())
        if self.parameter:
            return PARAMETER, (Tensor(self.storage, self.shape, offset=self.offset), False, OrderedDict())
        return BUILD, arguments


class Writer(pickle._Pickler):
    """Python's writer in Python; globals are written, not looked up."""

    def __init__(self, file: io.BytesIO, protocol: int, *, once: bool) -> None:
        super().__init__(file, protocol)
        self.fast_texts = not once

    def persistent_id(self, value: Any) -> Any:
        return ("storage", *value) if type(value) is Storage else None

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if type(obj) is Global:
            self.save_name(obj)
        else:
            if self.fast_texts and type(obj) is str:
                self.memo.pop(id(obj), None)  # as writers do that do not see that texts are the same
            super().save(obj, save_persistent_id)

    def save_name(self, value: Global) -> None:
        if id(value) in self.memo:
            self.write(self.get(self.memo[id(value)][0]))
        elif self.proto >= 4:
            super().save(value.module)
            super().save(value.name)
            self.write(pickle.STACK_GLOBAL)
            self.memoize(value)
        else:
            self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())
            self.memoize(value)


def written(value: object, protocol: int, *, once: bool = True) -> bytes:
    stream = io.BytesIO()
    Writer(stream, protocol, once=once).dump(value)
    return stream.getvalue()


def state(count: int, *, parameter: bool = False) -> dict[str, Tensor]:
    """Batches of SETITEMS have 1000."""
    shapes = ((320, 320), (320,), (320, 4, 3, 3), (7, 8, 9))
    return {
        f"model.blocks.{number}.weight": Tensor(
            Storage(HALF, str(number), "cpu", 10**6), shapes[number % 4], parameter=parameter
        )
        for number in range(count)
    }


WRAPPED = {
    "flat": lambda values: values,
    "state_dict": lambda values: {"global_step": 7, "state_dict": values, "epoch": 3},
    "ordered": lambda values: OrderedDict(values),
    "behind much else": lambda values: {"callbacks": [str(number) for number in range(500)], "state_dict": values},
}


def read(value: object) -> dict[str, TensorRef]:
    inner = value.get("state_dict", value) if isinstance(value, dict) else None
    assert isinstance(inner, dict)
    return inner


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("style", sorted(WRAPPED))
def test_most_are_taken_at_once(style: str, protocol: int, taken: list[object]) -> None:
    values = state(1100)
    data = written(WRAPPED[style](values), protocol)
    found = outcome(data)
    assert found == stepwise(data)
    tensors = read(found[0])
    assert {name: (tensor.key, tensor.shape) for name, tensor in tensors.items()} == {
        name: (tensor.storage.key, tensor.shape) for name, tensor in values.items()
    }
    assert len(taken) > 1000


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("once", [True, False])
def test_parameters_are_read(protocol: int, once: bool) -> None:
    data = written(state(40, parameter=True), protocol, once=once)
    found = outcome(data)
    assert isinstance(found[0], dict) and len(found[0]) == 40
    assert found == stepwise(data)


STORAGES = st.builds(
    Storage,
    st.sampled_from([HALF, FLOAT, LONG, Global("torch", "ComplexFloatStorage")]),
    st.integers(0, 30).map(str) | st.text(max_size=3),
    st.sampled_from(["cpu", "cuda:0"]),
    st.sampled_from([0, 1, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**40]),
)
TENSORS = st.builds(
    Tensor,
    STORAGES,
    st.lists(st.sampled_from([0, 1, 3, 255, 256, 65_536, 2**33]), max_size=6).map(tuple),
    offset=st.sampled_from([0, 0, 0, 5, 2**20, 2**35]),
    parameter=st.sampled_from([False, False, False, True]),
)
ENTRIES = st.one_of(TENSORS, TENSORS, TENSORS, st.integers(), st.text(max_size=4), st.none())
STATES = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=40), ENTRIES, max_size=40)


@PATIENT
@given(STATES, st.integers(1, 5), st.sampled_from(sorted(WRAPPED)), st.booleans())
def test_what_is_read_at_once_is_read_step_by_step(
    values: dict[str, Any], protocol: int, style: str, once: bool
) -> None:
    data = written(WRAPPED[style](values), protocol, once=once)
    with few_enough():
        assert outcome(data) == stepwise(data)


@PATIENT
@given(STATES, st.integers(2, 5), st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), max_size=3))
def test_so_is_what_was_damaged(values: dict[str, Any], protocol: int, damage: list[tuple[int, int]]) -> None:
    data = bytearray(written(values | state(6), protocol))
    for place, value in damage:
        data[place % len(data)] = value
    with few_enough():
        assert outcome(bytes(data)) == stepwise(bytes(data))

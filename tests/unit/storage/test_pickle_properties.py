"""Our own reading of pickles against Python's list of their opcodes, and tensors at once against step by step."""

from __future__ import annotations

import collections
import pickle
import pickletools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.storage.recognise.pickle_machine import follow
from sdstudio.storage.recognise.pickle_state import PickleState
from sdstudio.storage.recognise.refusal import Refusal
from tests.unit.storage.test_pickle_tensors import Pickler, few_enough, outcome, pickled, stepwise

PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A computer that has other things to do is no fault of the reader's."""
FEW = settings(PATIENT, max_examples=60)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300) | st.binary()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5) | st.tuples(inner, inner)
    ),
    max_leaves=30,
)
CLASSES = st.sampled_from([collections.OrderedDict, collections.Counter, collections.deque, pickle.Pickler, len])


def state_of(data: bytes) -> PickleState:
    return PickleState(data, 0, lambda name, arguments: (name, arguments), lambda key: key)


def end_of(data: bytes) -> int:
    return 1 + max(place for _, _, place in pickletools.genops(data) if place is not None)


def globals_of(data: bytes) -> list[str]:
    """As genops has them: GLOBAL with its two lines, STACK_GLOBAL behind the two texts that it takes."""
    texts: list[str] = []
    found = []
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name == "GLOBAL":
            found.append(argument.replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            found.append(".".join(texts[-2:]))
        elif "UNICODE" in opcode.name:
            texts.append(argument)
    return found


@FEW
@given(VALUES, st.integers(2, 5))
def test_values_and_the_end_are_those_of_the_opcodes(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol) + b"behind it"
    state = state_of(data)
    read = follow(state)
    assert state.place == end_of(data) == len(data) - len(b"behind it")
    if not state.globals:  # protocol 2 makes bytes by a call
        assert read == value
    assert list(state.globals) == list(dict.fromkeys(globals_of(data)))


@FEW
@given(st.lists(CLASSES, min_size=1, max_size=8), VALUES, st.integers(0, 3))
def test_every_global_of_the_opcodes_is_noted(classes: list[Any], value: Any, protocol: int) -> None:
    data = pickle.dumps((classes, value), protocol)
    state = state_of(data)
    follow(state)
    assert list(state.globals) == list(dict.fromkeys(globals_of(data)))


@FEW
@given(VALUES, st.integers(0, 5), st.data())
def test_a_cut_pickle_is_refused(value: Any, protocol: int, draw: st.DataObject) -> None:
    data = pickle.dumps(value, protocol)
    cut = data[: draw.draw(st.integers(0, len(data) - 1))]
    try:
        follow(state_of(cut))
    except Refusal:
        return
    raise AssertionError("a pickle without its end was read")


SIDES = st.lists(st.sampled_from([0, 1, 3, 64, 255, 256, 320, 65_535, 65_536, 2**31 - 1, -1]), max_size=6).map(tuple)
FRAME = b"\x95" + bytes(8)
EXTRAS = st.sampled_from(
    [b"", FRAME, b"u(", b"X\x01\0\0\0aN", b"X\x01\0\0\0bK\x07", b"X\x01\0\0\0ch\x00", b"X\x01\0\0\0d}"]
)
TENSORS = st.tuples(
    st.text(st.characters(codec="utf-8"), max_size=90),
    st.integers(0, 10**20 - 1).map(str),
    SIDES,
    st.sampled_from([b"", b"N"]),
    st.sampled_from([b"\x88", b"\x89"]),
    EXTRAS,
)


STYLES = st.sampled_from(["usual", "long", "next"])
Row = tuple[str, str, tuple[int, ...], bytes, bytes, bytes]


def steps_of(first: int, rows: list[Row], again: list[int], style: str) -> bytes:
    pickler = Pickler(first, style)
    steps = b"".join(
        pickler.tensor(name, key, shape, view=view, grad=grad) + extra for name, key, shape, view, grad, extra in rows
    )
    # What is kept of the tensors is asked for: also what a run of them has left to be made later.
    for number, back in enumerate(again):
        place = max(first, pickler.next - 1 - back)
        steps += pickler.text(f"again {number}") + b"j" + place.to_bytes(4, "little")
    return steps


@settings(PATIENT, max_examples=150)
@given(
    st.sampled_from([0, 240, 256, 70_000]),
    st.lists(TENSORS, max_size=40),
    st.lists(st.integers(0, 300), max_size=9),
    STYLES,
)
def test_tensors_at_once_are_those_of_each_step(first: int, rows: list[Any], again: list[int], style: str) -> None:
    data = pickled(steps_of(first, rows, again, style))
    with few_enough():
        assert outcome(data) == stepwise(data)


@settings(PATIENT, max_examples=200)
@given(st.lists(TENSORS, min_size=1, max_size=12), STYLES, st.data())
def test_so_are_damaged_ones(rows: list[Any], style: str, draw: st.DataObject) -> None:
    data = bytearray(pickled(steps_of(draw.draw(st.sampled_from([0, 256])), rows, [1, 5], style)))
    for _ in range(draw.draw(st.integers(1, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(len(data) // 2, len(data)))])
    with few_enough():
        assert outcome(cut) == stepwise(cut)

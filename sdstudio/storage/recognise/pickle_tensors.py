"""The steps with which torch.save writes one tensor, taken at once: a checkpoint has thousands, all written alike.

Each opcode's first byte says how long it is, so the expression matches the steps in one way only or not at all. What it
does not match, or what does not go on as the tensors before it do, is followed step by step. The result is the same:
`tests/unit/storage/test_pickle_tensors.py`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from sdstudio.domain.pickle_globals import STORAGE_DTYPES, TABLES, TENSOR_BUILDERS, TYPED_BUILDER
from sdstudio.storage.recognise.pickle_state import Memo, PickleState
from sdstudio.storage.recognise.pickle_values import Name, StorageRef, TensorRef

TENSORS_MAX = 100_000
"""Of one pickle; further ones are followed step by step, and those are counted too."""

_PUT, _GET = rb"r(.{4})", rb"(?:h.|j.{4})"
"""PUT with four bytes alone: those before the 256th, with one, are the first few tensors'."""
_NUMBER = rb"(?:K.|M..|J.{4})"
_SIDES = rb"(?:N\x85|NN\x86|NNN\x87|\(N{4,16}t)".replace(b"N", _NUMBER)
_HEAD = rb"(?P<maker>G)\(\((?P<word>G)(?P<kind>G)".replace(b"G", _GET)  # torch._utils._rebuild_tensor_v2; "storage", …
_STORAGE = b"(?P<device>" + _GET + b")(?P<count>" + _NUMBER + b")(?P<view>N?)"  # None before torch 1.6
_WINDOW = b"(?P<offset>" + _NUMBER + b")(?P<shape>" + _SIDES + b")"
_STRIDES = b"(?P<strides>" + _SIDES + b")"
_TAIL = rb"(?P<grad>[\x88\x89])(?P<hooks>" + _GET + b")"


def _whole(steps: bytes) -> bytes:
    """As one group."""
    return b"(" + re.sub(rb"\(\?P<\w+>", b"(?:", steps) + b")"


_STEPS = (
    _PUT,  # the tensor's name, which stands before
    _whole(_HEAD),
    rb"X(.)\0\0\0([0-9]{1,20})" + _PUT,  # the storage's key; before torch 1.6 where it was in memory
    _whole(_STORAGE) + b"t" + _PUT,
    b"Q" + _whole(_WINDOW) + _PUT,
    _whole(_STRIDES) + _PUT,
    _whole(_TAIL) + rb"\)R" + _PUT,  # no hooks: OrderedDict()
    b"t" + _PUT + b"R" + _PUT,
)
match_tensor = re.compile(b"".join(_STEPS), re.DOTALL).match
_split_kind = re.compile(_HEAD + _STORAGE + _WINDOW + _STRIDES + _TAIL, re.DOTALL).fullmatch
_each_number = re.compile(_NUMBER, re.DOTALL).findall

_CHUNK = 64
_PLACES = struct.Struct(f"<{8 * _CHUNK}I")
"""The eight places of the memo that each of so many tensors takes, when they stand together."""
_PLACE_MAX = 2**31
_RUN_COST = 16
"""What it takes to begin a run, in tensors: there must be an end to runs of one tensor."""
_TEXT = 0x58
_BUILDERS = TENSOR_BUILDERS - {TYPED_BUILDER}


def _number(step: bytes) -> int:
    """Of J alone the number has a sign."""
    return int.from_bytes(step[1:], "little", signed=step.startswith(b"J"))


def _sides(steps: bytes) -> tuple[int, ...]:
    return tuple(map(_number, _each_number(steps.removeprefix(b"("))))


class _Memoised(NamedTuple):
    """What only the memo has: of the persistent id what stands before the key and behind it, and arguments."""

    id_begin: tuple[str, Name]
    id_end: tuple[object, ...]
    grad: bool
    hooks: Name


class _Kind(NamedTuple):
    """What tensors have in common whose steps are the same but for the name, the key and the places in the memo."""

    dtype: str
    numbers: int
    bytes_there: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    bytes: int
    end: int
    memo: _Memoised


class _Kinds(dict[bytes, "_Kind | None"]):
    """By the steps without name, key and PUTs. None: not a usual tensor.

    All GETs are of what was kept before the run of tensors began, which in it stays as it is.
    """

    def __init__(self, memo: Memo, first: int) -> None:
        super().__init__()
        self._memo = memo
        self._first = first

    def __missing__(self, steps: bytes) -> _Kind | None:
        self[steps] = kind = self._read(steps)
        return kind

    def _read(self, steps: bytes) -> _Kind | None:
        found = _split_kind(steps)
        assert found is not None  # the parts of `match_tensor`, in their order
        places = [_number(found[group]) for group in ("maker", "word", "kind", "device", "hooks")]
        if max(places) >= self._first or not all(place in self._memo for place in places):
            return None
        maker, word, kind, device, hooks = (self._memo[place] for place in places)
        if type(maker) is not Name or maker.name not in _BUILDERS or word != "storage" or type(kind) is not Name:
            return None
        if type(hooks) is not Name or hooks.name not in TABLES or kind.name not in STORAGE_DTYPES:
            return None
        count, offset = _number(found["count"]), _number(found["offset"])
        shape, strides = _sides(found["shape"]), _sides(found["strides"])
        if min(count, offset, *shape, *strides) < 0 or len(shape) != len(strides):
            return None
        storage = StorageRef.of(STORAGE_DTYPES[kind.name], "", count)
        tensor = TensorRef.of(storage, storage.dtype, offset, shape, strides)
        memoised = _Memoised(
            id_begin=(word, kind),
            id_end=(device, count, None) if found["view"] else (device, count),
            grad=found["grad"] == b"\x88",
            hooks=hooks,
        )
        return _Kind(storage.dtype, count, storage.bytes, *tensor[2:], memoised)


def _places(first: int) -> bytes:
    return _PLACES.pack(*range(first, first + 8 * _CHUNK))


class TensorTaker:
    """For one pickle."""

    def __init__(self, state: PickleState) -> None:
        self._state = state
        self._left = TENSORS_MAX

    def take(self, place: int, stack: list[Any]) -> int:
        """Puts names and tensors onto the stack for as long as usual tensors stand there, each behind its name, and
        returns the place behind them; the memo is then as their steps leave it."""
        data, begin, first = self._state.data, place, -1
        match, join, new = match_tensor, b"".join, tuple.__new__
        taken: list[Any] = []
        expected, at = b"", 0
        for _ in range(self._left):
            name_begin = place + 5
            name_end = name_begin + data[place + 1]
            found = match(data, name_end) if data[place] == _TEXT else None
            if found is None or data[place + 2 : name_begin] != b"\0\0\0":
                break
            put_0, head, length, key, put_1, device, put_2, window, put_3, sides, put_4, tail, put_5, put_6, put_7 = (
                found.groups()
            )
            if first < 0:
                first = min(int.from_bytes(put_0, "little"), _PLACE_MAX)
                kinds = _Kinds(self._state.memo, first)
            if at == len(expected):
                expected, at = _places(first + 4 * len(taken)), 0
            kind = kinds[join((head, device, window, sides, tail))]
            puts = join((put_0, put_1, put_2, put_3, put_4, put_5, put_6, put_7))
            if kind is None or puts != expected[at : at + 32] or len(key) != length[0]:
                break
            dtype, numbers, bytes_there, offset, shape, strides, size, end, _ = kind
            storage = new(StorageRef, (dtype, key.decode(), numbers, bytes_there))
            taken.append(data[name_begin:name_end].decode())
            taken.append(new(TensorRef, (storage, dtype, offset, shape, strides, size, end)))
            at += 32
            place = found.end()
        if first >= 0:
            self._left -= max(_RUN_COST, len(taken) // 2)
        if taken:
            stack += taken
            self._state.memo.postpone(first, 4 * len(taken), partial(self._kept, begin, taken, kinds))
        return place

    def _kept(self, place: int, taken: list[Any], kinds: _Kinds) -> Iterator[object]:
        """What a run puts into the memo, in the order of its places: from the same steps, read a second time."""
        for name, tensor in zip(taken[::2], taken[1::2], strict=True):
            found = match_tensor(self._state.data, place + 5 + self._state.data[place + 1])
            assert found is not None  # it was taken
            kind = kinds[b"".join(found.group(2, 6, 8, 10, 12))]
            assert kind is not None
            storage, _, offset, shape, strides, *_ = tensor
            id_begin, id_end, grad, hooks = kind.memo
            table = self._state.build(hooks.name, ())
            yield from (name, storage.key, (*id_begin, storage.key, *id_end), shape, strides, table)
            yield from ((storage, offset, shape, strides, grad, table), tensor)
            place = found.end()

"""The steps with which torch.save writes one tensor, taken at once: a checkpoint has thousands, all written alike.

Each opcode's first byte says how long it is, so the expression matches the steps in one way only or not at all. What it
does not match is followed step by step. The result is the same: `tests/unit/storage/test_pickle_tensors.py`.
"""

from __future__ import annotations

import re
import struct

from sdstudio.storage.recognise.pickle_state import PickleState
from sdstudio.storage.recognise.pickle_values import Made, Name

_PUT, _GET = rb"r(.{4})", rb"(h.|j.{4})"
"""PUT with four bytes alone: those before the 256th, with one, are the first few tensors'."""
_NUMBER = rb"(?:K.|M..|J.{4})"
_SIDES = rb"(N\x85|NN\x86|NNN\x87|\(N{4,16}t)".replace(b"N", _NUMBER)
_STEPS = (
    _PUT,  # the tensor's name, which stands before
    _GET,  # torch._utils._rebuild_tensor_v2
    rb"\(\(" + _GET + _GET,  # "storage", its class
    rb"X(.)\0\0\0([0-9]{1,9})" + _PUT,  # its key
    _GET,  # its device
    b"(" + _NUMBER + rb")(N?)t" + _PUT + b"Q",  # how many numbers; None (not a view) before torch 1.6
    b"(" + _NUMBER + b")",  # the offset
    _SIDES + _PUT,  # the shape
    _SIDES + _PUT,  # the strides
    rb"([\x88\x89])",  # whether gradients are wanted
    _GET + rb"\)R" + _PUT,  # no hooks: OrderedDict()
    b"t" + _PUT + b"R" + _PUT,
)
match_tensor = re.compile(b"".join(_STEPS), re.DOTALL).match


class _Numbers(dict[bytes, int]):
    """What GETs and numbers say, by their opcodes; kept, since most stand there thousands of times."""

    def __missing__(self, step: bytes) -> int:
        # Of J alone the number has a sign.
        self[step] = number = int.from_bytes(step[1:], "little", signed=step[0] == 0x4A)
        return number


class _Sides(dict[bytes, tuple[int, ...]]):
    def __missing__(self, steps: bytes) -> tuple[int, ...]:
        numbers = []
        place = 1 if steps[0] == 0x28 else 0
        while (length := _LENGTHS.get(steps[place])) is not None:
            numbers.append(int.from_bytes(steps[place + 1 : place + length], "little", signed=length == _LENGTHS[0x4A]))
            place += length
        self[steps] = sides = tuple(numbers)
        return sides


_LENGTHS = {0x4B: 2, 0x4D: 3, 0x4A: 5}
"""Of the steps K, M and J."""
_PLACES = struct.Struct("<8I")


class TensorTaker:
    """For one pickle."""

    def __init__(self, state: PickleState) -> None:
        self._state = state
        self._numbers = _Numbers()
        self._sides = _Sides()

    def take(self, parts: tuple[bytes, ...], name: object) -> object:
        """What the matched steps leave on the stack above the name; the memo is left as they leave it."""
        put_0, maker, word, kind, _, text, put_1, device, count, none, put_2 = parts[:11]
        offset, shape, put_3, strides, put_4, grad, hooks, put_5, put_6, put_7 = parts[11:]
        memo, numbers = self._state.memo, self._numbers
        places = _PLACES.unpack(put_0 + put_1 + put_2 + put_3 + put_4 + put_5 + put_6 + put_7)
        memo[places[0]] = name
        rebuild, storage_word, storage_class = memo[numbers[maker]], memo[numbers[word]], memo[numbers[kind]]
        memo[places[1]] = key = text.decode()
        view = (None,) if none else ()
        identity = (storage_word, storage_class, key, memo[numbers[device]], numbers[count], *view)
        memo[places[2]] = identity
        storage = self._state.find(identity)
        memo[places[3]] = size = self._sides[shape]
        memo[places[4]] = steps = self._sides[strides]
        memo[places[5]] = table = self._made(memo[numbers[hooks]], ())
        memo[places[6]] = arguments = (storage, numbers[offset], size, steps, grad == b"\x88", table)
        memo[places[7]] = tensor = self._made(rebuild, arguments)
        return tensor

    def _made(self, maker: object, arguments: tuple[object, ...]) -> object:
        return self._state.build(maker.name, arguments) if type(maker) is Name else Made(maker, arguments)

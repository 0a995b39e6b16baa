"""A pickle followed opcode by opcode into inert values: globals are noted by name, never imported, never called."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from sdstudio.storage.recognise.pickle_budget import OPCODES_MAX
from sdstudio.storage.recognise.pickle_opcodes import STEPS
from sdstudio.storage.recognise.pickle_state import PickleState
from sdstudio.storage.recognise.pickle_tensors import TensorTaker
from sdstudio.storage.recognise.pickle_values import Name
from sdstudio.storage.recognise.refusal import broken, unsafe
from sdstudio.storage.recognise.tensor_head import is_head

MARKS_MAX = 1000
_STOP = 0x2E
_FURTHER = bytes(
    {**dict.fromkeys(b"ci", 3), **dict.fromkeys(b"o\x93R\x81\x92bIFLSVpg\x8a\x8bude", 1)}.get(code, 0)
    for code in range(256)
)
"""By the opcode: as how many further ones it counts. Those of globals, objects, lines, long numbers, tables and lists
are as much work as several of the others."""


def follow(state: PickleState) -> object:
    """The value that the pickle describes; `state.place` is then behind it. Raises Refusal where the pickle is damaged
    or endless; `state.globals` holds what was met until then."""
    lefts = iter(range(state.budget.steps, 0, -1))
    try:
        return _follow(state, lefts)
    except (IndexError, KeyError, struct.error, UnicodeDecodeError):
        raise broken("its pickle is damaged") from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise broken("its pickle makes no sense") from None
    finally:
        state.budget.steps = next(lefts, 0)


def _follow(state: PickleState, lefts: Iterator[int]) -> object:
    """`lefts` goes on by one with each step, and ends when there have been too many."""
    # The commonest opcodes of a checkpoint come first and work on local names: it has tens of thousands of them.
    data, memo, steps, marks, number = state.data, state.memo, STEPS, state.marks, int.from_bytes
    stack, place = state.stack, state.place
    take_tensors = TensorTaker(state).take
    for _ in lefts:
        code = data[place]
        if code == 0x71:  # BINPUT
            memo[data[place + 1]] = stack[-1]
            place += 2
        elif code == 0x72:  # LONG_BINPUT
            memo[number(data[place + 1 : place + 5], "little")] = stack[-1]
            place += 5
        elif code == 0x4B:  # BININT1
            stack.append(data[place + 1])
            place += 2
        elif code == 0x68:  # BINGET
            stack.append(memo[data[place + 1]])
            place += 2
        elif code == 0x28:  # MARK
            marks.append(stack)
            if len(marks) > MARKS_MAX:
                raise unsafe("its pickle is nested too deeply")
            stack = []
            place += 1
        elif code == 0x74:  # TUPLE
            items, stack = tuple(stack), marks.pop()
            stack.append(items)
            place += 1
        elif 0x85 <= code <= 0x87:  # TUPLE1, TUPLE2, TUPLE3
            stack.append(_taken(stack, code - 0x84))
            place += 1
        elif code == 0x4D:  # BININT2
            stack.append(number(data[place + 1 : place + 3], "little"))
            place += 3
        elif code == 0x94:  # MEMOIZE
            memo.add(stack[-1])
            place += 1
        elif code in (0x58, 0x8C):  # BINUNICODE, SHORT_BINUNICODE
            begin, name = place, place + (5 if code == 0x58 else 2)
            end = name + number(data[begin + 1 : name], "little")
            place = take_tensors(begin, name, end, stack) if is_head(data, end) else begin
            if place == begin:
                part, place = data[name:end], end
                stack.append(part.decode("utf-8") if code == 0x58 else state.budget.letters(part))
        elif code == 0x52 and type(stack[-2]) is Name:  # REDUCE
            _spend(lefts, 1)
            arguments = stack.pop()
            stack[-1] = state.build(stack[-1].name, arguments)
            place += 1
        elif code == _STOP:
            state.place = place + 1
            return stack.pop()
        else:
            _spend(lefts, _FURTHER[code])
            state.stack, state.place = stack, place + 1
            steps[code](state)
            stack, place = state.stack, state.place
    raise unsafe(f"its pickle has more than {OPCODES_MAX:,} steps")


def _taken(stack: list[object], count: int) -> tuple[object, ...]:
    """The last so many."""
    items = tuple(stack[-count:])
    if len(items) != count:
        raise IndexError
    del stack[-count:]
    return items


def _spend(lefts: Iterator[int], count: int) -> None:
    for _ in range(count):
        next(lefts, None)

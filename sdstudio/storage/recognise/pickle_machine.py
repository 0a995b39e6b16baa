"""A pickle followed opcode by opcode into inert values: globals are noted by name, never imported, never called."""

from __future__ import annotations

import struct

from sdstudio.storage.recognise.pickle_opcodes import STEPS
from sdstudio.storage.recognise.pickle_state import PickleState
from sdstudio.storage.recognise.pickle_tensors import TensorTaker
from sdstudio.storage.recognise.pickle_values import Name
from sdstudio.storage.recognise.refusal import broken, unsafe

OPCODES_MAX = 400_000
"""A checkpoint of SDXL with its EMA has some 160,000."""
MARKS_MAX = 1000
_STOP = 0x2E


def follow(state: PickleState) -> object:
    """The value that the pickle describes; `state.place` is then behind it. Raises Refusal where the pickle is damaged
    or endless; `state.globals` holds what was met until then."""
    try:
        return _follow(state)
    except (IndexError, KeyError, struct.error, UnicodeDecodeError):
        raise broken("its pickle is damaged") from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise broken("its pickle makes no sense") from None


def _follow(state: PickleState) -> object:
    # The commonest opcodes of a checkpoint come first and work on local names: it has tens of thousands of them.
    data, memo, steps, marks, number = state.data, state.memo, STEPS, state.marks, int.from_bytes
    stack, place = state.stack, state.place
    take_tensors = TensorTaker(state).take
    for _ in range(OPCODES_MAX):
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
            count = code - 0x84
            items = tuple(stack[-count:])
            if len(items) != count:
                raise IndexError
            del stack[-count:]
            stack.append(items)
            place += 1
        elif code == 0x4D:  # BININT2
            stack.append(number(data[place + 1 : place + 3], "little"))
            place += 3
        elif code in (0x58, 0x8C):  # BINUNICODE, SHORT_BINUNICODE
            begin, name = place, place + (5 if code == 0x58 else 2)
            end = name + number(data[begin + 1 : name], "little")
            place = take_tensors(begin, name, end, stack)
            if place == begin:
                place = end
                stack.append(data[name:end].decode("utf-8", "strict" if code == 0x58 else "surrogatepass"))
        elif code == 0x52 and type(stack[-2]) is Name:  # REDUCE
            arguments = stack.pop()
            stack[-1] = state.build(stack[-1].name, arguments)
            place += 1
        elif code == _STOP:
            state.place = place + 1
            return stack.pop()
        else:
            state.stack, state.place = stack, place + 1
            steps[code](state)
            stack, place = state.stack, state.place
    raise unsafe(f"its pickle has more than {OPCODES_MAX:,} steps")

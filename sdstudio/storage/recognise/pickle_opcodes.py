"""What each opcode of a pickle does to the stack, as in Python's own Lib/pickletools.py, protocols 0 to 5."""

from __future__ import annotations

import struct
from collections.abc import Callable

from sdstudio.storage.recognise.pickle_state import PickleState
from sdstudio.storage.recognise.pickle_values import Made
from sdstudio.storage.recognise.refusal import broken, unsafe

Step = Callable[[PickleState], None]


def _push(read: Callable[[PickleState], object]) -> Step:
    return lambda state: state.push(read(state))


def _pop(state: PickleState) -> None:
    if state.stack:
        state.stack.pop()
    else:
        state.pop_mark()


def _pop_mark(state: PickleState) -> None:
    state.pop_mark()


def _skip(count: int) -> Step:
    def run(state: PickleState) -> None:
        state.take(count)

    return run


def _put(read: Callable[[PickleState], int]) -> Step:
    def run(state: PickleState) -> None:
        state.memo[read(state)] = state.stack[-1]

    return run


def _get(read: Callable[[PickleState], int]) -> Step:
    return lambda state: state.push(state.memo[read(state)])


def _mark(state: PickleState) -> None:
    state.marks.append(state.stack)
    state.stack = []


def _tuple(state: PickleState) -> None:
    items = tuple(state.stack)
    state.stack = state.marks.pop()
    state.push(items)


def _tuple_of(count: int) -> Step:
    def run(state: PickleState) -> None:
        items = tuple(state.stack[-count:])
        if len(items) != count:
            raise IndexError
        state.stack[-count:] = [items]

    return run


def _line_string(state: PickleState) -> str:
    line = state.line()
    if len(line) < 2 or line[0] not in "'\"" or line[-1] != line[0]:
        raise ValueError
    return line[1:-1]


def _float(state: PickleState) -> float:
    value: float = struct.unpack(">d", state.take(8))[0]
    return value


def _int_line(state: PickleState) -> object:
    # Protocol 0 writes False and True as the lines 00 and 01.
    start = state.data[state.place : state.place + 3]
    number = state.line_number()
    return {b"00\n": False, b"01\n": True}.get(start, number)


# -- objects: noted, never made ----------------------------------------------------------------------------------------


def _global(state: PickleState) -> None:
    module = state.line()
    state.mention(f"{module}.{state.line()}")


def _stack_global(state: PickleState) -> None:
    name, module = state.stack.pop(), state.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise unsafe("its pickle hides the name of what it wants")
    state.mention(f"{module}.{name}")


def _inst(state: PickleState) -> None:
    module = state.line()
    state.mention(f"{module}.{state.line()}")
    maker = state.stack.pop()
    state.call(maker, tuple(state.pop_mark()))


def _obj(state: PickleState) -> None:
    maker, *arguments = state.pop_mark()
    state.call(maker, tuple(arguments))


def _reduce(state: PickleState) -> None:
    arguments, maker = state.stack.pop(), state.stack.pop()
    state.call(maker, arguments)


def _new_obj_ex(state: PickleState) -> None:
    state.stack.pop()
    _reduce(state)


def _build(state: PickleState) -> None:
    values = state.stack.pop()
    target = state.stack[-1]
    if isinstance(target, Made):
        target.state = values


def _extension(size: int) -> Step:
    return lambda state: state.mention(f"copyreg extension {state.number(size)}")


def _buffer(_state: PickleState) -> None:
    raise unsafe("its pickle wants memory from outside")


# -- containers --------------------------------------------------------------------------------------------------------


def _append(state: PickleState) -> None:
    value = state.stack.pop()
    state.extend(state.stack[-1], [value])


def _appends(state: PickleState) -> None:
    items = state.pop_mark()
    state.extend(state.stack[-1], items)


def _set_item(state: PickleState) -> None:
    value, key = state.stack.pop(), state.stack.pop()
    state.set_items(state.stack[-1], [key, value])


def _set_items(state: PickleState) -> None:
    items = state.pop_mark()
    state.set_items(state.stack[-1], items)


def _dict(state: PickleState) -> None:
    items = state.pop_mark()
    state.push({})
    state.set_items(state.stack[-1], items)


_KNOWN: dict[str, Step] = {
    "\x80": _skip(1),  # PROTO
    "\x95": _skip(8),  # FRAME
    "(": _mark,
    "0": _pop,
    "1": _pop_mark,
    "2": lambda state: state.push(state.stack[-1]),  # DUP
    "t": _tuple,
    ")": _push(lambda _: ()),
    "\x85": _tuple_of(1),
    "\x86": _tuple_of(2),
    "\x87": _tuple_of(3),
    # numbers
    "N": _push(lambda _: None),
    "\x88": _push(lambda _: True),
    "\x89": _push(lambda _: False),
    "I": _push(_int_line),
    "L": _push(PickleState.line_number),
    "J": _push(lambda state: state.signed(4)),
    "K": _push(lambda state: state.number(1)),
    "M": _push(lambda state: state.number(2)),
    "\x8a": _push(lambda state: state.signed(state.number(1))),
    "\x8b": _push(lambda state: state.signed(state.number(4))),
    "F": _push(lambda state: float(state.line())),
    "G": _push(_float),
    # texts and bytes
    "S": _push(_line_string),
    "V": _push(lambda state: state.line("raw-unicode-escape")),
    "T": _push(lambda state: state.take(state.number(4)).decode("latin-1")),
    "U": _push(lambda state: state.take(state.number(1)).decode("latin-1")),
    "X": _push(lambda state: state.text(state.number(4))),
    "\x8c": _push(lambda state: state.text(state.number(1))),
    "\x8d": _push(lambda state: state.text(state.number(8))),
    "B": _push(lambda state: state.take(state.number(4))),
    "C": _push(lambda state: state.take(state.number(1))),
    "\x8e": _push(lambda state: state.take(state.number(8))),
    "\x96": _push(lambda state: state.take(state.number(8))),
    "\x97": _buffer,
    "\x98": _buffer,
    # the memo
    "p": _put(PickleState.line_place),
    "q": _put(lambda state: state.number(1)),
    "r": _put(lambda state: state.number(4)),
    "\x94": lambda state: state.memo.add(state.stack[-1]),
    "g": _get(PickleState.line_number),
    "h": _get(lambda state: state.number(1)),
    "j": _get(lambda state: state.number(4)),
    # containers
    "]": _push(lambda _: []),
    "l": lambda state: state.push(list(state.pop_mark())),
    "}": _push(lambda _: {}),
    "d": _dict,
    "\x8f": _push(lambda _: []),  # EMPTY_SET: what is in a set is of no interest
    "\x91": lambda state: state.push(list(state.pop_mark())),
    "a": _append,
    "e": _appends,
    "\x90": _appends,
    "s": _set_item,
    "u": _set_items,
    # objects
    "c": _global,
    "\x93": _stack_global,
    "i": _inst,
    "o": _obj,
    "R": _reduce,
    "\x81": _reduce,  # NEWOBJ
    "\x92": _new_obj_ex,
    "b": _build,
    "\x82": _extension(1),
    "\x83": _extension(2),
    "\x84": _extension(4),
    "P": lambda state: state.load(state.line()),
    "Q": lambda state: state.load(state.stack.pop()),
}


def _unknown(code: int) -> Step:
    def run(_state: PickleState) -> None:
        raise broken(f"its pickle has the unknown step {code}")

    return run


STEPS: tuple[Step, ...] = tuple(_KNOWN.get(chr(code), _unknown(code)) for code in range(256))

"""The tensors of a checkpoint's pickle taken many at once: it has thousands, all written by the same steps.

What does not go on as the tensors before it do is followed step by step. The result is the same:
`tests/unit/storage/test_pickle_tensors.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from sdstudio.domain.pickle_globals import STORAGE_DTYPES, TABLES, TENSOR_BUILDERS, TYPED_BUILDER
from sdstudio.storage.recognise.pickle_budget import Budget
from sdstudio.storage.recognise.pickle_state import Build, Memo, PickleState
from sdstudio.storage.recognise.pickle_values import Name, StorageRef, TensorKind, TensorRef
from sdstudio.storage.recognise.tensor_head import PUTS, read_head

if TYPE_CHECKING:
    from sdstudio.storage.recognise.tensor_steps import Numbers, Shared, TensorRows

_RUN_COST, _FAILURE_COST, _WINDOW_COST = 32, 2, 2000
"""What it takes to begin a run, to find none, and to look through a window, in tensors: there must be an end to runs of
one tensor, and to what only looks like tensors."""
_PLACES_COST = 64
"""Places of the memo that are as much to look through as a tensor."""
SAMPLE_BYTES, SAMPLE_TENSORS = 8192, 8
"""So many must stand there before it is worth while to begin."""
_PLACE_MAX = 2**31 - 2**25
"""Of the memo, where a run begins: the places of all of its tensors are numbers of 31 bits."""
_BUILDERS = TENSOR_BUILDERS - {TYPED_BUILDER}


class _Made(dict[tuple[object, ...], TensorKind]):
    """The kinds of all runs of a pickle, by dtype, count, offset, shape and strides."""

    def __missing__(self, numbers: tuple[Any, ...]) -> TensorKind:
        dtype, count, offset, shape, strides = numbers
        self[numbers] = kind = TensorRef.of(StorageRef.of(dtype, "", count), dtype, offset, shape, strides).kind
        return kind


class _Kinds(dict[bytes, "TensorKind | None"]):
    """By the row of a tensor. None: not a usual one.

    All GETs are of what was kept before the run of tensors began, which in it stays as it is.
    """

    def __init__(self, rows: TensorRows, memo: Memo, first: int, made: _Made, budget: Budget) -> None:
        super().__init__()
        self._rows = rows
        self._memo = memo
        self._first = first
        self._made = made
        self._budget = budget
        self.numbers: dict[bytes, Numbers] = {}
        self.listed: list[TensorKind | None] = []
        """Of the rows that were last counted."""
        self.shared: dict[Shared, tuple[Name, object, Name] | None] = {}

    def __missing__(self, row: bytes) -> TensorKind | None:
        self[row] = kind = self._read(row)
        return kind

    def _read(self, row: bytes) -> TensorKind | None:
        self._budget.tensors -= 1
        if self._budget.kinds < 0:
            return None
        self.numbers[row] = numbers = self._rows.numbers(row)
        shared, count, _, offset, _, shape, strides = numbers
        if shared not in self.shared:
            self.shared[shared] = self._read_shared(shared)
        values = self.shared[shared]
        if values is None or min(count, offset, *shape, *strides) < 0 or len(shape) != len(strides):
            return None
        before = len(self._made)
        kind = self._made[STORAGE_DTYPES[values[0].name], count, offset, shape, strides]
        self._budget.kinds -= len(self._made) - before
        return kind if self._budget.kinds >= 0 else None

    def count_usual(self, rows: list[bytes]) -> int:
        """How many from the first on are."""
        self.listed = kinds = list(map(self.__getitem__, rows))
        return len(kinds) if all(kinds) else kinds.index(None)

    def _read_shared(self, places: Shared) -> tuple[Name, object, Name] | None:
        """Class of the storage, device and hooks."""
        if not all(0 <= place < self._first and place in self._memo for place in places):
            return None
        maker, word, kind, device, hooks = map(self._memo.__getitem__, places)
        if type(maker) is not Name or maker.name not in _BUILDERS or word != "storage" or type(kind) is not Name:
            return None
        if type(hooks) is not Name or hooks.name not in TABLES or kind.name not in STORAGE_DTYPES:
            return None
        return kind, device, hooks


def _kept(
    build: Build,
    names: list[str],
    tensors: list[TensorRef],
    found: list[bytes],
    shared: Mapping[Shared, tuple[Name, object, Name] | None],
    known: Mapping[bytes, Numbers],
) -> Iterator[object]:
    """What a run puts into the memo, in the order of its places."""
    # The memo holds on to this, which must not hold on to the memo: thousands of objects would wait to be collected.
    for name, tensor, row in zip(names, tensors, found, strict=False):
        numbers = known[row]
        values = shared[numbers.shared]
        assert values is not None  # it was taken
        kind, device, hooks = values
        key, table = tensor.key, build(hooks.name, ())
        storage = ("storage", kind, key, device, numbers.stored, *((None,) if numbers.view else ()))
        yield from (name, key, storage, tensor.shape, tensor.strides, table)
        yield from ((tensor.storage, tensor.offset, tensor.shape, tensor.strides, bool(numbers.grad), table), tensor)


class TensorTaker:
    """For one pickle."""

    def __init__(self, state: PickleState) -> None:
        self._state = state
        self._budget = state.budget
        self._made = _Made()
        self._rows: TensorRows | None = None
        self._begin = 0
        """No new rows before."""

    def take(self, begin: int, name: int, end: int, stack: list[Any]) -> int:
        """Puts names and tensors onto the stack for as long as usual tensors stand there, each behind its name, and
        returns the place behind them; the memo is then as their steps leave it.

        The first name's step is at `begin`, its bytes go from `name` to `end`.
        """
        head = read_head(self._state.data, name, end)
        rows = self._rows_at(begin) if head is not None and self._budget.tensors > 0 else None
        if head is None or rows is None:
            return begin
        first, last = rows.run(head)
        if first == last:
            self._budget.tensors -= _FAILURE_COST
            return begin
        put = self._next_place() if head.put is None else head.put
        if put > _PLACE_MAX:
            return begin
        last = min(last, first + max(1, self._budget.tensors))
        self._budget.tensors -= max(_RUN_COST, last - first)
        return self._push(rows, first, last, put, stack) or begin

    def _push(self, rows: TensorRows, first: int, last: int, put: int, stack: list[Any]) -> int:
        """Those until one is not a usual one. The place behind them, or 0 for none."""
        kinds, found = _Kinds(rows, self._state.memo, put, self._made, self._budget), rows.rows(first, last)
        last = first + kinds.count_usual(found)
        try:
            names, keys = rows.names(first, last), rows.keys(first, last)
        except UnicodeDecodeError:
            return 0  # Step by step it is found which one that is.
        if not names:
            return 0
        # Half the time of a call for each, and there are thousands.
        tensors = list(map(tuple.__new__, repeat(TensorRef), zip(kinds.listed, keys, strict=False)))
        stack += chain.from_iterable(zip(names, tensors, strict=True))
        kept = partial(_kept, self._state.build, names, tensors, found, kinds.shared, kinds.numbers)
        self._state.memo.postpone(put, PUTS * len(names), kept)
        return rows.place_behind(last)

    def _next_place(self) -> int:
        """Of the memo; more than there can be if what comes then is not free."""
        memo = self._state.memo
        self._budget.tensors -= len(memo) // _PLACES_COST
        return memo.next_place() if memo.is_dense() else _PLACE_MAX + 1

    def _rows_at(self, place: int) -> TensorRows | None:
        """None: too few tensors stand there."""
        if self._rows is not None and place < self._rows.end:
            return self._rows
        if place < self._begin:
            return None
        if self._state.data.count(b"((", place, place + SAMPLE_BYTES) < SAMPLE_TENSORS:
            self._begin = place + SAMPLE_BYTES
            return None
        from sdstudio.storage.recognise.tensor_steps import TensorRows  # numpy, of which small files have no need

        self._budget.tensors -= _WINDOW_COST
        self._rows = TensorRows(self._state.data, place)
        return self._rows

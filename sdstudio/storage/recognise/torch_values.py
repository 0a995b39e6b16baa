"""What torch's own pickles mean: storages, tensors, and the tables that hold them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

from sdstudio.domain.pickle_globals import (
    DTYPES,
    STORAGE_DTYPES,
    TABLES,
    TENSOR_BUILDERS,
    TYPED_BUILDER,
    WRAPPERS,
    is_harmless,
)
from sdstudio.storage.recognise.pickle_budget import Budget
from sdstudio.storage.recognise.pickle_machine import follow
from sdstudio.storage.recognise.pickle_state import PickleState
from sdstudio.storage.recognise.pickle_values import Made, Name, StorageRef, TensorRef
from sdstudio.storage.recognise.refusal import Refusal, broken, unsafe

_LISTS = ("builtins.list", "__builtin__.list", "builtins.set", "__builtin__.set")
_NAMES_SHOWN = 4
_SIDE_MAX, _DIMENSIONS_MAX = 2**62, 16


def read_torch_pickle(data: bytes, begin: int = 0, budget: Budget | None = None) -> tuple[object, int]:
    """The inert value and where the pickle ends. Raises Refusal, naming the globals that a checkpoint has no use for;
    that reason goes before any other."""
    state = PickleState(data, begin, _build, _load, budget)
    trouble: Refusal | None = None
    value: object = None
    try:
        value = follow(state)
    except Refusal as error:
        trouble = error
    wanted = [name for name in state.globals if not is_harmless(name)]
    if wanted:
        raise unwanted(wanted)
    if trouble is not None:
        raise trouble
    return value, state.place


def unwanted(names: list[str]) -> Refusal:
    shown = ", ".join(name if len(name) <= 60 else name[:57] + "…" for name in names[:_NAMES_SHOWN])
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return unsafe(f"a pickle that wants {shown}{more}: refused")


def _load(key: object) -> object:
    """A persistent id of torch: ("storage", class, key, device, count, …)."""
    if type(key) is not tuple or len(key) < 5 or key[0] != "storage":
        raise broken("its pickle refers to something outside")
    kind, name, count = key[1], key[2], key[4]
    dtype = STORAGE_DTYPES.get(kind.name) if type(kind) is Name else None
    if dtype is None or type(name) is not str or type(count) is not int or count < 0:
        raise broken("its pickle has a storage that makes no sense")
    return StorageRef.of(dtype, name, count)


def _build(name: str, arguments: object) -> object:
    make = _MAKERS.get(name)
    if make is None or type(arguments) is not tuple:
        return Made(Name(name), arguments)
    return make(arguments)


def _tensor(arguments: tuple[object, ...], dtype: str = "") -> TensorRef:
    storage, offset, shape, strides = arguments[:4]
    if type(storage) is not StorageRef or type(offset) is not int or not 0 <= offset < _SIDE_MAX:
        raise _no_tensor()
    if not _sides(shape) or not _sides(strides) or len(shape) != len(strides):
        raise _no_tensor()
    return TensorRef.of(storage, dtype or storage.dtype, offset, shape, strides)


def _no_tensor() -> Refusal:
    return broken("its pickle has a tensor that makes no sense")


def _typed_tensor(arguments: tuple[object, ...]) -> TensorRef:
    """The types that have no storage class of their own come as dtype behind the other arguments."""
    kind = arguments[6] if len(arguments) > 6 else None
    dtype = DTYPES.get(kind.name.rpartition(".")[2]) if isinstance(kind, Name) else None
    if dtype is None:
        raise broken("its pickle has a tensor of an unknown type")
    return _tensor(arguments, dtype)


def _wrapped(arguments: tuple[object, ...]) -> object:
    return arguments[0] if arguments else None


def _new_table(_arguments: tuple[object, ...]) -> object:
    return {}


def _new_list(_arguments: tuple[object, ...]) -> object:
    return []


_MAKERS: dict[str, Callable[[tuple[object, ...]], object]] = {
    **dict.fromkeys(TENSOR_BUILDERS, _tensor),
    TYPED_BUILDER: _typed_tensor,
    **dict.fromkeys(WRAPPERS, _wrapped),
    **dict.fromkeys(TABLES, _new_table),
    **dict.fromkeys(_LISTS, _new_list),
}


def _sides(value: object) -> TypeGuard[tuple[int, ...]]:
    if type(value) is not tuple or len(value) > _DIMENSIONS_MAX:
        return False
    for side in value:  # noqa: SIM110 - three times as fast as all(…), and there are thousands
        if type(side) is not int or not 0 <= side < _SIDE_MAX:
            return False
    return True

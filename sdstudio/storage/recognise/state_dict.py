"""The tensors of a checkpoint by name, however its tables hold each other, and the small values at its top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard

from sdstudio.storage.recognise.pickle_values import TensorRef
from sdstudio.storage.recognise.refusal import broken, unsafe

_DEPTH_MAX = 6
TENSORS_MAX = 50_000
LETTERS_MAX = 8 * 2**20
"""Of all names together: they are sorted and searched many times. SDXL has 0.2 million, and its training state, with
the averages and the optimiser's, less than ten times as many."""
_WRAPPERS = ("state_dict", "params_ema", "params", "model_state_dict")
_SMALL = frozenset({int, float, str})
_KEY_MAX, _TEXT_MAX = 100, 200
_BITS_MAX = 700
"""More than a number of 200 digits has. To write out one of a thousand bytes takes long, and there can be many."""


def named_tensors(value: object) -> dict[str, TensorRef]:
    """The tensors of a state dict, by name; of those wrapped in further tables (“state_dict”, “params_ema”) the first
    that has any. Raises Refusal where there are none, or too many."""
    state = _state_dict(value)
    if _is_flat(state) and len(state) <= TENSORS_MAX and sum(map(len, state)) <= LETTERS_MAX:
        return state
    found: dict[str, TensorRef] = {}
    for name, tensor in _Walk().tensors(state):
        found[name] = tensor
        if len(found) > TENSORS_MAX:
            raise unsafe(f"its pickle lists more than {TENSORS_MAX:,} tensors")
    if not found:
        raise broken("a pickle without weights")
    return found


def _state_dict(value: object) -> object:
    for key in _WRAPPERS:
        inner = value.get(key) if isinstance(value, dict) else None
        if isinstance(inner, dict) and inner:
            return inner
    return value


def _is_flat(value: object) -> TypeGuard[dict[str, TensorRef]]:
    """A table of tensors and nothing else, as most are."""
    return isinstance(value, dict) and set(map(type, value.values())) == {TensorRef} and set(map(type, value)) == {str}


class _Walk:
    """Through all tables, each once: a few that hold each other many times would be endless."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._letters_left = LETTERS_MAX

    def tensors(self, value: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, TensorRef]]:
        if isinstance(value, TensorRef):
            yield prefix or "tensor", value
        elif isinstance(value, dict) and depth < _DEPTH_MAX and id(value) not in self._seen:
            self._seen.add(id(value))
            for key, inner in value.items():
                if type(inner) is TensorRef:
                    yield self._name(prefix, key), inner
                elif isinstance(inner, dict):
                    yield from self.tensors(inner, self._name(prefix, key), depth + 1)

    def _name(self, prefix: str, key: object) -> str:
        """A prefix of a megabyte could stand before a hundred thousand names."""
        name = f"{prefix}.{key}" if prefix else str(key)
        self._letters_left -= len(name)
        if self._letters_left < 0:
            raise unsafe(f"the names of its tensors have more than {LETTERS_MAX:,} letters")
        return name


def small_values(value: object) -> dict[str, str]:
    """Numbers and short texts at the top of a checkpoint: “global_step”, “epoch”, an embedding's “name”."""
    if not isinstance(value, dict) or _SMALL.isdisjoint(map(type, value.values())):
        return {}
    small = ((str(key), inner) for key, inner in value.items() if type(inner) in _SMALL and _is_short(inner))
    return {key: str(inner) for key, inner in small if len(key) <= _KEY_MAX}


def _is_short(value: Any) -> bool:
    return not (type(value) is int and value.bit_length() > _BITS_MAX) and len(str(value)) <= _TEXT_MAX

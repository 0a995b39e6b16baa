"""What torch.save writes, in all of its styles, is read as it was: at once where it can be, else step by step."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.pickle_tensors import TensorTaker
from sdstudio.storage.recognise.torch_archive import TorchFile, read_torch_file

DTYPES = {torch.float16: "F16", torch.float32: "F32", torch.bfloat16: "BF16", torch.int64: "I64", torch.uint8: "U8"}
Tensors = dict[str, torch.Tensor]


def plain() -> Tensors:
    shapes = ((8, 4, 3, 3), (8,), (4, 300), (2, 3, 4))
    return {f"model.blocks.{n}.weight": torch.full(shapes[n % 4], n, dtype=torch.float16) for n in range(1200)}


def mixed() -> Tensors:
    kinds = list(DTYPES)
    return {f"a.{n}": torch.zeros((n % 5, 3, 300)[: 1 + n % 3], dtype=kinds[n % 5]) for n in range(200)}


def views() -> Tensors:
    """Into one storage, transposed, without numbers, of no dimension, and the same tensor twice."""
    base = torch.arange(4000, dtype=torch.float32)
    cuts = {f"part.{n}": base[n * 40 : n * 40 + 40].view(8, 5) for n in range(90)}
    turned = {f"turned.{n}": torch.zeros(4, n).t() for n in range(30)}
    return {**cuts, **turned, "scalar": torch.tensor(3.0), "again": cuts["part.3"], "expanded": base[:1].expand(7, 9)}


def parameters() -> Tensors:
    return {f"p.{n}": torch.nn.Parameter(torch.zeros(3, 4)) for n in range(60)}


def batch_norms() -> Tensors:
    """With a number of batches, which has no dimension, at every fifth place."""
    layers = torch.nn.Sequential(*(torch.nn.BatchNorm2d(4) for _ in range(60)))
    return dict(layers.state_dict())


def ordered(values: Tensors) -> object:
    """As Module.state_dict() gives it, with what it says of versions."""
    table = OrderedDict(values)
    table._metadata = {"": {"version": 1}}  # type: ignore[attr-defined]
    return table


WRAPPED: dict[str, Callable[[Tensors], object]] = {
    "flat": dict,
    "ordered": ordered,
    "a training program's": lambda values: {
        "epoch": 6,
        "callbacks": {f"c{n}": [n, None, 0.5] for n in range(200)},
        "state_dict": values,
        "optimizer_states": [{"lr": 1e-4, "betas": (0.9, 0.999)}],
    },
}
WRITERS: dict[str, dict[str, Any]] = {
    **{f"protocol {protocol}": {"pickle_protocol": protocol} for protocol in (2, 3, 4, 5)},
    "before 1.6": {"_use_new_zipfile_serialization": False},
    "before 1.6, protocol 4": {"_use_new_zipfile_serialization": False, "pickle_protocol": 4},
}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tensors were taken at once."""
    counts: list[int] = []
    real = TensorTaker.take

    def take(self: TensorTaker, begin: int, name: int, end: int, stack: list[object]) -> int:
        before = len(stack)
        place = real(self, begin, name, end, stack)
        counts.append((len(stack) - before) // 2)
        return place

    monkeypatch.setattr(TensorTaker, "take", take)
    return counts


def read(path: Path) -> TorchFile:
    with OpenFile(path) as file:
        return read_torch_file(file, file.peek(0, 4096))


def stepwise(path: Path) -> TorchFile:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TensorTaker, "take", lambda _self, begin, *_: begin)
        return read(path)


@pytest.mark.parametrize("writer", sorted(WRITERS))
@pytest.mark.parametrize("wrapped", sorted(WRAPPED))
@pytest.mark.parametrize("make", [plain, mixed, views, parameters, batch_norms])
def test_what_torch_saves(
    make: Callable[[], Tensors], wrapped: str, writer: str, tmp_path: Path, taken: list[int]
) -> None:
    values = make()
    path = tmp_path / "model.ckpt"
    torch.save(WRAPPED[wrapped](values), path, **WRITERS[writer])
    found = read(path)
    assert sum(taken) > {"plain": 1000, "mixed": 60, "views": 20, "parameters": -1, "batch_norms": 100}[make.__name__]
    assert found == stepwise(path)
    assert list(found.tensors) == list(values)
    for name, value in values.items():
        tensor = found.tensors[name]
        assert (tensor.dtype, tensor.shape) == (DTYPES[value.dtype], tuple(value.shape))
        assert (tensor.strides, tensor.offset) == (value.stride(), value.storage_offset())
        assert tensor.storage.bytes == value.untyped_storage().nbytes()
    assert found.table().parameters() == sum(value.numel() for value in values.values())

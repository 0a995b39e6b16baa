"""Weights on their way from a file: straight, through a buffer, or in a bundle, in the file's order and to the bit."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser
from sdstudio.engine.devices import choose_device
from sdstudio.engine.sources import transfer as transfer_module
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.stored import BLOCK, FileChanged, Stored, TensorFile, open_safetensors
from sdstudio.engine.sources.stored_ckpt import Held
from sdstudio.engine.sources.transfer import SMALL, Transfer

DEVICE = choose_device(1, "cpu")
NAN = float("nan")
Open = Callable[[dict[str, torch.Tensor]], dict[str, Stored]]


def values() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "wide": torch.randn(3, BLOCK // 2 + 1).half(),
        "table": torch.randn(SMALL // 8 + 1, 7).half(),
        "long": torch.randn(2 * BLOCK + 3),
        "bias": torch.randn(320).half(),
        "norm": torch.randn(5).bfloat16(),
        "matrix": torch.randn(12, 8).half(),
        "one": torch.tensor(4.6).half(),
        "none": torch.zeros(0, 3).half(),
        "count": torch.arange(10),
    }


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    files = set[TensorFile]()

    def save_and_open(tensors: dict[str, torch.Tensor]) -> dict[str, Stored]:
        save_file(tensors, tmp_path / "a.safetensors")
        entries = open_safetensors(tmp_path / "a.safetensors")
        files.update(entry.file for entry in entries.values())
        return entries

    yield save_and_open
    for file in files:
        file.close()


def brought(entries: dict[str, Any], targets: dict[str, torch.Tensor], reading: Reading | None = None) -> list[str]:
    transfer = Transfer(reading or Reading(DEVICE))
    for name, entry in entries.items():
        transfer.add(entry, targets[name])
    return transfer.run()


def room(entries: dict[str, Any], dtype: torch.dtype | None) -> dict[str, torch.Tensor]:
    """Memory full of what is no number; `dtype`: None: as stored."""
    kinds = {name: entry.dtype if dtype is None or name == "count" else dtype for name, entry in entries.items()}
    return {name: torch.full(entry.shape, 77).to(kinds[name]) for name, entry in entries.items()}


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("held", [False, True])
def test_every_way_brings_the_same_values(opened: Open, dtype: torch.dtype | None, held: bool) -> None:
    expected = values()
    entries: dict[str, Any] = opened(expected)
    if held:
        entries = {name: Held(name, tensor) for name, tensor in expected.items()}
    targets = room(entries, dtype)
    assert brought(entries, targets) == []
    for name, target in targets.items():
        assert torch.equal(target, expected[name].to(target.dtype)), name


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("rows", [8, SMALL])
def test_a_turned_matrix(opened: Open, dtype: torch.dtype, rows: int) -> None:
    matrix = torch.randn(rows, 3).half()
    entry = opened({"m": matrix})["m"].T
    target = torch.full((3, rows), NAN, dtype=dtype)
    assert brought({"m": entry}, {"m": target}) == []
    assert torch.equal(target, matrix.T.to(dtype)) and torch.equal(entry.read(), matrix.T)


@pytest.mark.parametrize("name", ["wide", "table", "long", "bias", "norm", "matrix", "one"])
@pytest.mark.parametrize("value", [NAN, -float("inf")])
def test_no_number_is_told_by_its_name(opened: Open, name: str, value: float) -> None:
    tensors = values()
    tensors[name].view(-1)[-1] = value
    entries = opened(tensors)
    assert brought(entries, room(entries, torch.float32)) == [name]


def test_it_is_read_from_the_beginning_to_the_end(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = opened(values())
    asked: list[tuple[int, int]] = []
    read_into = TensorFile.read_into

    def note(file: TensorFile, buffer: memoryview, offset: int) -> None:
        asked.append((offset, len(buffer)))
        read_into(file, buffer, offset)

    monkeypatch.setattr(TensorFile, "read_into", note)
    backwards = dict(reversed(entries.items()))
    brought(backwards, room(entries, torch.float32))
    assert asked == sorted(asked)
    ends = [offset + count for offset, count in asked]
    assert [offset for offset, _ in asked[1:]] == ends[:-1], "all of it, each byte once"
    assert max(count for _, count in asked) <= BLOCK + 8


def test_all_bytes_are_told(opened: Open) -> None:
    entries, told = opened(values()), list[int]()
    ticks = iter(range(10**6))
    reading = Reading(DEVICE, on_bytes=lambda done, _total: told.append(done), clock=lambda: float(next(ticks)))
    reading.expect(10**9)
    brought(entries, room(entries, torch.float32), reading)
    assert told[-1] == sum(entry.size_bytes for entry in entries.values()) and told == sorted(told)


@pytest.mark.parametrize("after", [1, 3])
def test_a_cancel_stops_it_before_the_next_piece(opened: Open, after: int) -> None:
    entries, cancel, told = opened(values()), CancelToken(), list[int]()

    def tell(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == after:
            cancel.cancel()

    ticks = iter(range(10**6))
    reading = Reading(DEVICE, cancel=cancel, on_bytes=tell, clock=lambda: float(next(ticks)))
    with pytest.raises(CancelledByUser):
        brought(entries, room(entries, torch.float32), reading)
    assert len(told) == after


@pytest.mark.parametrize("kept", [0, 100, 10_000])
def test_a_file_that_was_cut_off_is_told(opened: Open, tmp_path: Path, kept: int) -> None:
    entries = opened(values())
    first = min(entry.offset for entry in entries.values())
    os.truncate(tmp_path / "a.safetensors", first + kept)
    with pytest.raises(FileChanged, match=r"a\.safetensors ends at"):
        brought(entries, room(entries, torch.float32))


def test_small_ones_are_bundled_and_large_ones_are_not(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a table of all words would need its memory twice."""
    entries, staged = opened(values()), list[str]()
    stage = Transfer._stage

    def note(transfer: Transfer, entry: Stored) -> torch.Tensor:
        staged.append(entry.name)
        return stage(transfer, entry)

    monkeypatch.setattr(transfer_module.Transfer, "_stage", note)
    brought(entries, room(entries, torch.float32))
    assert sorted(staged) == ["bias", "matrix", "none", "norm", "one"]


def test_it_is_in_no_circle(opened: Open) -> None:
    """No collection runs while a model is read: what held on to its memory would keep it from the next one."""
    entries = opened(values())
    targets = room(entries, torch.float32)
    transfer = Transfer(Reading(DEVICE))
    gone = weakref.ref(transfer)
    gc.disable()
    try:
        for name, entry in entries.items():
            transfer.add(entry, targets[name])
        transfer.run()
        del transfer
        assert gone() is None
    finally:
        gc.enable()

"""A .ckpt becomes .safetensors with the same names, types and numbers; torch itself is compared in tests/engine."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.model_file import Evidence, ModelFamily, Prediction
from sdstudio.storage.convert_checkpoint import convert_checkpoint
from sdstudio.storage.recognise.recogniser import recognise
from tests.helpers import model_families as families
from tests.helpers.model_files import (
    number,
    pickled,
    table,
    tensor,
    text,
    write_archive,
    write_old_checkpoint,
    write_safetensors,
)

NUMBERS = np.arange(24, dtype=np.float32)


def archive(path: Path, tensors: dict[str, bytes], storages: dict[str, bytes]) -> Path:
    return write_archive(path, pickled(table({"global_step": number(7), "state_dict": table(tensors)})), storages)


def test_numbers_come_through(tmp_path: Path) -> None:
    half = NUMBERS.astype(np.float16)
    source = archive(
        tmp_path / "a.ckpt",
        {
            "plain": tensor("0", 24, (4, 6), (6, 1), "F32"),
            "turned": tensor("0", 24, (6, 4), (1, 6), "F32"),
            "window": tensor("0", 24, (2, 3), (6, 1), "F32", offset=7),
            "spread": tensor("0", 24, (3, 6), (0, 1), "F32"),
            "one": tensor("0", 24, (), (), "F32", offset=5),
            "none": tensor("0", 24, (0, 5), (5, 1), "F32"),
            "half": tensor("1", 24, (24,), (1,), "F16"),
        },
        {"0": NUMBERS.tobytes(), "1": half.tobytes()},
    )
    done = convert_checkpoint(source, tmp_path / "out" / "b.safetensors")
    got = load_file(done.path)
    grid = NUMBERS.reshape(4, 6)
    expected = {
        "plain": grid,
        "turned": grid.T,
        "window": grid[1:3, 1:4],
        "spread": np.broadcast_to(NUMBERS[:6], (3, 6)),
        "one": NUMBERS[5],
        "none": np.zeros((0, 5), np.float32),
        "half": half,
    }
    assert got.keys() == expected.keys() and done.tensors == len(expected)
    for name, values in expected.items():
        assert got[name].dtype == values.dtype and np.array_equal(got[name], values), name
    with safe_open(done.path, "np") as file:
        assert file.metadata() == {"format": "pt", "global_step": "7"}


def test_bfloat16_needs_no_torch(tmp_path: Path) -> None:
    raw = struct.pack("<4H", 0x3F80, 0x4000, 0xC040, 0x0001)
    source = archive(tmp_path / "a.ckpt", {"x": tensor("0", 4, (2, 2), (1, 2), "BF16")}, {"0": raw})
    done = convert_checkpoint(source, tmp_path / "b.safetensors")
    assert done.path.read_bytes().endswith(struct.pack("<4H", 0x3F80, 0xC040, 0x4000, 0x0001))


def test_the_form_before_torch_1_6(tmp_path: Path) -> None:
    tensors = {"a": tensor("7", 4, (2, 2), (2, 1), "F32"), "b": tensor("9", 2, (2,), (1,), "F16", again=False)}
    storages = {"7": (4, NUMBERS[:4].tobytes()), "9": (2, NUMBERS[:2].astype(np.float16).tobytes())}
    done = convert_checkpoint(write_old_checkpoint(tmp_path / "a.pt", tensors, storages), tmp_path / "b.safetensors")
    got = load_file(done.path)
    assert np.array_equal(got["a"], NUMBERS[:4].reshape(2, 2)) and np.array_equal(got["b"], NUMBERS[:2])


def test_what_a_file_was_recognised_by_is_kept(tmp_path: Path) -> None:
    from tests.helpers.model_shapes import unet

    shapes = {
        "model.diffusion_model." + name: shape
        for name, shape in unet(4, 1024, width=32, mult=(1, 2), depths=(1, 1)).items()
    }
    tensors, storages = {}, {}
    for place, (name, shape) in enumerate(shapes.items()):
        count = int(np.prod(shape))
        strides = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
        tensors[name] = tensor(str(place), count, shape, strides, "F16")
        storages[str(place)] = bytes(2 * count)
    step = b"J" + struct.pack("<i", 875_000)
    source = write_archive(
        tmp_path / "a.ckpt", pickled(table({"global_step": step, "state_dict": table(tensors)})), storages
    )
    before = recognise(source)
    after = recognise(convert_checkpoint(source, tmp_path / "b.safetensors").path)
    assert before.family is after.family is ModelFamily.SD2_BASE
    assert (after.prediction, after.evidence) == (Prediction.EPSILON, Evidence.GLOBAL_STEP)
    assert before.parameters == after.parameters


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    source = archive(tmp_path / "a.ckpt", {"x": tensor("0", 4, (4,), (1,), "F32")}, {"0": bytes(16)})
    (tmp_path / "b.safetensors").write_bytes(b"mine")
    seen: list[tuple[int, int]] = []
    done = convert_checkpoint(source, tmp_path / "b.safetensors", lambda at, whole: seen.append((at, whole)))
    assert done.path == tmp_path / "b-2.safetensors" and (tmp_path / "b.safetensors").read_bytes() == b"mine"
    assert seen == [(16, 16)]


def test_what_cannot_be_converted_says_why(tmp_path: Path) -> None:
    ready = write_safetensors(tmp_path / "a.safetensors", families.lora(768))
    with pytest.raises(UnreadableFile, match="safetensors file already"):
        convert_checkpoint(ready, tmp_path / "b.safetensors")
    with pytest.raises(UnreadableFile, match="no such file"):
        convert_checkpoint(tmp_path / "missing.ckpt", tmp_path / "b.safetensors")
    bomb = archive(tmp_path / "bomb.ckpt", {"x": tensor("0", 1, (10**9, 10**9), (0, 0), "F32")}, {"0": bytes(4)})
    with pytest.raises(UnreadableFile, match="it would grow"):
        convert_checkpoint(bomb, tmp_path / "b.safetensors")
    (tmp_path / "x.ckpt").write_bytes(pickled(text("hello")))
    with pytest.raises(UnreadableFile, match="a pickle without weights"):
        convert_checkpoint(tmp_path / "x.ckpt", tmp_path / "b.safetensors")
    assert not (tmp_path / "b.safetensors").exists()

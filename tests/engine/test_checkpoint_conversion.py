"""What torch itself saves is read and converted without torch, equal to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from sdstudio.domain.pickle_globals import DTYPES, STORAGES
from sdstudio.storage.convert_checkpoint import convert_checkpoint
from sdstudio.storage.recognise.recogniser import recognise

TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool]


def values() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    plain = torch.randn(6, 4, generator=generator)
    return {
        **{f"type.{dtype}": (plain * 3).to(dtype) for dtype in TYPES},
        "turned": plain.t(),
        "window": plain[1:5:2, 1:3],
        "spread": plain[0].expand(3, 4),
        "same": plain,
        "again": plain,
        "one": torch.tensor(5.0),
        "none": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(plain[:2].clone()),
    }


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_equal_to_torch(tmp_path: Path, zipped: bool, wrapped: bool) -> None:
    tensors = values()
    saved: Any = {"state_dict": tensors, "global_step": 3, "lr": 1e-4} if wrapped else tensors
    torch.save(saved, tmp_path / "a.ckpt", _use_new_zipfile_serialization=zipped)
    got = load_file(convert_checkpoint(tmp_path / "a.ckpt", tmp_path / "a.safetensors").path)
    assert got.keys() == tensors.keys()
    for name, expected in tensors.items():
        assert got[name].dtype == expected.dtype and torch.equal(got[name], expected.detach()), name


def test_new_types_of_torch(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(8).to(torch.float8_e4m3fn), "b": torch.randn(8).to(torch.float8_e5m2)}
    torch.save(tensors, tmp_path / "a.ckpt")
    got = load_file(convert_checkpoint(tmp_path / "a.ckpt", tmp_path / "a.safetensors").path)
    for name, expected in tensors.items():
        assert torch.equal(got[name].view(torch.uint8), expected.view(torch.uint8))


def test_a_module_is_refused_by_name(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
    found = recognise(tmp_path / "a.pt")
    assert found.refused and "torch.nn.modules.linear.Linear" in found.reason


def test_a_state_dict_of_a_module_is_harmless(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "a.pt")
    assert len(load_file(convert_checkpoint(tmp_path / "a.pt", tmp_path / "a.safetensors").path)) == 2


def test_the_names_of_torch_exist() -> None:
    assert all(hasattr(torch, name) for name in STORAGES if name != "UntypedStorage")
    assert all(hasattr(torch, name) for name in DTYPES)

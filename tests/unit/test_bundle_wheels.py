"""The rules on a tree like Windows' wheels: what is packed of it, and which libraries would be missing."""

from __future__ import annotations

from pathlib import Path

import pytest

import bundle_modules
from bundle_wheels import SYSTEM, missing, module_of, packed


@pytest.fixture
def site(tmp_path: Path) -> Path:
    names = [
        "PySide6/Qt6Core.dll", "PySide6/Qt6Qml.dll", "PySide6/QtCore.pyd", "PySide6/__init__.py",
        "diffusers/pipelines/__init__.py", "diffusers/pipelines/flux/__init__.py",
        "numpy/__init__.py", "numpy.libs/openblas.dll", "numpy-2.0.dist-info/METADATA",
        "numpy-2.0.dist-info/licenses/LICENSE", "pytest/__init__.py", "six.py",
        "torch/lib/torch_cpu.dll", "torch/lib/dnnl.lib", "torch/include/x.h", "torch/__init__.py",
        "torch/testing/_internal/__init__.py", "transformers/models/clip/__init__.py",
        "transformers/models/bert/__init__.py",
    ]  # fmt: skip
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def test_what_would_be_packed(site: Path) -> None:
    tops = ["PySide6", "diffusers", "numpy", "torch", "transformers"]
    assert [path.relative_to(site).as_posix() for path in packed(site, tops)] == [
        "PySide6/Qt6Core.dll", "PySide6/QtCore.pyd", "PySide6/__init__.py", "diffusers/pipelines/__init__.py",
        "numpy/__init__.py", "numpy-2.0.dist-info/METADATA", "numpy.libs/openblas.dll",
        "torch/__init__.py", "torch/lib/torch_cpu.dll", "torch/testing/_internal/__init__.py",
        "transformers/models/clip/__init__.py",
    ]  # fmt: skip


def test_libraries_that_nobody_brings_are_found() -> None:
    files = [Path("torch/lib/torch_cpu.dll"), Path("PySide6/Qt6Core.dll"), Path("x.py")]
    asked = {
        "torch_cpu.dll": ["KERNEL32.dll", "c10.dll", "MSVCP140.dll"],
        "Qt6Core.dll": ["torch_cpu.DLL", "icuuc.dll"],
    }
    assert missing(files, lambda path: asked.get(path.name, [])) == ["c10.dll (for torch_cpu.dll)"]


def test_names() -> None:
    assert module_of("torch/lib/__init__.py") == "torch.lib"
    assert module_of("torch/hub.py") == "torch.hub"
    assert SYSTEM.fullmatch("api-ms-win-crt-heap-l1-1-0.dll") and SYSTEM.fullmatch("USER32.dll")
    assert not SYSTEM.fullmatch("msvcp140_atomic_wait.dll")
    assert "numpy" in bundle_modules.METADATA

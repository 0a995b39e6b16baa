"""What goes into the frozen program: modules by name, files by place. Windows' rules are tried on Linux too."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

import bundle_modules
from bundle_files import CUDA_OPENED, host_package, is_driver, is_stripped, keeps, opened_by_name

SITE = Path(sysconfig.get_path("purelib"))


@pytest.fixture(scope="module")
def excluded() -> list[str]:
    return bundle_modules.excluded_modules(SITE)


def make_package(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")


def test_only_named_children_of_the_big_packages_stay(excluded: list[str]) -> None:
    assert "transformers.models.bert" in excluded
    assert "transformers.models.clip" not in excluded
    assert "PySide6.QtQml" in excluded
    assert "PySide6.QtWidgets" not in excluded
    assert "diffusers.pipelines.flux" in excluded
    assert not bundle_modules.is_excluded("diffusers.pipelines.pipeline_utils", excluded)
    assert excluded == sorted(set(excluded))


@pytest.mark.parametrize("name", ["scipy", "scipy.stats", "triton.language", "transformers.models.bert.modeling_bert"])
def test_what_lies_in_an_excluded_module_is_excluded(name: str, excluded: list[str]) -> None:
    assert bundle_modules.is_excluded(name, excluded)


@pytest.mark.parametrize("name", ["scipyx", "sympy.parsing.sympy_parser", "torch.utils", "torch.testing._internal"])
def test_a_name_that_only_begins_alike_is_not(name: str, excluded: list[str]) -> None:
    assert not bundle_modules.is_excluded(name, excluded)


def test_kept_children_are_there_or_the_list_is_old() -> None:
    for package, kept in bundle_modules.KEPT_CHILDREN.items():
        present = {name for name, _ in bundle_modules.children(SITE.joinpath(*package.split(".")))}
        assert kept <= present, f"{package}: {sorted(kept - present)} is gone; look what took its place"


def test_excluded_parts_are_there_or_the_list_is_old() -> None:
    for name in bundle_modules.EXCLUDED_PARTS:
        if name.startswith("numpy.distutils"):
            continue  # gone since Python 3.12, still there before
        folder, _, last = name.rpartition(".")
        present = {child for child, _ in bundle_modules.children(SITE.joinpath(*folder.split(".")))}
        assert last in present, name


def test_modules_come_from_the_folder(tmp_path: Path) -> None:
    make_package(
        tmp_path,
        "lib/__init__.py",
        "lib/a.py",
        "lib/fast.cpython-311-x86_64-linux-gnu.so",
        "lib/old.pyd",
        "lib/data.json",
        "lib/sub/__init__.py",
        "lib/sub/b.py",
        "lib/spaces/deep/c.py",
        "lib/tests/test_a.py",
        "lib/left_out/d.py",
        "lib/__pycache__/a.cpython-311.pyc",
        "lib/not-a-module/e.py",
    )
    found = bundle_modules.package_modules(tmp_path, "lib", ["lib.left_out"])
    assert found == [
        "lib", "lib.a", "lib.fast", "lib.old",
        "lib.spaces", "lib.spaces.deep", "lib.spaces.deep.c", "lib.sub", "lib.sub.b",
    ]  # fmt: skip


def test_our_own_package_is_listed_whole() -> None:
    root = Path(__file__).resolve().parents[2]
    found = bundle_modules.package_modules(root, "sdstudio", ())
    assert {"sdstudio.wiring", "sdstudio.engine.tasks.generate", "sdstudio.ui.main_window"} <= set(found)


LINUX_KEPT = [
    "libpython3.11.so.1.0",
    "libxcb-cursor.so.0",
    "libQt6Core.so.6",
    "PySide6/QtCore.abi3.so",
    "PySide6/libpyside6.abi3.so.6.11",
    "PySide6/Qt/lib/libQt6XcbQpa.so.6",
    "PySide6/Qt/lib/libicudata.so.73",
    "PySide6/Qt/plugins/platforms/libqxcb.so",
    "PySide6/Qt/plugins/platforms/libqwayland.so",
    "PySide6/Qt/plugins/platforms/libqoffscreen.so",
    "PySide6/Qt/plugins/platformthemes/libqxdgdesktopportal.so",
    "PySide6/Qt/plugins/imageformats/libqsvg.so",
    "torch/bin/torch_shm_manager",
    "torch/lib/libtorch_cpu.so",
    "torch/_dynamo/graph_break_registry.json",
    "torch-2.13.0+cpu.dist-info/METADATA",
    "torch-2.13.0+cpu.dist-info/top_level.txt",
    "resources/models/starter/unet/config.json",
    "resources/upscaler/LICENSE",
]
LINUX_DROPPED = [
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libcudart.so.13",
    "libQt6Qml.so.6",
    "PySide6/QtNetwork.abi3.so",
    "PySide6/libpyside6qml.abi3.so.6.11",
    "PySide6/Qt/lib/libQt6Qml.so.6",
    "PySide6/Qt/lib/libQt6Network.so.6",
    "PySide6/Qt/plugins/platforms/libqvnc.so",
    "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
    "PySide6/Qt/plugins/tls/libqopensslbackend.so",
    "PySide6/Qt/translations/qtbase_de.qm",
    "torch/bin/test_api",
    "torch/bin/HashStoreTest",
    "torch/bin/protoc-3.13.0.0",
    "torch/include/ATen/ATen.h",
    "torch/lib/libtorchbind_test.so",
    "torch-2.13.0+cpu.dist-info/licenses/third_party/x/LICENSE",
    "torch-2.13.0+cpu.dist-info/LICENSE",
]
CUDA_KEPT = [
    "nvidia/cu13/lib/libcublasLt.so.13",
    "nvidia/cu13/lib/libcudart.so.13",
    "nvidia/cu13/lib/libcufile.so.0",
    "nvidia/cu13/lib/libcupti.so.13",
    "nvidia/cu13/lib/libcusolver.so.12",
    "nvidia/cu13/lib/libnvJitLink.so.13",
    "nvidia/cu13/lib/libnvrtc.so.13",
    "nvidia/cu13/lib/libnvrtc-builtins.so.13.0",
    "nvidia/cudnn/lib/libcudnn.so.9",
    "nvidia/cudnn/lib/libcudnn_engines_precompiled.so.9",
    "nvidia/cusparselt/lib/libcusparseLt.so.0",
    "nvidia/nccl/lib/libnccl.so.2",
    "nvidia/nvshmem/lib/libnvshmem_host.so.3",
    "torch/lib/libtorch_cuda.so",
    "torch/lib/libtorch_cuda_linalg.so",
]
# Nothing that is kept needs them or opens them by name, but for profilers and clusters, which nobody starts here.
CUDA_DROPPED = [
    "cuda_bindings-13.5.0.dist-info/METADATA",
    "nvidia/cu13/include/cuda.h",
    "nvidia/cu13/lib/libcudart_static.a",
    "nvidia/cu13/lib/libcufile_rdma.so.1",
    "nvidia/cu13/lib/libcufftw.so.12",
    "nvidia/cu13/lib/libcusolverMg.so.12",
    "nvidia/cu13/lib/libnvblas.so.13",
    "nvidia/cu13/lib/libnvperf_host.so",
    "nvidia/cu13/lib/libnvrtc.alt.so.13",
    "nvidia/cu13/lib/libnvrtc-builtins.alt.so.13.0",
    "nvidia/cudnn/include/cudnn.h",
    "nvidia/nvshmem/lib/libnvshmem_device.a",
    "nvidia/nvshmem/lib/libnvshmem_device.bc",
    "nvidia/nvshmem/lib/nvshmem_transport_ibrc.so.3",
    "libcudart.so.12",
]
WINDOWS_KEPT = [
    "python311.dll",
    "PySide6/Qt6Core.dll",
    "PySide6/QtCore.pyd",
    "PySide6/msvcp140.dll",
    "PySide6/pyside6.abi3.dll",
    "PySide6/plugins/platforms/qwindows.dll",
    "PySide6/plugins/styles/qmodernwindowsstyle.dll",
    "shiboken6/vcruntime140_1.dll",
    "torch/lib/torch_cpu.dll",
    "torch/lib/libiomp5md.dll",
]
WINDOWS_DROPPED = [
    "PySide6/Qt6Quick.dll",
    "PySide6/QtQml.pyd",
    "PySide6/opengl32sw.dll",
    "PySide6/plugins/platforms/qdirect2d.dll",
    "PySide6/plugins/qmltooling/qmldbg_tcp.dll",
    "PySide6/pyside6qml.abi3.dll",
    "torch/lib/dnnl.lib",
    "torch/include/ATen/ATen.h",
]


@pytest.mark.parametrize("place", [*LINUX_KEPT, *CUDA_KEPT])
def test_kept_on_linux(place: str) -> None:
    assert keeps(place, "linux")


@pytest.mark.parametrize("place", [*LINUX_DROPPED, *CUDA_DROPPED])
def test_left_out_on_linux(place: str) -> None:
    assert not keeps(place, "linux")


@pytest.mark.parametrize("place", WINDOWS_KEPT)
def test_kept_on_windows(place: str) -> None:
    assert keeps(place, "win32")


@pytest.mark.parametrize("place", WINDOWS_DROPPED)
def test_left_out_on_windows(place: str) -> None:
    assert not keeps(place, "win32")


def test_only_what_survives_it_is_stripped() -> None:
    assert is_stripped("torch/lib/libtorch_cpu.so", "linux")
    assert is_stripped("libpython3.11.so.1.0", "linux")
    assert is_stripped("torch/lib/libtorch_cuda.so", "linux")
    assert not any(is_stripped(place, "linux") for place in CUDA_KEPT if place.startswith("nvidia/"))
    assert not is_stripped("numpy.libs/libscipy_openblas64_.so", "linux")
    assert not is_stripped("torch/lib/libtorch_cpu.so", "win32")


def test_what_the_host_brings_has_a_package() -> None:
    assert host_package("libGL.so.1") == "libgl1"
    assert host_package("libc.so.6") == host_package("ld-linux-x86-64.so.2") == "libc6"
    assert host_package("libxcb.so.1") == "libxcb1"
    assert host_package("libxcb-cursor.so.0") is None


def test_the_driver_is_the_users_own() -> None:
    assert is_driver("libcuda.so.1") and is_driver("libnvidia-ml.so.1")
    assert not is_driver("libcudart.so.13") and not is_driver("libcudnn.so.9")


def test_what_cuda_opens_by_name_is_found_or_the_build_stops(tmp_path: Path) -> None:
    assert opened_by_name(tmp_path) == [], "a build without CUDA"
    names = (
        "cu13/lib/libnvrtc-builtins.so.13.0",
        "cu13/lib/libnvrtc-builtins.alt.so.13.0",
        "cudnn/lib/libcudnn.so.9",
        "cudnn/lib/libcudnn_ops.so.9",
    )
    make_package(tmp_path, *(f"nvidia/{name}" for name in names))
    found = opened_by_name(tmp_path)
    assert [Path(path).name for path, _ in found] == ["libnvrtc-builtins.so.13.0", "libcudnn_ops.so.9"]
    assert [folder for _, folder in found] == ["nvidia/cu13/lib", "nvidia/cudnn/lib"]
    assert all(keeps(f"{folder}/{Path(path).name}", "linux") for path, folder in found)
    (tmp_path / "nvidia/cudnn/lib/libcudnn_ops.so.9").unlink()
    with pytest.raises(LookupError, match=CUDA_OPENED[1].replace("*", r"\*")):
        opened_by_name(tmp_path)

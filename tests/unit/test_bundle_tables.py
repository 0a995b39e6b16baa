"""PyInstaller's tables after the rules: links, libraries that nothing needs, libraries that are missing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

import bundle_files
from bundle_contents import CONTENTS, Contents
from bundle_files import WINDOWS_RUNTIME
from bundle_spec import require_runtime, scripts, windows_extras, write_contents
from bundle_tables import IncompleteBundle, Row, drop_dangling, filter_rows, host_packages, prune_orphans

QT_CORE = ("PySide6/Qt/lib/libQt6Core.so.6", "/site/libQt6Core.so.6", "BINARY")
QT_LINK = ("libQt6Core.so.6", "PySide6/Qt/lib/libQt6Core.so.6", "SYMLINK")
XCB = ("PySide6/Qt/plugins/platforms/libqxcb.so", "/site/libqxcb.so", "BINARY")
CURSOR = ("libxcb-cursor.so.0", "/usr/lib/libxcb-cursor.so.0", "BINARY")
RENDER = ("libxcb-render.so.0", "/usr/lib/libxcb-render.so.0", "BINARY")
GTK = ("libgtk-3.so.0", "/usr/lib/libgtk-3.so.0", "BINARY")
GDK = ("libgdk-3.so.0", "/usr/lib/libgdk-3.so.0", "BINARY")
PYTHON = ("libpython3.11.so.1.0", "/lib/libpython3.11.so.1.0", "BINARY")
DATA = ("resources/icons/dice.svg", "/checkout/resources/icons/dice.svg", "DATA")
NEEDS = {
    XCB[1]: ["libxcb-cursor.so.0", "libQt6Core.so.6", "libc.so.6"],
    CURSOR[1]: ["libxcb-render.so.0", "libxcb.so.1"],
    GTK[1]: ["libgdk-3.so.0"],
    GDK[1]: ["libgtk-3.so.0"],
}


def needed(path: str) -> Iterable[str]:
    return NEEDS.get(path, [])


def test_libraries_that_only_need_each_other_go() -> None:
    rows = [QT_CORE, QT_LINK, XCB, CURSOR, RENDER, GTK, GDK, PYTHON, DATA]
    assert prune_orphans(rows, needed) == [QT_CORE, QT_LINK, XCB, CURSOR, RENDER, PYTHON, DATA]


def test_a_link_goes_with_its_target() -> None:
    second = ("libQt6.so", "libQt6Core.so.6", "SYMLINK")
    rows: list[Row] = [QT_LINK, second, DATA]
    assert drop_dangling(rows) == [DATA]
    assert set(drop_dangling([*rows, QT_CORE])) == {QT_CORE, QT_LINK, second, DATA}


def test_rows_of_windows_are_read_with_their_slashes() -> None:
    qml = ("PySide6\\Qt6Qml.dll", "x", "BINARY")
    core = ("PySide6\\Qt6Core.dll", "x", "BINARY")
    assert filter_rows([qml, core, core], "win32") == [core]


def test_the_hosts_part_is_named_by_package() -> None:
    assert host_packages([QT_CORE, XCB, CURSOR, RENDER], needed) == ["libc6", "libxcb1"]


def test_a_library_that_should_be_shipped_stops_the_build() -> None:
    with pytest.raises(
        IncompleteBundle, match=r"libxcb-cursor\.so\.0 \(for PySide6/Qt/plugins/platforms/libqxcb\.so\)"
    ):
        host_packages([QT_CORE, XCB], needed)


def test_a_graphics_driver_is_neither_shipped_nor_asked_for() -> None:
    card = ("torch/lib/libcaffe2_nvrtc.so", "/site/libcaffe2_nvrtc.so", "BINARY")
    assert host_packages([card], lambda _path: ["libcuda.so.1", "libc.so.6"]) == ["libc6"]


def test_files_of_shared_folders_are_remembered(tmp_path: Path) -> None:
    rows: list[Row] = [("nvidia/cudnn/lib/libcudnn.so.9", "x", "BINARY"), DATA]
    write_contents(tmp_path, ["numpy.linalg"], rows, "darwin")
    contents = Contents.read(tmp_path / CONTENTS)
    assert contents.shared == ["nvidia/cudnn/lib/libcudnn.so.9"]
    assert (contents.modules, contents.folders) == (["numpy"], ["nvidia", "resources"])


def test_the_command_line_starts_without_qt() -> None:
    rows = [
        ("pyi_rth_inspect", "a", "PYSOURCE"),
        ("pyi_rth_pyside6", "b", "PYSOURCE"),
        ("entry_window", "c", "PYSOURCE"),
        ("entry_cli", "d", "PYSOURCE"),
    ]
    assert [row[0] for row in scripts(rows, "entry_cli")] == ["pyi_rth_inspect", "entry_cli"]
    assert [row[0] for row in scripts(rows, "entry_window")] == ["pyi_rth_inspect", "pyi_rth_pyside6", "entry_window"]


def test_only_windows_programs_carry_icon_and_version() -> None:
    assert windows_extras(Path(), Path(), "sdstudio", platform="linux") == {}


def test_windows_builds_need_microsofts_libraries() -> None:
    require_runtime([*WINDOWS_RUNTIME, "python311.dll"])
    with pytest.raises(IncompleteBundle, match=r"no msvcp140_atomic_wait\.dll"):
        require_runtime(set(WINDOWS_RUNTIME) - {"msvcp140_atomic_wait.dll"})


def test_the_start_loads_what_the_build_packs() -> None:
    hook = (Path(bundle_files.__file__).parent / "hooks" / "rthook_start.py").read_text(encoding="utf-8")
    assert str(WINDOWS_RUNTIME).replace("'", '"') in hook

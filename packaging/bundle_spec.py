"""What build.spec needs beside the rules: our own files, the scripts of each program, Windows' extras."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bundle_contents import CONTENTS, SHARED_FOLDERS, Contents
from bundle_elf import elf_facts, needed_by
from bundle_files import WINDOWS_RUNTIME
from bundle_tables import NATIVE, IncompleteBundle, Row, host_packages, is_system_library, place_of
from bundle_version import product_version, version_info


def resources(root: Path) -> list[tuple[str, str]]:
    """(file, folder in the program) of everything in resources/, sorted, of NOTICE beside it, and of the words that
    stand in for Python's own library where that is damaged."""
    base = root / "resources"
    found = sorted(path for path in base.rglob("*") if path.is_file() and not path.name.startswith("."))
    pairs = [(str(path), path.parent.relative_to(root).as_posix()) for path in found]
    stand_in = root / "packaging" / "fallback" / "encodings" / "__init__.py"
    return [*pairs, (str(root / "NOTICE"), "resources"), (str(stand_in), "encodings")]


def scripts(rows: Iterable[Row], entry: str) -> list[Row]:
    """The start-up scripts of one program. That of the command line must not load Qt, which PyInstaller's own
    start-up script for PySide6 would do at every start."""
    kept = [row for row in rows if not row[0].startswith("entry_") or row[0] == entry]
    if entry == "entry_cli":
        kept = [row for row in kept if not row[0].startswith("pyi_rth_pyside6")]
    return kept


def write_contents(folder: Path, modules: Iterable[str], files: Sequence[Row], platform: str) -> None:
    """What was packed, for the licences, the bill of materials and the .deb's dependencies. Raises IncompleteBundle."""
    places = [place_of(row) for row in files if "/" in place_of(row)]
    contents = Contents(
        modules=sorted({name.partition(".")[0] for name in modules}),
        folders=sorted({place.partition("/")[0] for place in places}),
        shared=sorted(place for place in places if place.partition("/")[0] in SHARED_FOLDERS),
        system_libraries={place_of(row): row[1] for row in files if is_system_library(row)},
    )
    if platform == "linux":
        facts = [elf_facts(row[1]) for row in files if row[2] in NATIVE]
        contents = replace(
            contents,
            host_packages=host_packages(files, needed_by),
            glibc=max(fact.glibc for fact in facts),
            glibcxx=max(fact.glibcxx for fact in facts),
        )
    if platform == "win32":
        require_runtime(place_of(row).lower() for row in files)
    folder.mkdir(parents=True, exist_ok=True)
    contents.write(folder / CONTENTS)


def require_runtime(places: Iterable[str]) -> None:
    """Raises IncompleteBundle where the build machine lacks a run-time library that Windows itself does not bring."""
    lost = sorted(set(WINDOWS_RUNTIME) - set(places))
    if lost:
        words = "Install Microsoft's C++ run-time libraries (vc_redist.x64.exe), then build again."
        raise IncompleteBundle(f"This machine has no {', '.join(lost)}. {words}")


def windows_extras(root: Path, out: Path, name: str, platform: str = sys.platform) -> dict[str, Any]:
    """Icon and version sheet, which only Windows' programs carry."""
    if platform != "win32":
        return {}
    import bundle_icons

    out.mkdir(parents=True, exist_ok=True)
    sheet = out / f"{name}-version.txt"
    sheet.write_text(version_info(product_version(root), name), encoding="utf-8")
    return {"icon": str(bundle_icons.write_ico(out / "sdstudio.ico")), "version": str(sheet)}

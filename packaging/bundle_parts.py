"""Whose work is in the build: Python's packages and the system's libraries, with versions and licence texts."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from bundle_contents import SHARED_FOLDERS, Contents

LICENCE_NAMES = re.compile(r"(licen[cs]e|copying|notice|copyright|authors)", re.IGNORECASE)
SHARED_TEXTS = Path(__file__).resolve().parent / "licences"
# These wheels carry no licence file of their own; Qt and PySide6 are used under the LGPL, unchanged and replaceable.
BORROWED = {"pyside6-essentials": ("LGPL-3.0.txt", "GPL-3.0.txt"), "shiboken6": ("LGPL-3.0.txt", "GPL-3.0.txt")}
# Import names that are not their package's name, where the package has no top_level.txt that says so.
RENAMED = {
    "PIL": "pillow",
    "yaml": "pyyaml",
    "PySide6": "pyside6-essentials",
    "torchgen": "torch",
    "functorch": "torch",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    version: str
    licence: str
    """An SPDX expression, or what the package says in its own words; "" where it says nothing."""
    texts: tuple[tuple[str, str], ...]
    """(name of the file, its text)"""
    purl: str


def parts(contents: Contents) -> list[Part]:
    """Everything in the build that others made, sorted by name: packages first, then the system's libraries."""
    packages = sorted(python_parts(contents), key=lambda part: part.name)
    return [python_itself(), *packages, *system_parts(contents)]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def python_parts(contents: Contents) -> Iterator[Part]:
    """The packages whose modules or folders were packed."""
    tops = {*contents.modules, *contents.folders} - SHARED_FOLDERS
    shared = frozenset(contents.shared)
    for dist in distributions():
        name = normal(dist.metadata["Name"])
        # PyInstaller's own start-up code is in both programs.
        if name == "pyinstaller" or packed(dist, name, tops) or fills_shared(dist, shared):
            yield Part(
                name=name,
                version=dist.version,
                licence=licence_of(dist),
                texts=(*licence_texts(dist), *borrowed_texts(name)),
                purl=f"pkg:pypi/{name}@{dist.version.partition('+')[0]}",
            )


def packed(dist: Distribution, name: str, tops: Iterable[str]) -> bool:
    """Whether any of the names that one can import from `dist` is among `tops`."""
    names = {RENAMED.get(top, normal(top)) for top in tops}
    declared = (dist.read_text("top_level.txt") or "").split()
    return name in names or any(top in tops for top in declared if not top.startswith("_"))


def fills_shared(dist: Distribution, shared: frozenset[str]) -> bool:
    """Whether any file of `dist` is among those packed from folders that it shares with other packages."""
    return bool(shared) and any(file.as_posix() in shared for file in dist.files or [])


def licence_of(dist: Distribution) -> str:
    """The expression of the newer field, or the older one where it is a name and not a whole text."""
    fields = dist.metadata
    if "License-Expression" in fields:
        return fields["License-Expression"]
    plain = fields["License"].strip() if "License" in fields else ""
    if plain and len(plain) < 80 and "\n" not in plain:
        return plain
    classifiers = [text for text in fields.get_all("Classifier", []) if text.startswith("License :: ")]
    return "; ".join(text.rpartition(" :: ")[2] for text in classifiers)


def licence_texts(dist: Distribution) -> Iterator[tuple[str, str]]:
    """The licence files in the package's own dist-info or in its part of a shared folder, sorted."""
    for file in sorted(dist.files or [], key=str):
        if is_licence(file.as_posix()):
            path = Path(str(file.locate()))
            if path.is_file():
                yield "/".join(file.parts[1:]), path.read_text(encoding="utf-8", errors="replace")


def is_licence(place: str) -> bool:
    """By its place below site-packages."""
    top, _, rest = place.partition("/")
    *folders, name = rest.split("/")
    if top in SHARED_FOLDERS:
        return len(folders) == 1 and LICENCE_NAMES.match(name) is not None
    inside = top.endswith(".dist-info") and rest != ""
    return inside and ("licenses" in folders or LICENCE_NAMES.search(name) is not None)


def borrowed_texts(name: str) -> list[tuple[str, str]]:
    return [(file, (SHARED_TEXTS / file).read_text(encoding="utf-8")) for file in BORROWED.get(name, ())]


def python_itself() -> Part:
    version = "{}.{}.{}".format(*sys.version_info[:3])
    folders = (Path(sysconfig.get_path("stdlib")), Path(sys.base_prefix))
    files = [folder / "LICENSE.txt" for folder in folders if (folder / "LICENSE.txt").is_file()]
    texts = tuple((file.name, file.read_text(encoding="utf-8", errors="replace")) for file in files[:1])
    return Part(name="python", version=version, licence="PSF-2.0", texts=texts, purl=f"pkg:generic/python@{version}")


def system_parts(contents: Contents) -> list[Part]:
    """The Debian packages that the build machine's libraries came from; a library from elsewhere stands for itself."""
    found: dict[str, Part] = {}
    for name, path in sorted(contents.system_libraries.items()):
        if name.startswith("libpython"):
            continue  # python_itself
        package, version = debian_package(Path(path))
        if not package:
            continue  # out of one of the wheels, and named there
        copyright_file = Path("/usr/share/doc") / package / "copyright"
        text = copyright_file.read_text(encoding="utf-8", errors="replace") if copyright_file.is_file() else ""
        named = sorted(set(re.findall(r"/usr/share/(common-licenses/[\w.-]*\w)", text)))
        shared = [(name, Path("/usr/share") / name) for name in named]
        found[package] = Part(
            name=package,
            version=version,
            licence="",
            texts=(
                *([("copyright", text)] if text else []),
                *((name, path.read_text(encoding="utf-8")) for name, path in shared if path.is_file()),
            ),
            purl=f"pkg:deb/debian/{package}@{version}",
        )
    return [found[name] for name in sorted(found)]


def debian_package(path: Path) -> tuple[str, str]:
    """(package, version) that owns the file; two empty texts where none does."""
    for candidate in (path, path.resolve(), Path(str(path.resolve()).removeprefix("/usr"))):
        done = subprocess.run(["dpkg", "-S", str(candidate)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            package = done.stdout.splitlines()[0].partition(":")[0]
            query = ["dpkg-query", "-W", "-f=${Version}", package]
            return package, subprocess.run(query, capture_output=True, text=True, check=True).stdout
    return "", ""

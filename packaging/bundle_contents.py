"""What a build has packed, as it is kept between freezing and packing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

CONTENTS = "contents.json"
SHARED_FOLDERS = frozenset({"nvidia"})
"""Folders that many packages put their files into, so that the folder's name does not tell whose they are."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    modules: list[str]
    """The first parts of all modules' names, those of the standard library among them."""
    folders: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    """The places of all files in folders that several packages fill (SHARED_FOLDERS)."""
    system_libraries: dict[str, str] = field(default_factory=dict)
    """Name to path, of the libraries that were taken from the build machine itself."""
    host_packages: list[str] = field(default_factory=list)
    glibc: tuple[int, ...] = (0,)
    glibcxx: tuple[int, ...] = (0,)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Contents:
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**data, "glibc": tuple(data["glibc"]), "glibcxx": tuple(data["glibcxx"])})

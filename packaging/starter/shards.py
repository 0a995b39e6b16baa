"""Splits files and folders into parts that are small enough to be carried, and joins them again.

    python shards.py split OUT_STEM PATH... [--size 15000000]
    python shards.py join STEM INTO

OUT_STEM.tar.00, .01, ... and OUT_STEM.sha256 with the sum of the whole.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

SIZE = 15_000_000


def split(stem: Path, paths: Sequence[Path], size: int = SIZE) -> list[Path]:
    """The parts written; folders are kept by their own names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in paths:
            archive.add(path, path.name)
    content = buffer.getvalue()
    stem.parent.mkdir(parents=True, exist_ok=True)
    Path(f"{stem}.sha256").write_text(hashlib.sha256(content).hexdigest(), "utf-8")
    parts = []
    for number, start in enumerate(range(0, len(content), size)):
        part = Path(f"{stem}.tar.{number:02}")
        part.write_bytes(content[start : start + size])
        parts.append(part)
    return parts


def unpack(archive: tarfile.TarFile, into: Path) -> None:
    """What a checked sum vouches for. Before 3.11.4 (Debian 12 has 3.11.2) Python knew no filters."""
    archive.extractall(into, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))


def join(stem: Path, into: Path) -> None:
    """Unpacks the parts; stops when one is missing or damaged."""
    content = b"".join(part.read_bytes() for part in sorted(stem.parent.glob(f"{stem.name}.tar.*")))
    if hashlib.sha256(content).hexdigest() != Path(f"{stem}.sha256").read_text("utf-8").strip():
        raise SystemExit(f"the parts of {stem} do not make up what was split")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        unpack(archive, into)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("split", "join"))
    parser.add_argument("stem", type=Path)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--size", type=int, default=SIZE, help="bytes of a part, at most")
    options = parser.parse_args()
    if options.what == "split":
        for part in split(options.stem, options.paths, options.size):
            print(part, part.stat().st_size)
    else:
        join(options.stem, options.paths[0])


if __name__ == "__main__":
    main()

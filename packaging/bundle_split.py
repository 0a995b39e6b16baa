"""Assets beyond what a release page takes are cut into parts that `cat` puts together again."""

from __future__ import annotations

import re
from pathlib import Path

PART_BYTES = 1_500_000_000
"""The limit of an asset is 2 GiB; CUDA flavours are larger."""
BLOCK = 1 << 20


def split_large(path: Path, part_bytes: int = PART_BYTES) -> list[Path]:
    """[path] where it is small enough; else its parts “….part1”, “….part2”, whole in that order, without the file.
    Parts that an earlier build left go."""
    for part in parts_of(path):
        part.unlink()
    if path.stat().st_size <= part_bytes:
        return [path]
    made: list[Path] = []
    with path.open("rb") as source:
        while block := source.read(min(BLOCK, part_bytes)):
            part = path.with_name(f"{path.name}.part{len(made) + 1}")
            made.append(part)
            with part.open("wb") as target:
                left = part_bytes
                while block:
                    target.write(block)
                    left -= len(block)
                    block = source.read(min(BLOCK, left)) if left else b""
    path.unlink()
    return made


def parts_of(path: Path) -> list[Path]:
    """The parts that lie where `path` would be, in their order."""
    found = {part: re.fullmatch(r"\.part(\d+)", part.name.removeprefix(path.name)) for part in path.parent.iterdir()}
    numbers = {part: int(match[1]) for part, match in found.items() if match and part.name.startswith(path.name)}
    return sorted(numbers, key=lambda part: numbers[part])


def whole_of(part: Path) -> str:
    """The name of the file that `part` is a part of; "" for a whole file."""
    match = re.fullmatch(r"(.+)\.part\d+", part.name)
    return match[1] if match else ""

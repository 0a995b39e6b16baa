"""Assets beyond what a release page takes are cut into parts that `cat` puts together again."""

from __future__ import annotations

from pathlib import Path

PART_BYTES = 1_500_000_000
"""The limit of an asset is 2 GiB; CUDA flavours are larger."""
BLOCK = 1 << 20


def split_large(path: Path, part_bytes: int = PART_BYTES) -> list[Path]:
    """[path] where it is small enough; else its parts “….part1”, “….part2”, whole in that order, without the file."""
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

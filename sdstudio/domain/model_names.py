"""What models are called in every list: by their own name, and where several share it, by file and folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import PurePath


def told_apart(models: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of (name, path) those whose name, in any case, is not theirs alone: by path what they are called instead. That is
    their file's name, with as many of the folders above it as tell it from the others: `ink.ckpt`,
    `old/wash.safetensors`, `a/…/wash.safetensors`; after the name where the file is called otherwise:
    `sd-turbo (4f2a81c0)`."""
    alike: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, path in models:
        alike[name.casefold()][path] = name
    names: dict[str, str] = {}
    for named in alike.values():
        if len(named) > 1:
            ends = _ends(named)
            names |= {path: _called(name, path, ends[path]) for path, name in named.items()}
    return names


def _ends(paths: Iterable[str]) -> dict[str, str]:
    """Of each path the last parts, as few as no other one ends with; the whole path where there are none."""
    left = {path: PurePath(path).parts for path in paths}
    ends = {path: path for path in left}
    for count in range(1, max(map(len, left.values())) + 1):
        last = {path: parts[-count:] for path, parts in left.items()}
        often = Counter("/".join(end).casefold() for end in last.values())
        alone = {path: end for path, end in last.items() if often["/".join(end).casefold()] == 1}
        ends |= {path: _written(end) for path, end in alone.items()}
        left = {path: parts for path, parts in left.items() if path not in alone}
    return ends


def _written(parts: tuple[str, ...]) -> str:
    """What lies between the telling folder and the file is the same in the others."""
    return PurePath(parts[0], "…", parts[-1]).as_posix() if len(parts) > 2 else PurePath(*parts).as_posix()


def _called(name: str, path: str, end: str) -> str:
    file = PurePath(path)
    return end if name.casefold() in (file.name.casefold(), file.stem.casefold()) else f"{name} ({end})"

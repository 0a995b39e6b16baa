"""Which links may be followed: to files below an added folder, or to the blobs of the same Hugging Face cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sdstudio.domain.model_file import Verdict
from sdstudio.storage.recognise.refusal import Refusal

_CACHE_FOLDER, _SNAPSHOTS, _BLOBS = "models--", "snapshots", "blobs"


def resolve(path: Path, roots: Sequence[Path]) -> Path:
    """The file itself. Raises Refusal for a link that leads elsewhere, nowhere or in a circle."""
    real = Path(os.path.realpath(path))
    if os.path.islink(real):
        raise Refusal(Verdict.UNREACHABLE, "a link that leads in a circle")
    if not _is_link(path, real):
        return real
    if _is_missing(real):
        raise Refusal(Verdict.UNREACHABLE, f"a link to {real}, which is not there")
    if not any(real.is_relative_to(os.path.realpath(root)) for root in (*roots, *_blobs(path))):
        raise Refusal(Verdict.UNREACHABLE, f"a link to {real}: add the folder {real.parent}")
    return real


def _is_missing(path: Path) -> bool:
    """False also where a folder above may not be entered: then nothing is known of it."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is_link(path: Path, real: Path) -> bool:
    """Links above the folder that the file was found in are the person's own way to it, and are of no interest."""
    return real != Path(os.path.realpath(path.parent)) / path.name


def _blobs(path: Path) -> list[Path]:
    """The store of a snapshot: cache/models--A--B/blobs for cache/models--A--B/snapshots/REVISION/…"""
    parts = path.absolute().parts
    return [
        Path(*parts[: place + 1], _BLOBS)
        for place, part in enumerate(parts[:-1])
        if part.startswith(_CACHE_FOLDER) and parts[place + 1] == _SNAPSHOTS
    ]


def cache_name(folder: Path) -> str:
    """“sd-turbo” of …/models--stabilityai--sd-turbo/snapshots/REVISION; "" elsewhere."""
    repository = folder.parent.parent.name
    if folder.parent.name == _SNAPSHOTS and repository.startswith(_CACHE_FOLDER):
        return repository.rpartition("--")[2]
    return ""

"""Short hashes of large files, computed once."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

from sdstudio.domain.errors import StorageError
from sdstudio.storage.files import write_atomic

SHORT = 10
"""Hex digits of a short hash, as A1111 writes them."""
_BLOCK = 4 * 2**20
_log = logging.getLogger(__name__)


def unet_weights(folder: Path) -> Path | None:
    """The file whose hash names a model in diffusers layout: the UNet's weights, of several (variants, shards) the
    first by name."""
    files = sorted((folder / "unet").glob("*.safetensors"))
    plain = folder / "unet" / "diffusion_pytorch_model.safetensors"
    return plain if plain in files else next(iter(files), None)


def hashed_file(model: Path) -> Path | None:
    """The file whose hash names the model: itself, or of a folder its UNet's weights."""
    return unet_weights(model) if os.path.isdir(model) else model


def sha256_of(path: Path) -> str:
    """Raises OSError."""
    import hashlib  # loads OpenSSL: not before the window is there

    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class HashCache:
    """Remembers hashes by path, time and size in a small JSON file that may be deleted. Usable from any thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._known: dict[str, Any] | None = None
        self._told = False

    def short_hash(self, path: Path) -> str:
        """The first ten hex digits of the file's sha256. Raises OSError."""
        stat = path.stat()
        key, stamp = str(path.absolute()), [stat.st_mtime_ns, stat.st_size]
        with self._lock:
            entry = self._load().get(key)
            if isinstance(entry, list) and entry[:2] == stamp and len(entry) == 3 and isinstance(entry[2], str):
                return entry[2]
            short = sha256_of(path)[:SHORT]
            self._load()[key] = [*stamp, short]
            self._save()
            return short

    def _load(self) -> dict[str, Any]:
        if self._known is None:
            try:
                data = json.loads(self._file.read_text("utf-8"))
            except (OSError, ValueError, RecursionError):
                data = {}  # Missing or damaged: the hashes are computed again.
            self._known = data if isinstance(data, dict) else {}
        return self._known

    def _save(self) -> None:
        try:
            write_atomic(self._file, json.dumps(self._known, indent=1).encode())
        except StorageError as error:
            if not self._told:
                self._told = True
                _log.warning("The hashes of models could not be kept, so they are computed again next time: %s", error)

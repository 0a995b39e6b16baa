"""What the model in the box says of itself, found out when it was made: its card and its hashes.

Reading the card takes a YAML reader, and hashing 30 MB takes OpenSSL: together a tenth of the first start. The file
beside the model's folder has both; each counts only while the file that it speaks of has the size it had then.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sdstudio.storage.model_card import CARD, read_card

_BYTES_MAX = 2**20


class BoxFacts:
    """Empty where nothing was found out: another model's folder, or a damaged file."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self._folder = folder
        self._facts = facts

    def card(self) -> dict[str, Any]:
        """As `read_card`."""
        known = self._known(self._folder / CARD)
        return dict(known) if isinstance(known, dict) else read_card(self._folder)

    def short_hash(self, path: Path) -> str:
        """As `HashCache.short_hash`; "" where it is not known."""
        known = self._known(path)
        return known if isinstance(known, str) else ""

    def _known(self, path: Path) -> object:
        try:
            size, known = self._facts[path.relative_to(self._folder).as_posix()]
            return known if path.stat().st_size == size else None
        except (KeyError, TypeError, ValueError, OSError):
            return None


def read_box(folder: Path) -> BoxFacts:
    file = _file(folder)
    try:
        facts = json.loads(file.read_text("utf-8")) if file.stat().st_size <= _BYTES_MAX else {}
    except (OSError, ValueError, RecursionError):
        facts = {}
    return BoxFacts(folder, facts if isinstance(facts, dict) else {})


def find_out(folder: Path) -> dict[str, Any]:
    """The contents of the file: for each place in `folder` its size and what is known of it."""
    from sdstudio.storage.hashes import SHORT, sha256_of, unet_weights

    weights = [path for path in (unet_weights(folder), *sorted(folder.glob("*.safetensors"))) if path is not None]
    known: dict[Path, Any] = {folder / CARD: read_card(folder)}
    known |= {path: sha256_of(path)[:SHORT] for path in weights}
    return {path.relative_to(folder).as_posix(): [path.stat().st_size, what] for path, what in known.items()}


def write_box(folder: Path) -> None:
    """To be called when the model in the box has changed. Raises OSError."""
    _file(folder).write_text(json.dumps(find_out(folder), indent=1) + "\n", "utf-8")


def _file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")

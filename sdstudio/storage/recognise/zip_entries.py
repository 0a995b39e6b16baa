"""What the list of a zip archive's members comes to, and the lengths of its records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SIGN, ENTRY_BYTES, LOCAL_BYTES = b"PK\x01\x02", 46, 30
"""Of an entry of the list; of a member's own header without its name."""


@dataclass(frozen=True, slots=True)
class Members:
    """By name: how many bytes each has, and where its own header begins in the file."""

    sizes: Mapping[str, int]
    headers: Mapping[str, int]

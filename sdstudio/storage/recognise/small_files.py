"""Small JSON and YAML files beside models, read with limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import Refusal

JSON_BYTES_MAX = 4 * 2**20
YAML_BYTES_MAX, YAML_BRACKETS_MAX = 32 * 2**10, 200
"""A model's yaml has two kilobytes and ten lists in brackets. The reader is written in Python: it needs half a second
for 32 kilobytes, and as long for 500 brackets within each other."""


def read_json(path: Path) -> dict[str, Any]:
    """{} for what is missing, too large or no JSON object."""
    try:
        with OpenFile(path) as file:
            data = json.loads(file.read(0, file.size)) if file.size <= JSON_BYTES_MAX else None
    except (Refusal, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def read_yaml(path: Path) -> dict[str, Any]:
    """{} for what is missing, too large or no YAML table. Aliases are not taken: with them, a few lines can come to
    billions of values."""
    try:
        with OpenFile(path) as file:
            return parse_yaml(file.read(0, file.size) if file.size <= YAML_BYTES_MAX else b"")
    except Refusal:
        return {}


def parse_yaml(text: bytes) -> dict[str, Any]:
    """The same for what was read already."""
    brackets = text.count(b"[") + text.count(b"{")
    if len(text) > YAML_BYTES_MAX or brackets > YAML_BRACKETS_MAX:
        return {}
    if b"&" in text and b"*" in text and _has_aliases(text):
        return {}
    import yaml  # takes 20 ms, and few models have such a file

    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return {str(key): value for key, value in data.items()} if isinstance(data, dict) else {}


def _has_aliases(text: bytes) -> bool:
    import yaml

    try:
        return any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return True

"""Where other programs keep their models: A1111, Forge, ComfyUI, InvokeAI and the Hugging Face cache, used in place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sdstudio.storage.recognise.small_files import read_yaml

EXTRA_PATHS = "extra_model_paths.yaml"
_A1111, _COMFYUI, _INVOKEAI = "Stable-diffusion", "checkpoints", "invokeai.yaml"
_PATHS_MAX = 200


def model_folders(folder: Path) -> list[Path]:
    """The folders with models of a program's own folder, so that its code and outputs need not be searched; else the
    folder itself. Of ComfyUI also those that its extra_model_paths.yaml names."""
    models = folder / "models"
    # os.path says no where one may not look; pathlib raises, and one such folder would be the end of the whole look.
    if os.path.isdir(models / _A1111):
        return list(filter(os.path.isdir, (models, folder / "embeddings")))
    if os.path.isdir(models / _COMFYUI):
        return [models, *filter(os.path.isdir, extra_paths(folder / EXTRA_PATHS))]
    if os.path.isfile(folder / _INVOKEAI) and os.path.isdir(models):
        return [models]
    return [folder]


def extra_paths(file: Path) -> Iterator[Path]:
    """ComfyUI's own list of further folders: for each program a `base_path`, and a line for every folder of a kind."""
    found: dict[Path, None] = {}
    for section in read_yaml(file).values():
        if isinstance(section, dict):
            found |= dict.fromkeys(_paths_of(section, file.parent))
    yield from list(found)[:_PATHS_MAX]


def _paths_of(section: dict[Any, Any], beside: Path) -> Iterator[Path]:
    base = section.get("base_path")
    root = beside / os.path.expanduser(base) if isinstance(base, str) else beside
    for kind, value in section.items():
        if kind == "base_path" or not isinstance(value, str):
            continue
        for line in filter(None, map(str.strip, value.splitlines())):
            if "\0" not in line:
                yield Path(os.path.normpath(root / os.path.expanduser(line)))

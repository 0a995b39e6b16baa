"""The models on this machine: the one in the box, and folders in diffusers layout."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sdstudio.domain.errors import ModelError
from sdstudio.domain.geometry import Size
from sdstudio.domain.models import STARTER_NAME, ModelInfo, ModelPresets
from sdstudio.domain.request import ModelSpec
from sdstudio.storage.hashes import HashCache
from sdstudio.storage.model_card import card_name, read_card, read_presets
from sdstudio.storage.model_refusal import why_not
from sdstudio.storage.model_words import read_words
from sdstudio.storage.recognise.recogniser import recognise

INDEX = "model_index.json"
_DEPTH_MAX = 3
"""How far below a model folder of the settings a model may lie."""
_JSON_BYTES_MAX = 2**20
_NAMES_SHOWN = 20
# What the width of the text conditioning tells: CLIP ViT-L, OpenCLIP ViT-H, and both CLIPs of SDXL together.
_FAMILIES = {768: ("SD 1.5", 512), 1024: ("SD 2", 768), 2048: ("SDXL", 1024)}


class ModelCatalog:
    """Looks at the disk each time it is asked. Usable from any thread; the first hash of a large file takes seconds."""

    def __init__(self, built_in: Path, folders: Sequence[Path], hashes: HashCache) -> None:
        self._built_in = built_in
        self._folders = tuple(folders)
        self._hashes = hashes

    def models(self) -> list[ModelInfo]:
        """The built-in one first, then the others by name."""
        return [self._info(folder) for folder in self._model_folders()]

    def find(self, name_or_path: str) -> ModelInfo:
        """By name in any case, or by folder. Raises ModelError that says what there is."""
        wanted = name_or_path.strip()
        folders = self._model_folders()
        named = [folder for folder in folders if _name(folder, self._built_in).casefold() == wanted.casefold()]
        if len(named) == 1:
            return self._info(named[0])
        if len(named) > 1:
            paths = ", ".join(f"“{folder}”" for folder in named)
            raise ModelError(f"Several models are called “{wanted}”.", hint=f"Give the folder of one: {paths}.")
        path = Path(wanted).expanduser()
        if wanted and _exists(path):
            return self._info(_checked_folder(path.absolute(), self._folders))
        names = [_name(folder, self._built_in) for folder in folders]
        shown = ", ".join(names[:_NAMES_SHOWN]) + (" …" if len(names) > _NAMES_SHOWN else "")
        hint = f"There are: {shown}." if names else "No model was found at all; install SD Studio again."
        raise ModelError(f"There is no model “{wanted}”.", hint=hint)

    def _model_folders(self) -> list[Path]:
        others: dict[str, Path] = {}
        for folder in self._folders:
            for found in _find_below(folder, _DEPTH_MAX):
                others.setdefault(os.path.realpath(found), found)
        others.pop(os.path.realpath(self._built_in), None)
        built_in = [self._built_in] if (self._built_in / INDEX).is_file() else []
        return built_in + sorted(others.values(), key=lambda path: (_name(path, self._built_in).casefold(), str(path)))

    def _info(self, folder: Path) -> ModelInfo:
        built_in = os.path.realpath(folder) == os.path.realpath(self._built_in)
        unet = read_json(folder / "unet" / "config.json")
        family, side = _family(unet)
        size = Size(side, side)
        defaults = ModelPresets(size=size, sizes=_usual_sizes(side))
        spec = ModelSpec(name=_name(folder, self._built_in), path=str(folder), hash=self._hash(folder))
        presets = read_presets(read_card(folder), defaults)
        return ModelInfo(
            spec=spec,
            badge="built in" if built_in else family,
            built_in=built_in,
            presets=presets,
            words=read_words(folder),
        )

    def _hash(self, folder: Path) -> str:
        weights = unet_weights(folder)
        try:
            return self._hashes.short_hash(weights) if weights is not None else ""
        except OSError:
            return ""  # "" says “not known”; whether the model can be read is told when it is loaded.


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return False


def _checked_folder(path: Path, roots: Sequence[Path]) -> Path:
    if path.is_file() and path.name == INDEX:
        return path.parent
    if path.is_file():
        raise why_not(recognise(path, roots))
    if not (path / INDEX).is_file():
        hint = f"A model is a folder in diffusers layout, with a file {INDEX}."
        raise ModelError(f"“{path}” is not a model that SD Studio can use.", hint=hint)
    return path


def _find_below(folder: Path, depth: int) -> Iterator[Path]:
    """Folders with a Stable Diffusion's model_index.json; nothing is looked for inside of one."""
    if (folder / INDEX).is_file():
        if "StableDiffusion" in str(read_json(folder / INDEX).get("_class_name", "")):
            yield folder
        return
    if depth == 0:
        return
    try:
        children = sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    except OSError:
        return  # Missing or not allowed: such a folder has no models to offer.
    for child in children:
        yield from _find_below(child, depth - 1)


def _name(folder: Path, built_in: Path) -> str:
    fallback = STARTER_NAME if folder == built_in else folder.name
    return card_name(read_card(folder), fallback)


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object; {} where it is missing, too large or damaged."""
    try:
        if path.stat().st_size > _JSON_BYTES_MAX:
            return {}
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _family(unet: dict[str, Any]) -> tuple[str, int]:
    """Badge and usual side in pixels."""
    width = unet.get("cross_attention_dim")
    badge, side = _FAMILIES.get(width, ("diffusers", 512)) if isinstance(width, int) else ("diffusers", 512)
    sample = unet.get("sample_size")
    if isinstance(sample, int) and not isinstance(sample, bool) and 8 <= sample <= 512:
        side = sample * 8
    return badge, side


def _usual_sizes(side: int) -> tuple[Size, ...]:
    longer = (side * 3 // 2 + 4) // 8 * 8
    return (Size(side, side), Size(side, longer), Size(longer, side))


def unet_weights(folder: Path) -> Path | None:
    """The file whose hash names the model: the UNet's weights, of several (variants, shards) the first by name."""
    files = sorted((folder / "unet").glob("*.safetensors"))
    plain = folder / "unet" / "diffusion_pytorch_model.safetensors"
    return plain if plain in files else next(iter(files), None)

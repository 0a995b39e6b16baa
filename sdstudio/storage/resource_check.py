"""Whether the files that came with the program are all there and whole."""

from __future__ import annotations

import json
import struct
from pathlib import Path

_HEADER_MAX = 100 * 2**20
"""The safetensors format's own limit on its header."""
_NEEDED = (
    "models/starter/model_index.json",
    "models/starter/unet/diffusion_pytorch_model.safetensors",
    "models/starter/text_encoder/model.safetensors",
    "models/starter/vae/diffusion_pytorch_model.safetensors",
    "models/starter/tokenizer",
    "upscaler/realesr-animevideov3-x4.safetensors",
    "icons",
    "fonts",
)


def check_resources(root: Path) -> list[str]:
    """What is wrong, in words; [] when all is well."""
    problems = [f"“{name}” is missing" for name in _NEEDED if not (root / name).exists()]
    problems += [
        f"“{path.relative_to(root).as_posix()}” is not whole"
        for path in sorted(root.rglob("*.safetensors"))
        if not safetensors_whole(path)
    ]
    return list(dict.fromkeys(problems))


def safetensors_whole(path: Path) -> bool:
    """The header says where the last tensor ends: exactly there the file must end, too."""
    with path.open("rb") as file:
        start = file.read(8)
        if len(start) < 8:
            return False
        (length,) = struct.unpack("<Q", start)
        if length > _HEADER_MAX:
            return False
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
            return False
    return bool(path.stat().st_size == 8 + length + max(ends, default=0))

"""Model files that can be added to others: LoRAs with and without side-cars, embeddings, VAEs; and models for them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers import model_families as families
from tests.helpers.model_files import header, write_safetensors, write_sparse
from tests.helpers.model_shapes import vae

MODELS = {
    "giant-xl": families.sdxl,
    "polish-xl": families.refiner,
    "instruct": lambda: families.sd1(8),
    "upscaler": families.x4,
    "variations": lambda: families.unclip("H"),
    "depth": families.depth,
}


def write_added(models: Path) -> Path:
    """Below a folder of models. Of SD 1: ink_v2 (“Ink & brush”, three words, a picture) and glow; of SDXL: crystal."""
    loras = models / "loras"
    write_safetensors(loras / "ink_v2.safetensors", families.lora(768), metadata={"ss_output_name": "inkmaster"})
    write_safetensors(loras / "glow.safetensors", families.lora(768, kind="LoHa"))
    write_safetensors(loras / "crystal.safetensors", families.lora(2048))
    (loras / "half.safetensors").write_bytes((loras / "glow.safetensors").read_bytes()[:900])
    beside = {"model": {"name": "Ink & brush"}, "trainedWords": ["ink style, brush strokes", "monochrome"]}
    (loras / "ink_v2.civitai.info").write_text(json.dumps(beside))
    rows = np.arange(64, dtype=np.uint8)[:, None, None]
    Image.fromarray(np.broadcast_to(rows * 4, (64, 48, 3)).copy()).save(loras / "ink_v2.preview.png")
    write_safetensors(models / "embeddings" / "badhands.safetensors", {"emb_params": (2, 768)}, "F32")
    write_safetensors(models / "VAE" / "clear.safetensors", vae(width=8))
    write_safetensors(models / "VAE" / "clear-xl.safetensors", vae(width=8))
    return models


def write_models(models: Path) -> Path:
    """One checkpoint of each family that has settings of its own; most of each file is a hole."""
    for name in MODELS:
        write_sparse(models / f"{name}.safetensors", *_header(name))
    return models


@cache
def _header(name: str) -> tuple[bytes, int]:
    """Thousands of names: made once in a process."""
    return header(MODELS[name]())

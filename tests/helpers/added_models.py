"""Model files that can be added to others: LoRAs with and without side-cars, embeddings, VAEs; and models for them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.helpers import model_families as families
from tests.helpers.model_files import write_safetensors
from tests.helpers.model_shapes import vae


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
    write_safetensors(models / "giant-xl.safetensors", families.sdxl())
    write_safetensors(models / "polish-xl.safetensors", families.refiner())
    write_safetensors(models / "instruct.safetensors", families.sd1(8))
    write_safetensors(models / "upscaler.safetensors", families.x4())
    write_safetensors(models / "variations.safetensors", families.unclip("H"))
    write_safetensors(models / "depth.safetensors", families.depth())
    return models

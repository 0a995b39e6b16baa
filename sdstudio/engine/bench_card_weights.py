"""Models and a LoRA made up on the spot for `sdstudio bench card`: real structures, sound random weights.

Weights are as large as their layers' inputs are many (He et al. 2015), so that every layer moves the picture: where two
runs differ anywhere, their latents do.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from transformers import CLIPTextModelWithProjection

from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.bench_weights import Shape, checkpoint_shapes
from sdstudio.engine.layouts import CONFIGS, LAYOUTS, VOCABULARY
from sdstudio.engine.libraries import (
    AutoencoderKL,
    CLIPTextModel,
    UNet2DConditionModel,
    empty_network,
    empty_text_encoder,
)

HOT = {"unet": "down_blocks.0.resnets.0.conv2.weight", "vae": "decoder.mid_block.resnets.0.conv2.weight"}
"""By part, the layer whose output half precision cannot hold, and single can; a norm follows."""
_HOT_EXPONENT = 13
_POOL = 2**22
_NARROW_TEXT = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
_NARROW = {
    "unet": {"block_out_channels": [32, 64, 64, 64], "cross_attention_dim": 64},
    "vae": {"block_out_channels": [32, 32, 64, 64]},
    "text_encoder": _NARROW_TEXT,
}


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A model and the folder of resources that describes it."""

    spec: ModelSpec
    resources: Path


def write_one_file(folder: Path, resources: Path, name: str = "sd15") -> MadeUp:
    """Stable Diffusion 1.5 as the one file that most people have, 2.1 GB; narrow where the resources are."""
    path = folder / f"{name}.safetensors"
    _write(path, checkpoint_shapes(resources / CONFIGS / LAYOUTS[ModelFamily.SD1].folder))
    family, prediction = ModelFamily.SD1.value, Prediction.EPSILON.value
    return MadeUp(ModelSpec(name=name, path=str(path), family=family, prediction=prediction), resources)


def write_folder(folder: Path, resources: Path, family: ModelFamily, *, hot: bool = False) -> MadeUp:
    """A model in diffusers layout. `hot`: a layer of the UNet and one of the VAE overflow in half precision."""
    described = resources / CONFIGS / LAYOUTS[family].folder
    shutil.copytree(described, folder)
    index = json.loads((described / "model_index.json").read_text("utf-8"))
    parts: dict[str, tuple[Any, str]] = {
        "unet": (UNet2DConditionModel, "diffusion_pytorch_model"),
        "vae": (AutoencoderKL, "diffusion_pytorch_model"),
        "text_encoder": (CLIPTextModel, "model"),
        "text_encoder_2": (CLIPTextModelWithProjection, "model"),
    }
    for part, (kind, stem) in parts.items():
        if part in index:
            text = part.startswith("text")
            network = empty_text_encoder(kind, folder, part) if text else empty_network(kind, folder, part)[0]
            shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
            _write(folder / part / f"{stem}.safetensors", shapes, [HOT[part]] if hot and part in HOT else ())
    for name in [key for key in index if key.startswith("tokenizer")]:
        shutil.copytree(resources / VOCABULARY, folder / name, dirs_exist_ok=True)
    return MadeUp(ModelSpec(name=folder.name, path=str(folder)), resources)


def write_lora(path: Path, width: int, rank: int = 8) -> Path:
    """For the first attention of a UNet of Stable Diffusion 1's kind, `width` channels wide, in kohya's names."""
    front = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_"
    shapes: dict[str, Shape] = {}
    for layer in ("to_q", "to_k", "to_v", "to_out_0"):
        shapes |= {f"{front}{layer}.lora_down.weight": (rank, width), f"{front}{layer}.lora_up.weight": (width, rank)}
    _write(path, shapes)
    return path


def narrow(folder: Path, resources: Path, *families: ModelFamily) -> Path:
    """Resources that describe networks of the same structure and few channels."""
    shutil.copytree(resources / VOCABULARY, folder / VOCABULARY)
    for family in families:
        name = LAYOUTS[family].folder
        shutil.copytree(resources / CONFIGS / name, folder / CONFIGS / name)
        for part, changes in _NARROW.items():
            config = folder / CONFIGS / name / part / "config.json"
            told = json.loads(config.read_text("utf-8"))
            heads = [1, 2, 2, 2] if isinstance(told.get("attention_head_dim"), list) else 4
            more = {"attention_head_dim": heads} if "attention_head_dim" in told else {}
            config.write_text(json.dumps(told | changes | more), "utf-8")
    return folder


@lru_cache(maxsize=16)
def _pool(exponent: int) -> bytes:
    """Normal random numbers times 2 ** exponent, in half precision."""
    values = torch.randn(_POOL, generator=torch.Generator().manual_seed(0)) * 2.0**exponent
    return values.half().numpy().tobytes()


def _write(path: Path, shapes: Mapping[str, Shape], hot: Iterable[str] = ()) -> None:
    """A safetensors file in half precision, tensor by tensor."""
    header, place, hot = dict[str, Any](), 0, set(hot)
    for name, shape in shapes.items():
        end = place + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, end]}
        place = end
    listed = json.dumps(header).encode()
    listed += b" " * (-len(listed) % 8)
    ones = torch.ones(2**13, dtype=torch.half).numpy().tobytes()
    with path.open("wb") as file:
        file.write(len(listed).to_bytes(8, "little") + listed)
        for number, (name, shape) in enumerate(shapes.items()):
            norm = len(shape) == 1 and name.endswith("weight")
            source = ones if norm else _pool(_HOT_EXPONENT if name in hot else _exponent(shape))
            start = 0 if norm else 2 * (number * 7919 % _POOL)
            left = 2 * math.prod(shape)
            while left:
                piece = source[start : start + left]
                file.write(piece)
                left, start = left - len(piece), 0


def _exponent(shape: Shape) -> int:
    """Biases are small. A power of two, so that all weights of a size share their random numbers."""
    return -6 if len(shape) < 2 else round(-math.log2(math.prod(shape[1:])) / 2)

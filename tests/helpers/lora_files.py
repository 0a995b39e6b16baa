"""Tiny LoRA and embedding files of every kind and naming, with the change of each layer's weight in float64.

`write_lora(path, model_folder, kind=…, names=…)` is what most tests need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextModel

from tests.helpers.ldm_export import _unet_name
from tests.helpers.lora_kinds import KINDS as KINDS
from tests.helpers.lora_kinds import State

NAMES = ("kohya", "original", "diffusers", "old diffusers")
"""“original”: kohya's form with the original code's block names, as LoRAs of SDXL have them."""


@dataclass(frozen=True)
class Layer:
    """`part`: "unet", "te" (the only text encoder), "te1" or "te2"; `path` as diffusers or transformers has it."""

    part: str
    path: str
    module: Any


@dataclass(frozen=True)
class LoraFileMade:
    """`changes`: of each layer's weight, float64, by (part, path). `bias_changes`: where the file has them."""

    path: Path
    changes: dict[tuple[str, str], torch.Tensor]
    bias_changes: dict[tuple[str, str], torch.Tensor]


def write_lora(
    path: Path,
    model: Path,
    *,
    kind: str = "LoRA",
    names: str = "kohya",
    text: bool = True,
    size: float = 1.0,
    seed: int = 0,
) -> LoraFileMade:
    """Of a model folder's attention layers and some convolutions. `kind`: one of KINDS; `size` scales the change; by
    its ending the file is .safetensors, or .pt."""
    networks: dict[str, Any] = {"unet": UNet2DConditionModel.from_pretrained(model / "unet")}
    if text:
        networks["te"] = CLIPTextModel.from_pretrained(model / "text_encoder")
    return write_lora_of(path, networks, kind=kind, names=names, size=size, seed=seed)


def write_lora_of(
    path: Path,
    networks: Mapping[str, Any],
    *,
    kind: str = "LoRA",
    names: str = "kohya",
    size: float = 1.0,
    seed: int = 0,
    wanted: Callable[[Layer], bool] | None = None,
) -> LoraFileMade:
    """`networks` by part; `wanted` chooses the layers."""
    rng = torch.Generator().manual_seed(seed)
    state: State = {}
    changes, biases = {}, {}
    for layer in layers_of(networks, wanted or usual_layer):
        if kind not in ("norm", "full difference") and isinstance(layer.module, nn.GroupNorm | nn.LayerNorm):
            continue
        made = KINDS[kind](layer.module, rng, size)
        if made is None:
            continue
        tensors, change = made
        state |= {file_key(layer, role, names, networks): value.contiguous() for role, value in tensors.items()}
        changes[layer.part, layer.path] = change
        if "diff_b" in tensors:
            biases[layer.part, layer.path] = tensors["diff_b"].double()
    save(state, path)
    return LoraFileMade(path, changes, biases)


def save(state: State, path: Path, metadata: dict[str, str] | None = None) -> Path:
    state = {name: value.detach().clone().contiguous() for name, value in state.items()}
    if path.suffix == ".safetensors":
        save_file(state, path, metadata=metadata)
    else:
        torch.save(state, path)
    return path


def layers_of(networks: Mapping[str, Any], wanted: Callable[[Layer], bool]) -> list[Layer]:
    kinds = (nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm)
    found = [
        Layer(part, path, module)
        for part, network in networks.items()
        for path, module in network.named_modules()
        if isinstance(module, kinds)
    ]
    return [layer for layer in found if wanted(layer)]


def usual_layer(layer: Layer) -> bool:
    """Attention, its feed-forward, the text encoder's layers, and each sort of convolution once."""
    if layer.part != "unet":
        return isinstance(layer.module, nn.Linear)
    return any(
        word in layer.path
        for word in (
            "attn",
            "ff.net",
            "proj_in",
            "down_blocks.0.resnets.0.",
            "downsamplers.0.conv",
            "upsamplers.0.conv",
        )
    )


# -- names ------------------------------------------------------------------------------------------------------------

_KOHYA_ENDS = {"down": "lora_down.weight", "up": "lora_up.weight", "mid": "lora_mid.weight"}
_PEFT_ENDS = {"down": "lora_A.weight", "up": "lora_B.weight"}
_OLD_ENDS = {"down": "down.weight", "up": "up.weight"}
_DIFFUSERS_PARTS = {"unet": "unet", "te": "text_encoder", "te1": "text_encoder", "te2": "text_encoder_2"}


def file_key(layer: Layer, role: str, names: str, networks: Mapping[str, Any]) -> str:
    path = layer.path
    if layer.part != "unet" and not path.startswith("text_model.") and path != "text_projection":
        path = f"text_model.{path}"
    if names == "original" and layer.part == "unet":
        path = original_path(layer, networks["unet"])
    if names in ("kohya", "original"):
        return f"lora_{layer.part}_{path.replace('.', '_')}.{_KOHYA_ENDS.get(role, role)}"
    part = _DIFFUSERS_PARTS[layer.part]
    if names == "old diffusers" and role in _OLD_ENDS:
        front, _, last = path.removesuffix(".0").rpartition(".")
        if layer.part == "unet" and last.startswith("to_"):
            return f"{part}.{front}.processor.{last}_lora.{_OLD_ENDS[role]}"
        if layer.part != "unet" and last.endswith("_proj"):
            return f"{part}.{path}.lora_linear_layer.{_OLD_ENDS[role]}"
        return f"{part}.{path}.lora.{_OLD_ENDS[role]}"
    return f"{part}.{path}.{_PEFT_ENDS.get(role, role)}"


def original_path(layer: Layer, unet: Any) -> str:
    """By the exporter of whole checkpoints."""
    name = _unet_name(f"{layer.path}.weight", int(unet.config.layers_per_block))
    if ".UP." in name:
        block = unet.up_blocks[int(layer.path.split(".")[1])]
        name = name.replace("UP", "2" if getattr(block, "attentions", None) else "1")
    return name.removesuffix(".weight")


# -- embeddings -------------------------------------------------------------------------------------------------------


def write_embedding(
    path: Path, width: int, vectors: int = 2, *, form: str = "emb_params", seed: int = 0, second: int = 0
) -> tuple[torch.Tensor, ...]:
    """Forms: "emb_params", "A1111" (.pt), "raw" (one tensor under its word), "tensor" (.pt), "SDXL" (a pair, the second
    of the width `second`). Returns vectors x width for each text encoder."""
    rng = torch.Generator().manual_seed(seed)
    made = torch.randn(vectors, width, generator=rng) * 0.5
    if form == "SDXL":
        pair = (made, torch.randn(vectors, second, generator=rng) * 0.5)
        save(dict(zip(("clip_l", "clip_g"), pair, strict=True)), path)
        return pair
    if form == "emb_params":
        save({"emb_params": made}, path)
    elif form == "raw":
        save({"<word>": made[0] if vectors == 1 else made}, path)
    elif form == "tensor":
        torch.save(made, path)
    else:
        told = {"string_to_token": {"*": 265}, "name": path.stem, "step": 500, "sd_checkpoint": None}
        torch.save(told | {"string_to_param": {"*": made}}, path)
    return (made,)

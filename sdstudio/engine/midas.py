"""MiDaS' depth network as its own code names its weights, turned into transformers' model of it.

Names: github.com/isl-org/MiDaS (dpt_depth.py, vit.py, blocks.py: "dpt_hybrid"), whose encoder is timm's
vit_base_resnet50_384, and transformers' DPTForDepthEstimation. Both are the same network: three stages of a ResNet, a
vision transformer on top of them, and a decoder that joins the features of both (Ranftl et al. 2021).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import DPTConfig, DPTForDepthEstimation

__all__ = ["DPTForDepthEstimation", "empty_depth_estimator", "to_transformers"]

_ENCODER, _BACKBONE = "pretrained.model.", "pretrained.model.patch_embed.backbone."
_EMBEDDINGS, _BIT = "dpt.embeddings.", "dpt.embeddings.backbone.bit."
_CLASSIFIER = re.compile(r"pretrained\.model\.head\.(weight|bias)")
"""Of the pictures that the encoder was trained with; nobody asks it."""
_JOINED = re.compile(r"pretrained\.model\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)")
_ALONE = {
    f"{_ENCODER}cls_token": f"{_EMBEDDINGS}cls_token",
    f"{_ENCODER}pos_embed": f"{_EMBEDDINGS}position_embeddings",
}
_STEMS = {
    f"{_BACKBONE}stem.conv": f"{_BIT}embedder.convolution",
    f"{_BACKBONE}stem.norm": f"{_BIT}embedder.norm",
    f"{_ENCODER}patch_embed.proj": f"{_EMBEDDINGS}projection",
    f"{_ENCODER}norm": "dpt.layernorm",
}
_IN_BLOCKS = {
    "norm1": "layernorm_before",
    "norm2": "layernorm_after",
    "attn.proj": "attention.output.dense",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
}
_IN_READOUTS = {"0.project.0": "readout_projects.{}.0", "3": "layers.{}.projection", "4": "layers.{}.resize"}
_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_RULES: tuple[_Rule, ...] = (
    (
        re.compile(
            r"pretrained\.model\.patch_embed\.backbone\.stages\.(\d+)\.blocks\.(\d+)"
            r"\.((?:conv|norm)[123]|downsample\.(?:conv|norm))"
        ),
        lambda found: f"{_BIT}encoder.stages.{found[1]}.layers.{found[2]}.{found[3]}",
    ),
    (
        re.compile(r"pretrained\.model\.blocks\.(\d+)\.(.+)"),
        lambda found: f"dpt.encoder.layer.{found[1]}.{_IN_BLOCKS[found[2]]}",
    ),
    # The first two take the ResNet's features as they are, and have no weights.
    (
        re.compile(r"pretrained\.act_postprocess([34])\.(.+)"),
        lambda found: "neck.reassemble_stage." + _IN_READOUTS[found[2]].format(int(found[1]) - 1),
    ),
    (re.compile(r"scratch\.layer([1-4])_rn"), lambda found: f"neck.convs.{int(found[1]) - 1}"),
    # Counted from the finest features there, from the coarsest, which are joined first, here.
    (
        re.compile(r"scratch\.refinenet([1-4])\.out_conv"),
        lambda found: f"neck.fusion_stage.layers.{4 - int(found[1])}.projection",
    ),
    (
        re.compile(r"scratch\.refinenet([1-4])\.resConfUnit([12])\.conv([12])"),
        lambda found: f"neck.fusion_stage.layers.{4 - int(found[1])}.residual_layer{found[2]}.convolution{found[3]}",
    ),
    (re.compile(r"scratch\.output_conv\.([024])"), lambda found: f"head.head.{found[1]}"),
)


def to_transformers(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Of the weights below `depth_model.model.`, which are renamed and cut in rows alone: anything with a shape will
    do. Raises KeyError for a name that this network does not have."""
    result: dict[str, Any] = {}
    for name, value in weights.items():
        result |= _renamed(name, value)
    return result


def _renamed(name: str, value: Any) -> dict[str, Any]:
    """One name for each but the attention's input, which holds queries, keys and values below each other."""
    if _CLASSIFIER.fullmatch(name):
        return {}
    if name in _ALONE:
        return {_ALONE[name]: value}
    joined = _JOINED.fullmatch(name)
    if joined is not None:
        place, rows = f"dpt.encoder.layer.{joined[1]}.attention.attention", value.shape[0] // 3
        parts = enumerate(("query", "key", "value"))
        return {f"{place}.{part}.{joined[2]}": value[number * rows : (number + 1) * rows] for number, part in parts}
    stem, _, kind = name.rpartition(".")
    return {f"{_STEMS.get(stem) or _by_rule(stem)}.{kind}": value}


def _by_rule(stem: str) -> str:
    for pattern, rename in _RULES:
        found = pattern.fullmatch(stem)
        if found is not None:
            return rename(found)
    raise KeyError(stem)


def empty_depth_estimator(config: Path) -> Any:
    """The network that `config`/config.json describes, without memory for its weights."""
    with torch.device("meta"):
        return DPTForDepthEstimation(DPTConfig.from_pretrained(str(config), local_files_only=True))

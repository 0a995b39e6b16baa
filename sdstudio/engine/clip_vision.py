"""CLIP's picture encoder as OpenAI and open_clip name its weights, turned into transformers' model of it.

Names: github.com/openai/CLIP (model.py, VisionTransformer), which open_clip has kept, and transformers'
CLIPVisionModelWithProjection. Both are the same network: a class token and square patches, a norm before and one after
the layers, and a projection of the class token to the space that pictures and texts share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ALONE = {
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "conv1.weight": "embeddings.patch_embedding.weight",
    "ln_pre.weight": "pre_layrnorm.weight",  # transformers' own spelling
    "ln_pre.bias": "pre_layrnorm.bias",
    "ln_post.weight": "post_layernorm.weight",
    "ln_post.bias": "post_layernorm.bias",
}
_IN_LAYERS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}
_LAYER = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)")
_JOINED = re.compile(r"attn\.in_proj_(weight|bias)")


def to_transformers(state: Mapping[str, Any]) -> dict[str, Any]:
    """Of the weights below `visual.`: tensors, or what stands for them until they are read. They are only renamed, cut
    in three and turned. Raises KeyError for a name that this network does not have."""
    result: dict[str, Any] = {}
    for name, value in state.items():
        result |= _renamed(name, value)
    return result


def _renamed(name: str, value: Any) -> dict[str, Any]:
    """One name for each but the attention's input, which holds queries, keys and values below each other."""
    if name == "proj":
        return {"visual_projection.weight": value.T.contiguous()}  # multiplied from the other side
    layer = _LAYER.fullmatch(name)
    if layer is None:
        return {f"vision_model.{_ALONE[name]}": value}
    place, inner = f"vision_model.encoder.layers.{layer[1]}", layer[2]
    joined = _JOINED.fullmatch(inner)
    if joined is not None:
        parts = zip("qkv", value.chunk(3), strict=True)
        return {f"{place}.self_attn.{part}_proj.{joined[1]}": piece for part, piece in parts}
    stem, kind = inner.rsplit(".", 1)
    return {f"{place}.{_IN_LAYERS[stem]}.{kind}": value}

"""What unCLIP models have beside Stable Diffusion 2's parts, tiny: in the file, the folder, and the configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from sdstudio.domain.model_file import ModelFamily
from sdstudio.engine.embedding_stats import STATS_FILE
from sdstudio.engine.layouts import CONFIGS, LAYOUTS

if TYPE_CHECKING:
    from tests.helpers.one_file import OneFile

SHIPPED = Path(__file__).resolve().parents[2] / "resources" / CONFIGS
State = dict[str, torch.Tensor]
ENCODER = "embedder.model.visual."
_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_ENDS = {
    "embeddings.class_embedding": "class_embedding",
    "embeddings.position_embedding.weight": "positional_embedding",
    "embeddings.patch_embedding.weight": "conv1.weight",
    "pre_layrnorm.weight": "ln_pre.weight",
    "pre_layrnorm.bias": "ln_pre.bias",
    "post_layernorm.weight": "ln_post.weight",
    "post_layernorm.bias": "ln_post.bias",
}


def original_vision(state: State, layers: int) -> State:
    """transformers' picture encoder under the names of OpenAI's and open_clip's code, without `visual.`."""
    result = {theirs: state[f"vision_model.{own}"] for own, theirs in _ENDS.items()}
    result["proj"] = state["visual_projection.weight"].T
    for number in range(layers):
        own, theirs = f"vision_model.encoder.layers.{number}.", f"transformer.resblocks.{number}."
        for kind in ("weight", "bias"):
            result[f"{theirs}attn.in_proj_{kind}"] = torch.cat(
                [state[f"{own}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            )
            for name, other in _LAYER.items():
                result[f"{theirs}{other}.{kind}"] = state[f"{own}{name}.{kind}"]
    return result


def vision_config(folder: str, **changes: Any) -> CLIPVisionConfig:
    """Of a shipped layout."""
    shipped = json.loads((SHIPPED / folder / "image_encoder" / "config.json").read_text())
    return CLIPVisionConfig(**{key: value for key, value in shipped.items() if key != "architectures"} | changes)


def tiny_vision(folder: str) -> CLIPVisionModelWithProjection:
    """Narrow, but with the width of embeddings that tells L from H, and the size of pictures and patches."""
    changes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2}
    network = CLIPVisionModelWithProjection(vision_config(folder, **changes))
    for name, value in network.named_parameters():
        if value.ndim == 1:
            torch.nn.init.normal_(value, mean=1.0 if name.endswith("norm.weight") else 0.0, std=0.3)
    # As strong as CLIP's own, so that what is seen in a picture counts.
    torch.nn.init.normal_(network.visual_projection.weight, std=0.1)
    return network.eval()


def add_unclip_parts(one: OneFile, *, half: bool = False) -> None:
    """To what make_one_file has written. Statistics of random values for L, beside the file; H has none."""
    layout = LAYOUTS[one.family].folder
    network = tiny_vision(layout)
    network = network.half() if half else network
    width = network.config.projection_dim
    described = one.resources / CONFIGS / layout
    network.config.save_pretrained(described / "image_encoder")
    network.save_pretrained(one.folder / "image_encoder")
    noising = DDPMScheduler.load_config(SHIPPED / layout / "image_noising_scheduler")
    for place in (described, one.folder):
        DDPMScheduler.from_config(noising).save_pretrained(place / "image_noising_scheduler")
    normalizer = StableUnCLIPImageNormalizer(width)
    if one.family is ModelFamily.UNCLIP_L:
        mean, std = torch.randn(width) * 0.3, torch.rand(width) + 0.3
        normalizer.load_state_dict({"mean": mean[None], "std": std[None]})
        torch.save((mean, std), one.path.parent / STATS_FILE)
    normalizer.save_pretrained(one.folder / "image_normalizer")
    _extend(one.path, _in_file(network, DDPMScheduler.from_config(noising)))


def _in_file(network: CLIPVisionModelWithProjection, noising: DDPMScheduler) -> State:
    visual = original_vision(network.state_dict(), network.config.num_hidden_layers)
    state = {ENCODER + name: value.contiguous().clone() for name, value in visual.items()}
    # The rest of CLIP is saved along by the original code, and read by nobody.
    state["embedder.model.logit_scale"] = torch.tensor(4.6)
    state["noise_augmentor.betas"] = noising.betas.clone()
    state["noise_augmentor.alphas_cumprod"] = noising.alphas_cumprod.clone()
    return state


def _extend(path: Path, more: State) -> None:
    if path.suffix == ".safetensors":
        save_file(load_file(path) | more, path)
        return
    data = torch.load(path, weights_only=True)
    data["state_dict"] |= more
    torch.save(data, path)

"""Tiny models written as the one-file checkpoints that people have: the names of the original code, not diffusers'.

Names: github.com/CompVis/stable-diffusion (openaimodel.py, model.py) and github.com/mlfoundations/open_clip.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

State = dict[str, torch.Tensor]

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "class_embedding.linear_1": "label_emb.0.0",
    "class_embedding.linear_2": "label_emb.0.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}


def ldm_unet(unet: Any) -> State:
    layers = int(unet.config.layers_per_block)
    return {f"model.diffusion_model.{_unet_name(name, layers)}": value for name, value in unet.state_dict().items()}


def _unet_name(name: str, layers: int) -> str:
    if name == "class_embedding.weight":
        return "label_emb.weight"
    stem, kind = name.rsplit(".", 1)
    if stem in _UNET_ENDS:
        return f"{_UNET_ENDS[stem]}.{kind}"
    found = re.fullmatch(
        r"(down|up|mid)_block(?:s\.(\d+))?\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", stem
    )
    assert found is not None, name
    where, part, number, rest = found[1], found[3], int(found[4]), found[5]
    block = int(found[2] or 0)
    inner = re.sub(r"^(" + "|".join(_RESNET) + r")$", lambda match: _RESNET[match[1]], rest)
    if where == "mid":
        return f"middle_block.{2 * number if part == 'resnets' else 1}.{inner}.{kind}"
    if part == "downsamplers":
        return f"input_blocks.{(layers + 1) * (block + 1)}.0.op.{kind}"
    if part == "upsamplers":
        return f"output_blocks.{(layers + 1) * block + layers}.UP.conv.{kind}"
    place = (layers + 1) * block + number
    first = f"input_blocks.{place + 1}" if where == "down" else f"output_blocks.{place}"
    return f"{first}.{0 if part == 'resnets' else 1}.{inner}.{kind}"


def _placed(state: State) -> State:
    """An upsampler comes after the attention, where its block has one."""
    result = {}
    for name, value in state.items():
        if ".UP." in name:
            block = name.split(".UP.")[0]
            name = name.replace("UP", "2" if any(other.startswith(f"{block}.1.") for other in state) else "1")
        result[name] = value
    return result


def ldm_vae(vae: Any) -> State:
    blocks = len(vae.config.block_out_channels)
    return {
        f"first_stage_model.{name}": value
        for name, value in (_vae_pair(*pair, blocks) for pair in vae.state_dict().items())
    }


def _vae_pair(name: str, value: torch.Tensor, blocks: int) -> tuple[str, torch.Tensor]:
    name = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d+)\.resnets", lambda m: f"up.{blocks - 1 - int(m[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{blocks - 1 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0", "mid.attn_1").replace("conv_norm_out", "norm_out")
    name = name.replace("conv_shortcut", "nin_shortcut")
    if ".attn_1." in name:
        for own, theirs in (
            ("group_norm", "norm"),
            ("to_q", "q"),
            ("to_k", "k"),
            ("to_v", "v"),
            ("to_out.0", "proj_out"),
        ):
            name = name.replace(f"attn_1.{own}.", f"attn_1.{theirs}.")
        if value.ndim == 2:
            value = value[:, :, None, None]
    return name, value.contiguous()


def clip_text(encoder: Any, prefix: str = "cond_stage_model.transformer.") -> State:
    """As Stable Diffusion 1 keeps it: transformers' own names."""
    return {f"{prefix}text_model.{_plain(name)}": value for name, value in encoder.state_dict().items()}


def _plain(name: str) -> str:
    return name.removeprefix("text_model.")


_OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def open_clip_text(encoder: Any, prefix: str = "cond_stage_model.model.", spare: int = 1) -> State:
    """As Stable Diffusion 2 keeps it: open_clip's names, queries, keys and values in one, and a last layer that is not
    used (`spare`; SDXL's has none, and a projection)."""
    state = {_plain(name): value for name, value in encoder.state_dict().items()}
    result: State = {
        f"{prefix}positional_embedding": state["embeddings.position_embedding.weight"],
        f"{prefix}token_embedding.weight": state["embeddings.token_embedding.weight"],
        f"{prefix}text_projection": state.get("text_projection.weight", torch.eye(encoder.config.hidden_size)).T,
        f"{prefix}logit_scale": torch.tensor(4.6),
    }
    for kind in ("weight", "bias"):
        result[f"{prefix}ln_final.{kind}"] = state[f"final_layer_norm.{kind}"]
    layers = int(encoder.config.num_hidden_layers)
    for number in range(layers + spare):
        layer = f"encoder.layers.{min(number, layers - 1)}."
        block = f"{prefix}transformer.resblocks.{number}."
        for kind in ("weight", "bias"):
            joined = [state[f"{layer}self_attn.{part}_proj.{kind}"] for part in "qkv"]
            result[f"{block}attn.in_proj_{kind}"] = torch.cat(joined)
            for own, theirs in _OPEN_CLIP.items():
                result[f"{block}{theirs}.{kind}"] = state[f"{layer}{own}.{kind}"]
    return result


def write_checkpoint(
    path: Path, unet: Any, vae: Any, encoder: Any, *, open_clip: bool = False, half: bool = False
) -> Path:
    """A .safetensors or, by its name, a .ckpt as the original training code wrote it."""
    return write_state(path, unet, vae, open_clip_text(encoder) if open_clip else clip_text(encoder), half=half)


def write_state(path: Path, unet: Any, vae: Any, text: State, *, half: bool = False) -> Path:
    """`text`: all of the text encoders, named as the file names them."""
    state = _placed(ldm_unet(unet)) | ldm_vae(vae) | text
    state = {name: (value.half() if half else value).clone().contiguous() for name, value in state.items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state, "global_step": 470000}, path)
    return path


def extend_checkpoint(path: Path, more: State) -> None:
    """Adds tensors to what `write_checkpoint` wrote."""
    more = {name: value.clone().contiguous() for name, value in more.items()}
    if path.suffix == ".safetensors":
        save_file(load_file(path) | more, path)
        return
    data = torch.load(path, weights_only=True)
    data["state_dict"] |= more
    torch.save(data, path)

"""SDXL, its inpainting network and its refiner at tiny size: as file, with the configurations for it, and as folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from sdstudio.domain.model_file import ModelFamily
from sdstudio.engine.layouts import CONFIGS, LAYOUTS, VOCABULARY
from tests.helpers.ldm_export import State, clip_text, open_clip_text, write_state
from tests.helpers.made_once import made_once

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
XL_FAMILIES = (ModelFamily.SDXL, ModelFamily.SDXL_INPAINTING, ModelFamily.SDXL_REFINER)
FIRST_WIDTH, SECOND_WIDTH, MEASURE_WIDTH = 32, 48, 8
"""Of the two text encoders, and of each number beside the prompt. The widths differ: they tell the encoders apart."""

Parts = dict[str, Any]


def make_xl_parts(name: str, *, seed: int = 1) -> Parts:
    """The networks by their part, of the configurations `name`, made narrow; random weights of a fixed seed."""
    torch.manual_seed(seed)
    read = {
        path.parent.name: json.loads(path.read_text()) for path in (RESOURCES / CONFIGS / name).glob("*/config.json")
    }
    # One family is as deep as published. That names and shapes of published files fit is tested without weights.
    published = name == LAYOUTS[ModelFamily.SDXL_INPAINTING].folder
    deep = {} if published else {"layers_per_block": 1}
    parts = {
        "unet": UNet2DConditionModel.from_config(_narrow_unet(read["unet"], 2 if published else 1) | deep),
        "vae": AutoencoderKL.from_config(
            read["vae"] | deep | {"block_out_channels": [8, 8, 16, 16], "norm_num_groups": 8, "sample_size": 64}
        ),
    }
    if "text_encoder" in read:
        parts["text_encoder"] = _text_encoder(CLIPTextModel, read["text_encoder"], FIRST_WIDTH)
    parts["text_encoder_2"] = _text_encoder(CLIPTextModelWithProjection, read["text_encoder_2"], SECOND_WIDTH)
    return parts


def _narrow_unet(config: dict[str, Any], transformers: int) -> dict[str, Any]:
    """`transformers`: how many follow each other where the published network has the most."""
    levels = len(config["block_out_channels"])
    measures = 6 if config["projection_class_embeddings_input_dim"] == 2816 else 5
    depth = config["transformer_layers_per_block"]
    return config | {
        "block_out_channels": [16, *[32] * (levels - 1)],
        "attention_head_dim": [2, *[4] * (levels - 1)],
        "norm_num_groups": 8,
        "cross_attention_dim": SECOND_WIDTH + (FIRST_WIDTH if config["cross_attention_dim"] == 2048 else 0),
        "addition_time_embed_dim": MEASURE_WIDTH,
        "projection_class_embeddings_input_dim": SECOND_WIDTH + measures * MEASURE_WIDTH,
        "transformer_layers_per_block": [1, 1, transformers] if isinstance(depth, list) else transformers,
    }


def _text_encoder(kind: Any, config: dict[str, Any], width: int) -> Any:
    plain = {key: value for key, value in config.items() if key not in ("architectures", "model_type")}
    narrow = {"hidden_size": width, "intermediate_size": 64, "num_attention_heads": 4, "num_hidden_layers": 4}
    encoder = kind(CLIPTextConfig(**plain | narrow | {"projection_dim": width}))
    # A fresh layer norm answers with a mean of zero, which no trained one does.
    torch.nn.init.normal_(getattr(encoder, "text_model", encoder).final_layer_norm.bias, mean=0.2, std=0.3)
    return encoder


def write_xl_folder(
    folder: Path, name: str, parts: Parts, scheduler_config: dict[str, Any] | None = None, **index: Any
) -> Path:
    """The model in diffusers layout; `index` changes its model_index.json."""
    shipped = RESOURCES / CONFIGS / name
    write_json(folder / "model_index.json", json.loads((shipped / "model_index.json").read_text()) | index)
    scheduler = "scheduler/scheduler_config.json"
    write_json(folder / scheduler, scheduler_config or json.loads((shipped / scheduler).read_text()))
    for part, network in parts.items():
        network.save_pretrained(folder / part)
    if "text_encoder" in parts:
        write_tokenizer(folder / "tokenizer", "<|endoftext|>")
    write_tokenizer(folder / "tokenizer_2", "!")
    return folder


def make_xl_folder(folder: Path, name: str) -> Path:
    """The folder of the family `name` with the networks that `make_xl_parts` makes."""
    made_once(("xl folder", name), folder, lambda first: write_xl_folder(first, name, make_xl_parts(name)))
    return folder


def write_xl_resources(resources: Path, name: str, parts: Parts) -> Path:
    """What reads the tiny networks from a file."""
    described = resources / CONFIGS / name
    shutil.copytree(RESOURCES / CONFIGS / name, described, dirs_exist_ok=True)
    for part, network in parts.items():
        config = network.config
        plain = config.to_dict() if hasattr(config, "to_dict") else dict(config)
        write_json(described / part / "config.json", plain)
    shutil.copytree(RESOURCES / VOCABULARY, resources / VOCABULARY, dirs_exist_ok=True)
    return resources


def write_xl_file(path: Path, parts: Parts) -> Path:
    text: State = {}
    if "text_encoder" in parts:
        text |= clip_text(parts["text_encoder"], "conditioner.embedders.0.transformer.")
    place = 1 if "text_encoder" in parts else 0
    text |= open_clip_text(parts["text_encoder_2"], f"conditioner.embedders.{place}.model.", spare=0)
    return write_state(path, parts["unet"], parts["vae"], text)


def make_xl_file(folder: Path, family: ModelFamily, ending: str, *, half: bool) -> None:
    """The file, the folder "model" and the folder "resources"."""
    name = LAYOUTS[family].folder
    parts = make_xl_parts(name)
    write_xl_resources(folder / "resources", name, parts)
    if half:
        parts = {part: network.half() for part, network in parts.items()}
    write_xl_file(folder / f"tiny{ending}", parts)
    write_xl_folder(folder / "model", name, parts)


def write_tokenizer(folder: Path, pad: str) -> None:
    folder.mkdir(parents=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(RESOURCES / VOCABULARY / name, folder / name)
    ends = {
        "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": pad,
    }
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **ends})


def write_json(path: Path, data: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))

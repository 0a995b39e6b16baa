"""Every family of one-file models at tiny size: the file, the configurations that read it, and the same as a folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.layouts import CONFIGS, LAYOUTS, VOCABULARY
from tests.helpers.ldm_export import write_checkpoint
from tests.helpers.made_once import made_once
from tests.helpers.midas_parts import add_depth_parts
from tests.helpers.unclip_parts import add_unclip_parts
from tests.helpers.xl_models import RESOURCES, XL_FAMILIES, make_xl_file, write_json, write_tokenizer

UNCLIP = (ModelFamily.UNCLIP_L, ModelFamily.UNCLIP_H)
PREDICTIONS = dict.fromkeys((ModelFamily.SD2_V, ModelFamily.X4_UPSCALER, *UNCLIP), Prediction.V)


@dataclass(frozen=True)
class OneFile:
    """`resources` describes the tiny networks; `folder` is the same model in diffusers layout."""

    family: ModelFamily
    path: Path
    folder: Path
    resources: Path

    @property
    def spec(self) -> ModelSpec:
        prediction = PREDICTIONS.get(self.family, Prediction.EPSILON)
        return ModelSpec(name="Tiny", path=str(self.path), family=self.family.value, prediction=prediction.value)

    @property
    def folder_spec(self) -> ModelSpec:
        return ModelSpec(name="Tiny", path=str(self.folder))


def make_one_file(folder: Path, family: ModelFamily, ending: str = ".safetensors", *, half: bool = False) -> OneFile:
    """Random weights of a fixed seed."""
    made_once(("one file", family, ending, half), folder, lambda first: _make(first, family, ending, half=half))
    return OneFile(family, folder / f"tiny{ending}", folder / "model", folder / "resources")


def _make(folder: Path, family: ModelFamily, ending: str, *, half: bool) -> None:
    if family in XL_FAMILIES:
        make_xl_file(folder, family, ending, half=half)
        return
    torch.manual_seed(1)
    layout = LAYOUTS[family]
    resources, model = folder / "resources", folder / "model"
    unet, vae, text = _tiny_configs(layout.folder)
    for part, config in (("unet", unet), ("vae", vae), ("text_encoder", text)):
        write_json(resources / CONFIGS / layout.folder / part / "config.json", config)
    shipped = RESOURCES / CONFIGS / layout.folder
    for path in (shipped / "model_index.json", *shipped.glob("*scheduler/scheduler_config.json")):
        name = path.relative_to(shipped)
        write_json(resources / CONFIGS / layout.folder / name, json.loads(path.read_text()))
        write_json(model / name, json.loads(path.read_text()))
    shutil.copytree(RESOURCES / VOCABULARY, resources / VOCABULARY)
    parts = _networks(unet, vae, text)
    if half:
        parts = [part.half() for part in parts]
    path = write_checkpoint(folder / f"tiny{ending}", *parts, open_clip=layout.pad == "!")
    for part, name in zip(parts, ("unet", "vae", "text_encoder"), strict=True):
        part.save_pretrained(model / name)
    write_tokenizer(model / "tokenizer", layout.pad)
    one = OneFile(family, path, model, resources)
    if family in UNCLIP:
        add_unclip_parts(one, half=half)
    if family is ModelFamily.SD2_DEPTH:
        add_depth_parts(one, half=half)


def _tiny_configs(name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The shipped ones, narrower and less deep."""
    read = {
        part: json.loads((RESOURCES / CONFIGS / name / part / "config.json").read_text())
        for part in ("unet", "vae", "text_encoder")
    }
    # One family is as deep as published. That names and shapes of published files fit is tested without weights.
    # Not the one that most tests take: each layer is paid for in every step of theirs.
    deep = {} if name == LAYOUTS[ModelFamily.SD1_INPAINTING].folder else {"layers_per_block": 1}
    heads: Any = [2, 4, 4, 4] if isinstance(read["unet"]["attention_head_dim"], list) else 4
    unet = {
        **read["unet"],
        **deep,
        "block_out_channels": [16, 32, 32, 32],
        "norm_num_groups": 8,
        "cross_attention_dim": 32,
        "attention_head_dim": heads,
    }
    levels = len(read["vae"]["block_out_channels"])
    vae = read["vae"] | deep | {"block_out_channels": [8, 8, 16, 16][-levels:], "norm_num_groups": 8}
    text = read["text_encoder"] | {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_hidden_layers": 3,
    }
    return unet, vae, text


def _networks(unet: dict[str, Any], vae: dict[str, Any], text: dict[str, Any]) -> list[Any]:
    encoder = CLIPTextModel(
        CLIPTextConfig(**{key: value for key, value in text.items() if key not in ("architectures", "model_type")})
    )
    torch.nn.init.normal_(encoder.final_layer_norm.bias, mean=0.2, std=0.3)
    return [UNet2DConditionModel.from_config(unet), AutoencoderKL.from_config(vae), encoder]

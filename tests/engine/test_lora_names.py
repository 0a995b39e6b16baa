"""Every layer of real-size networks is found by every name that files give it. No weights: the meta device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from sdstudio.engine.lora.file import read_lora
from sdstudio.engine.lora.keys import TEXT, TEXT_2, UNET, plain_name, take_apart
from sdstudio.engine.lora.layers import text_layers, unet_layers
from sdstudio.engine.lora.original_names import original_fronts, original_path
from tests.helpers.lora_files import Layer, file_key, layers_of

CONFIGS = Path(__file__).resolve().parents[2] / "resources" / "checkpoints"
SDXL: dict[str, Any] = {
    # stabilityai/stable-diffusion-xl-base-1.0, unet/config.json: what differs from the class's own defaults.
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "attention_head_dim": [5, 10, 20],
    "block_out_channels": [320, 640, 1280],
    "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "projection_class_embeddings_input_dim": 2816,
    "sample_size": 128,
    "transformer_layers_per_block": [1, 2, 10],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "use_linear_projection": True,
}
CASES = {"SD 1.5": ("sd1", 686), "SD 2": ("sd2-base", 686), "SDXL": ("", 1680)}
"""Configuration, and how many parameters the published network has."""


@pytest.fixture(scope="module", params=CASES)
def unet(request: pytest.FixtureRequest) -> UNet2DConditionModel:
    folder, count = CASES[request.param]
    config = json.loads((CONFIGS / folder / "unet" / "config.json").read_text()) if folder else SDXL
    with torch.device("meta"):
        made = UNet2DConditionModel.from_config(config)
    assert len(made.state_dict()) == count
    return made


def all_layers(networks: dict[str, Any]) -> list[Layer]:
    return layers_of(networks, lambda _layer: True)


def test_original_names_are_those_that_diffusers_converts(unet: UNet2DConditionModel) -> None:
    """The converter of whole checkpoints is the judge: each name of ours must come back as the layer it stands for."""
    fronts, state, wanted = original_fronts(unet), {}, {}
    for number, name in enumerate(unet.state_dict()):
        path, _, kind = name.rpartition(".")
        original = original_path(path, fronts)
        assert original, name
        wanted[name] = number
        state[f"model.diffusion_model.{original}.{kind}"] = torch.tensor(number)
    assert len(state) == len(wanted)
    converted = convert_ldm_unet_checkpoint(state, dict(unet.config))
    assert {name: int(value) for name, value in converted.items()} == wanted


@pytest.mark.parametrize("names", ["kohya", "original", "diffusers", "old diffusers", "original with dots"])
def test_every_layer_of_the_unet_is_found(names: str, unet: UNet2DConditionModel) -> None:
    found, seen = unet_layers(unet), set()
    layers = all_layers({"unet": unet})
    assert {id(layer.module) for layer in layers} == {
        id(module)
        for module in unet.modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.GroupNorm | nn.LayerNorm)
    }
    fronts = original_fronts(unet)
    for layer in layers:
        for role in ("down", "up", "alpha"):
            name = file_key(layer, role, names, {"unet": unet})
            if names == "original with dots":
                name = f"diffusion_model.{original_path(layer.path, fronts)}.lora_A.weight"
            key = take_apart(name)
            assert key is not None and key.part == UNET, name
            assert found[key.layer].module is layer.module, name
        seen.add(key.layer)
    assert len(seen) == len(layers)


ENCODERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "te": (CLIPTextModel, {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}),
    "te1": (CLIPTextModel, {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}),
    "te2": (CLIPTextModelWithProjection, {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32}),
}


@pytest.mark.parametrize("names", ["kohya", "diffusers", "old diffusers"])
@pytest.mark.parametrize("part", ENCODERS)
def test_every_layer_of_the_text_encoders_is_found(part: str, names: str) -> None:
    kind, config = ENCODERS[part]
    with torch.device("meta"):
        encoder = kind(CLIPTextConfig(projection_dim=config["hidden_size"], **config))
    found, seen = text_layers(encoder), set()
    layers = all_layers({part: encoder})
    assert len(layers) == config["num_hidden_layers"] * 8 + 1 + (part == "te2")
    for layer in layers:
        for role in ("down", "up"):
            name = file_key(layer, role, names, {})
            key = take_apart(name)
            assert key is not None and key.part == (TEXT_2 if part == "te2" else TEXT), name
            assert found[key.layer].module is layer.module, name
        seen.add(key.layer)
    assert len(seen) == len(layers)


@pytest.mark.parametrize(
    ("name", "part", "layer", "role"),
    [
        # As they stand in files of the trainers that keys.py names.
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_out_0.lora_up.weight", UNET, "", "up"),
        ("lora_unet_mid_block_attentions_0_proj_in.alpha", UNET, "mid_block_attentions_0_proj_in", "alpha"),
        ("lora_te_text_model_encoder_layers_3_mlp_fc1.lora_down.weight", TEXT, "", "down"),
        ("lora_te2_text_model_encoder_layers_31_self_attn_q_proj.dora_scale", TEXT_2, "", "dora"),
        ("unet.mid_block.attentions.0.proj_in.lora.down.weight", UNET, "mid_block_attentions_0_proj_in", "down"),
        ("mid_block.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight", UNET,
         "mid_block_attentions_0_transformer_blocks_0_attn1_to_out", "up"),
        ("text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.up.weight", TEXT, "", "up"),
        ("text_encoder_2.text_model.encoder.layers.0.mlp.fc2.lora_B.weight", TEXT_2, "", "up"),
        ("base_model.model.mid_block.attentions.0.proj_in.lora_A.default.weight", UNET,
         "mid_block_attentions_0_proj_in", "down"),
        ("base_model.model.mid_block.attentions.0.proj_in.lora_magnitude_vector", UNET, "", "dora_out"),
        ("model.diffusion_model.out.2.diff_b", UNET, "out_2", "diff_b"),
        ("lora_unet_mid_block_attentions_0_norm.w_norm", UNET, "mid_block_attentions_0_norm", "diff"),
        ("lora_unet_mid_block_attentions_0_proj_in.on_input", UNET, "", "on_input"),
        ("lora_unet_mid_block_attentions_0_proj_in.weight", UNET, "mid_block_attentions_0_proj_in", "ia3"),
        ("lora_unet_mid_block_attentions_0_proj_in.lokr_w2_a", UNET, "", "lokr_w2_a"),
        ("lora_unet_mid_block_attentions_0_proj_in.hada_t1", UNET, "", "hada_t1"),
    ],
)  # fmt: skip
def test_names_of_each_trainer(name: str, part: str, layer: str, role: str) -> None:
    key = take_apart(name)
    assert key is not None
    assert (key.part, key.role) == (part, role)
    assert not layer or key.layer == plain_name(layer)


def test_other_names_say_nothing() -> None:
    for name in ("conv_in.weight", "transformer.x.lora_A.weight", "unet.conv_in.weight", "emb_params", ""):
        assert take_apart(name) is None, name


PLACES = ("mid_block.attentions.0.proj_in", "mid_block.attentions.0.transformer_blocks.0.attn1.to_k")


@pytest.mark.parametrize(
    ("told", "scales"),
    [
        ({}, [1.0, 1.0]),
        ({"unet.lora_alpha": 8}, [2.0, 2.0]),
        ({"unet.lora_alpha": 8, "unet.use_rslora": True}, [4.0, 4.0]),
        ({"unet.lora_alpha": 8, "unet.alpha_pattern": {"attn1.to_k": 2}}, [2.0, 0.5]),
        ({"text_encoder.lora_alpha": 8}, [1.0, 1.0]),
    ],
)
def test_alpha_may_stand_in_the_metadata(told: dict[str, Any], scales: list[float], tmp_path: Path) -> None:
    """As diffusers writes PEFT's settings since its version 0.34."""
    state = {f"unet.{path}.{end}.weight": torch.ones(4, 4) for path in PLACES for end in ("lora_A", "lora_B")}
    save_file(state, tmp_path / "x.safetensors", metadata={"lora_adapter_metadata": json.dumps(told)})
    file = read_lora(tmp_path / "x.safetensors", "x", torch.float32)
    found = [file.layers[UNET, plain_name(path)].get("alpha", torch.tensor(4.0)) / 4 for path in PLACES]
    assert [float(one) for one in found] == scales

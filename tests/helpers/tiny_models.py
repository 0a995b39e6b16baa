"""Real components of the real classes at tiny size, with random weights of a fixed seed, in diffusers layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from tests.helpers.made_once import made_once

STARTER = Path(__file__).resolve().parents[2] / "resources" / "models" / "starter"
TEXT_LAYERS = 3

# Of Stable Diffusion 1.5's own model repository: no timestep_spacing, which means "leading" for PNDM.
SD15_SCHEDULER: dict[str, Any] = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
}
ZERO_SNR_SCHEDULER: dict[str, Any] = SD15_SCHEDULER | {
    "_class_name": "DDIMScheduler",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}


class ImagesInMemory:
    """An image source that holds what a test gives it."""

    def __init__(self) -> None:
        self._images: dict[str, ImageBuffer] = {}

    def add(self, image: ImageBuffer) -> ImageInput:
        sha256 = image.sha256()
        self._images[sha256] = image
        return ImageInput(sha256=sha256, width=image.size.width, height=image.size.height)

    def load(self, sha256: str) -> ImageBuffer:
        return self._images[sha256]


def make_tiny_model(
    folder: Path,
    *,
    vae: str = "AutoencoderKL",
    scheduler: dict[str, Any] | None = None,
    distilled: int | None = None,
    channels: int = 4,
) -> Path:
    """Writes a whole model folder. `distilled` = width of a guidance embedding, as latent consistency models have;
    `channels` = what the network reads: 9 for an inpainting model."""
    written = json.dumps(scheduler or SD15_SCHEDULER)
    key = ("tiny", vae, written, distilled, channels)
    made_once(key, folder, lambda first: _write_model(first, vae, written, distilled, channels))
    return folder


def _write_model(folder: Path, vae: str, scheduler: str, distilled: int | None, channels: int) -> None:
    torch.manual_seed(0)
    _make_unet(distilled, channels).save_pretrained(folder / "unet")
    _make_vae(vae).save_pretrained(folder / "vae")
    _make_text_encoder().save_pretrained(folder / "text_encoder")
    shutil.copytree(STARTER / "tokenizer", folder / "tokenizer", copy_function=shutil.copyfile)
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(scheduler)
    index = json.loads((STARTER / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"vae": ["diffusers", vae]}))


def _make_unet(distilled: int | None, channels: int) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=channels,
        out_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
        norm_num_groups=8,
        time_cond_proj_dim=distilled,
    )


def _make_vae(kind: str) -> Any:
    if kind == "AutoencoderTiny":
        widths = (8, 8, 8, 8)
        return AutoencoderTiny(encoder_block_out_channels=widths, decoder_block_out_channels=widths, scaling_factor=0.9)
    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=64,
    )


def _make_text_encoder() -> CLIPTextModel:
    starter = json.loads((STARTER / "text_encoder" / "config.json").read_text())
    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=starter["vocab_size"],
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=TEXT_LAYERS,
            num_attention_heads=4,
            max_position_embeddings=77,
            bos_token_id=starter["bos_token_id"],
            eos_token_id=starter["eos_token_id"],
            pad_token_id=starter["pad_token_id"],
        )
    )
    # A fresh layer norm answers with a mean of zero, which no trained one does.
    torch.nn.init.normal_(encoder.final_layer_norm.bias, mean=0.2, std=0.3)
    return encoder


_WHOLE = ("threads", "size", "image", "strength", "inpaint", "outpaint", "noise_level")


def make_request(model: Path, **changes: Any) -> GenerationRequest:
    """A small request; `changes` go to the prompt, the sampling or the request, wherever the name belongs."""
    prompt = {key: changes.pop(key) for key in ("positive", "negative", "clip_skip") if key in changes}
    whole = {key: changes.pop(key) for key in _WHOLE if key in changes}
    sampling: dict[str, Any] = {"steps": 4, "guidance_scale": 5.0, "sampler": "Euler", "seed": 7} | changes
    return GenerationRequest(
        prompt=PromptSpec(**({"positive": "a red apple"} | prompt)),
        sampling=SamplingSpec(**sampling),
        model=ModelSpec(name="Tiny", path=str(model)),
        **({"size": Size(64, 64)} | whole),
    )

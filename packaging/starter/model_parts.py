"""The parts that are trained: text encoder, UNet, autoencoder, and the noise schedule they share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from profiles import PROFILES, Profile
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

TIMESTEPS = 1000
QUIET_LOGVAR = -6.0
"""Where an AutoencoderKL's log variance starts: with less its latents are all noise for long."""


def make_text_encoder(tokenizer: CLIPTokenizer, profile: Profile) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=profile.text_width,
            intermediate_size=4 * profile.text_width,
            num_hidden_layers=profile.text_layers,
            num_attention_heads=profile.text_heads,
            max_position_embeddings=77,
            projection_dim=profile.text_width,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def make_unet(profile: Profile, in_channels: int = 4) -> UNet2DConditionModel:
    down = ["CrossAttnDownBlock2D" if letter == "C" else "DownBlock2D" for letter in profile.types]
    up = ["CrossAttnUpBlock2D" if letter == "C" else "UpBlock2D" for letter in profile.types[::-1]]
    pooled = {"addition_embed_type": "text", "addition_embed_type_num_heads": 4} if profile.pooled else {}
    unet = UNet2DConditionModel(
        sample_size=profile.latent_side,
        in_channels=in_channels,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=profile.channels,
        down_block_types=down,
        up_block_types=up,
        cross_attention_dim=profile.text_width,
        attention_head_dim=[max(1, count // profile.head) for count in profile.channels],
        **pooled,
    )
    with torch.no_grad():
        unet.conv_out.weight.zero_()
        unet.conv_out.bias.zero_()
        if profile.pooled:
            unet.add_embedding.norm2.weight.zero_()
    return unet.to(memory_format=torch.channels_last)


def make_vae(profile: Profile, enc: tuple[int, ...] = (0, 2, 2, 2), dec: tuple[int, ...] = (2, 2, 2, 1)) -> Any:
    """`enc`, `dec`: blocks of an AutoencoderTiny's stages."""
    if profile.vae == "tiny":
        vae = AutoencoderTiny(
            encoder_block_out_channels=(profile.vae_channels[0],) * 4,
            decoder_block_out_channels=(profile.vae_channels[1],) * 4,
            num_encoder_blocks=enc,
            num_decoder_blocks=dec,
            latent_channels=4,
        )
    else:
        vae = AutoencoderKL(
            block_out_channels=profile.vae_channels,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=16,
            sample_size=profile.side,
            mid_block_add_attention=False,
        )
        with torch.no_grad():
            vae.quant_conv.bias[4:] = QUIET_LOGVAR
    return vae.to(memory_format=torch.channels_last)


def load_vae(folder: Path) -> Any:
    """The autoencoder in the folder, of whichever kind."""
    kind = AutoencoderKL if AutoencoderKL.load_config(folder)["_class_name"] == "AutoencoderKL" else AutoencoderTiny
    return kind.from_pretrained(folder).eval().to(memory_format=torch.channels_last)


def encode(vae: Any, pictures: torch.Tensor) -> torch.Tensor:
    """N x 3 x H x W in [-1, 1] to latents as the autoencoder has them (unscaled, without noise)."""
    if isinstance(vae, AutoencoderTiny):
        return vae.encoder(pictures)
    return vae.quant_conv(vae.encoder(pictures))[:, :4]


def decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Unscaled latents to N x 3 x H x W in about [-1, 1]."""
    if isinstance(vae, AutoencoderTiny):
        return vae.decoder(latents)
    return vae.decoder(vae.post_quant_conv(latents))


def to_tensor(pictures: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    """N x H x W x 3 uint8 to N x 3 x H x W in [-1, 1]; converted on the device, since bytes travel faster."""
    tensor = torch.from_numpy(np.array(pictures)).to(device).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    return tensor.contiguous(memory_format=torch.channels_last)


def make_scheduler() -> DDIMScheduler:
    """Zero terminal SNR: without it neither black nor white grounds can be drawn (Lin et al., 2023)."""
    return DDIMScheduler(
        num_train_timesteps=TIMESTEPS,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,
    )


def tokenize(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """N x 77 token numbers, padded as Stable Diffusion pads them."""
    ids = tokenizer(captions, padding="max_length", truncation=True, max_length=77).input_ids
    return torch.tensor(np.array(ids), dtype=torch.long)


def save_pipeline(folder: Path, vae: Any, text_encoder: Any, tokenizer: Any, unet: Any) -> None:
    """Writes a Stable Diffusion folder."""
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)


def add_run_options(parser: argparse.ArgumentParser, samples: int) -> None:
    """The options that every training has; those left at None come from the profile (`fill_in`)."""
    parser.add_argument("--profile", choices=tuple(PROFILES), default="cpu128")
    parser.add_argument("--samples", type=int, default=samples, help="samples in all, earlier runs counted in")
    parser.add_argument("--cooldown", type=float, default=0.2, help="last part of the samples, with a falling rate")
    parser.add_argument("--batch", type=int, help="samples a step, for each process")
    parser.add_argument("--world", type=int, help="processes that share every step")
    parser.add_argument("--optim", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--lr", type=float, help="AdamW's learning rate")
    parser.add_argument("--mlr", type=float, help="Muon's learning rate")
    parser.add_argument("--ema", type=float, help="relative width of the weights' average")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=float, default=180, help="seconds between checkpoints")
    parser.add_argument("--every", type=int, default=25_000, help="samples between measurements")
    parser.add_argument("--stop", type=float, default=0, help="stop (and save) after so many seconds; 0 = never")
    parser.add_argument("--fit", type=float, default=0, help="choose --samples so that the run takes so many seconds")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", type=int, default=0)
    parser.add_argument("--pids", type=Path, help="file to write the processes' numbers to")


def fill_in(options: argparse.Namespace) -> Profile:
    """Takes what was not given from the profile; returns that."""
    profile = PROFILES[options.profile]
    defaults = {"batch": profile.batch, "world": profile.world, "lr": profile.lr, "mlr": profile.matrix_lr}
    for name, value in {**defaults, "ema": profile.ema_width}.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    return profile

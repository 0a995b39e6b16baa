"""The parts that are trained, the data they learn from, and what they are measured with."""

from __future__ import annotations

import argparse
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from vocabulary import NOUNS

HELD_OUT = 256
TIMESTEPS = 1000
NOISY = 300
"""From this timestep on, the caption matters; below it the picture is all but there."""


def make_text_encoder(tokenizer: CLIPTokenizer, width: int, layers: int, heads: int) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            max_position_embeddings=77,
            projection_dim=width,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def make_unet(options: argparse.Namespace, side: int, width: int) -> UNet2DConditionModel:
    """`options.types`: a letter for each level, C with cross-attention, U without."""
    channels = tuple(map(int, options.ch.split(",")))
    down = ["CrossAttnDownBlock2D" if letter == "C" else "DownBlock2D" for letter in options.types]
    up = ["CrossAttnUpBlock2D" if letter == "C" else "UpBlock2D" for letter in options.types[::-1]]
    unet = UNet2DConditionModel(
        sample_size=side,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=channels,
        down_block_types=down,
        up_block_types=up,
        cross_attention_dim=width,
        attention_head_dim=[max(1, count // options.hd) for count in channels],
    )
    with torch.no_grad():
        unet.conv_out.weight.zero_()
        unet.conv_out.bias.zero_()
    return unet.to(memory_format=torch.channels_last)


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


@dataclass(frozen=True)
class TrainingData:
    """Latents (N x 4 x H x W), captions and nouns of the pictures; the last HELD_OUT are never trained on."""

    latents: torch.Tensor
    captions: list[str]
    nouns: list[list[str]]

    @classmethod
    def load(cls, data: str, latents: Path) -> TrainingData:
        tensor = torch.load(latents, weights_only=True).float()
        captions = json.loads(Path(f"{data}.json").read_text("utf-8"))
        return cls(tensor, captions[: len(tensor)], json.loads(Path(f"{data}.noun.json").read_text("utf-8")))


class HeldOut:
    """Held-out pictures of one thing, with fixed noise and timesteps, and four captions for each:
    the right one, the right one with another noun, another picture's, and none."""

    def __init__(self, data: TrainingData, tokenizer: CLIPTokenizer, ids: torch.Tensor, empty: torch.Tensor) -> None:
        total = len(data.latents)
        rng = random.Random(5)
        single = [index for index in range(total - HELD_OUT, total) if len(data.nouns[index]) == 1]
        generator = torch.Generator().manual_seed(99)
        self.timesteps = torch.randint(0, TIMESTEPS, (len(single),), generator=generator)
        self.noise = torch.randn(len(single), *data.latents.shape[1:], generator=generator)
        self.latents = data.latents[single]
        swapped = [_swap_noun(rng, data.captions[index], data.nouns[index][0]) for index in single]
        self.right = ids[torch.tensor(single)]
        self.noun_swapped = tokenize(tokenizer, swapped)
        self.other = ids[torch.tensor(single).roll(7)]
        self.empty = empty.expand(len(single), -1)


def _swap_noun(rng: random.Random, caption: str, noun: str) -> str:
    other = rng.choice([name for name in NOUNS if name != noun])
    for word in sorted([noun, *NOUNS[noun].synonyms], key=len, reverse=True):
        if re.search(rf"\b{word}\b", caption):
            return re.sub(rf"\b{word}\b", other, caption)
    return caption

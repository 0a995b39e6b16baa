"""Trains the inpainting sibling: the main model's UNet with a mask and the unmasked rest as further inputs.

    python train_inpaint.py DATA LATENTS.pt MODEL OUT --samples N [--profile cpu128] [--matrices_only 1]

DATA.npy holds the pictures, MODEL is the finished main model. Nine input channels as in Stable Diffusion's inpainting
models: noisy latents, mask, latents of the picture with the masked part grey. The new inputs begin with zero weights.
Text encoder and autoencoder stay as they are. Masks: strokes and boxes; for a quarter of the pictures everything.
OUT becomes a folder with the sibling's UNet.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from held_out import HELD_OUT, TrainingData
from model_parts import TIMESTEPS, add_run_options, encode, fill_in, load_vae, make_scheduler, to_tensor, tokenize
from PIL import Image, ImageDraw
from torch.nn import functional
from train_unet import train
from trainer import Trainer, join_processes
from transformers import CLIPTextModel, CLIPTokenizer

EVERYTHING = 0.25
"""Part of the pictures that are masked wholly, so that the sibling can also draw from nothing."""

EXTRA_CHANNELS = 5
MEASURED = 192


def draw_mask(rng: np.random.Generator, side: int) -> np.ndarray:
    """SIDE x SIDE, True where the picture is to be drawn anew."""
    if rng.random() < EVERYTHING:
        return np.ones((side, side), bool)
    image = Image.new("1", (side, side))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.5:
        for _ in range(rng.integers(1, 3)):
            width, height = rng.uniform(0.2, 0.75, 2) * side
            left, top = rng.uniform(-0.05, 1.05 - width / side) * side, rng.uniform(-0.05, 1.05 - height / side) * side
            draw.rectangle((left, top, left + width, top + height), fill=1)
    else:
        for _ in range(rng.integers(1, 4)):
            _draw_stroke(rng, draw, side)
    return np.asarray(image)


def _draw_stroke(rng: np.random.Generator, draw: ImageDraw.ImageDraw, side: int) -> None:
    """A brush stroke: a chain of discs that turns a little at each."""
    radius = rng.uniform(0.05, 0.14) * side
    x, y = rng.uniform(0.1, 0.9, 2) * side
    angle = rng.uniform(0, 2 * math.pi)
    for _ in range(rng.integers(4, 18)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
        angle += rng.normal(0, 0.5)
        x, y = x + radius * math.cos(angle), y + radius * math.sin(angle)


def cells_of(masks: torch.Tensor, side: int) -> torch.Tensor:
    """N x 1 x side x side: a cell is masked where any of its pixels is, as SD Studio has it."""
    return functional.adaptive_max_pool2d(masks, side)


def widen_input(main: UNet2DConditionModel) -> UNet2DConditionModel:
    """The main model's UNet with nine input channels, the new ones without effect yet."""
    config = {key: value for key, value in main.config.items() if not key.startswith("_")}
    unet = UNet2DConditionModel.from_config({**config, "in_channels": 4 + EXTRA_CHANNELS})
    state = main.state_dict()
    weight = state["conv_in.weight"]
    state["conv_in.weight"] = functional.pad(weight, (0, 0, 0, 0, 0, EXTRA_CHANNELS))
    unet.load_state_dict(state)
    return unet.to(memory_format=torch.channels_last)


class InpaintTraining:
    """The sibling's UNet, its pictures and masks, its loss and how it is measured."""

    def __init__(self, options: argparse.Namespace, rank: int) -> None:
        self.options = options
        self.bf16 = fill_in(options).bf16
        self.device = torch.device(options.device)
        self.vae = load_vae(options.model / "vae").requires_grad_(False).to(self.device)
        tokenizer = CLIPTokenizer.from_pretrained(options.model / "tokenizer")
        encoder = CLIPTextModel.from_pretrained(options.model / "text_encoder", dtype=torch.float32)
        self.text_encoder = encoder.eval().requires_grad_(False).to(self.device)
        main = UNet2DConditionModel.from_pretrained(options.model / "unet", torch_dtype=torch.float32)
        self.unet = widen_input(main).train().to(self.device)
        data = TrainingData.load(options.data, options.lat, options.held)
        self.count = len(data.latents) - options.held
        self.latents = data.latents.to(self.device)
        self.pictures = np.load(f"{options.data}.npy", mmap_mode="r")
        self.masks = self._draw_masks(options.masks, options.seed)
        self.ids = tokenize(tokenizer, data.captions).to(self.device)
        self.empty = tokenize(tokenizer, [""]).to(self.device)
        self.alphas = make_scheduler().alphas_cumprod.to(self.device)
        for parameter in self.unet.parameters():
            parameter.requires_grad_(parameter.ndim >= 2 or not options.matrices_only)
        named = [(name, p) for name, p in self.unet.named_parameters(prefix="unet") if p.requires_grad]
        self.trainer = Trainer(named, options, rank)
        self.trainer.resume()

    def _draw_masks(self, count: int, seed: int) -> torch.Tensor:
        """COUNT x 1 x H x W, True where masked; drawn on the processor."""
        rng = np.random.default_rng(seed)
        masks = np.stack([draw_mask(rng, self.pictures.shape[1]) for _ in range(count)])
        return torch.from_numpy(masks)[:, None].to(self.device)

    def velocity_error(
        self, chosen: torch.Tensor, masks: torch.Tensor, ids: torch.Tensor, timesteps: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """Squared errors of the predicted velocity, N x 4 x H x W, for the pictures numbered `chosen`."""
        latents = self.latents[chosen.to(self.device)]
        signal = self.alphas[timesteps].view(-1, 1, 1, 1)
        noisy = signal.sqrt() * latents + (1 - signal).sqrt() * noise
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * latents
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            with torch.no_grad():
                rest = to_tensor(self.pictures[chosen.cpu().numpy()], self.device) * (masks < 0.5)
                kept = encode(self.vae, rest) * self.vae.config.scaling_factor
                hidden = self.text_encoder(ids)[0]
            small = cells_of(masks, latents.shape[-1])
            inputs = torch.cat([noisy, small, kept.to(noisy.dtype)], 1).contiguous(memory_format=torch.channels_last)
            predicted = self.unet(inputs, timesteps, hidden, return_dict=False)[0]
        return (predicted.float() - velocity).pow(2)

    def batch_loss(self) -> torch.Tensor:
        generator, size = self.trainer.generator(), self.options.batch
        chosen = self.trainer.draw_indices(self.count)
        places = torch.randint(len(self.masks), (size,), generator=generator, device=self.device)
        masks = self.masks[places].float()
        start = torch.rand((), generator=generator, device=self.device)
        places = (start + torch.arange(size, device=self.device) / size) % 1
        timesteps = (places * TIMESTEPS).long().clamp(max=TIMESTEPS - 1)
        dropped = torch.rand(size, 1, generator=generator, device=self.device) < self.options.drop
        ids = torch.where(dropped, self.empty, self.ids[chosen.to(self.device)])
        noise = torch.randn(size, *self.latents.shape[1:], generator=generator, device=self.device)
        error = self.velocity_error(chosen, masks, ids, timesteps, noise)
        small, outside = cells_of(masks, error.shape[-1]), self.options.outside
        return (error * (outside + (1 - outside) * small)).mean()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Loss on held-out pictures, averaged weights: all of it, then inside and outside partial masks."""
        self.trainer.average.swap()
        own = torch.arange(len(self.latents) - min(MEASURED, self.options.held), len(self.latents))
        generator = torch.Generator().manual_seed(99)
        timesteps = torch.randint(0, TIMESTEPS, (len(own),), generator=generator).to(self.device)
        noise = torch.randn(len(own), *self.latents.shape[1:], generator=generator).to(self.device)
        masks = self._draw_masks(len(own), 99).float()
        errors = []
        for part in torch.arange(len(own)).split(64):
            ids = self.ids[own[part].to(self.device)]
            errors.append(self.velocity_error(own[part], masks[part], ids, timesteps[part], noise[part]).mean(1))
        self.trainer.average.swap()
        error = torch.cat(errors)
        small = cells_of(masks, error.shape[-1])[:, 0]
        partial = (small.mean((1, 2)) < 1)[:, None, None] * torch.ones_like(small)
        inside, outside = small * partial, (1 - small) * partial
        values = {
            "val": error.mean().item(),
            "inside": ((error * inside).sum() / inside.sum().clamp(min=1)).item(),
            "outside": ((error * outside).sum() / outside.sum().clamp(min=1)).item(),
        }
        return {name: round(value, 4) for name, value in values.items()}

    def save_model(self) -> None:
        self.trainer.average.swap()
        self.unet.save_pretrained(Path(self.options.out) / "unet")
        self.trainer.average.swap()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="path of the pictures and captions, without ending")
    parser.add_argument("lat", type=Path, help="latents of all pictures")
    parser.add_argument("model", type=Path, help="the finished main model")
    parser.add_argument("out", help="folder to write")
    add_run_options(parser, samples=60_000)
    parser.set_defaults(cooldown=0.4, lr=3e-4, mlr=0.005)
    parser.add_argument("--held", type=int, default=HELD_OUT)
    parser.add_argument("--masks", type=int, default=3000, help="different masks, drawn beforehand")
    parser.add_argument("--matrices_only", type=int, default=1, help="so that low_rank.py can store the change")
    parser.add_argument("--outside", type=float, default=0.1, help="weight of errors outside masks: put back anyway")
    parser.add_argument("--drop", type=float, default=0.1, help="part of the captions left out, for guidance")
    return parser.parse_args()


def main() -> None:
    options: Any = read_options()
    torch.set_num_threads(options.threads)
    fill_in(options)
    rank = join_processes(options.world, options.pids)
    train(InpaintTraining(options, rank), options)


if __name__ == "__main__":
    main()

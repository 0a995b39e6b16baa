"""Trains the autoencoder: AutoencoderTiny (TAESD's architecture, no norms) on random crops of the pictures.

    python train_vae.py DATA OUT --minutes M [--c 24,24] [--enc 0,2,2,2] [--dec 2,2,2,1] [--compile 1]

Squared error first; absolute error and edges join for the last part. The learning rate follows the clock, so that
every run ends annealed. OUT.ckpt holds everything needed to go on after a stop.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from encode_latents import to_tensor
from PIL import Image
from torch.nn import functional

HELD_OUT = 96
EMA = 0.997
WARM_UP = 100
FLAT = 0.45
"""The part of the time with the full learning rate; a cosine follows."""

SAVE_SECONDS = 300
SHEET_COLUMNS = 14


class CropSource:
    """Random crops from the training pictures; plain ones are mostly passed over."""

    def __init__(self, pictures: np.ndarray, side: int, batch: int, seed: int) -> None:
        self._pictures = pictures
        self._side = side
        self._batch = batch
        self._rng = np.random.default_rng(seed)

    def draw(self) -> torch.Tensor:
        crops: list[np.ndarray] = []
        last = self._pictures.shape[1] - self._side + 1
        while len(crops) < self._batch:
            index = self._rng.integers(0, len(self._pictures) - HELD_OUT)
            y, x = self._rng.integers(0, last), self._rng.integers(0, last)
            crop = self._pictures[index, y : y + self._side, x : x + self._side]
            if crop[::4, ::4].std() >= 12 or self._rng.random() >= 0.75:
                crops.append(crop)
        return to_tensor(np.stack(crops))


class WeightAverage:
    """An exponential moving average of parameters, which can change places with them."""

    def __init__(self, parameters: list[torch.nn.Parameter]) -> None:
        self._parameters = parameters
        self.values = [parameter.detach().clone() for parameter in parameters]

    def update(self, decay: float) -> None:
        torch._foreach_lerp_(self.values, [parameter.data for parameter in self._parameters], 1 - decay)

    def swap(self) -> None:
        for parameter, value in zip(self._parameters, self.values, strict=True):
            kept = parameter.data.clone(memory_format=torch.preserve_format)
            parameter.data.copy_(value)
            value.copy_(kept)


class Training:
    """The state of a run, and its steps."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.vae = make_vae(options)
        self.parameters = list(self.vae.parameters())
        self.optimizer = torch.optim.AdamW(
            self.parameters, options.lr, betas=(0.9, 0.99), weight_decay=1e-4, fused=True
        )
        self.average = WeightAverage(self.parameters)
        self.pictures = np.load(f"{options.data}.npy", mmap_mode="r")
        self.held_out = to_tensor(self.pictures[-HELD_OUT:])
        self.step = 0
        self.earlier = 0.0
        self.log: list[dict[str, Any]] = []
        self.checkpoint = Path(f"{options.out}.ckpt")
        resumed = self.checkpoint.exists()
        if resumed:
            self._resume()
        self.crops = CropSource(self.pictures, options.crop, options.batch, self.step if resumed else 0)
        self.loss = torch.compile(self._loss) if options.compile else self._loss
        self.start = time.time()

    @property
    def seconds(self) -> float:
        return self.earlier + time.time() - self.start

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.vae.load_state_dict(state["v"])
        self.optimizer.load_state_dict(state["o"])
        self.average.values = state["E"]
        self.step, self.earlier, self.log = state["step"], state["used"], state["log"]
        print("going on from step", self.step)

    def save(self) -> None:
        state = {
            "v": self.vae.state_dict(),
            "o": self.optimizer.state_dict(),
            "E": self.average.values,
            "step": self.step,
            "used": self.seconds,
            "log": self.log,
        }
        torch.save(state, self.checkpoint)

    def _loss(self, crops: torch.Tensor, noise: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
        """`late` is 1 when absolute error and edges count, else 0."""
        latents = self.vae.encoder(crops)
        error = self.vae.decoder(latents + self.options.noise * noise) - crops
        coarse = functional.avg_pool2d(error, 4).abs().mean()
        spread = latents.mean((0, 2, 3)).pow(2).mean() + (latents.var((0, 2, 3)) - 1).pow(2).mean()
        far = functional.relu(latents.abs() - 2.5).mean()
        columns = (error[..., :, 1:] - error[..., :, :-1]).abs().mean()
        rows = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        early = 4 * error.pow(2).mean() + 0.3 * coarse + 0.01 * spread + 0.05 * far
        return early + late * (0.4 * error.abs().mean() + 0.25 * (columns + rows))

    def take_step(self, part: float) -> float:
        """One step at `part` (0 to 1) of the time; returns the loss."""
        options = self.options
        falling = 0.5 * (1 + math.cos(math.pi * (part - FLAT) / (1 - FLAT))) + 0.005
        for group in self.optimizer.param_groups:
            group["lr"] = options.lr * min(1, (self.step + 1) / WARM_UP) * (1 if part < FLAT else falling)
        noise = torch.randn(options.batch, 4, options.crop // 8, options.crop // 8)
        loss = self.loss(self.crops.draw(), noise, torch.tensor(float(part > options.edge_from)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        self.average.update(min(EMA, (self.step + 1) / (self.step + 20)))
        return loss.item()

    @torch.no_grad()
    def measure(self) -> tuple[float, float, float]:
        """Held-out PSNR in dB, and the latents' standard deviation and maximum; draws OUT.recon.png."""
        self.average.swap()
        latents = torch.cat([self.vae.encoder(part) for part in self.held_out.split(16)])
        decoded = torch.cat([self.vae.decoder(part) for part in latents.split(16)]).clamp(-1, 1)
        self.average.swap()
        errors = ((decoded - self.held_out) / 2).pow(2).mean((1, 2, 3))
        draw_pairs(self.held_out, decoded, Path(f"{self.options.out}.recon.png"))
        psnr = (-10 * errors.log10()).mean().item()
        return round(psnr, 2), round(latents.std().item(), 2), round(latents.abs().max().item(), 2)

    @torch.no_grad()
    def finish(self) -> None:
        """Writes the model with averaged weights and the scale that brings its latents to a deviation of 1."""
        out = Path(self.options.out)
        self.average.swap()
        self.vae.eval()
        pictures = self.pictures[:1024]
        latents = torch.cat([self.vae.encoder(to_tensor(pictures[i : i + 32])) for i in range(0, len(pictures), 32)])
        print("latent mean", latents.mean((0, 2, 3)).tolist(), "standard deviation", latents.std((0, 2, 3)).tolist())
        self.vae.register_to_config(scaling_factor=round(1 / latents.std().item(), 4))
        self.vae.save_pretrained(out)
        (out / "log.json").write_text(json.dumps(self.log), "utf-8")


def make_vae(options: argparse.Namespace) -> AutoencoderTiny:
    vae = AutoencoderTiny(
        encoder_block_out_channels=(options.c[0],) * 4,
        decoder_block_out_channels=(options.c[1],) * 4,
        num_encoder_blocks=options.enc,
        num_decoder_blocks=options.dec,
        latent_channels=4,
    )
    print(f"{sum(parameter.numel() for parameter in vae.parameters()) / 1e6:.2f} M parameters")
    return vae.to(memory_format=torch.channels_last)


def draw_pairs(pictures: torch.Tensor, decoded: torch.Tensor, path: Path) -> None:
    """Rows of pictures, below each what the autoencoder made of it."""
    rows = []
    for start in range(0, 4 * SHEET_COLUMNS, SHEET_COLUMNS):
        for batch in (pictures, decoded):
            shown = batch[start : start + SHEET_COLUMNS]
            pixels = ((shown + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            rows.append(np.concatenate(list(pixels), 1))
    Image.fromarray(np.concatenate(rows, 0)).save(path)


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="path of the pictures, without .npy")
    parser.add_argument("out", help="folder to write")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--c", type=numbers, default=(32, 32), help="channels of encoder and decoder")
    parser.add_argument("--enc", type=numbers, default=(0, 2, 2, 2), help="blocks of the encoder's stages")
    parser.add_argument("--dec", type=numbers, default=(2, 2, 2, 0), help="blocks of the decoder's stages")
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--lr", type=float, default=2.5e-3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--edge_from", type=float, default=0.55, help="part of the time after which edges count")
    parser.add_argument("--noise", type=float, default=0.08, help="noise added to latents")
    parser.add_argument("--every", type=float, default=60, help="seconds between measurements")
    parser.add_argument("--compile", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    run = Training(options)
    total = options.minutes * 60
    next_measure, next_save = run.earlier + options.every, run.earlier + SAVE_SECONDS
    while (part := run.seconds / total) < 1:
        loss = run.take_step(part)
        if run.seconds > next_measure:
            next_measure += options.every
            note = {"s": round(run.seconds), "step": run.step, "crops": run.step * options.batch}
            run.log.append({**note, "loss": round(loss, 4), "psnr_std_max": run.measure()})
            print(run.log[-1], flush=True)
        if run.seconds > next_save:
            next_save += SAVE_SECONDS
            run.save()
    run.save()
    print("final", run.measure())
    run.finish()
    print("steps", run.step, "seconds", round(run.seconds))


if __name__ == "__main__":
    main()

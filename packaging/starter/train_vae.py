"""Trains the autoencoder on random crops of the pictures: AutoencoderTiny (no norms) or AutoencoderKL.

    python train_vae.py DATA OUT --samples N [--profile cpu128] [--start VAE] [--freeze encoder] [--enc 0,2,2,2]

Squared error first; absolute error and edges join for the last part. The learning rate goes by samples and falls
for the last half of them. OUT.ckpt holds everything needed to go on exactly after a stop. --start goes on from a
finished autoencoder; with --freeze encoder its latents stay as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from held_out import HELD_OUT
from model_parts import add_run_options, decode, encode, fill_in, load_vae, make_vae, to_tensor
from PIL import Image
from torch.nn import functional
from train_unet import compiled, train
from trainer import Trainer

MEASURED = 96
MEASURED_AT_ONCE = 16
SHEET_COLUMNS = 14
PLAIN = 12.0
"""Crops whose levels (of 255) deviate by less are mostly passed over."""

PLAIN_KEPT = 0.25
SPARE = 1.5
"""Crops drawn for each one kept."""


class CropSource:
    """Random crops from the training pictures, kept on the device."""

    def __init__(self, pictures: np.ndarray, side: int, held: int, device: torch.device) -> None:
        # "c": pictures may lie in a file that must not be changed; nothing here writes to them.
        writable = pictures if pictures.flags.writeable else np.lib.format.open_memmap(pictures.filename, "c")
        self._pictures = torch.from_numpy(writable).to(device)
        self._count = len(pictures) - held
        self._side = side

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """COUNT x 3 x SIDE x SIDE in [-1, 1]."""
        device, spare = self._pictures.device, int(count * SPARE)
        last = self._pictures.shape[1] - self._side + 1
        places = torch.rand(spare, 3, generator=generator, device=device).cpu()
        crops = []
        for index, y, x in (places * torch.tensor([self._count, last, last])).long().tolist():
            crops.append(self._pictures[index, y : y + self._side, x : x + self._side])
        stack = torch.stack(crops)
        spread = stack[:, ::4, ::4].float().flatten(1).std(1)
        lucky = torch.rand(spare, generator=generator, device=device) < PLAIN_KEPT
        first = (~((spread >= PLAIN) | lucky)).int().argsort(stable=True)[:count]
        chosen = stack[first].permute(0, 3, 1, 2).float().div(127.5).sub(1)
        return chosen.contiguous(memory_format=torch.channels_last)


class VaeTraining:
    """The autoencoder, its crops, its loss and how it is measured."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        profile = fill_in(options)
        self.device = torch.device(options.device)
        self.bf16 = profile.bf16
        torch.manual_seed(options.seed)
        vae = load_vae(options.start).train() if options.start else make_vae(profile, options.enc, options.dec)
        self.vae = vae.to(self.device)
        if not options.start and profile.vae == "kl":
            # The log variance is not trained: it stays at its quiet start.
            self.vae.quant_conv.weight.data[4:] = 0
        pictures = np.load(f"{options.data}.npy", mmap_mode=None if self.device.type == "cuda" else "r")
        self.crops = CropSource(pictures, options.crop or profile.vae_crop, options.held, self.device)
        self.pictures = pictures
        self.held_out = to_tensor(pictures[-options.held :][:MEASURED])
        frozen = ("encoder.", "quant_conv.") if options.freeze == "encoder" else ()
        named = [(name, p) for name, p in self.vae.named_parameters() if not name.startswith(frozen)]
        self.trainer = Trainer(named, options, 0)
        self.trainer.resume()
        self.loss = compiled(self._loss) if options.compile else self._loss

    def _loss(self, crops: torch.Tensor, noise: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
        """`late` is 1 when absolute error and edges count, else 0."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            latents = encode(self.vae, crops)
            if self.options.freeze == "encoder":
                latents = latents.detach()
            decoded = decode(self.vae, latents + self.options.noise * noise)
        latents, error = latents.float(), decoded.float() - crops
        coarse = functional.avg_pool2d(error, 4).abs().mean()
        spread = latents.mean((0, 2, 3)).pow(2).mean() + (latents.var((0, 2, 3)) - 1).pow(2).mean()
        far = functional.relu(latents.abs() - 2.5).mean()
        columns = (error[..., :, 1:] - error[..., :, :-1]).abs().mean()
        rows = (error[..., 1:, :] - error[..., :-1, :]).abs().mean()
        early = 4 * error.pow(2).mean() + 0.3 * coarse + 0.01 * spread + 0.05 * far
        return early + late * (0.4 * error.abs().mean() + 0.25 * (columns + rows))

    def batch_loss(self) -> torch.Tensor:
        generator = self.trainer.generator()
        crops = self.crops.draw(self.options.batch, generator)
        side = crops.shape[-1] // 8
        noise = torch.randn(len(crops), 4, side, side, generator=generator, device=self.device)
        late = torch.tensor(float(self.trainer.samples >= self.options.edge_from * self.options.samples))
        return self.loss(crops, noise, late.to(self.device))

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Held-out PSNR in dB (mean of pictures), and the latents' standard deviation; draws OUT.recon.png."""
        self.trainer.average.swap()
        decoded, deviation = reconstruct(self.vae, self.held_out, self.device)
        self.trainer.average.swap()
        draw_pairs(self.held_out, decoded, Path(f"{self.options.out}.recon.png"))
        return {"psnr": round(psnr(decoded, self.held_out), 2), "deviation": round(deviation, 3)}

    @torch.no_grad()
    def save_model(self) -> None:
        """Writes the model with averaged weights and the scale that brings its latents to a deviation of 1."""
        self.trainer.average.swap()
        if self.options.freeze != "encoder":
            latents = []
            for start in range(0, min(1024, len(self.pictures)), 32):
                latents.append(encode(self.vae, to_tensor(self.pictures[start : start + 32]).to(self.device)))
            self.vae.register_to_config(scaling_factor=round(1 / torch.cat(latents).std().item(), 4))
        self.vae.save_pretrained(self.options.out)
        self.trainer.average.swap()


@torch.no_grad()
def reconstruct(vae: Any, pictures: torch.Tensor, device: torch.device) -> tuple[torch.Tensor, float]:
    """The pictures after encoding and decoding, in [-1, 1], and the latents' standard deviation."""
    latents = torch.cat([encode(vae, part.to(device)) for part in pictures.split(MEASURED_AT_ONCE)])
    decoded = torch.cat([decode(vae, part).cpu() for part in latents.split(MEASURED_AT_ONCE)])
    return decoded.clamp(-1, 1), latents.std().item()


def psnr(decoded: torch.Tensor, pictures: torch.Tensor) -> float:
    """Mean of the pictures' own figures, in dB."""
    errors = ((decoded - pictures) / 2).pow(2).mean((1, 2, 3))
    return float((-10 * errors.log10()).mean())


def draw_pairs(pictures: torch.Tensor, decoded: torch.Tensor, path: Path) -> None:
    """Rows of pictures, below each what the autoencoder made of it."""
    rows = []
    for start in range(0, min(len(pictures), 4 * SHEET_COLUMNS) // SHEET_COLUMNS * SHEET_COLUMNS, SHEET_COLUMNS):
        for batch in (pictures, decoded):
            shown = batch[start : start + SHEET_COLUMNS]
            pixels = ((shown + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            rows.append(np.concatenate(list(pixels), 1))
    if rows:
        Image.fromarray(np.concatenate(rows, 0)).save(path)


def numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="path of the pictures, without .npy")
    parser.add_argument("out", help="folder to write")
    add_run_options(parser, samples=46_000)
    parser.set_defaults(optim="adamw", cooldown=0.55, ema=0.05, world=1)
    parser.add_argument("--start", type=Path, help="autoencoder to begin from")
    parser.add_argument("--freeze", choices=("none", "encoder"), default="none")
    parser.add_argument("--enc", type=numbers, default=(0, 2, 2, 2), help="blocks of the tiny encoder's stages")
    parser.add_argument("--dec", type=numbers, default=(2, 2, 2, 1), help="blocks of the tiny decoder's stages")
    parser.add_argument("--crop", type=int, help="side of the crops")
    parser.add_argument("--held", type=int, default=HELD_OUT, help="pictures kept from training, the last ones")
    parser.add_argument("--edge_from", type=float, default=0.55, help="part of the samples after which edges count")
    parser.add_argument("--noise", type=float, default=0.08, help="noise added to latents")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    train(VaeTraining(options), options)


if __name__ == "__main__":
    main()

"""Distils the finished model into four steps, with guidance built in.

    python train_fewstep.py DATA LATENTS.pt MODEL OUT --samples N [--guidance 4] [--segments 4] [--substeps 5]

Progressive distillation in one stage (Salimans & Ho, 2022): the four timesteps that trailing spacing takes are the
only ones learnt. From each the teacher goes `substeps` guided DDIM steps to the next; the student learns the one
velocity that leads there at once, without guidance. It is then used with DDIM, four steps, trailing spacing, guidance
off. Only matrices are trained, so that the change can be stored as a low-rank difference (low_rank.py).
OUT becomes a folder with the student's UNet.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from held_out import HELD_OUT, TrainingData
from model_parts import TIMESTEPS, add_run_options, fill_in, make_scheduler, tokenize
from train_unet import train
from trainer import Trainer, join_processes
from transformers import CLIPTextModel, CLIPTokenizer

MEASURED = 64


def ddim_step(
    noisy: torch.Tensor, velocity: torch.Tensor, signal: torch.Tensor, next_signal: torch.Tensor
) -> torch.Tensor:
    """From the noise level of `signal` (the part of the variance that is picture) to that of `next_signal`."""
    picture = signal.sqrt() * noisy - (1 - signal).sqrt() * velocity
    noise = (1 - signal).sqrt() * noisy + signal.sqrt() * velocity
    return next_signal.sqrt() * picture + (1 - next_signal).sqrt() * noise


def velocity_between(
    noisy: torch.Tensor, reached: torch.Tensor, signal: torch.Tensor, next_signal: torch.Tensor
) -> torch.Tensor:
    """The velocity with which one `ddim_step` goes from `noisy` to `reached`."""
    kept = (next_signal * signal).sqrt() + ((1 - next_signal) * (1 - signal)).sqrt()
    turned = ((1 - next_signal) * signal).sqrt() - (next_signal * (1 - signal)).sqrt()
    return (reached - kept * noisy) / turned


class FewStepTraining:
    """Teacher, student, their data, loss and how it is measured."""

    def __init__(self, options: argparse.Namespace, rank: int) -> None:
        self.options = options
        self.bf16 = fill_in(options).bf16
        self.device = torch.device(options.device)
        tokenizer = CLIPTokenizer.from_pretrained(options.model / "tokenizer")
        encoder = CLIPTextModel.from_pretrained(options.model / "text_encoder", dtype=torch.float32)
        self.text_encoder = encoder.eval().requires_grad_(False).to(self.device)
        self.teacher = self._load_unet().eval().requires_grad_(False)
        self.student = self._load_unet().train()
        for parameter in self.student.parameters():
            parameter.requires_grad_(parameter.ndim >= 2)
        data = TrainingData.load(options.data, options.lat, options.held)
        self.count = len(data.latents) - options.held
        self.latents = data.latents.to(self.device)
        self.ids = tokenize(tokenizer, data.captions).to(self.device)
        self.empty = tokenize(tokenizer, [""]).to(self.device)
        self.alphas = make_scheduler().alphas_cumprod.to(self.device)
        named = [(name, p) for name, p in self.student.named_parameters(prefix="unet") if p.requires_grad]
        self.trainer = Trainer(named, options, rank)
        self.trainer.resume()

    def _load_unet(self) -> Any:
        unet = UNet2DConditionModel.from_pretrained(self.options.model / "unet", torch_dtype=torch.float32)
        return unet.to(self.device, memory_format=torch.channels_last)

    def _signal(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Before the first timestep there is no noise left."""
        signal = torch.where(timesteps >= 0, self.alphas[timesteps.clamp(min=0)], torch.ones_like(self.alphas[:1]))
        return signal.view(-1, 1, 1, 1)

    def _predict(self, unet: Any, noisy: torch.Tensor, timesteps: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return unet(noisy, timesteps, hidden, return_dict=False)[0].float()

    @torch.no_grad()
    def _teach(self, noisy: torch.Tensor, timesteps: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Where the teacher's guided steps lead by the end of the segment."""
        options = self.options
        step = TIMESTEPS // options.segments // options.substeps
        empty = self.text_encoder(self.empty)[0].expand_as(hidden)
        both = torch.cat([empty, hidden])
        for _ in range(options.substeps):
            pair = self._predict(self.teacher, torch.cat([noisy, noisy]), torch.cat([timesteps, timesteps]), both)
            plain, prompted = pair.chunk(2)
            velocity = plain + options.guidance * (prompted - plain)
            following = timesteps - step
            noisy = ddim_step(noisy, velocity, self._signal(timesteps), self._signal(following))
            timesteps = following
        return noisy

    def velocity_error(self, chosen: torch.Tensor, segments: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Squared error of the student's velocity for each picture; `segments` counts from the noisiest, 0."""
        length = TIMESTEPS // self.options.segments
        timesteps = TIMESTEPS - 1 - length * segments
        signal, end = self._signal(timesteps), self._signal(timesteps - length)
        noisy = signal.sqrt() * self.latents[chosen] + (1 - signal).sqrt() * noise
        with torch.no_grad():
            hidden = self.text_encoder(self.ids[chosen])[0]
            wanted = velocity_between(noisy, self._teach(noisy, timesteps, hidden), signal, end)
        predicted = self._predict(self.student, noisy, timesteps, hidden)
        return (predicted - wanted).pow(2).mean((1, 2, 3))

    def batch_loss(self) -> torch.Tensor:
        generator, size = self.trainer.generator(), self.options.batch
        chosen = self.trainer.draw_indices(self.count).to(self.device)
        segments = torch.arange(size, device=self.device) % self.options.segments
        noise = torch.randn(size, *self.latents.shape[1:], generator=generator, device=self.device)
        return self.velocity_error(chosen, segments, noise).mean()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Held-out error with averaged weights, for each segment."""
        self.trainer.average.swap()
        total, count = len(self.latents), min(MEASURED, self.options.held)
        chosen = torch.arange(total - count, total, device=self.device)
        segments = torch.arange(count, device=self.device) % self.options.segments
        generator = torch.Generator().manual_seed(99)
        noise = torch.randn(count, *self.latents.shape[1:], generator=generator).to(self.device)
        errors = self.velocity_error(chosen, segments, noise)
        self.trainer.average.swap()
        parts = {f"segment_{n}": errors[segments == n].mean().item() for n in range(self.options.segments)}
        return {name: round(value, 4) for name, value in {"val": errors.mean().item(), **parts}.items()}

    def save_model(self) -> None:
        self.trainer.average.swap()
        self.student.save_pretrained(Path(self.options.out) / "unet")
        self.trainer.average.swap()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="path of the captions' files, without .json")
    parser.add_argument("lat", type=Path, help="latents of all pictures")
    parser.add_argument("model", type=Path, help="the finished main model")
    parser.add_argument("out", help="folder to write")
    add_run_options(parser, samples=12_000)
    parser.set_defaults(cooldown=0.5, optim="adamw", lr=3e-4)
    parser.add_argument("--held", type=int, default=HELD_OUT)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--segments", type=int, default=4)
    parser.add_argument("--substeps", type=int, default=5)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    fill_in(options)
    rank = join_processes(options.world, options.pids)
    train(FewStepTraining(options, rank), options)


if __name__ == "__main__":
    main()

"""Trains text encoder and UNet together on cached latents, on processors or on one graphics card.

    python train_unet.py DATA LATENTS.pt VAE TOKENIZER OUT --samples N [--profile cpu128] [--start MODEL]

v-prediction, zero terminal SNR, trailing spacing. Matrices by Muon (or everything by AdamW); the learning rate goes by
samples and falls for the last part of them; weights are averaged by the power rule. OUT.ckpt holds everything needed
to go on exactly after a stop; --start MODEL begins from exported weights alone. OUT becomes a Stable Diffusion folder
at the end and with each measurement. --world 2 starts two processes of --threads each that share every step: where
other work shares the processor this is much faster than one process of two threads.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from held_out import HELD_OUT, NOISY, HeldOut, TrainingData
from model_parts import (
    TIMESTEPS,
    add_run_options,
    fill_in,
    load_vae,
    make_scheduler,
    make_text_encoder,
    make_unet,
    save_pipeline,
    tokenize,
)
from trainer import Trainer, join_processes
from transformers import CLIPTokenizer
from warm_start import warm_start

MEASURED_AT_ONCE = 64
FIT_STEPS = (30, 70)
"""The steps between which --fit measures the speed (compilation is over by then)."""


class UNetTraining:
    """Text encoder and UNet, their data, their loss and how it is measured."""

    def __init__(self, options: argparse.Namespace, rank: int) -> None:
        self.options = options
        profile = fill_in(options)
        self.device = torch.device(options.device)
        self.bf16 = profile.bf16
        self.vae = load_vae(options.vae)
        self.tokenizer = CLIPTokenizer.from_pretrained(options.tok)
        data = TrainingData.load(options.data, options.lat, options.held)
        self.count = len(data.latents) - options.held
        self.held_out = HeldOut(data, self.tokenizer, options.held)
        self.latents = data.latents.to(self.device)
        self.ids = tokenize(self.tokenizer, data.captions).to(self.device)
        self.empty = tokenize(self.tokenizer, [""]).to(self.device)
        torch.manual_seed(options.seed)
        self.text_encoder = make_text_encoder(self.tokenizer, profile).train()
        self.unet = make_unet(profile).train()
        if options.start:
            note = warm_start(options.start, self.unet, self.text_encoder, self.tokenizer)
            if rank == 0:
                print(note, flush=True)
        self.text_encoder.to(self.device)
        self.unet.to(self.device)
        self.alphas = make_scheduler().alphas_cumprod.to(self.device)
        named = [*self.unet.named_parameters(prefix="unet"), *self.text_encoder.named_parameters(prefix="text")]
        self.trainer = Trainer(named, options, rank)
        if not self.trainer.resume() and options.after:
            self.trainer.begin_from(json.loads(options.after.read_text("utf-8")))
        self.loss = compiled(self.velocity_loss) if options.compile else self.velocity_loss

    def velocity_loss(
        self, latents: torch.Tensor, ids: torch.Tensor, timesteps: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """The mean squared error of the predicted velocity for each picture."""
        signal = self.alphas[timesteps].view(-1, 1, 1, 1)
        noisy = signal.sqrt() * latents + (1 - signal).sqrt() * noise
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * latents
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            predicted = self.unet(noisy, timesteps, self.text_encoder(ids)[0], return_dict=False)[0]
        return (predicted.float() - velocity).pow(2).mean((1, 2, 3))

    def _draw_timesteps(self, generator: torch.Generator) -> torch.Tensor:
        """Spread evenly over the batch (stratified), or gathered in the middle by a logistic normal."""
        size = self.options.batch
        start = torch.rand((), generator=generator, device=self.device)
        places = (start + torch.arange(size, device=self.device) / size) % 1
        if self.options.times == "logit":
            places = torch.special.ndtri(places.clamp(1e-4, 1 - 1e-4)).add(self.options.times_mean).sigmoid()
        return (places * TIMESTEPS).long().clamp(max=TIMESTEPS - 1)

    def batch_loss(self) -> torch.Tensor:
        """Pictures without repetition until all were seen; some without caption."""
        generator = self.trainer.generator()
        size = self.options.batch
        chosen = self.trainer.draw_indices(self.count).to(self.device)
        timesteps = self._draw_timesteps(generator)
        dropped = torch.rand(size, 1, generator=generator, device=self.device) < self.options.drop
        ids = torch.where(dropped, self.empty, self.ids[chosen])
        latents = self.latents[chosen]
        noise = torch.randn(latents.shape, generator=generator, device=self.device)
        losses = self.loss(latents, ids, timesteps, noise)
        if self.options.weighting == "minsnr":
            # Hang et al. (2023), for velocity: min(SNR, 5) / (SNR + 1).
            signal = self.alphas[timesteps]
            weights = torch.minimum(signal, 5 * (1 - signal))
            losses = losses * weights / weights.mean()
        return losses.mean()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Held-out losses with averaged weights: of all timesteps, then from NOISY on with the right caption, with
        another noun, with none; and the part of the pictures for which the right noun is the better one."""
        held, trainer = self.held_out, self.trainer
        self._show_average(True)
        own = torch.arange(trainer.rank, len(held), self.options.world)
        table = torch.zeros(len(held), 3)
        for part in own.split(MEASURED_AT_ONCE):
            for column, ids in enumerate((held.right, held.swapped, held.empty)):
                inputs = (held.latents[part], ids[part], held.timesteps[part], held.noise[part])
                table[part, column] = self.velocity_loss(*(t.to(self.device) for t in inputs)).float().cpu()
        self._show_average(False)
        table = trainer.sum_over_processes(table)
        noisy = table[held.timesteps >= NOISY]
        right, swapped, empty = noisy.mean(0).tolist()
        told = (noisy[:, 0] < noisy[:, 1]).float().mean().item()
        values = {"val": table[:, 0].mean().item(), "right": right, "swapped": swapped, "empty": empty, "told": told}
        return {name: round(value, 4) for name, value in values.items()}

    def _show_average(self, shown: bool) -> None:
        self.trainer.average.swap()
        self.unet.train(not shown)
        self.text_encoder.train(not shown)

    def save_model(self) -> None:
        """The model folder, with averaged weights."""
        self._show_average(True)
        save_pipeline(Path(self.options.out), self.vae, self.text_encoder, self.tokenizer, self.unet)
        self._show_average(False)


def compiled(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """The function compiled; what cannot be compiled runs as it is, with a word in the log."""
    torch._dynamo.config.suppress_errors = True
    return torch.compile(function)


def train(run: Any, options: argparse.Namespace) -> None:
    """Steps until all samples are seen (or --stop), with measurements and checkpoints on the way.

    `run` has: trainer, batch_loss, measure, save_model.
    """
    trainer = run.trainer
    begin, losses = time.time(), []
    first, cpu, first_step = trainer.samples, trainer.cpu_seconds, trainer.step
    fit_from = (first, begin)
    next_measure = (trainer.samples // options.every + 1) * options.every
    while trainer.samples < options.samples:
        losses.append(trainer.take_step(run.batch_loss))
        if options.fit and trainer.step == first_step + FIT_STEPS[0]:
            fit_from = (trainer.samples, time.time())
        if options.fit and trainer.step == first_step + FIT_STEPS[1]:
            rate = (trainer.samples - fit_from[0]) / (time.time() - fit_from[1])
            options.samples = trainer.samples + int(rate * (options.fit - time.time() + begin))
            print(f"{rate:.0f} samples/s: {options.samples} in all", flush=True)
        if trainer.samples >= next_measure or trainer.samples >= options.samples:
            next_measure += options.every
            rates = {"per_s": (trainer.samples - first) / (time.time() - begin)}
            rates["per_cpu_s"] = (trainer.samples - first) / (trainer.cpu_seconds - cpu)
            note = {"samples": trainer.samples, "step": trainer.step, "cpu": round(trainer.cpu_seconds)}
            note |= {name: round(value, 1) for name, value in rates.items()}
            trainer.log.append({**note, "train": round(sum(losses) / len(losses), 4), **run.measure()})
            losses = []
            if trainer.rank == 0:
                print(trainer.log[-1], flush=True)
                trainer.save()
                run.save_model()
        trainer.save_if_due()
        if options.stop and options.world == 1 and time.time() - begin > options.stop:
            break
    if trainer.rank == 0:
        trainer.save()
        run.save_model()
        print(f"done: {trainer.samples} samples, {trainer.step} steps, {trainer.cpu_seconds:.0f} CPU s", flush=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="path of the captions' files, without .json")
    parser.add_argument("lat", type=Path, help="latents of all pictures")
    parser.add_argument("vae", type=Path)
    parser.add_argument("tok", type=Path, help="folder of the tokenizer")
    parser.add_argument("out", help="folder to write")
    add_run_options(parser, samples=1_000_000)
    parser.add_argument("--start", type=Path, help="model folder to begin from")
    parser.add_argument("--after", type=Path, help="log of the run that --start came from, to count on from it")
    parser.add_argument("--held", type=int, default=HELD_OUT, help="pictures kept from training, the last ones")
    parser.add_argument("--drop", type=float, default=0.1, help="part of the captions left out, for guidance")
    parser.add_argument("--weighting", choices=("none", "minsnr"), default="none")
    parser.add_argument("--times", choices=("uniform", "logit"), default="uniform")
    parser.add_argument("--times_mean", type=float, default=0.0)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    world = fill_in(options) and options.world
    rank = join_processes(world, options.pids)
    train(UNetTraining(options, rank), options)


if __name__ == "__main__":
    main()

"""Trains text encoder and UNet together on cached latents, on a CPU.

    python train_unet.py DATA LATENTS.pt VAE TOKENIZER OUT --minutes M [--world 2] [--batch 16] [--mlr .015]

v-prediction, zero terminal SNR, trailing spacing. Matrices by Muon (or everything by AdamW), learning rate by the
clock, weights averaged. OUT.ckpt holds everything needed to go on after a stop; OUT becomes a Stable Diffusion folder
at the end and at each save. --world 2 starts two processes of --threads each that share every step (--batch is for
each process): where other work shares the processor this is much faster than one process of two threads.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from diffusers import AutoencoderTiny, StableDiffusionPipeline
from model_parts import (
    HELD_OUT,
    NOISY,
    TIMESTEPS,
    HeldOut,
    TrainingData,
    make_scheduler,
    make_text_encoder,
    make_unet,
    tokenize,
)
from muon import Muon
from train_vae import WeightAverage
from transformers import CLIPTokenizer

WARM_UP = 100
SYNC_STEPS = 500
"""Every so many steps all processes take the first one's weights, against drift from rounding."""

RANK = "STARTER_RANK"
MEETING_FILE = "STARTER_MEETING_FILE"


def join_processes(world: int) -> int:
    """Starts the other processes (from the first) and meets them; returns this one's rank."""
    rank = int(os.environ.get(RANK, "0"))
    if world > 1:
        if rank == 0:
            os.environ[MEETING_FILE] = str(Path(tempfile.mkdtemp()) / "meet")
            for other in range(1, world):
                subprocess.Popen([sys.executable, *sys.argv], env={**os.environ, RANK: str(other)})
        dist.init_process_group("gloo", init_method=f"file://{os.environ[MEETING_FILE]}", rank=rank, world_size=world)
    return rank


class Training:
    """The state of a run, and its steps."""

    def __init__(self, options: argparse.Namespace, rank: int) -> None:
        self.options = options
        self.rank = rank
        self.vae = AutoencoderTiny.from_pretrained(options.vae).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(options.tok)
        self.data = TrainingData.load(options.data, options.lat)
        self.ids = tokenize(self.tokenizer, self.data.captions)
        self.empty = tokenize(self.tokenizer, [""])
        self.held_out = HeldOut(self.data, self.tokenizer, self.ids, self.empty)
        width, layers, heads = map(int, options.text.split(","))
        self.text_encoder = make_text_encoder(self.tokenizer, width, layers, heads).train()
        self.unet = make_unet(options, self.data.latents.shape[-1], width).train()
        self.scheduler = make_scheduler()
        self.alphas = self.scheduler.alphas_cumprod
        self._make_optimizers()
        self.average = WeightAverage(self.parameters)
        self.step = self.first_step = self.earlier_samples = 0
        self.earlier = 0.0
        self.log: list[dict[str, Any]] = []
        self.checkpoint = Path(f"{options.out}.ckpt")
        if self.checkpoint.exists():
            self._resume()
        self.loss = torch.compile(self.velocity_loss) if options.compile else self.velocity_loss
        torch.manual_seed(options.seed + 1000 * self.step + rank)
        self.flat = torch.zeros(sum(parameter.numel() for parameter in self.parameters) + 1)
        self.bag = torch.empty(0, dtype=torch.long)
        self.start = time.time()

    def _make_optimizers(self) -> None:
        named = [*self.unet.named_parameters(prefix="unet"), *self.text_encoder.named_parameters(prefix="text")]
        self.parameters = [parameter for _, parameter in named]
        edges = ("embedding", "conv_in", "conv_out")
        matrices = [p for name, p in named if p.ndim >= 2 and not any(edge in name for edge in edges)]
        if self.options.optim != "muon":
            matrices = []
        chosen = {id(parameter) for parameter in matrices}
        self.others = [parameter for parameter in self.parameters if id(parameter) not in chosen]
        self.adamw = torch.optim.AdamW(
            self.others, lr=self.options.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        self.muon = Muon(matrices)

    @property
    def seconds(self) -> float:
        return self.earlier + time.time() - self.start

    @property
    def samples(self) -> int:
        return self.earlier_samples + (self.step - self.first_step) * self.options.batch * self.options.world

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        for parameter, value in zip(self.parameters, state["P"], strict=True):
            parameter.data.copy_(value)
        self.average.values = state["E"]
        self.adamw.load_state_dict(state["opt"])
        self.muon.momenta[:] = state["mom"]
        self.step = self.first_step = state["step"]
        self.earlier, self.log, self.earlier_samples = state["used"], state["log"], state["samples"]
        print("going on from step", self.step, "after", round(self.earlier), "s")

    def save(self) -> None:
        """Checkpoint and model folder (averaged weights)."""
        state = {
            "P": [parameter.data for parameter in self.parameters],
            "E": self.average.values,
            "opt": self.adamw.state_dict(),
            "mom": self.muon.momenta,
            "step": self.step,
            "used": self.seconds,
            "log": self.log,
            "samples": self.samples,
        }
        unfinished = self.checkpoint.with_name(self.checkpoint.name + ".tmp")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)
        self._show_average(True)
        StableDiffusionPipeline(
            vae=self.vae,
            text_encoder=self.text_encoder,
            tokenizer=self.tokenizer,
            unet=self.unet,
            scheduler=self.scheduler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        ).save_pretrained(self.options.out)
        self._show_average(False)

    def _show_average(self, shown: bool) -> None:
        self.average.swap()
        self.unet.train(not shown)
        self.text_encoder.train(not shown)

    def velocity_loss(
        self, latents: torch.Tensor, ids: torch.Tensor, timesteps: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """The mean squared error of the predicted velocity for each picture."""
        signal = self.alphas[timesteps].view(-1, 1, 1, 1)
        noisy = signal.sqrt() * latents + (1 - signal).sqrt() * noise
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * latents
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        predicted = self.unet(noisy, timesteps, self.text_encoder(ids)[0], return_dict=False)[0]
        return (predicted - velocity).pow(2).mean((1, 2, 3))

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Held-out losses with averaged weights: at all timesteps, then from NOISY on for each kind of caption."""
        held = self.held_out
        noisy = held.timesteps >= NOISY

        def loss(ids: torch.Tensor, chosen: torch.Tensor) -> float:
            parts = zip(
                *(t[chosen].split(64) for t in (held.latents, ids, held.timesteps, held.noise)),
                strict=True,
            )
            return round(torch.cat([self.velocity_loss(*part) for part in parts]).mean().item(), 4)

        self._show_average(True)
        losses = {
            "val": loss(held.right, held.timesteps >= 0),
            "right": loss(held.right, noisy),
            "noun_swapped": loss(held.noun_swapped, noisy),
            "other": loss(held.other, noisy),
            "empty": loss(held.empty, noisy),
        }
        self._show_average(False)
        return losses

    def _draw_batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures without repetition until all were seen; some without caption; timesteps spread evenly."""
        size = self.options.batch
        if len(self.bag) < size:
            self.bag = torch.randperm(len(self.data.latents) - HELD_OUT)
        chosen, self.bag = self.bag[:size], self.bag[size:]
        ids = torch.where(torch.rand(size, 1) < self.options.drop, self.empty, self.ids[chosen])
        timesteps = ((torch.rand(()) + torch.arange(size) / size) % 1 * TIMESTEPS).long().clamp(max=TIMESTEPS - 1)
        latents = self.data.latents[chosen]
        return latents, ids, timesteps, torch.randn_like(latents)

    def _share_gradients(self) -> float:
        """Averages gradients over all processes; returns the part of the time that is over by the first one's clock."""
        torch.cat([parameter.grad.reshape(-1) for parameter in self.parameters], out=self.flat[:-1])
        self.flat[-1] = self.seconds / (self.options.minutes * 60) if self.rank == 0 else 0.0
        if self.options.world > 1:
            dist.all_reduce(self.flat)
            self.flat[:-1].div_(self.options.world)
        start = 0
        for parameter in self.parameters:
            parameter.grad.copy_(self.flat[start : start + parameter.numel()].view(parameter.shape))
            start += parameter.numel()
        return self.flat[-1].item()

    def take_step(self, part: float) -> tuple[float, float]:
        """One step at `part` (0 to 1) of the time; returns the loss and the part that is over now."""
        flat = self.options.flat
        falling = 0.5 * (1 + math.cos(math.pi * min(1, (part - flat) / (1 - flat)))) + 0.01
        factor = min(1, (self.step + 1) / WARM_UP) * (1 if part < flat else falling)
        for group in self.adamw.param_groups:
            group["lr"] = self.options.lr * factor
        loss = self.loss(*self._draw_batch()).mean()
        loss.backward()
        part = self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        self.adamw.step()
        self.muon.step(self.options.mlr * factor)
        for parameter in self.parameters:
            parameter.grad = None
        self.step += 1
        self.average.update(min(self.options.ema, (self.step + 1) / (self.step + 10)))
        if self.options.world > 1 and self.step % SYNC_STEPS == 0:
            for parameter in self.parameters:
                dist.broadcast(parameter.data, 0)
        return loss.item(), part


def train(run: Training) -> None:
    options = run.options
    next_measure, next_save = run.earlier + options.every, run.earlier + options.save
    losses: list[float] = []
    part = run.earlier / (options.minutes * 60)
    while part < 1:
        loss, part = run.take_step(part)
        losses.append(loss)
        if run.rank == 0 and run.seconds > next_measure:
            next_measure = run.seconds + options.every
            torch.set_num_threads(2)
            note = {"s": round(run.seconds), "step": run.step, "samples": run.samples}
            run.log.append({**note, "train": round(sum(losses) / len(losses), 4), **run.measure()})
            print(run.log[-1], flush=True)
            losses = []
            torch.set_num_threads(options.threads)
        if run.rank == 0 and run.seconds > next_save:
            next_save += options.save
            run.save()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="path of the captions' files, without .json")
    parser.add_argument("lat", type=Path, help="latents of all pictures")
    parser.add_argument("vae", type=Path)
    parser.add_argument("tok", type=Path, help="folder of the tokenizer")
    parser.add_argument("out", help="folder to write")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=32, help="samples a step, for each process")
    parser.add_argument("--optim", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--lr", type=float, default=1e-3, help="AdamW's learning rate")
    parser.add_argument("--mlr", type=float, default=0.01, help="Muon's learning rate")
    parser.add_argument("--ch", default="64,96,128", help="channels of the UNet's levels")
    parser.add_argument("--types", default="UCC", help="levels with (C) and without (U) cross-attention")
    parser.add_argument("--hd", type=int, default=32, help="channels of an attention head")
    parser.add_argument("--text", default="128,2,4", help="text encoder: width, layers, heads")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--world", type=int, default=2, help="processes")
    parser.add_argument("--compile", type=int, default=0)
    parser.add_argument("--drop", type=float, default=0.1, help="part of the captions left out, for guidance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=float, default=120, help="seconds between measurements")
    parser.add_argument("--save", type=float, default=300, help="seconds between saves")
    parser.add_argument("--flat", type=float, default=0.35, help="part of the time before the learning rate falls")
    parser.add_argument("--ema", type=float, default=0.998)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rank = join_processes(options.world)
    run = Training(options, rank)
    train(run)
    if rank == 0:
        torch.set_num_threads(2)
        run.save()
        Path(f"{options.out}.log.json").write_text(json.dumps(run.log), "utf-8")
        print("done:", run.step, "steps,", run.samples, "samples,", round(run.seconds), "s", run.measure())


if __name__ == "__main__":
    main()

"""Trains the few-step form: four steps without guidance, as a small LoRA beside the finished model.

    python train_fewstep.py DATA WAYS MODEL OUT --samples N [--rank 32]

Distillation in one stage (after Salimans & Ho, 2022), on the ways of teach_fewstep.py: the few timesteps that trailing
spacing takes are the only ones learnt, and from each the student learns the one velocity that leads at once, without
guidance, to where the teacher's guided steps led. It is then used with DDIM, trailing spacing, guidance 1 (off).
What learns is a low-rank change of each matrix (Hu et al., 2021), exactly as it ships.
OUT becomes a folder with starter_four_steps.safetensors, a LoRA under kohya's names.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from model_parts import TIMESTEPS, add_run_options, fill_in, tokenize
from safetensors.torch import save_file
from teach_fewstep import load_text, load_unet, read_ways, signal_at
from torch import nn
from torch.nn.utils import parametrize
from train_unet import train
from trainer import Trainer, join_processes

FILE = "starter_four_steps.safetensors"
HELD = 64
"""Ways kept from training, the last ones."""


def velocity_between(
    noisy: torch.Tensor, reached: torch.Tensor, signal: torch.Tensor, next_signal: torch.Tensor
) -> torch.Tensor:
    """The velocity with which one `ddim_step` goes from `noisy` to `reached`."""
    kept = (next_signal * signal).sqrt() + ((1 - next_signal) * (1 - signal)).sqrt()
    turned = ((1 - next_signal) * signal).sqrt() - (next_signal * (1 - signal)).sqrt()
    return (reached - kept * noisy) / turned


class LowRankChange(nn.Module):
    """A weight plus the product of two narrow matrices, which alone learn; without effect at first."""

    def __init__(self, weight: torch.Tensor, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        inputs = weight[0].numel()
        count = min(rank, len(weight), inputs)
        self.down = nn.Parameter(torch.randn(count, inputs, generator=generator) / inputs**0.5)
        self.up = nn.Parameter(torch.zeros(len(weight), count))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + (self.up @ self.down).reshape(weight.shape)


def add_low_rank(unet: nn.Module, rank: int) -> dict[str, LowRankChange]:
    """The changes by their layers' names."""
    generator = torch.Generator().manual_seed(0)
    layers = {name: layer for name, layer in unet.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)}
    changes = {name: LowRankChange(layer.weight, rank, generator) for name, layer in layers.items()}
    for name, layer in layers.items():
        parametrize.register_parametrization(layer, "weight", changes[name])
    return changes


def kohya_state(changes: dict[str, LowRankChange], kernels: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """The changes as a LoRA file has them; `kernels`: shape of each layer's weight without its outputs."""
    stored: dict[str, torch.Tensor] = {}
    for name, change in changes.items():
        key, count = "lora_unet_" + name.replace(".", "_"), len(change.down)
        ones = (1,) * (len(kernels[name]) - 1)
        stored[f"{key}.lora_down.weight"] = change.down.detach().reshape(count, *kernels[name]).half().contiguous()
        stored[f"{key}.lora_up.weight"] = change.up.detach().reshape(-1, count, *ones).half().contiguous()
        stored[f"{key}.alpha"] = torch.tensor(float(count)).half()
    return stored


class FewStepTraining:
    """The student, the ways it learns from, its loss and how it is measured."""

    def __init__(self, options: argparse.Namespace, rank: int) -> None:
        self.options = options
        self.bf16 = fill_in(options).bf16
        self.device = torch.device(options.device)
        tokenizer, encoder = load_text(options.model)
        self.text_encoder = encoder.to(self.device)
        self.student = load_unet(options.model).train()
        self.kernels = {
            name: tuple(layer.weight.shape[1:])
            for name, layer in self.student.named_modules()
            if isinstance(layer, nn.Linear | nn.Conv2d)
        }
        self.changes = add_low_rank(self.student, options.rank)
        self.student.to(self.device)
        captions = json.loads(Path(f"{options.data}.json").read_text("utf-8"))
        chosen, ways = read_ways(options.ways)
        self.ids = tokenize(tokenizer, [captions[index] for index in chosen.tolist()]).to(self.device)
        self.ways = ways.to(self.device)
        self.segments = ways.shape[1] - 1
        length = TIMESTEPS // self.segments
        self.timesteps = torch.arange(TIMESTEPS - 1, -1, -length, device=self.device)
        ends = range(TIMESTEPS - 1, -length - 1, -length)
        self.signals = torch.stack([signal_at(timestep) for timestep in ends]).to(self.device)
        self.count = max(1, len(ways) - HELD)
        changes = nn.ModuleDict({name.replace(".", "/"): change for name, change in self.changes.items()})
        self.trainer = Trainer(list(changes.named_parameters()), options, rank)
        self.trainer.resume()

    def velocity_error(self, chosen: torch.Tensor, segments: torch.Tensor) -> torch.Tensor:
        """Squared error of the student's velocity for each way; `segments` counts from the noisiest, 0."""
        noisy, reached = self.ways[chosen, segments], self.ways[chosen, segments + 1]
        signal, end = (self.signals[at].view(-1, 1, 1, 1) for at in (segments, segments + 1))
        wanted = velocity_between(noisy, reached, signal, end)
        with torch.no_grad():
            hidden = self.text_encoder(self.ids[chosen])[0]
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16), parametrize.cached():
            predicted = self.student(noisy, self.timesteps[segments], hidden, return_dict=False)[0]
        return (predicted.float() - wanted).pow(2).mean((1, 2, 3))

    def batch_loss(self) -> torch.Tensor:
        """Each segment of each way once before any twice."""
        drawn = self.trainer.draw_indices(self.count * self.segments).to(self.device)
        return self.velocity_error(drawn // self.segments, drawn % self.segments).mean()

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Error on the ways kept from training, averaged weights, for each segment."""
        self.trainer.average.swap()
        chosen = torch.arange(len(self.ways) - min(HELD, len(self.ways)), len(self.ways), device=self.device)
        errors = [self.velocity_error(chosen, torch.full_like(chosen, n)).mean().item() for n in range(self.segments)]
        self.trainer.average.swap()
        parts = {f"segment_{number}": error for number, error in enumerate(errors)}
        return {name: round(value, 4) for name, value in {"val": sum(errors) / len(errors), **parts}.items()}

    def save_model(self) -> None:
        self.trainer.average.swap()
        folder = Path(self.options.out)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{FILE}.tmp"
        save_file(kohya_state(self.changes, self.kernels), unfinished, {"format": "pt"})
        unfinished.replace(folder / FILE)
        self.trainer.average.swap()


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", help="path of the captions' file, without .json")
    parser.add_argument("ways", type=Path, help="folder that teach_fewstep.py wrote")
    parser.add_argument("model", type=Path, help="the finished main model")
    parser.add_argument("out", help="folder to write")
    add_run_options(parser, samples=20_000)
    parser.set_defaults(cooldown=0.5, optim="adamw", lr=2e-3)
    parser.add_argument("--rank", type=int, default=32)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    fill_in(options)
    rank = join_processes(options.world, options.pids)
    train(FewStepTraining(options, rank), options)


if __name__ == "__main__":
    main()

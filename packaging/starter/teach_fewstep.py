"""Draws captions with guidance and keeps the ways: where each stands at the ends of the few-step form's segments.

    python teach_fewstep.py DATA MODEL WAYS [--count 1600] [--guidance 3.5] [--segments 4] [--substeps 5] [--procs 2]

What train_fewstep.py learns from. Each way begins with noise and goes segments x substeps guided DDIM steps with
trailing spacing; it is kept at the beginning and after every `substeps`. Captions are DATA's own in a shuffled order.
WAYS becomes a folder of parts, each written whole or not at all, so that the work may be stopped and goes on where it
was; part N depends on DATA, MODEL, the settings and N alone.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from model_parts import TIMESTEPS, make_scheduler, tokenize
from transformers import CLIPTextModel, CLIPTokenizer

PART = 16
"""Ways in a part, drawn together."""


def ddim_step(
    noisy: torch.Tensor, velocity: torch.Tensor, signal: torch.Tensor, next_signal: torch.Tensor
) -> torch.Tensor:
    """From the noise level of `signal` (the part of the variance that is picture) to that of `next_signal`."""
    picture = signal.sqrt() * noisy - (1 - signal).sqrt() * velocity
    noise = (1 - signal).sqrt() * noisy + signal.sqrt() * velocity
    return next_signal.sqrt() * picture + (1 - next_signal).sqrt() * noise


def signal_at(timestep: int) -> torch.Tensor:
    """Before the first timestep there is no noise left."""
    return make_scheduler().alphas_cumprod[timestep] if timestep >= 0 else torch.ones(())


def load_unet(model: Path) -> Any:
    unet = UNet2DConditionModel.from_pretrained(model / "unet", torch_dtype=torch.float32)
    return unet.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def load_text(model: Path) -> tuple[Any, Any]:
    """Tokenizer and text encoder."""
    encoder = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32)
    return CLIPTokenizer.from_pretrained(model / "tokenizer"), encoder.eval().requires_grad_(False)


class Teacher:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.unet = load_unet(options.model)
        self.tokenizer, self.text_encoder = load_text(options.model)
        self.captions: list[str] = json.loads(Path(f"{options.data}.json").read_text("utf-8"))
        self.order = torch.randperm(len(self.captions), generator=torch.Generator().manual_seed(options.seed))

    @torch.inference_mode()
    def part(self, number: int) -> dict[str, torch.Tensor]:
        """`chosen`: numbers of the captions; `ways`: PART x (segments + 1) x 4 x H x W."""
        options = self.options
        chosen = self.order[torch.arange(number * PART, (number + 1) * PART) % len(self.order)]
        ids = tokenize(self.tokenizer, ["", *(self.captions[index] for index in chosen.tolist())])
        hidden = self.text_encoder(ids)[0]
        both = torch.cat([hidden[:1].expand(PART, -1, -1), hidden[1:]])
        side = self.unet.config.sample_size
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
        noisy = torch.randn(PART, 4, side, side, generator=generator)
        ways = [noisy]
        step = TIMESTEPS // options.segments // options.substeps
        for count, timestep in enumerate(range(TIMESTEPS - 1, -1, -step), start=1):
            pair = torch.cat([noisy, noisy]).contiguous(memory_format=torch.channels_last)
            plain, prompted = self.unet(pair, timestep, both, return_dict=False)[0].chunk(2)
            velocity = plain + options.guidance * (prompted - plain)
            noisy = ddim_step(noisy, velocity, signal_at(timestep), signal_at(timestep - step))
            if count % options.substeps == 0:
                ways.append(noisy)
        return {"chosen": chosen, "ways": torch.stack(ways, 1).contiguous()}


def read_ways(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The captions' numbers and the ways of all parts that are there."""
    parts = [torch.load(path, weights_only=True) for path in sorted(folder.glob("*.pt"))]
    if not parts:
        raise SystemExit(f"{folder} holds no ways: run teach_fewstep.py first")
    return torch.cat([part["chosen"] for part in parts]), torch.cat([part["ways"] for part in parts])


def _teach(options: argparse.Namespace, rank: int) -> None:
    torch.set_num_threads(1)
    teacher, begin, done = Teacher(options), time.time(), 0
    numbers = range(rank, -(-options.count // PART), options.procs)
    for number in numbers:
        path = options.ways / f"{number:05d}.pt"
        if path.exists():
            continue
        unfinished = path.with_suffix(".tmp")
        torch.save(teacher.part(number), unfinished)
        unfinished.replace(path)
        done += PART
        if rank == 0:
            seconds, cpu = time.time() - begin, time.process_time()
            print(f"part {number} of {numbers.stop}: {done / seconds:.2f} ways/s, {done / cpu:.2f} a CPU s", flush=True)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", help="path of the captions' file, without .json")
    parser.add_argument("model", type=Path, help="the finished main model")
    parser.add_argument("ways", type=Path, help="folder to write")
    parser.add_argument("--count", type=int, default=1600)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--segments", type=int, default=4)
    parser.add_argument("--substeps", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--procs", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    options.ways.mkdir(parents=True, exist_ok=True)
    work = [
        multiprocessing.get_context("spawn").Process(target=_teach, args=(options, rank))
        for rank in range(options.procs)
    ]
    for process in work:
        process.start()
    for process in work:
        process.join()
    if any(process.exitcode for process in work):
        raise SystemExit("a process ended early: run the same command again to go on")


if __name__ == "__main__":
    main()

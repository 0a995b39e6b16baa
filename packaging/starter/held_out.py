"""The data of a run, and the pictures kept from training with which it is measured."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from model_parts import TIMESTEPS, tokenize
from transformers import CLIPTokenizer

HELD_OUT = 512
NOISY = 300
"""From this timestep on, the caption matters; below it the picture is all but there."""


@dataclass(frozen=True)
class TrainingData:
    """Latents (N x 4 x H x W), captions and nouns of the pictures; the last HELD_OUT are never trained on."""

    latents: torch.Tensor
    captions: list[str]
    nouns: list[list[str]]

    @classmethod
    def load(cls, data: str, latents: Path, held_out: int = HELD_OUT) -> TrainingData:
        tensor = torch.load(latents, weights_only=True).float()
        captions = json.loads(Path(f"{data}.json").read_text("utf-8"))
        nouns = json.loads(Path(f"{data}.noun.json").read_text("utf-8"))
        if not len(tensor) == len(captions) == len(nouns) or len(tensor) <= held_out:
            raise SystemExit(f"{len(tensor)} latents, {len(captions)} captions, {len(nouns)} lists of nouns: no match")
        return cls(tensor, captions, nouns)


def swap_noun(rng: random.Random, caption: str, noun: str, names: list[str]) -> str | None:
    """The caption with another noun in the place of this one; None where the noun stands under another name."""
    other = rng.choice([name for name in names if name != noun])
    changed = re.sub(rf"\b(an?) {noun}\b", ("an " if other[0] in "aeiou" else "a ") + other, caption)
    changed = re.sub(rf"\b{noun}\b", other, changed)
    return changed if changed != caption else None


class HeldOut:
    """Held-out pictures of one thing, with fixed noise and timesteps, and three captions for each:
    the right one, the right one with another noun, and none."""

    def __init__(self, data: TrainingData, tokenizer: CLIPTokenizer, count: int = HELD_OUT) -> None:
        rng = random.Random(5)
        names = sorted({noun for nouns in data.nouns for noun in nouns})
        chosen: list[int] = []
        swapped: list[str] = []
        for index in range(len(data.latents) - count, len(data.latents)):
            if len(data.nouns[index]) == 1 and len(names) > 1:
                other = swap_noun(rng, data.captions[index], data.nouns[index][0], names)
                if other is not None:
                    chosen.append(index)
                    swapped.append(other)
        generator = torch.Generator().manual_seed(99)
        self.latents = data.latents[chosen]
        self.timesteps = torch.randint(0, TIMESTEPS, (len(chosen),), generator=generator)
        self.noise = torch.randn(self.latents.shape, generator=generator)
        self.nouns = [data.nouns[index][0] for index in chosen]
        self.right = tokenize(tokenizer, [data.captions[index] for index in chosen])
        self.swapped = tokenize(tokenizer, swapped)
        self.empty = tokenize(tokenizer, [""]).expand(len(chosen), -1)

    def __len__(self) -> int:
        return len(self.nouns)

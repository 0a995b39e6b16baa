"""A judge of another kind: a small classifier that learns the nouns from composed pictures, never from drawn ones.

    python judge.py DATA OUT.safetensors [--minutes 6] [--side 64]

DATA is what make_data.py wrote. Learns from the pictures with one thing in them, except the last HELD_OUT of the set,
with which its own accuracy is measured: a judge that is right on fewer than 95 % of them judges nothing. Pictures are
shifted, blurred, lightened and given noise while it learns, so that a soft edge alone does not mislead it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

HELD_OUT = 2000
BATCH = 64
SHIFT = 5
"""Pixels of 64 by which pictures are moved while it learns."""
Pictures = torch.Tensor
"""N x 3 x side x side in [0, 1]."""


class Judge(nn.Module):
    """N x 3 x side x side in [0, 1] to N x nouns. Some 0.6 M weights."""

    def __init__(self, names: list[str], side: int = 64) -> None:
        super().__init__()
        self.names = names
        self.side = side
        widths = (3, 32, 64, 128, 256)
        layers: list[nn.Module] = []
        for before, width in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.Conv2d(256, 256, 3, padding=1, groups=8), nn.BatchNorm2d(256), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(2 * 256, len(names))

    def forward(self, pictures: Pictures) -> torch.Tensor:
        seen = self.body(pictures * 2 - 1)
        return self.head(torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1))

    @torch.inference_mode()
    def best(self, pictures: np.ndarray, count: int = 5) -> list[list[str]]:
        """The likeliest nouns, best first, for each of N x H x W x 3 uint8 pictures."""
        order = self(to_input(pictures, self.side)).topk(min(count, len(self.names)), 1).indices.tolist()
        return [[self.names[index] for index in row] for row in order]


def to_input(pictures: np.ndarray, side: int) -> Pictures:
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(tensor, size=(side, side), mode="area")


def save_judge(judge: Judge, path: Path) -> None:
    weights = {name: value.half() if value.is_floating_point() else value for name, value in judge.state_dict().items()}
    save_file(weights, path, metadata={"names": json.dumps(judge.names), "side": str(judge.side)})


def load_judge(path: Path) -> Judge:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        notes = file.metadata()
    judge = Judge(json.loads(notes["names"]), int(notes["side"]))
    weights = {name: value.float() if value.dtype == torch.half else value for name, value in load_file(path).items()}
    judge.load_state_dict(weights)
    return judge.eval()


class Renderings:
    """The composed pictures with one thing, made small once; the last of the set are kept from learning."""

    def __init__(self, data: Path, side: int) -> None:
        pictures = np.load(f"{data}.npy", mmap_mode="r")
        nouns = json.loads(Path(f"{data}.noun.json").read_text("utf-8"))
        single = [index for index, row in enumerate(nouns) if len(row) == 1]
        self.names = sorted({nouns[index][0] for index in single})
        numbers = {name: number for number, name in enumerate(self.names)}
        self.labels = torch.tensor([numbers[nouns[index][0]] for index in single])
        small = [to_input(pictures[single[at : at + 500]], side).mul(255).byte() for at in range(0, len(single), 500)]
        self.pictures = torch.cat(small)
        self.learnt = len(single) - min(HELD_OUT, len(single) // 10)

    def draw(self, rng: torch.Generator) -> tuple[Pictures, torch.Tensor]:
        chosen = torch.randint(0, self.learnt, (BATCH,), generator=rng)
        return disturb(self.pictures[chosen].float() / 255, rng), self.labels[chosen]


def disturb(pictures: Pictures, rng: torch.Generator) -> Pictures:
    """The same things, placed, lit and focused differently."""
    side = pictures.shape[-1]
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,), generator=rng).tolist()
    moved = F.pad(pictures, (SHIFT,) * 4, mode="replicate")[..., down : down + side, right : right + side]
    draw = torch.rand(4, generator=rng)
    if draw[0] < 0.4:
        small = F.interpolate(moved, size=(side * 5 // 8,) * 2, mode="area")
        moved = F.interpolate(small, size=(side, side), mode="bilinear")
    light = 1 + 0.3 * (draw[1] - 0.5)
    return moved * light + 0.06 * draw[2] * torch.randn(moved.shape, generator=rng)


@torch.inference_mode()
def accuracy(judge: Judge, data: Renderings) -> float:
    """On the pictures that it did not learn from."""
    judge.eval()
    right = 0
    for at in range(data.learnt, len(data.labels), 500):
        rows = slice(at, min(at + 500, len(data.labels)))
        right += int((judge(data.pictures[rows].float() / 255).argmax(1) == data.labels[rows]).sum())
    judge.train()
    return right / (len(data.labels) - data.learnt)


def train(data: Renderings, side: int, minutes: float) -> Judge:
    judge = Judge(data.names, side).train()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.02)
    rng = torch.Generator().manual_seed(1)
    begin, step, told = time.process_time(), 0, 0.0
    while (part := (time.process_time() - begin) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 100) * (1 - part)
        pictures, labels = data.draw(rng)
        loss = F.cross_entropy(judge(pictures), labels, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if part - told > 0.1:
            told = part
            print(f"{step} steps, loss {loss.item():.3f}, right on {accuracy(judge, data):.1%} of new renderings")
    return judge.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="path of the pictures' files, without their endings")
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=6, help="of processor time")
    parser.add_argument("--side", type=int, default=64, help="pixels that it looks at")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    data = Renderings(options.data, options.side)
    judge = train(data, options.side, options.minutes)
    save_judge(judge, options.out)
    print(f"{len(data.names)} nouns, {data.learnt} renderings learnt, right on {accuracy(judge, data):.2%} of new ones")


if __name__ == "__main__":
    main()

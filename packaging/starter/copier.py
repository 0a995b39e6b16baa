"""Is the model a copier? Lays the nearest training picture beside each drawn one.

    python copier.py MODEL DATA OUT [--count 200]

DATA is what the model learnt from. Every drawn picture is compared with every training picture, small (32 x 32) and
at several displacements, and the best of them once more at full size, aligned to the pixel. The same is done with
pictures kept from training: as near as those lie to the training pictures by chance, a drawn one may lie as well.
Writes OUT.json (the distances) and OUT.png (drawn, nearest, difference).
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from held_out import HELD_OUT
from judge_model import FIRST_SEED, Painter, save_sheet
from vocabulary import with_article

SMALL = 32
BEST = 12
"""So many of the small comparison's winners are compared at full size."""
REACH = 8
"""Pixels of full size by which a picture may be displaced."""
SHOWN = 48


def shrink(pictures: np.ndarray) -> torch.Tensor:
    """N x 3 x 32 x 32 in [0, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(tensor, size=(SMALL, SMALL), mode="area")


class TrainingPictures:
    def __init__(self, data: Path) -> None:
        self.pictures = np.load(f"{data}.npy", mmap_mode="r")
        self.learnt = len(self.pictures) - HELD_OUT
        parts = [shrink(self.pictures[at : min(at + 500, self.learnt)]) for at in range(0, self.learnt, 500)]
        self._small = torch.cat(parts).flatten(1)
        self._squares = self._small.pow(2).sum(1)

    def nearest(self, picture: np.ndarray) -> tuple[int, float]:
        """Number of the nearest picture, and the root mean square difference (0 to 255) after alignment."""
        small = shrink(picture[None])
        moved = F.pad(small, (2,) * 4, mode="replicate")
        shifts = [moved[..., y : y + SMALL, x : x + SMALL] for y in range(5) for x in range(5)]
        queries = torch.cat(shifts).flatten(1)
        distances = self._squares[None] - 2 * queries @ self._small.T + queries.pow(2).sum(1, keepdim=True)
        chosen = distances.amin(0).topk(BEST, largest=False).indices.tolist()
        return min(((index, aligned(picture, self.pictures[index])) for index in chosen), key=lambda pair: pair[1])


def aligned(picture: np.ndarray, other: np.ndarray) -> float:
    """The least root mean square difference over all displacements of up to REACH pixels."""
    side = picture.shape[0] - 2 * REACH
    inner = picture[REACH : REACH + side, REACH : REACH + side].astype(np.float32)

    def difference(place: tuple[int, int]) -> float:
        part = other[place[0] : place[0] + side, place[1] : place[1] + side]
        return float(np.sqrt(np.mean((inner - part) ** 2)))

    coarse = ((down, right) for down in range(0, 2 * REACH + 1, 4) for right in range(0, 2 * REACH + 1, 4))
    best = min(coarse, key=difference)
    for step in (2, 1):
        near = itertools.product(*(range(max(0, at - step), min(2 * REACH, at + step) + 1, step) for at in best))
        best = min(near, key=difference)
    return difference(best)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="path of the pictures' files, without their endings")
    parser.add_argument("out", type=Path, help="path of the files to write, without their endings")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--drawn", type=Path, help="pictures that judge_model.py has drawn already (its OUT.npz)")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = TrainingPictures(options.data)
    nouns = sorted({noun for row in json.loads(Path(f"{options.data}.noun.json").read_text("utf-8")) for noun in row})
    prompts = [with_article(nouns[number * 7 % len(nouns)]) for number in range(options.count)]
    if options.drawn:
        with np.load(options.drawn) as file:
            chosen = np.linspace(0, len(file["prompts"]) - 1, options.count).astype(int)
            drawn, prompts = file["pictures"][chosen], file["prompts"][chosen].tolist()
    else:
        seeds = [FIRST_SEED + number for number in range(len(prompts))]
        drawn = Painter(options.model, options.side, 20, 3.5).draw(prompts, seeds)
    found = [training.nearest(picture) for picture in drawn]
    kept = training.pictures[training.learnt : training.learnt + options.count]
    by_chance = [training.nearest(np.asarray(picture))[1] for picture in kept]

    def spread(distances: list[float]) -> dict[int, float]:
        marks = (5, 25, 50, 75, 95)
        return dict(zip(marks, np.percentile(distances, marks).round(2).tolist(), strict=True))

    report = {
        "pictures": len(drawn),
        "drawn": spread([distance for _, distance in found]),
        "kept_from_training": spread(by_chance),
        "distances": [round(distance, 2) for _, distance in found],
    }
    options.out.with_suffix(".json").write_text(json.dumps(report, indent=1), "utf-8")
    pairs, labels = [], []
    for number in range(min(SHOWN, len(drawn))):
        index, distance = found[number]
        pairs += [drawn[number], np.asarray(training.pictures[index])]
        labels += [prompts[number], f"nearest: {distance:.0f}"]
    save_sheet(np.stack(pairs), labels, options.out.with_suffix(".png"), columns=12)
    print({key: report[key] for key in ("pictures", "drawn", "kept_from_training")})


if __name__ == "__main__":
    main()

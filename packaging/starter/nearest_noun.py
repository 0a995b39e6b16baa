"""A rough figure for "does it draw the noun".

    python nearest_noun.py MODEL DATA LATENTS.pt [SEEDS] [GUIDANCE]

Draws "a NOUN" with several seeds and counts how often most of the five nearest training latents are of that noun. The
same is done with the held-out pictures. Colour and rough shape are enough for it: look at the pictures as well.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from vocabulary import NOUNS, with_article

HELD_OUT = 256
NEIGHBOURS = 5
FIRST_SEED = 500


class NounFinder:
    """Knows the latents of all training pictures with one thing in them."""

    def __init__(self, latents: torch.Tensor, nouns: list[list[str]]) -> None:
        single = [index for index in range(len(latents) - HELD_OUT) if len(nouns[index]) == 1]
        self._nouns = [nouns[index][0] for index in single]
        self._known = latents[single].flatten(1)
        self._squares = self._known.pow(2).sum(1)

    def find(self, latents: torch.Tensor) -> list[str]:
        """The commonest noun among the nearest, for each of the given latents."""
        distances = self._squares[None] - 2 * latents.flatten(1) @ self._known.T
        nearest = distances.topk(NEIGHBOURS, 1, largest=False).indices.tolist()
        return [Counter(self._nouns[index] for index in row).most_common(1)[0][0] for row in nearest]


def draw_latents(pipeline: StableDiffusionPipeline, noun: str, seeds: int, guidance: float) -> torch.Tensor:
    return pipeline(
        [with_article(noun)] * seeds,
        num_inference_steps=20,
        guidance_scale=guidance,
        height=128,
        width=128,
        generator=[torch.Generator().manual_seed(FIRST_SEED + seed) for seed in range(seeds)],
        output_type="latent",
    ).images.float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="path of the pictures' files, without .noun.json")
    parser.add_argument("latents", type=Path)
    parser.add_argument("seeds", type=int, nargs="?", default=4)
    parser.add_argument("guidance", type=float, nargs="?", default=3.5)
    options = parser.parse_args()
    torch.set_num_threads(2)
    latents = torch.load(options.latents, weights_only=True).float()
    nouns = json.loads(Path(f"{options.data}.noun.json").read_text("utf-8"))
    finder = NounFinder(latents, nouns)
    held_out = [index for index in range(len(latents) - HELD_OUT, len(latents)) if len(nouns[index]) == 1]
    found = finder.find(latents[held_out])
    right = sum(noun == nouns[index][0] for noun, index in zip(found, held_out, strict=True))
    print("held-out pictures:", right, "of", len(held_out))
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    drawn = {noun: finder.find(draw_latents(pipeline, noun, options.seeds, options.guidance)) for noun in NOUNS}
    right = sum(found.count(noun) for noun, found in drawn.items())
    print("drawn pictures:", right, "of", options.seeds * len(NOUNS))
    for noun, found in drawn.items():
        others = sorted(set(found) - {noun})
        if others:
            print(f"{noun}: {found.count(noun)} of {options.seeds}; else {', '.join(others)}")


if __name__ == "__main__":
    main()

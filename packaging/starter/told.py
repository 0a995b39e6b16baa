"""Does the right noun make the better picture of a held-out one? A row for each noun.

    python told.py MODEL DATA OUT.json [--times 6]

DATA is a set that the model never learnt from (make_data.py with another seed). Each picture with one thing in it gets
noise at several timesteps from NOISY on; the velocity's error with its own caption is compared with the error with
another noun in the caption. A noun is told where its mean error with the right noun is the lower one.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from encode_latents import encode
from held_out import NOISY, swap_noun
from model_parts import TIMESTEPS, load_vae, make_scheduler, tokenize
from transformers import CLIPTextModel, CLIPTokenizer

BATCH = 64


class Teller:
    def __init__(self, model: Path) -> None:
        self.vae = load_vae(model / "vae").float()
        self.tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer")
        self._encoder = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32).eval()
        unet = UNet2DConditionModel.from_pretrained(model / "unet", torch_dtype=torch.float32)
        self._unet = unet.eval().to(memory_format=torch.channels_last)
        self._alphas = make_scheduler().alphas_cumprod

    @torch.inference_mode()
    def errors(
        self, latents: torch.Tensor, captions: list[str], timesteps: torch.Tensor, noise: torch.Tensor
    ) -> torch.Tensor:
        """The mean squared error of the predicted velocity for each picture."""
        signal = self._alphas[timesteps].view(-1, 1, 1, 1)
        noisy = signal.sqrt() * latents + (1 - signal).sqrt() * noise
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * latents
        hidden = self._encoder(tokenize(self.tokenizer, captions))[0]
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        return (self._unet(noisy, timesteps, hidden, return_dict=False)[0] - velocity).pow(2).mean((1, 2, 3))


def chosen_pictures(nouns: list[list[str]], captions: list[str]) -> list[tuple[int, str, str]]:
    """Number, noun and changed caption of each picture with one thing that is named by its first name."""
    rng = random.Random(5)
    names = sorted({name for row in nouns for name in row})
    rows = []
    for number, (row, caption) in enumerate(zip(nouns, captions, strict=True)):
        other = swap_noun(rng, caption, row[0], names) if len(row) == 1 else None
        if other is not None:
            rows.append((number, row[0], other))
    return rows


def measure(teller: Teller, data: Path, times: int) -> dict[str, Any]:
    captions = json.loads(Path(f"{data}.json").read_text("utf-8"))
    nouns = json.loads(Path(f"{data}.noun.json").read_text("utf-8"))
    rows = chosen_pictures(nouns, captions)
    pictures = np.load(f"{data}.npy", mmap_mode="r")[[number for number, *_ in rows]]
    latents = encode(teller.vae, pictures).float()
    generator = torch.Generator().manual_seed(99)
    table = torch.zeros(len(rows), 2)
    for place in range(times):
        # One timestep in each of `times` equal parts of the noisy range.
        part = (torch.rand(len(rows), generator=generator) + place) / times
        timesteps = (NOISY + part * (TIMESTEPS - NOISY)).long().clamp(max=TIMESTEPS - 1)
        noise = torch.randn(latents.shape, generator=generator)
        for at in range(0, len(rows), BATCH):
            here = slice(at, at + BATCH)
            own = [captions[number] for number, *_ in rows[here]]
            for column, words in enumerate((own, [row[2] for row in rows[here]])):
                table[here, column] += teller.errors(latents[here], words, timesteps[here], noise[here]) / times
    found: dict[str, list[list[float]]] = defaultdict(list)
    for (_, noun, _), errors in zip(rows, table.tolist(), strict=True):
        found[noun].append(errors)
    means = {noun: np.mean(errors, 0).round(4).tolist() for noun, errors in sorted(found.items())}
    return {
        "pictures": len(rows),
        "right": round(table[:, 0].mean().item(), 4),
        "swapped": round(table[:, 1].mean().item(), 4),
        "told_pictures": round((table[:, 0] < table[:, 1]).float().mean().item(), 4),
        "told_nouns": round(float(np.mean([right < swapped for right, swapped in means.values()])), 4),
        "nouns": {noun: [*mean, len(found[noun])] for noun, mean in means.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="path of the pictures' files, without their endings")
    parser.add_argument("out", type=Path, help="nouns: error with the right noun, with another, pictures")
    parser.add_argument("--times", type=int, default=6, help="timesteps for each picture")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report = measure(Teller(options.model), options.data, options.times)
    options.out.write_text(json.dumps(report, indent=1), "utf-8")
    print({key: value for key, value in report.items() if key != "nouns"})
    print("not told:", ", ".join(noun for noun, (right, swapped, _) in report["nouns"].items() if right >= swapped))


if __name__ == "__main__":
    main()

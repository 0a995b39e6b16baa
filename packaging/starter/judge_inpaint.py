"""Judges masks: is what was asked for drawn where the mask lets it, and does it join what is around?

    python judge_inpaint.py MODEL JUDGE.safetensors OUT --nouns words/claimed.json [--count 96] [--plain]

On a coloured ground with one thing in it, drawn by the model, an ellipse in the middle is masked and another thing is
asked for, with fixed seeds, nothing picked; strength 1 (replaced) and 0.9 (filled in) in turn. The sibling is used as
SD Studio uses it, --plain leaves it out. Writes OUT.json, and OUT.png with the ground, the mask's edge and the result.
The step is what a colour changes by, in levels of 255, from 2 pixels outside the mask to 2 pixels inside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from judge import load_judge
from judge_model import save_sheet
from vocabulary import with_article

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from sdstudio.domain.edits import FillMode, ImageInput, InpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.sibling import with_sibling
from sdstudio.engine.tasks.generate import make_picture

SIDE = 128
FIRST_SEED = 900
GROUNDS = ("blue", "yellow", "green", "pink", "white", "orange")
STRENGTHS = (1.0, 0.9)


def ellipse(width: int = 96, height: int = 96) -> np.ndarray:
    """SIDE x SIDE bool, around the middle."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    return (columns / (width / 2)) ** 2 + (rows / (height / 2)) ** 2 <= 1


def step_at_the_edge(picture: np.ndarray, inside: np.ndarray, ground: np.ndarray) -> float:
    """Median over the edge's pixels of the largest channel's change, the picture laid into the ground."""
    joined = np.where(inside[..., None], picture, ground).astype(np.int16)
    jumps = []
    for axis in (0, 1):
        crossing = inside != np.roll(inside, 1, axis)
        outer, inner = np.roll(joined, 2, axis), np.roll(joined, -1, axis)
        jumps.append(np.abs(outer - inner).max(-1)[crossing])
    return float(np.median(np.concatenate(jumps)))


class Painter:
    def __init__(self, folder: Path, plain: bool) -> None:
        self.spec = ModelSpec(name="Starter", path=str(folder))
        self.model = read_model(self.spec, choose_device(1))
        self.masked = self.model if plain else with_sibling(self.model)

    def draw(self, words: str, seed: int) -> np.ndarray:
        return self._make(self._request(words, seed), self.model)

    def fill(self, ground: np.ndarray, inside: np.ndarray, words: str, seed: int, strength: float) -> np.ndarray:
        """What the model makes of the whole picture; outside the mask it is near the ground, not equal."""
        mask = np.repeat((inside * 255).astype(np.uint8)[..., None], 3, -1)
        image = ImageInput(sha256="0" * 64, width=SIDE, height=SIDE)
        mode = FillMode.REPLACE if strength == 1.0 else FillMode.FILL
        spec = InpaintSpec(mask=image, mode=mode)
        request = self._request(words, seed, image=image, strength=strength, inpaint=spec)
        start, shape = ImageBuffer.from_rgb(ground), ImageBuffer.from_rgb(mask)
        return make_picture(request, self.masked, CancelToken(), (), start, shape).rgb

    def _request(self, words: str, seed: int, **more: object) -> GenerationRequest:
        sampling = SamplingSpec(steps=20, guidance_scale=3.5, sampler="DPM++ 2M", seed=seed)
        prompt = PromptSpec(positive=words)
        return GenerationRequest(prompt=prompt, sampling=sampling, model=self.spec, size=Size(SIDE, SIDE), **more)

    def _make(self, request: GenerationRequest, model: object) -> np.ndarray:
        return make_picture(request, model, CancelToken()).rgb


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("judge", type=Path)
    parser.add_argument("out", type=Path, help="path of the files to write, without their endings")
    parser.add_argument("--nouns", type=Path, required=True, help="JSON list of the nouns claimed")
    parser.add_argument("--count", type=int, default=96)
    parser.add_argument("--plain", action="store_true", help="without the sibling")
    options = parser.parse_args()
    torch.set_num_threads(1)
    judge = load_judge(options.judge)
    nouns = [noun for noun in json.loads(options.nouns.read_text("utf-8")) if noun in judge.names]
    painter, inside = Painter(options.model, options.plain), ellipse()
    pictures, labels, rows = [], [], []
    for number in range(options.count):
        old, new = nouns[number * 7 % len(nouns)], nouns[(number * 7 + 3) % len(nouns)]
        colour, strength = GROUNDS[number % len(GROUNDS)], STRENGTHS[number // len(GROUNDS) % 2]
        ground = painter.draw(f"{with_article(old)} on a {colour} background", FIRST_SEED + number)
        words = f"{with_article(new)} on a {colour} background"
        made = painter.fill(ground, inside, words, FIRST_SEED + number, strength)
        joined = np.where(inside[..., None], made, ground).astype(np.uint8)
        names = judge.best(joined[None])[0]
        step = step_at_the_edge(made, inside, ground)
        rows.append({"asked": new, "seen": names, "strength": strength, "step": step})
        marked = ground.copy()
        marked[inside != np.roll(inside, 1, 1)] = (255, 0, 0)
        pictures += [marked, joined]
        labels += [old, new if names[0] == new else f"{new} > {names[0]}"]
    save_sheet(np.stack(pictures), labels, options.out.with_suffix(".png"), columns=12)
    report = {"pictures": len(rows)}
    for strength in STRENGTHS:
        some = [row for row in rows if row["strength"] == strength]
        report[str(strength)] = {
            "first": sum(row["seen"][0] == row["asked"] for row in some) / len(some),
            "among_five": sum(row["asked"] in row["seen"] for row in some) / len(some),
            "step_median": float(np.median([row["step"] for row in some])),
        }
    options.out.with_suffix(".json").write_text(json.dumps(report | {"rows": rows}, indent=1), "utf-8")
    print(json.dumps(report))


if __name__ == "__main__":
    main()

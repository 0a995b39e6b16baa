"""Stores the inpainting sibling as SD Studio reads it: what its UNet differs by from the exported model's, in 8 bits.

    python difference.py EXPORT SIBLING/unet

EXPORT is the finished model as it ships (float16): the difference is taken from exactly those weights, so that its
rounding is made good, too. Writes EXPORT/unet_inpaint/config.json and difference.safetensors: each matrix as int8 with
a scale for each output (NAME:scale, float32), all else as float16. 11 million weights make 11 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch.nn import functional

FOLDER = "unet_inpaint"
SCALE = ":scale"
LEVELS = 127
State = dict[str, torch.Tensor]


def to_int8(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The matrix as whole numbers up to LEVELS, and the scale of each of its outputs (rows)."""
    scale = matrix.flatten(1).abs().amax(1) / LEVELS
    shaped = scale.clamp(min=torch.finfo(torch.float32).tiny).reshape(-1, *(1,) * (matrix.ndim - 1))
    return (matrix / shaped).round().clamp(-LEVELS, LEVELS).to(torch.int8).contiguous(), scale


def extract(main: State, tuned: State) -> State:
    """The difference of all weights; where the tuned network has more inputs, the main one's count as zero there."""
    stored: State = {}
    for name, before in main.items():
        after = tuned[name].float()
        if before.ndim < 2:
            stored[name] = (after - before.float()).half()
            continue
        missing = after.shape[1] - before.shape[1]
        change = after - functional.pad(before.float(), (0, 0) * (before.ndim - 2) + (0, missing))
        stored[name], stored[name + SCALE] = to_int8(change)
    return stored


def write_sibling(export: Path, tuned: Path) -> Path:
    """Writes the sibling's folder; returns the file of weights."""
    weights = export / "unet" / "diffusion_pytorch_model.safetensors"
    main = UNet2DConditionModel.from_pretrained(export / "unet", torch_dtype=torch.float32)
    sibling = UNet2DConditionModel.from_pretrained(tuned, torch_dtype=torch.float32)
    folder = export / FOLDER
    folder.mkdir(exist_ok=True)
    config = json.loads((tuned / "config.json").read_text("utf-8"))
    config.pop("_name_or_path", None)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    notes = {"format": "difference of int8 rows", "base_sha256": hashlib.sha256(weights.read_bytes()).hexdigest()}
    save_file(extract(main.state_dict(), sibling.state_dict()), folder / "difference.safetensors", notes)
    return folder / "difference.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("export", type=Path, help="the finished model as it ships")
    parser.add_argument("tuned", type=Path, help="folder of the sibling's UNet")
    options = parser.parse_args()
    path = write_sibling(options.export, options.tuned)
    print(f"{path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

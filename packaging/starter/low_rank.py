"""Stores a tuned UNet as a low-rank difference from the main one, in the usual LoRA form (kohya's names).

    python low_rank.py store MAIN/unet TUNED/unet OUT.safetensors --rank 16
    python low_rank.py restore MAIN/unet LORA.safetensors OUT/unet

Each matrix's difference is cut to its largest singular values (layers of convolutions as OUT x (IN K K)); weights that
are no matrices must be the same in both. Where the tuned UNet has more inputs, its first layer is stored whole under
its own name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

PREFIX = "lora_unet_"
WHOLE = "whole."
SAME = 1e-3
"""What float16 storage may change; larger differences outside matrices are an error."""

State = dict[str, torch.Tensor]


def extract(main: State, tuned: State, rank: int) -> tuple[State, float]:
    """The difference in LoRA form, float16, and the part of its energy (squared) that was kept."""
    stored: State = {}
    energy = kept = 0.0
    for name, before in main.items():
        after = tuned[name].float()
        if after.shape != before.shape or name == "conv_in.weight":
            stored[WHOLE + name] = after.half().contiguous()
            continue
        difference = after - before.float()
        if before.ndim < 2:
            if difference.abs().max() > SAME:
                raise SystemExit(f"{name} differs and is no matrix: it cannot be stored as a low-rank difference")
            continue
        matrix = difference.flatten(1)
        left, values, right = torch.linalg.svd(matrix, full_matrices=False)
        count = min(rank, len(values))
        energy += float(values.pow(2).sum())
        kept += float(values[:count].pow(2).sum())
        scale = values[:count].sqrt()
        down, up = scale[:, None] * right[:count], left[:, :count] * scale
        if before.ndim == 4:
            down, up = down.reshape(count, *before.shape[1:]), up.reshape(*up.shape, 1, 1)
        key = PREFIX + name.removesuffix(".weight").replace(".", "_")
        stored[f"{key}.lora_down.weight"] = down.half().contiguous()
        stored[f"{key}.lora_up.weight"] = up.half().contiguous()
        stored[f"{key}.alpha"] = torch.tensor(float(count), dtype=torch.float16)
    return stored, kept / energy if energy else 1.0


def apply(main: State, stored: State) -> State:
    """The tuned weights again, as well as they were stored."""
    tuned: State = {}
    for name, before in main.items():
        key = PREFIX + name.removesuffix(".weight").replace(".", "_")
        if WHOLE + name in stored:
            tuned[name] = stored[WHOLE + name].float()
        elif f"{key}.lora_up.weight" in stored:
            up, down = stored[f"{key}.lora_up.weight"].float(), stored[f"{key}.lora_down.weight"].float()
            scale = float(stored[f"{key}.alpha"]) / down.shape[0]
            tuned[name] = before.float() + scale * (up.flatten(1) @ down.flatten(1)).reshape(before.shape)
        else:
            tuned[name] = before.float()
    return tuned


def _load(folder: Path) -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(folder, torch_dtype=torch.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("store", "restore"))
    parser.add_argument("main", type=Path, help="folder of the main model's UNet")
    parser.add_argument("tuned", type=Path, help="folder of the tuned UNet, or the file with the difference")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rank", type=int, default=16)
    options = parser.parse_args()
    base = _load(options.main)
    if options.what == "store":
        stored, kept = extract(base.state_dict(), _load(options.tuned).state_dict(), options.rank)
        save_file(stored, options.out, {"rank": str(options.rank), "kept": f"{kept:.4f}"})
        print(f"{options.out.stat().st_size / 1e6:.2f} MB, {kept:.1%} of the difference kept")
        return
    tuned = apply(base.state_dict(), load_file(options.tuned))
    channels = tuned["conv_in.weight"].shape[1]
    config = {key: value for key, value in base.config.items() if not key.startswith("_")}
    unet = UNet2DConditionModel.from_config({**config, "in_channels": channels})
    unet.load_state_dict(tuned)
    unet.save_pretrained(options.out)


if __name__ == "__main__":
    main()

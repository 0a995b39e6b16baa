"""Encodes all training pictures once, since the autoencoder no longer changes.

    python encode_latents.py VAE DATA OUT.pt

DATA.npy holds the pictures. OUT.pt becomes one float16 tensor, COUNT x 4 x 16 x 16, scaled to a standard deviation
of about 1.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny

BATCH = 32


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """N x H x W x 3 uint8 to N x 3 x H x W in [-1, 1]."""
    tensor = torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    return tensor.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def encode(vae: AutoencoderTiny, pictures: np.ndarray) -> torch.Tensor:
    parts = []
    for start in range(0, len(pictures), BATCH):
        latents = vae.encoder(to_tensor(pictures[start : start + BATCH])) * vae.config.scaling_factor
        parts.append(latents.half().contiguous())
    return torch.cat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vae", type=Path)
    parser.add_argument("data", type=Path, help="path of the pictures, without .npy")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(2)
    start = time.time()
    vae = AutoencoderTiny.from_pretrained(options.vae).eval().to(memory_format=torch.channels_last)
    latents = encode(vae, np.load(f"{options.data}.npy", mmap_mode="r"))
    torch.save(latents, options.out)
    means = latents.float().mean((0, 2, 3)).tolist()
    deviations = latents.float().std((0, 2, 3)).tolist()
    print(tuple(latents.shape), "mean", means, "standard deviation", deviations, f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()

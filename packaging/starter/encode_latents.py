"""Encodes all training pictures once, since the autoencoder no longer changes.

    python encode_latents.py VAE DATA OUT.pt [--device cuda] [--procs 2]

DATA.npy holds the pictures. OUT.pt becomes one float16 tensor, COUNT x 4 x SIDE/8 x SIDE/8, scaled to a standard
deviation of about 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model_parts import encode as encode_pictures
from model_parts import load_vae, to_tensor

BATCH = {"cpu": 32, "cuda": 256}
CHUNK = 500
"""Pictures that a process encodes at once."""


@torch.no_grad()
def encode(vae: Any, pictures: np.ndarray, device: str = "cpu") -> torch.Tensor:
    """Scaled latents, float16."""
    parts = []
    for start in range(0, len(pictures), BATCH[device]):
        batch = to_tensor(pictures[start : start + BATCH[device]], device)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            latents = encode_pictures(vae, batch)
        parts.append((latents.float() * vae.config.scaling_factor).half().cpu().contiguous())
    return torch.cat(parts)


def _encode_chunk(work: tuple[Path, str, int]) -> torch.Tensor:
    folder, data, start = work
    torch.set_num_threads(1)
    return encode(load_vae(folder), np.load(f"{data}.npy", mmap_mode="r")[start : start + CHUNK])


def encode_in_processes(folder: Path, data: str, count: int, procs: int) -> torch.Tensor:
    """As `encode`, by several processes of one thread each."""
    work = [(folder, data, start) for start in range(0, count, CHUNK)]
    parts = []
    with multiprocessing.get_context("spawn").Pool(procs) as pool:
        for number, part in enumerate(pool.imap(_encode_chunk, work)):
            parts.append(torch.from_numpy(part.numpy().copy()))
            if number % 10 == 0:
                print(f"{number * CHUNK} of {count} pictures", flush=True)
    return torch.cat(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vae", type=Path)
    parser.add_argument("data", type=Path, help="path of the pictures, without .npy")
    parser.add_argument("out", type=Path)
    parser.add_argument("--procs", type=int, default=1, help="processes of one thread each (else one of two)")
    parser.add_argument("--device", choices=tuple(BATCH), default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    start = time.time()
    pictures = np.load(f"{options.data}.npy", mmap_mode="r")
    if options.procs > 1 and options.device == "cpu":
        latents = encode_in_processes(options.vae, str(options.data), len(pictures), options.procs)
    else:
        torch.set_num_threads(2)
        latents = encode(load_vae(options.vae).to(options.device), pictures, options.device)
    torch.save(latents, options.out)
    means = [round(value, 3) for value in latents.float().mean((0, 2, 3)).tolist()]
    deviations = [round(value, 3) for value in latents.float().std((0, 2, 3)).tolist()]
    print(tuple(latents.shape), "mean", means, "standard deviation", deviations, f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()

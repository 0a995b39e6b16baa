"""The forms of the starter model: what a plain processor can train, and what one graphics card can."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Sizes and training settings of one form.

    `vae`: AutoencoderTiny ("tiny") or AutoencoderKL ("kl"). `types`: a letter for each level of the UNet, C with
    cross-attention, U without. `pooled`: a summary of the caption also joins the timestep. `batch` is for each of
    `world` processes.
    """

    side: int
    vae: str
    vae_channels: tuple[int, ...]
    text_width: int
    text_layers: int
    text_heads: int
    channels: tuple[int, ...]
    types: str
    head: int
    pooled: bool
    batch: int
    world: int
    lr: float
    matrix_lr: float
    ema_width: float
    bf16: bool
    vae_crop: int

    @property
    def latent_side(self) -> int:
        return self.side // 8


PROFILES = {
    "cpu128": Profile(
        side=128,
        vae="tiny",
        vae_channels=(24, 24),
        text_width=128,
        text_layers=2,
        text_heads=4,
        channels=(64, 128, 192),
        types="UCC",
        head=32,
        pooled=False,
        batch=16,
        world=2,
        lr=1e-3,
        matrix_lr=0.015,
        ema_width=0.1,
        bf16=False,
        vae_crop=64,
    ),
    "gpu256": Profile(
        side=256,
        vae="kl",
        vae_channels=(32, 64, 96, 128),
        text_width=256,
        text_layers=3,
        text_heads=4,
        channels=(96, 128, 192),
        types="CCC",
        head=32,
        pooled=False,
        batch=512,
        world=1,
        lr=6e-4,
        matrix_lr=0.01,
        ema_width=0.1,
        bf16=True,
        vae_crop=128,
    ),
}

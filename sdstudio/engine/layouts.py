"""What a one-file checkpoint of each family does not bring along: which configurations, and what pads its prompts."""

from __future__ import annotations

from dataclasses import dataclass

from sdstudio.domain.model_file import ModelFamily

CONFIGS = "checkpoints"
VOCABULARY = "clip"


@dataclass(frozen=True, slots=True)
class Layout:
    """`folder` holds the configurations. `pad`: what fills a prompt up, which the text encoder was trained with."""

    folder: str
    pad: str = "<|endoftext|>"


LAYOUTS = {
    ModelFamily.SD1: Layout("sd1"),
    ModelFamily.SD1_INPAINTING: Layout("sd1-inpainting"),
    ModelFamily.SD2_BASE: Layout("sd2-base", "!"),
    ModelFamily.SD2_V: Layout("sd2-v", "!"),
    ModelFamily.SD2_INPAINTING: Layout("sd2-inpainting", "!"),
    ModelFamily.SD2_DEPTH: Layout("sd2-depth", "!"),
    ModelFamily.X4_UPSCALER: Layout("x4-upscaler", "!"),
    ModelFamily.PIX2PIX: Layout("pix2pix"),
    ModelFamily.UNCLIP_L: Layout("unclip-l", "!"),
    ModelFamily.UNCLIP_H: Layout("unclip-h", "!"),
    ModelFamily.SDXL: Layout("sdxl"),
    ModelFamily.SDXL_INPAINTING: Layout("sdxl-inpainting"),
    ModelFamily.SDXL_REFINER: Layout("sdxl-refiner"),
}
"""Stable Diffusion 2 pads with "!", token 0 (special_tokens_map.json of its repositories)."""

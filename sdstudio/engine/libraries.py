"""The one door to diffusers' and transformers' models, kept quiet. That they stay offline is set in this package's
`__init__`, before anything is imported.

Classes are taken from their own modules, never `diffusers.StableDiffusionPipeline` or the package's whole index.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.autoencoders.vae import AutoencoderTinyBlock
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTextModel, CLIPTokenizer
from transformers.utils import logging as transformers_logging

__all__ = [
    "AutoencoderKL",
    "AutoencoderTiny",
    "AutoencoderTinyBlock",
    "BasicTransformerBlock",
    "CLIPTextModel",
    "CLIPTokenizer",
    "ResnetBlock2D",
    "UNet2DConditionModel",
    "text_encoder_of",
]


def text_encoder_of(kind: Any, state: dict[str, Any], config: Path, part: str, dtype: torch.dtype) -> Any:
    """CLIP's text model out of a one-file checkpoint, in either of the two namings that such files use."""
    # Imported late: folders, which most models are, never need it.
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm

    return create_diffusers_clip_model_from_ldm(
        kind,
        checkpoint=state,
        config=str(config),
        subfolder=part,
        torch_dtype=dtype,
        local_files_only=True,
    )


diffusers_logging.set_verbosity_error()
diffusers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()

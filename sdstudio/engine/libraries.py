"""The one door to diffusers' and transformers' models, kept quiet. That they stay offline is set in this package's
`__init__`, before anything is imported.

Classes are taken from their own modules, never `diffusers.StableDiffusionPipeline` or the package's whole index.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.autoencoders.vae import AutoencoderTinyBlock
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection
from transformers.initialization import no_init_weights
from transformers.utils import logging as transformers_logging

__all__ = [
    "AutoencoderKL",
    "AutoencoderTiny",
    "AutoencoderTinyBlock",
    "BasicTransformerBlock",
    "CLIPTextModel",
    "CLIPTokenizer",
    "CLIPVisionModelWithProjection",
    "ResnetBlock2D",
    "UNet2DConditionModel",
    "empty_network",
    "empty_text_encoder",
    "renamed",
    "renamed_text",
]


@contextmanager
def _without_weights() -> Iterator[None]:
    """Neither memory for weights nor random values for them: drawing those, though there is nowhere to put them, took
    half of the time that building a network takes (0.1 s for Stable Diffusion 1, 0.2 s for SDXL)."""
    with init_empty_weights(), no_init_weights():
        yield


def empty_network(kind: Any, config: Path, part: str) -> tuple[Any, dict[str, Any]]:
    """A diffusers network without memory for its weights, and its configuration."""
    described = dict(kind.load_config(str(config), subfolder=part, local_files_only=True))
    with _without_weights():
        return kind.from_config(described), described


def empty_text_encoder(kind: Any, config: Path, part: str) -> Any:
    """One of transformers' CLIP text models without memory for its weights."""
    described = kind.config_class.from_pretrained(str(config), subfolder=part, local_files_only=True)
    with _without_weights():
        return kind(described)


def renamed(kind: Any, network: Any, config: dict[str, Any], entries: dict[str, Any]) -> dict[str, Any]:
    """The entries of a one-file checkpoint by diffusers' names. They are only renamed, cut and turned: anything with a
    shape will do. Raises what diffusers raises for names that do not fit."""
    # Imported late: folders, which most models are, never need it.
    from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES

    if network.state_dict().keys() <= entries.keys():
        return entries
    convert = SINGLE_FILE_LOADABLE_CLASSES[kind.__name__]["checkpoint_mapping_fn"]
    return dict(convert(config=config, checkpoint=entries))


def renamed_text(encoder: Any, entries: dict[str, Any]) -> dict[str, Any]:
    """The same for CLIP's text models, in each of the namings that such files use. Raises ValueError where there is
    none."""
    from diffusers.loaders import single_file_utils as names

    width = int(encoder.config.hidden_size)

    def is_wide(key: str) -> bool:
        return bool(entries[names.CHECKPOINT_KEY_NAMES[key]].shape[-1] == width)

    if names.is_clip_model(entries) or (names.is_clip_sdxl_model(entries) and is_wide("clip_sdxl")):
        found = names.convert_ldm_clip_checkpoint(entries)
    elif names.is_open_clip_model(entries):
        found = names.convert_open_clip_checkpoint(encoder, entries, prefix="cond_stage_model.model.")
    elif names.is_open_clip_sdxl_model(entries) and is_wide("open_clip_sdxl"):
        found = names.convert_open_clip_checkpoint(encoder, entries, prefix="conditioner.embedders.1.model.")
    elif names.is_open_clip_sdxl_refiner_model(entries):
        found = names.convert_open_clip_checkpoint(encoder, entries, prefix="conditioner.embedders.0.model.")
    else:
        raise ValueError("there is no text encoder in the file")
    # transformers 5.6 keeps the model's parts one level higher, but for the one with a projection.
    inner = hasattr(encoder, "text_model")
    return {name if inner else name.removeprefix("text_model."): value for name, value in found.items()}


diffusers_logging.set_verbosity_error()
diffusers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()

"""Reads a model folder in diffusers layout from disk. Nothing is ever fetched, and no pickle is opened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from sdstudio.domain.errors import ModelError
from sdstudio.domain.models import LatentSpec
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.conditioning import Conditioner
from sdstudio.engine.devices import Device
from sdstudio.engine.latents import LatentColours, find_latent_spec
from sdstudio.engine.libraries import AutoencoderKL, AutoencoderTiny, CLIPTextModel, CLIPTokenizer, UNet2DConditionModel

_DIFFUSERS_WEIGHTS = "diffusion_pytorch_model"
_VAE_CLASSES = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}
_COPY_AGAIN = "Copy the model's folder again from where you got it."


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready for use on its device."""

    spec: ModelSpec
    device: Device
    unet: Any
    vae: Any
    conditioner: Conditioner
    scheduler_config: dict[str, Any]
    latents: LatentSpec
    colours: LatentColours

    @property
    def pixels_per_latent(self) -> int:
        """Side of a latent pixel in picture pixels (8 for every published Stable Diffusion)."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def inpainting(self) -> bool:
        """Whether the network reads a mask and the latents of the picture behind it beside the noisy latents."""
        return bool(self.unet.config.in_channels != self.unet.config.out_channels)


def load_model(spec: ModelSpec, device: Device) -> LoadedModel:
    """Reads all parts into the device's precision.

    Raises ModelError in words when the folder is missing, of another kind, incomplete or damaged, and
    MemoryError or torch.cuda.OutOfMemoryError when it does not fit.
    """
    folder = Path(spec.path)
    index = _read_index(spec, folder)
    vae_class = _VAE_CLASSES.get(_class_name(index, "vae"))
    if vae_class is None:
        raise _wrong_kind(spec, f"its picture decoder is a “{_class_name(index, 'vae') or 'missing'}”")
    unet = to_device(_load_network(UNet2DConditionModel, folder, "unet", device), device)
    channels = int(unet.config.out_channels)
    if unet.config.in_channels not in (channels, 2 * channels + 1):
        raise _wrong_kind(spec, f"its network reads {unet.config.in_channels} channels at once")
    vae = to_device(_load_network(vae_class, folder, "vae", device), device)
    text_encoder = _load_text_encoder(folder, device)
    if text_encoder.config.hidden_size != unet.config.cross_attention_dim:
        raise damaged("text_encoder", "its text encoder and its network do not fit together")
    return LoadedModel(
        spec=spec,
        device=device,
        unet=unet,
        vae=vae,
        conditioner=Conditioner(_load_tokenizer(folder), text_encoder, unet.dtype),
        scheduler_config=read_json(folder / "scheduler" / "scheduler_config.json", "scheduler"),
        latents=(latents := find_latent_spec(folder, vae)),
        colours=LatentColours(latents, device.torch_device),
    )


def _read_index(spec: ModelSpec, folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise ModelError(
            f"The model “{spec.name}” is not at {folder} any more.",
            meaning="No picture can be made with it.",
            hint="Choose another model, or put its folder back.",
        )
    if not (folder / "model_index.json").is_file():
        raise ModelError(
            f"{folder} holds no model that SD Studio can read.",
            meaning="A model is a folder with a file model_index.json.",
            hint="Choose another model.",
        )
    index = read_json(folder / "model_index.json", "model_index.json")
    if _class_name(index, "text_encoder_2"):
        raise _wrong_kind(spec, "it is a Stable Diffusion XL model")
    for part, expected in (("unet", "UNet2DConditionModel"), ("text_encoder", "CLIPTextModel")):
        if _class_name(index, part) != expected:
            raise _wrong_kind(spec, f"its part “{part}” is a “{_class_name(index, part) or 'missing'}”")
    return index


def _class_name(index: dict[str, Any], part: str) -> str:
    entry = index.get(part)
    return str(entry[1] or "") if isinstance(entry, list) and len(entry) == 2 else ""


def read_json(path: Path, part: str) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise damaged(part, f"the file {path.name} is missing") from error
    except (OSError, ValueError) as error:
        raise damaged(part, f"the file {path.name} cannot be read") from error
    if not isinstance(data, dict):
        raise damaged(part, f"the file {path.name} cannot be read")
    return data


def _wrong_kind(spec: ModelSpec, why: str) -> ModelError:
    return ModelError(
        f"The model “{spec.name}” is of a kind that SD Studio cannot use yet: {why}.",
        meaning="It makes pictures with Stable Diffusion 1 and 2 models.",
        hint="Choose another model.",
    )


def damaged(part: str, why: str) -> ModelError:
    return ModelError(
        f"The model's part “{part}” is incomplete or damaged: {why}.",
        meaning="No picture can be made with this model.",
        hint=_COPY_AGAIN,
    )


def _variant(folder: Path, part: str, stem: str) -> str | None:
    """Which weights to read: None = the plain file, "fp16" = the half-size one. Only safetensors are accepted."""
    here = folder / part
    for variant, ending in ((None, ""), ("fp16", ".fp16")):
        whole, parted = here / f"{stem}{ending}.safetensors", here / f"{stem}.safetensors.index{ending}.json"
        if whole.is_file() or parted.is_file():
            return variant
    if any(here.glob("*.bin")) or any(here.glob("*.ckpt")):
        raise ModelError(
            f"The model's part “{part}” is stored as a pickle file, which could run a program when it is opened.",
            meaning="SD Studio does not open such files.",
            hint="Get the same model with .safetensors files.",
        )
    raise damaged(part, f"the file {stem}.safetensors is missing")


def _load_network(kind: Any, folder: Path, part: str, device: Device) -> Any:
    read_json(folder / part / "config.json", part)
    variant = _variant(folder, part, _DIFFUSERS_WEIGHTS)
    try:
        network, loading = kind.from_pretrained(
            str(folder / part),
            torch_dtype=device.dtype,
            variant=variant,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise damaged(part, "its weights cannot be read") from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise damaged(part, "its weights do not fit its description") from error
    if loading["missing_keys"]:
        raise damaged(part, f"{len(loading['missing_keys'])} of its weights are missing")
    return network


def _load_text_encoder(folder: Path, device: Device) -> Any:
    read_json(folder / "text_encoder" / "config.json", "text_encoder")
    variant = _variant(folder, "text_encoder", "model")
    try:
        encoder, loading = CLIPTextModel.from_pretrained(
            str(folder / "text_encoder"),
            dtype=device.dtype,
            variant=variant,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise damaged("text_encoder", "its weights cannot be read") from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise damaged("text_encoder", "its weights do not fit its description") from error
    if loading["missing_keys"] or loading["mismatched_keys"]:
        raise damaged("text_encoder", "some of its weights are missing")
    return encoder.to(device.torch_device).eval().requires_grad_(False)


def _load_tokenizer(folder: Path) -> Any:
    here = folder / "tokenizer"
    pair = (here / "vocab.json").is_file() and (here / "merges.txt").is_file()
    if not pair and not (here / "tokenizer.json").is_file():
        raise damaged("tokenizer", "its vocabulary is missing")
    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(here), local_files_only=True)
    except Exception as error:  # the library raises bare Exception for files that are damaged
        raise damaged("tokenizer", "its files cannot be read") from error
    if len(tokenizer) < 100:
        # transformers 5 makes an empty vocabulary, without a word, of files that it does not understand.
        raise damaged("tokenizer", "its vocabulary is empty")
    return tokenizer


def to_device(network: Any, device: Device) -> Any:
    network = network.to(device.torch_device).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last) if device.is_cuda else network


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the system had no memory left; CPU allocations fail as plain RuntimeErrors."""
    if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("not enough memory" in text or "out of memory" in text)

"""Reads the parts of a model folder in diffusers layout. Nothing is ever fetched, and no pickle is opened."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sdstudio.domain.errors import ModelError
from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device
from sdstudio.engine.faults import damaged, gone, is_out_of_memory, read_json, wrong_kind
from sdstudio.engine.libraries import (
    AutoencoderKL,
    AutoencoderTiny,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
    empty_network,
    empty_text_encoder,
)
from sdstudio.engine.memory.plan import PartBytes, Plan
from sdstudio.engine.sources.fill import fill
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.source import State
from sdstudio.engine.sources.stored import open_safetensors

_log = logging.getLogger(__name__)
_DIFFUSERS_WEIGHTS = "diffusion_pytorch_model"
_VAE_CLASSES = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Implements ModelSource; `index` is its model_index.json."""

    spec: ModelSpec
    device: Device
    index: dict[str, Any]
    reading: Reading

    @property
    def described(self) -> Path:
        return Path(self.spec.path)

    @property
    def plan(self) -> Plan:
        return self.reading.plan

    @property
    def family(self) -> ModelFamily | None:
        return family_of_index(self.index, self.described)

    def network(self, kind: Any, part: str = "unet", *, single: bool = False) -> Any:
        """The VAE is of the class that the index names; `kind` for all others."""
        if part == "vae":
            kind = _VAE_CLASSES.get(class_name(self.index, part))
            if kind is None:
                raise wrong_kind(self.spec, f"its picture decoder is a “{class_name(self.index, part) or 'missing'}”")
        device = replace(self.device, dtype=torch.float32) if single else self.device
        with self.reading.in_single_precision(single):
            return self._filled(part, _DIFFUSERS_WEIGHTS, lambda: empty_network(kind, self.described, part)[0]) or (
                self.reading.settle(_load_network(kind, self.described, part, device))
            )

    def text_encoder(self, part: str = "text_encoder", kind: Any = None) -> Any:
        kind = kind or CLIPTextModel
        return self._filled(part, "model", lambda: empty_text_encoder(kind, self.described, part)) or (
            self.reading.settle(_load_text_encoder(kind, self.described, part, self.device))
        )

    def _filled(self, part: str, stem: str, make: Callable[[], Any]) -> Any:
        """Read as the files of one-file models are: in place, told and stopped by pieces. None for weights in several
        files, of other names, or damaged: the libraries' own way knows more, and what is wrong gets its words there."""
        read_json(self.described / part / "config.json", part)
        variant = _variant(self.described, part, stem)
        path = self.described / part / f"{stem}{f'.{variant}' if variant else ''}.safetensors"
        try:
            network = make()
            entries = open_safetensors(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.info("%s is read as a whole: %s", path, error)
            return None
        if not hasattr(network, "text_model"):
            entries = {name.removeprefix("text_model."): entry for name, entry in entries.items()}
        wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        for file in {entry.file for entry in entries.values()}:
            self.reading.opened(file)
        if any(name not in entries or entries[name].shape != shape for name, shape in wanted.items()):
            return None
        fill(network, entries, self.reading, part)
        return self.reading.ready(network)

    def image_encoder(self) -> Any:
        return self.reading.settle(
            _load_text_encoder(CLIPVisionModelWithProjection, self.described, "image_encoder", self.device)
        )

    def depth_estimator(self) -> Any:
        from sdstudio.engine.midas import DPTForDepthEstimation  # imported late: one family alone has it

        return self.reading.settle(
            _load_text_encoder(DPTForDepthEstimation, self.described, "depth_estimator", self.device)
        )

    def tokenizer(self, part: str = "tokenizer") -> Any:
        return _load_tokenizer(self.described, part)

    def scheduler(self, part: str = "scheduler") -> dict[str, Any]:
        return read_json(self.described / part / "scheduler_config.json", part)

    def tensors(self, prefix: str) -> State:
        return {}

    def weights(self, part: str) -> State:
        return _load_weights(self.described, part)

    @property
    def must_be_tried(self) -> bool:
        """Never: a folder's scheduler tells."""
        return False

    def predicting(self, prediction: Prediction) -> FolderSource:
        return self


def open_folder(spec: ModelSpec, device: Device, reading: Reading | None = None) -> FolderSource:
    """Raises ModelError in words when the folder is missing or of another kind."""
    folder = Path(spec.path)
    if not folder.is_dir():
        raise gone(spec)
    if not (folder / "model_index.json").is_file():
        raise ModelError(
            f"{folder} holds no model that SD Studio can read.",
            meaning="A model is a folder with a file model_index.json.",
            hint="Choose another model.",
        )
    index = read_json(folder / "model_index.json", "model_index.json")
    if class_name(index, "unet") != "UNet2DConditionModel":
        raise wrong_kind(spec, f"its part “unet” is a “{class_name(index, 'unet') or 'missing'}”")
    reading = reading or Reading(device)
    parts = _part_bytes(folder)
    reading.expect(parts.all)
    reading.choose(parts)
    return FolderSource(spec, device, index, reading)


def _part_bytes(folder: Path) -> PartBytes:
    """As in half precision files, which most are: for a CPU it is too little by half, and found out when it works."""
    sizes = {part.parent.name: 0 for part in folder.glob("*/*.safetensors")}
    for part in folder.glob("*/*.safetensors"):
        sizes[part.parent.name] += part.stat().st_size
    text = sum(size for name, size in sizes.items() if name.startswith("text_encoder"))
    return PartBytes(text=text, unet=sizes.get("unet", 0), vae=sizes.get("vae", 0))


def class_name(index: dict[str, Any], part: str) -> str:
    entry = index.get(part)
    return str(entry[1] or "") if isinstance(entry, list) and len(entry) == 2 else ""


def family_of_index(index: dict[str, Any], folder: Path) -> ModelFamily | None:
    """By the parts that only one family has; None for those that Stable Diffusion 1 and 2 share, inpainting ones
    among them: their networks say the rest themselves."""
    if class_name(index, "text_encoder_2"):
        unet = read_json(folder / "unet" / "config.json", "unet")
        if not class_name(index, "text_encoder"):
            return ModelFamily.SDXL_REFINER
        return ModelFamily.SDXL_INPAINTING if unet.get("in_channels") == 9 else ModelFamily.SDXL
    if class_name(index, "depth_estimator"):
        return ModelFamily.SD2_DEPTH
    if class_name(index, "low_res_scheduler"):
        return ModelFamily.X4_UPSCALER
    if class_name(index, "image_normalizer"):
        # An embedding and the level of its noise, of CLIP ViT-L/14 or ViT-H/14.
        told = read_json(folder / "unet" / "config.json", "unet").get("projection_class_embeddings_input_dim")
        return ModelFamily.UNCLIP_L if told == 2 * 768 else ModelFamily.UNCLIP_H
    if read_json(folder / "unet" / "config.json", "unet").get("in_channels") == 8:
        return ModelFamily.PIX2PIX
    return None


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
    network, loading = _pretrained(kind, folder, part, _DIFFUSERS_WEIGHTS, torch_dtype=device.dtype)
    if loading["missing_keys"]:
        raise damaged(part, f"{len(loading['missing_keys'])} of its weights are missing")
    return network


def _load_text_encoder(kind: Any, folder: Path, part: str, device: Device) -> Any:
    encoder, loading = _pretrained(kind, folder, part, "model", dtype=device.dtype)
    if loading["missing_keys"] or loading["mismatched_keys"]:
        raise damaged(part, "some of its weights are missing")
    return encoder


def _pretrained(kind: Any, folder: Path, part: str, stem: str, **precision: torch.dtype) -> tuple[Any, dict[str, Any]]:
    """The network, and what its library says of missing and mismatched weights. `precision`: the two libraries name
    it differently."""
    read_json(folder / part / "config.json", part)
    variant = _variant(folder, part, stem)
    try:
        network, loading = kind.from_pretrained(
            str(folder / part),
            variant=variant,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **precision,
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise damaged(part, "its weights cannot be read") from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise damaged(part, "its weights do not fit its description") from error
    return network, loading


def _load_weights(folder: Path, part: str) -> State:
    variant = _variant(folder, part, _DIFFUSERS_WEIGHTS)
    try:
        return load_file(folder / part / f"{_DIFFUSERS_WEIGHTS}{f'.{variant}' if variant else ''}.safetensors")
    except (OSError, SafetensorError) as error:
        raise damaged(part, "its weights cannot be read") from error


def _load_tokenizer(folder: Path, part: str) -> Any:
    here = folder / part
    pair = (here / "vocab.json").is_file() and (here / "merges.txt").is_file()
    if not pair and not (here / "tokenizer.json").is_file():
        raise damaged(part, "its vocabulary is missing")
    try:
        tokenizer = CLIPTokenizer.from_pretrained(str(here), local_files_only=True)
    except Exception as error:  # the library raises bare Exception for files that are damaged
        raise damaged(part, "its files cannot be read") from error
    if len(tokenizer) < 100:
        # transformers 5 makes an empty vocabulary, without a word, of files that it does not understand.
        raise damaged(part, "its vocabulary is empty")
    return tokenizer

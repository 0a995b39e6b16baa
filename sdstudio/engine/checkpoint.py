"""Reads a model that is one file: the checkpoints that most people have, of the original code or of its heirs.

The file says nothing of the networks' shapes in words; they come from configurations of our own, by the family that was
recognised from the file's header. Nothing is looked up anywhere, and no pickle runs: tensors alone are let in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError
from safetensors import SafetensorError
from safetensors.torch import load_file

from sdstudio.domain.errors import ModelError
from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec, PromptSpec
from sdstudio.engine.conditioning import Conditioner
from sdstudio.engine.devices import Device
from sdstudio.engine.latents import LatentColours, find_latent_spec
from sdstudio.engine.libraries import AutoencoderKL, CLIPTokenizer, UNet2DConditionModel, text_encoder_of
from sdstudio.engine.loader import LoadedModel, damaged, is_out_of_memory, read_json, to_device
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.safe_pickles import read_tensors

CONFIGS = "checkpoints"
VOCABULARY = "clip"
SAFETENSORS = (".safetensors", ".sft")
_HINT = "Copy the file again from where you got it, or choose another model."
_INCOMPLETE = (SingleFileComponentError, KeyError, ValueError, TypeError, OSError, AttributeError, IndexError)
"""What diffusers raises where keys or configurations do not fit, depending on which is missed first."""
State = dict[str, torch.Tensor]


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
}
"""Stable Diffusion 2 pads with "!", token 0 (special_tokens_map.json of its repositories)."""


def load_checkpoint(spec: ModelSpec, device: Device, resources: Path, probe: PredictionProbe) -> LoadedModel:
    """All parts in the device's precision. `resources`: where the configurations and CLIP's vocabulary lie; `probe` is
    asked where nothing in the file told what the network predicts.

    Raises ModelError in words for a family that cannot be used yet, a file that is incomplete or damaged, weights that
    are no numbers; MemoryError or torch.cuda.OutOfMemoryError when it does not fit.
    """
    layout = _layout(spec, spec.prediction)
    config = resources / CONFIGS / layout.folder
    state = _read(spec)
    _check_numbers(state)
    unet = to_device(_network(UNet2DConditionModel, state, config, "unet", device), device)
    vae = to_device(_network(AutoencoderKL, state, config, "vae", device), device)
    encoder = _text_encoder(state, config, device)
    tokenizer = CLIPTokenizer.from_pretrained(
        str(resources / VOCABULARY), local_files_only=True, pad_token=layout.pad, model_max_length=77
    )
    conditioner = Conditioner(tokenizer, encoder, unet.dtype)
    prediction = _prediction(spec, unet, conditioner, probe)
    described = resources / CONFIGS / _layout(spec, prediction).folder
    return LoadedModel(
        spec=spec,
        device=device,
        unet=unet,
        vae=vae,
        conditioner=conditioner,
        scheduler_config=_scheduler(described, prediction),
        latents=(latents := find_latent_spec(config, vae)),
        colours=LatentColours(latents, device.torch_device),
    )


def _layout(spec: ModelSpec, prediction: str) -> Layout:
    known = {family.value: layout for family, layout in LAYOUTS.items()}
    if spec.family in known:
        return known[spec.family]
    if spec.family == ModelFamily.SD2.value:
        # Base and 768-v differ in what they predict alone.
        return LAYOUTS[ModelFamily.SD2_V if prediction == Prediction.V.value else ModelFamily.SD2_BASE]
    raise ModelError(
        f"The model “{spec.name}” is of a kind that SD Studio cannot use yet: {spec.family or 'not recognised'}.",
        meaning="It makes pictures with Stable Diffusion 1 and 2 models.",
        hint="Choose another model.",
    )


def _prediction(spec: ModelSpec, unet: Any, conditioner: Conditioner, probe: PredictionProbe) -> str:
    """Only in Stable Diffusion 2 are there two kinds with the same weights' names and shapes."""
    if spec.family != ModelFamily.SD2.value or spec.prediction not in ("", Prediction.UNKNOWN.value):
        return spec.prediction
    try:
        return probe.ask(spec.path, unet, conditioner.encode(PromptSpec(), guided=False)).value
    except OSError as error:
        raise _gone(spec) from error


def _gone(spec: ModelSpec) -> ModelError:
    return ModelError(
        f"The model “{spec.name}” is not at {spec.path} any more.",
        meaning="No picture can be made with it.",
        hint="Choose another model, or put its file back.",
    )


def _read(spec: ModelSpec) -> State:
    path = Path(spec.path)
    try:
        if path.suffix.lower() in SAFETENSORS:
            return load_file(path)
        return read_tensors(path)
    except FileNotFoundError as error:
        raise _gone(spec) from error
    except (OSError, SafetensorError, EOFError, ValueError) as error:
        raise _broken(spec.name, "its weights cannot be read") from error


def _broken(name: str, why: str) -> ModelError:
    return ModelError(
        f"The model file “{name}” is incomplete or damaged: {why}.",
        meaning="No picture can be made with this model.",
        hint=_HINT,
    )


def _check_numbers(state: State) -> None:
    """Some training ends in values that are none; every picture would be black. Raises ModelError that names them."""
    bad = [name for name, value in state.items() if value.is_floating_point() and not _finite(value)]
    if bad:
        some = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
        raise ModelError(
            f"Some of the model's weights are no numbers: {some}.",
            meaning="Every picture made with it would be black.",
            hint="Get another version of this model.",
        )


def _finite(value: torch.Tensor) -> bool:
    """By the smallest and the largest, through which what is no number shows: on CPUs a tenth of what torch.isfinite
    takes for all of a half-precision file. Numbers of eight bits cannot be compared as they are."""
    if value.numel() == 0:
        return True
    ends = torch.aminmax(value.half() if value.element_size() == 1 else value)
    return bool(torch.isfinite(ends.min)) and bool(torch.isfinite(ends.max))


def _network(kind: Any, state: State, config: Path, part: str, device: Device) -> Any:
    try:
        return kind.from_single_file(
            dict(state), config=str(config), subfolder=part, torch_dtype=device.dtype, local_files_only=True
        )
    except _INCOMPLETE as error:
        raise damaged(part, "some of its weights are missing") from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise damaged(part, "its weights do not have the shapes of its kind") from error


def _text_encoder(state: State, config: Path, device: Device) -> Any:
    try:
        encoder = text_encoder_of(dict(state), config, device.dtype)
    except _INCOMPLETE as error:
        raise damaged("text_encoder", "some of its weights are missing") from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise damaged("text_encoder", "its weights do not have the shapes of its kind") from error
    if any(parameter.is_meta for parameter in encoder.parameters()):
        raise damaged("text_encoder", "some of its weights are missing")
    return encoder.to(device.torch_device).eval().requires_grad_(False)


def _scheduler(config: Path, prediction: str) -> dict[str, Any]:
    """Of the family; what was found out of the file itself goes first."""
    found = read_json(config / "scheduler" / "scheduler_config.json", "scheduler")
    names = {Prediction.EPSILON.value: "epsilon", Prediction.V.value: "v_prediction", Prediction.SAMPLE.value: "sample"}
    return found | ({"prediction_type": names[prediction]} if prediction in names else {})

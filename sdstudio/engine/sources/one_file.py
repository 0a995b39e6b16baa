"""Reads the parts of a model that is one file: the checkpoints that most people have, named as the original code does.

The file says nothing of the networks' shapes in words; they come from configurations of our own, by the family that was
recognised from the file's header. Nothing is looked up anywhere, and no pickle runs: tensors alone are let in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError
from safetensors import SafetensorError
from safetensors.torch import load_file

from sdstudio.domain.errors import ModelError
from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device
from sdstudio.engine.faults import broken_file, damaged, gone, is_out_of_memory, read_json, wrong_kind
from sdstudio.engine.layouts import CONFIGS, LAYOUTS, VOCABULARY, Layout
from sdstudio.engine.libraries import CLIPTextModel, CLIPTokenizer, text_encoder_of
from sdstudio.engine.model import to_device
from sdstudio.engine.safe_pickles import read_tensors
from sdstudio.engine.sources.source import State

SAFETENSORS = (".safetensors", ".sft")
_INCOMPLETE = (SingleFileComponentError, KeyError, ValueError, TypeError, OSError, AttributeError, IndexError)
"""What diffusers raises where keys or configurations do not fit, depending on which is missed first."""
_PREDICTION_NAMES = {
    Prediction.EPSILON.value: "epsilon",
    Prediction.V.value: "v_prediction",
    Prediction.SAMPLE.value: "sample",
}


@dataclass(frozen=True, slots=True)
class FileSource:
    """Implements ModelSource; `state` are the file's tensors by their names in it."""

    spec: ModelSpec
    device: Device
    resources: Path
    layout: Layout
    state: State

    @property
    def described(self) -> Path:
        return self.resources / CONFIGS / self.layout.folder

    @property
    def family(self) -> ModelFamily | None:
        return ModelFamily(self.spec.family)

    def network(self, kind: Any, part: str = "unet") -> Any:
        return to_device(_network(kind, self.state, self.described, part, self.device), self.device)

    def text_encoder(self, part: str = "text_encoder", kind: Any = None) -> Any:
        return _text_encoder(kind or CLIPTextModel, self.state, self.described, part, self.device)

    def tokenizer(self, part: str = "tokenizer") -> Any:
        # SDXL's second text encoder is of Stable Diffusion 2's make, padding included.
        pad = "!" if part == "tokenizer_2" else self.layout.pad
        return CLIPTokenizer.from_pretrained(
            str(self.resources / VOCABULARY), local_files_only=True, pad_token=pad, model_max_length=77
        )

    def scheduler(self, part: str = "scheduler") -> dict[str, Any]:
        """Of the family; what was found out of the file itself goes first."""
        found = read_json(self.described / part / "scheduler_config.json", part)
        known = _PREDICTION_NAMES.get(self.spec.prediction) if part == "scheduler" else None
        return found if known is None else found | {"prediction_type": known}

    def tensors(self, prefix: str) -> State:
        return {name.removeprefix(prefix): value for name, value in self.state.items() if name.startswith(prefix)}

    @property
    def must_be_tried(self) -> bool:
        """Only in Stable Diffusion 2 are there two kinds with the same weights' names and shapes."""
        return self.spec.family == ModelFamily.SD2.value and self.spec.prediction not in _PREDICTION_NAMES

    def predicting(self, prediction: Prediction) -> FileSource:
        spec = replace(self.spec, prediction=prediction.value)
        return replace(self, spec=spec, layout=_layout(spec))


def open_file(spec: ModelSpec, device: Device, resources: Path) -> FileSource:
    """`resources`: where the configurations and CLIP's vocabulary lie. Raises ModelError in words for a family that
    cannot be used yet, a file that cannot be read, weights that are no numbers."""
    layout = _layout(spec)
    state = _read(spec)
    _check_numbers(state)
    return FileSource(spec, device, resources, layout, state)


def _layout(spec: ModelSpec) -> Layout:
    known = {family.value: layout for family, layout in LAYOUTS.items()}
    if spec.family == ModelFamily.SD2.value:
        # Base and 768-v differ in what they predict alone.
        return LAYOUTS[ModelFamily.SD2_V if spec.prediction == Prediction.V.value else ModelFamily.SD2_BASE]
    if spec.family not in known:
        raise wrong_kind(spec, spec.family or "not recognised")
    return known[spec.family]


def _read(spec: ModelSpec) -> State:
    path = Path(spec.path)
    try:
        if path.suffix.lower() in SAFETENSORS:
            return load_file(path)
        return read_tensors(path)
    except FileNotFoundError as error:
        raise gone(spec) from error
    except (OSError, SafetensorError, EOFError, ValueError) as error:
        raise broken_file(spec.name, "its weights cannot be read") from error


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


def _text_encoder(kind: Any, state: State, config: Path, part: str, device: Device) -> Any:
    try:
        encoder = text_encoder_of(kind, dict(state), config, part, device.dtype)
    except _INCOMPLETE as error:
        raise damaged(part, "some of its weights are missing") from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise damaged(part, "its weights do not have the shapes of its kind") from error
    if any(parameter.is_meta for parameter in encoder.parameters()):
        raise damaged(part, "some of its weights are missing")
    return encoder.to(device.torch_device).eval().requires_grad_(False)

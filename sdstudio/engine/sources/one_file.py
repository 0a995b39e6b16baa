"""Reads the parts of a model that is one file: the checkpoints that most people have, named as the original code does.

The file says nothing of the networks' shapes in words; they come from configurations of our own, by the family that was
recognised from the file's header. Nothing is looked up anywhere, and no pickle runs: tensors alone are let in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from diffusers.loaders.single_file_utils import SingleFileComponentError

from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.clip_vision import to_transformers
from sdstudio.engine.devices import Device
from sdstudio.engine.faults import broken_file, changed_file, damaged, gone, is_out_of_memory, read_json, wrong_kind
from sdstudio.engine.layouts import CONFIGS, LAYOUTS, VOCABULARY, Layout
from sdstudio.engine.libraries import (
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
    empty_network,
    empty_text_encoder,
    renamed,
    renamed_text,
)
from sdstudio.engine.memory.buffers import KIND
from sdstudio.engine.memory.plan import STEP_BYTES, UPSCALER_STEP_BYTES, PartBytes, Plan
from sdstudio.engine.sources.fill import fill, no_numbers
from sdstudio.engine.sources.finite import finite
from sdstudio.engine.sources.reading import Reading
from sdstudio.engine.sources.source import State
from sdstudio.engine.sources.stored import FileChanged, open_safetensors
from sdstudio.engine.sources.stored_ckpt import Held, open_ckpt
from sdstudio.engine.sources.transfer import Entry

VISION = "embedder.model.visual."
_PARTS = {
    "unet": ("model.diffusion_model.",),
    "vae": ("first_stage_model.",),
    "text": ("cond_stage_model.", "conditioner.embedders."),
    "other": (VISION, "depth_model."),
}
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
    """Implements ModelSource; `entries` are the file's tensors by their names in it, not read yet."""

    spec: ModelSpec
    device: Device
    resources: Path
    layout: Layout
    entries: dict[str, Entry]
    reading: Reading

    @property
    def described(self) -> Path:
        return self.resources / CONFIGS / self.layout.folder

    @property
    def plan(self) -> Plan:
        return self.reading.plan

    @property
    def family(self) -> ModelFamily | None:
        return ModelFamily(self.spec.family)

    def network(self, kind: Any, part: str = "unet", *, single: bool = False) -> Any:
        with _told_of(self.spec, part), self.reading.in_single_precision(single):
            network, config = self._again(kind, part, single), dict[str, Any]()
            if network is None:
                network, config = empty_network(kind, self.described, part)
            found = renamed(kind, network, config or dict(network.config), dict(self.entries))
            return self._marked(self._filled(network, found, part), kind, part, single)

    def text_encoder(self, part: str = "text_encoder", kind: Any = None) -> Any:
        with _told_of(self.spec, part):
            kind = kind or CLIPTextModel
            encoder = self._again(kind, part) or empty_text_encoder(kind, self.described, part)
            return self._marked(self._filled(encoder, renamed_text(encoder, dict(self.entries)), part), kind, part)

    def _again(self, *kind: Any) -> Any:
        """A network that was another model's, where one is left."""
        return self.reading.buffers.network((str(self.described), *kind))

    def _marked(self, network: Any, *kind: Any) -> Any:
        setattr(network, KIND, (str(self.described), *kind))
        return network

    def depth_estimator(self) -> Any:
        # Imported late: one family alone has it.
        from sdstudio.engine.midas import empty_depth_estimator, to_transformers

        part, prefix = "depth_estimator", "depth_model.model."
        found = {name.removeprefix(prefix): entry for name, entry in self.entries.items() if name.startswith(prefix)}
        if not found:
            raise damaged(part, "it is missing")
        with _told_of(self.spec, part):
            return self._filled(empty_depth_estimator(self.described / part), to_transformers(found), part)

    def _filled(self, network: Any, entries: dict[str, Entry], part: str) -> Any:
        fill(network, entries, self.reading, part)
        return self.reading.ready(network)

    def image_encoder(self) -> Any:
        with _told_of(self.spec, "image_encoder"):
            network = empty_text_encoder(CLIPVisionModelWithProjection, self.described, "image_encoder")
            below = {name: value for name, value in self.entries.items() if name.startswith(VISION)}
            renamed = to_transformers({name.removeprefix(VISION): value for name, value in below.items()})
            return self._filled(network, renamed, "image_encoder")

    def tokenizer(self, part: str = "tokenizer") -> Any:
        # SDXL's second text encoder is of Stable Diffusion 2's make, padding included.
        pad = "!" if part == "tokenizer_2" else self.layout.pad
        return _vocabulary(self.resources / VOCABULARY, pad)

    def scheduler(self, part: str = "scheduler") -> dict[str, Any]:
        """Of the family; what was found out of the file itself goes first."""
        found = read_json(self.described / part / "scheduler_config.json", part)
        known = _PREDICTION_NAMES.get(self.spec.prediction) if part == "scheduler" else None
        return found if known is None else found | {"prediction_type": known} | self._ending()

    def _ending(self) -> dict[str, Any]:
        """Of a schedule that ends in noise alone (Lin et al. 2023): begun with that noise, for which epsilon, the noise
        itself, would say nothing."""
        ends = self.spec.zero_snr and self.spec.prediction == Prediction.V.value
        return {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"} if ends else {}

    def tensors(self, prefix: str) -> State:
        """Read now. Raises ModelError for those that are no numbers."""
        with _told_of(self.spec, prefix.rstrip(".") or "all"):
            found = {name: entry.read() for name, entry in self.entries.items() if name.startswith(prefix)}
            self.reading.advance(sum(value.numel() * value.itemsize for value in found.values()))
        bad = sorted(name for name, value in found.items() if value.is_floating_point() and not finite(value))
        if bad:
            raise no_numbers(bad)
        return {name.removeprefix(prefix): value for name, value in found.items()}

    def weights(self, part: str) -> State:
        return {}

    @property
    def must_be_tried(self) -> bool:
        """Only in Stable Diffusion 2 are there two kinds with the same weights' names and shapes."""
        return self.spec.family == ModelFamily.SD2.value and self.spec.prediction not in _PREDICTION_NAMES

    def predicting(self, prediction: Prediction) -> FileSource:
        spec = replace(self.spec, prediction=prediction.value)
        return replace(self, spec=spec, layout=_layout(spec))


def open_file(spec: ModelSpec, device: Device, resources: Path, reading: Reading | None = None) -> FileSource:
    """`resources`: where the configurations and CLIP's vocabulary lie; `reading` hears how far it is. Raises ModelError
    in words for a family that cannot be used yet, and for a file that cannot be read."""
    layout = _layout(spec)
    entries = _open(spec)
    reading = reading or Reading(device)
    for file in {id(entry.file): entry.file for entry in entries.values() if not isinstance(entry, Held)}.values():
        reading.opened(file)
    reading.choose(_part_bytes(entries, device, spec.family))
    return FileSource(spec, device, resources, layout, entries, reading)


@lru_cache(maxsize=4)
def _vocabulary(folder: Path, pad: str) -> Any:
    """Read once: all these models have the same, and nobody changes it."""
    return CLIPTokenizer.from_pretrained(str(folder), local_files_only=True, pad_token=pad, model_max_length=77)


def _part_bytes(entries: dict[str, Entry], device: Device, family: str) -> PartBytes:
    """In the device's precision; what training needed alone (moving averages) is never read."""
    sizes = dict.fromkeys(("text", "unet", "vae", "other"), 0)
    for name, entry in entries.items():
        kind = next((kind for kind, begins in _PARTS.items() if name.startswith(begins)), "")
        if kind:
            sizes[kind] += math.prod(entry.shape) * device.dtype.itemsize
    step = UPSCALER_STEP_BYTES if family == ModelFamily.X4_UPSCALER.value else STEP_BYTES
    return PartBytes(**sizes, step=step)


def _layout(spec: ModelSpec) -> Layout:
    known = {family.value: layout for family, layout in LAYOUTS.items()}
    if spec.family == ModelFamily.SD2.value:
        # Base and 768-v differ in what they predict alone.
        return LAYOUTS[ModelFamily.SD2_V if spec.prediction == Prediction.V.value else ModelFamily.SD2_BASE]
    if spec.family not in known:
        raise wrong_kind(spec, spec.family or "not recognised")
    return known[spec.family]


def _open(spec: ModelSpec) -> dict[str, Entry]:
    path = Path(spec.path)
    try:
        if path.suffix.lower() in SAFETENSORS:
            return dict(open_safetensors(path))
        return dict(open_ckpt(path))
    except FileNotFoundError as error:
        raise gone(spec) from error
    except (OSError, EOFError, ValueError) as error:
        raise broken_file(spec.name, "its weights cannot be read") from error


@contextmanager
def _told_of(spec: ModelSpec, part: str) -> Iterator[None]:
    """What goes wrong while a part is read, in words."""
    try:
        yield
    except FileChanged as error:
        raise changed_file(spec.name) from error
    except _INCOMPLETE as error:
        raise damaged(part, "some of its weights are missing") from error
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise damaged(part, "its weights do not have the shapes of its kind") from error

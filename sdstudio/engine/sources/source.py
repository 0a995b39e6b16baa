"""Where a model's parts are read from, whichever form it has on disk: families read both forms by the same code."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch

from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device
from sdstudio.engine.memory.plan import Plan

State = dict[str, torch.Tensor]


class ModelSource(Protocol):
    """Every method raises ModelError in words for a part that is missing or damaged, and MemoryError or
    torch.cuda.OutOfMemoryError when it does not fit."""

    @property
    def spec(self) -> ModelSpec: ...

    @property
    def device(self) -> Device: ...

    @property
    def family(self) -> ModelFamily | None:
        """None where it is none of the published ones."""

    @property
    def plan(self) -> Plan:
        """Where the weights are to be; known from the beginning."""

    @property
    def described(self) -> Path:
        """The folder with the parts' configurations."""

    def network(self, kind: Any, part: str = "unet", *, single: bool = False) -> Any:
        """A diffusers network of the class `kind`, on the device in its precision, or in `single` precision."""

    def text_encoder(self, part: str = "text_encoder", kind: Any = None) -> Any:
        """CLIP's text model (`kind`: CLIPTextModel unless told), on the device in its precision."""

    def image_encoder(self) -> Any:
        """CLIP's picture model with its projection, on the device in its precision."""

    def depth_estimator(self) -> Any:
        """MiDaS' depth network, on the device in its precision."""

    def tokenizer(self, part: str = "tokenizer") -> Any: ...

    def scheduler(self, part: str = "scheduler") -> dict[str, Any]:
        """The configuration."""

    def tensors(self, prefix: str) -> State:
        """Of a file, those whose names begin with the prefix, without it; {} for folders."""

    def weights(self, part: str) -> State:
        """Of a folder, those of a part that is no network, by name; {} for files."""

    @property
    def must_be_tried(self) -> bool:
        """Whether nothing told what the network predicts, so that a call of it has to."""

    def predicting(self, prediction: Prediction) -> ModelSource:
        """The same, its scheduler described as what was found out by trying."""

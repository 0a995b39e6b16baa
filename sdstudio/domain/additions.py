"""Files and pictures that a request adds to its model: LoRAs, words learnt, another VAE, pictures to be mixed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdstudio.domain.limits import check_number

if TYPE_CHECKING:
    from sdstudio.domain.edits import ImageInput

LORA_WEIGHT_MAX = 10.0
MIX_WEIGHT_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """A file by its name for people, its place and a short hash ("" = not known). Its place does not count when two
    requests are compared."""

    name: str
    path: str = field(compare=False)
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraUse:
    """A LoRA and how strongly it acts: 1 = as it was trained, 0 = not at all, below 0 = the opposite.

    `text_weight` is for its part in the text encoder; None = as `weight`.
    """

    name: str
    path: str = field(compare=False)
    hash: str = ""
    weight: float = 1.0
    text_weight: float | None = None

    def __post_init__(self) -> None:
        check_number("lora", self.weight, -LORA_WEIGHT_MAX, LORA_WEIGHT_MAX)
        object.__setattr__(self, "weight", float(self.weight))
        if self.text_weight is not None:
            check_number("lora", self.text_weight, -LORA_WEIGHT_MAX, LORA_WEIGHT_MAX)
            object.__setattr__(self, "text_weight", float(self.text_weight))


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedImage:
    """One of several pictures that a variation is mixed of (unCLIP). Weights count against each other alone: 1 and 1 is
    as 2 and 2. The picture that a request begins with has the weight 1 unless it is among the mixed ones itself."""

    image: ImageInput
    weight: float = 1.0

    def __post_init__(self) -> None:
        check_number("mix", self.weight, -MIX_WEIGHT_MAX, MIX_WEIGHT_MAX)
        object.__setattr__(self, "weight", float(self.weight))

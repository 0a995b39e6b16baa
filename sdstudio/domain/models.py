"""What is known of a model before it is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.domain.samplers import DEFAULT_SAMPLER
from sdstudio.domain.words import ModelWords

STARTER_NAME = "Starter"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickPreset:
    """Settings for very few steps, and the model's own LoRA that makes them enough. The LoRA is worn with the weight 1
    and stands in a request as any other does."""

    steps: int
    guidance_scale: float
    sampler: str
    lora: LoraUse

    def find_in(self, loras: Iterable[LoraUse]) -> LoraUse | None:
        """Which of a request's is this one: of the same name and weight and, where both are known, the same hash."""
        named = (lora for lora in loras if (lora.name, lora.weight) == (self.lora.name, self.lora.weight))
        return next((lora for lora in named if len({lora.hash, self.lora.hash} - {""}) < 2), None)

    def note(self, steps: int) -> str:
        """What to know of another number of steps; "" for its own."""
        if steps == self.steps:
            return ""
        return f"The quick form was trained for {self.steps} steps: with {steps}, pictures are seldom better."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPresets:
    """Settings that suit a model, from its card; the window and the command line begin with them. `quick` None: it has
    no form for few steps."""

    steps: int = 25
    guidance_scale: float = 7.5
    sampler: str = DEFAULT_SAMPLER
    size: Size = Size(512, 512)
    sizes: tuple[Size, ...] = (Size(512, 512), Size(512, 768), Size(768, 512))
    examples: tuple[str, ...] = ()
    quick: QuickPreset | None = None

    @property
    def native(self) -> int:
        """The model's own resolution, pixels a side."""
        return max(self.size.width, self.size.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model on disk. `badge` is what a list shows beside the name: "built in", "SD 1.5", …; `family` is None where it
    was not recognised; `words` all that a small model has learnt, None for the large ones, which know more than a table
    holds."""

    spec: ModelSpec
    badge: str = ""
    built_in: bool = False
    family: ModelFamily | None = None
    presets: ModelPresets = field(default_factory=ModelPresets)
    words: ModelWords | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        return self.spec.name


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentSpec:
    """What belongs to one latent space, together.

    latents = (encoded - shift) * scale. `rgb_factors` is channels x 3 and `rgb_bias` 3: scaled latents
    times factors plus bias give RGB in about [-1, 1].
    """

    channels: int
    scale: float
    shift: float
    rgb_factors: tuple[tuple[float, float, float], ...]
    rgb_bias: tuple[float, float, float] = (0.0, 0.0, 0.0)

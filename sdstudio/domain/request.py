"""A request is a value: everything that decides a picture, in one frozen tree that checks itself."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import Size, check_generated_size
from sdstudio.domain.limits import check_number, check_whole
from sdstudio.domain.model_file import FROM_NOISE_FAMILIES
from sdstudio.domain.samplers import DEFAULT_SAMPLER, require_sampler

if TYPE_CHECKING:
    from sdstudio.domain.additions import AddedFile, LoraUse, MixedImage
    from sdstudio.domain.edits import ImageInput, InpaintSpec, OutpaintSpec

SEED_COUNT = 2**64
RANDOM_SEED_COUNT = 2**32
"""Random seeds are drawn from these, as others do: ten digits can be read, told and typed again."""
STEPS_MAX = 1000
GUIDANCE_MAX = 100.0
CLIP_SKIP_MAX = 12
COUNT_MAX = 1000
NOISE_LEVEL_MAX = 999
DEFAULT_IMAGE_GUIDANCE = 1.5
DEFAULT_STRENGTH = 0.75
"""A new picture in the old one's composition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSpec:
    """What to draw and what not. `clip_skip` 1 = the text encoder's last layer (A1111's counting)."""

    positive: str = ""
    negative: str = ""
    clip_skip: int = 1

    def __post_init__(self) -> None:
        check_whole("clip_skip", self.clip_skip, 1, CLIP_SKIP_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSpec:
    """How the noise is turned into a picture. `guidance_rescale` is phi of Lin et al. 2023 (0 = off).
    `image_guidance_scale`: how closely the picture is followed by models that take instructions (Brooks et al. 2023).
    """

    steps: int = 20
    guidance_scale: float = 7.5
    guidance_rescale: float = 0.0
    image_guidance_scale: float = DEFAULT_IMAGE_GUIDANCE
    sampler: str = DEFAULT_SAMPLER
    seed: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, 1, STEPS_MAX)
        check_number("guidance_scale", self.guidance_scale, 0, GUIDANCE_MAX)
        check_number("guidance_rescale", self.guidance_rescale, 0, 1)
        check_number("image_guidance_scale", self.image_guidance_scale, 0, GUIDANCE_MAX)
        check_whole("seed", self.seed, 0, SEED_COUNT - 1)
        check_whole("count", self.count, 1, COUNT_MAX)
        object.__setattr__(self, "sampler", require_sampler(self.sampler).name)
        object.__setattr__(self, "guidance_scale", float(self.guidance_scale))
        object.__setattr__(self, "guidance_rescale", float(self.guidance_rescale))
        object.__setattr__(self, "image_guidance_scale", float(self.image_guidance_scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Which model: its name for people, its folder or file, and a short hash of its weights ("" = not known).

    Where it lies decides no pixel, so `path` does not count when two requests are compared. Of a model in one file,
    `family` (ModelFamily), `prediction` (Prediction) and `zero_snr` (its noise schedule ends in noise alone) say what
    its weights alone do not; folders say it themselves.
    """

    name: str
    path: str = field(compare=False)
    hash: str = ""
    family: str = ""
    prediction: str = ""
    zero_snr: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefinerSpec:
    """A second model that makes the last steps: those after the share `begin` of all (SDXL's refiner)."""

    model: ModelSpec
    begin: float = 0.8

    def __post_init__(self) -> None:
        check_number("refiner", self.begin, 0, 1)
        object.__setattr__(self, "begin", float(self.begin))


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One to many pictures from a prompt. Image k has seed + k and equals the single picture of that seed.

    With `image` they begin with that picture, brought to `size`; `strength` 0 leaves it as it is, 1 leaves nothing
    of it. Of `steps`, the share `strength` is made. With `inpaint`, only what its mask allows changes; with `outpaint`,
    only what is added around it is made.

    `loras`, `embeddings` (textual inversions that the prompts name), `vae` and `refiner` are added to the model.
    `mix`: further pictures of which a variation is made. `noise_level`: how much noise is put on the picture that the
    x4 upscaler and unCLIP look at (None = the family's usual).

    `threads` is the number of CPU threads it was or must be computed with (0 = this machine's setting);
    results depend on it in the last bits.
    """

    prompt: PromptSpec
    sampling: SamplingSpec
    model: ModelSpec
    size: Size
    image: ImageInput | None = None
    strength: float = DEFAULT_STRENGTH
    inpaint: InpaintSpec | None = None
    outpaint: OutpaintSpec | None = None
    loras: tuple[LoraUse, ...] = ()
    embeddings: tuple[AddedFile, ...] = ()
    vae: AddedFile | None = None
    refiner: RefinerSpec | None = None
    mix: tuple[MixedImage, ...] = ()
    noise_level: int | None = None
    threads: int = 0

    def __post_init__(self) -> None:
        check_generated_size(self.size)
        check_number("strength", self.strength, 0, 1)
        check_whole("threads", self.threads, 0, 1024)
        object.__setattr__(self, "strength", float(self.strength))
        if self.noise_level is not None:
            check_whole("noise_level", self.noise_level, 0, NOISE_LEVEL_MAX)
        if self.inpaint is not None:
            _check_inpaint(self.image, self.inpaint)
        if self.outpaint is not None and (self.image is None or self.inpaint is not None):
            raise InvalidRequest(
                "outpaint", "Only a picture can be extended, without a mask.", hint="Open the picture."
            )

    @property
    def task(self) -> str:
        if self.outpaint is not None:
            return "outpaint"
        if self.inpaint is not None:
            return "inpaint"
        return "text" if self.image is None else "image"

    @property
    def steps_made(self) -> int:
        """All of them from noise; from a picture the last ones, as many as its noise is strong, at least one."""
        steps = self.sampling.steps
        if self.image is None:
            return steps
        return min(steps, max(1, int(steps * self.strength))) if self.strength else 0

    @property
    def can_refine(self) -> bool:
        """Whether a made picture can be made again, larger and little changed: not with models that know no strength.
        (Of a model in a folder the family is not known here; then it is tried.)"""
        return self.model.family not in FROM_NOISE_FAMILIES

    def with_seed(self, seed: int) -> GenerationRequest:
        return replace(self, sampling=replace(self.sampling, seed=seed % SEED_COUNT))

    def for_batch(self, index: int) -> GenerationRequest:
        """The request of picture `index` alone: its own seed, a count of one."""
        sampling = replace(self.sampling, seed=(self.sampling.seed + index) % SEED_COUNT, count=1)
        return replace(self, sampling=sampling)


def _check_inpaint(image: ImageInput | None, inpaint: InpaintSpec) -> None:
    if image is None:
        raise InvalidRequest("inpaint", "There is a mask, but no picture that it belongs to.", hint="Open the picture.")
    mask = inpaint.mask
    if (mask.width, mask.height) != (image.width, image.height):
        raise InvalidRequest(
            "mask",
            f"The mask has {mask.width} x {mask.height} pixels, the picture {image.width} x {image.height}.",
            hint="Use a mask of the picture's size.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscaleRequest:
    """A picture made 2 or 4 times larger, in tiles, by the embedded upscaler."""

    image: ImageInput
    scale: int = 4
    source_name: str = "picture"
    threads: int = 0

    def __post_init__(self) -> None:
        if self.scale not in (2, 4):
            raise InvalidRequest("scale", f"A scale of {self.scale} is not possible.", hint="Choose 2 or 4.")

    @property
    def task(self) -> str:
        return "upscale"


JobRequest = GenerationRequest | UpscaleRequest

"""What the header of a model file tells: family, role, prediction type, precision, and why it is refused."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any


class ModelFamily(StrEnum):
    """The Stable Diffusion models that SD Studio knows; the value is what a list shows."""

    SD1 = "SD 1.x"
    SD1_INPAINTING = "SD 1.x inpainting"
    PIX2PIX = "SD 1.x instruct-pix2pix"
    SD2 = "SD 2.x"
    """Base (512, epsilon) or 768-v: their weights have the same names and shapes, and nothing else told."""
    SD2_BASE = "SD 2.x base"
    SD2_V = "SD 2.x 768-v"
    SD2_INPAINTING = "SD 2.x inpainting"
    SD2_DEPTH = "SD 2.x depth"
    X4_UPSCALER = "SD x4 upscaler"
    UNCLIP_L = "SD 2.1 unCLIP L"
    UNCLIP_H = "SD 2.1 unCLIP H"
    SDXL = "SDXL"
    SDXL_REFINER = "SDXL refiner"
    SDXL_INPAINTING = "SDXL inpainting"


LOADABLE_FAMILIES = frozenset(
    {
        ModelFamily.SD1,
        ModelFamily.SD1_INPAINTING,
        ModelFamily.SD2,
        ModelFamily.SD2_BASE,
        ModelFamily.SD2_V,
        ModelFamily.SD2_INPAINTING,
        ModelFamily.SD2_DEPTH,
        ModelFamily.X4_UPSCALER,
        ModelFamily.PIX2PIX,
        ModelFamily.UNCLIP_L,
        ModelFamily.UNCLIP_H,
        ModelFamily.SDXL,
        ModelFamily.SDXL_INPAINTING,
        ModelFamily.SDXL_REFINER,
    }
)
"""What the engine makes pictures with; a test holds it equal to what it has configurations for."""
PICTURE_FAMILIES = frozenset(
    {ModelFamily.SD2_DEPTH, ModelFamily.X4_UPSCALER, ModelFamily.PIX2PIX, ModelFamily.SDXL_REFINER}
)
"""Make something of a picture, and nothing of a prompt alone."""
FROM_NOISE_FAMILIES = frozenset({ModelFamily.X4_UPSCALER, ModelFamily.PIX2PIX})
"""Look at the picture all the while and begin with noise alone: the strength, which is how much of the picture the
beginning keeps, is 1 whatever a request says."""
WHOLE = ("unet", "vae", "text encoder")
"""The parts that a checkpoint needs to make pictures alone."""


class ModelRole(StrEnum):
    """What a file is good for."""

    CHECKPOINT = "checkpoint"
    UNET = "unet"
    VAE = "vae"
    TEXT_ENCODER = "text encoder"
    LORA = "lora"
    TEXTUAL_INVERSION = "textual inversion"
    CONTROLNET = "controlnet"
    UPSCALER = "upscaler"
    TAESD = "taesd"
    OTHER = "other"


class Prediction(StrEnum):
    """What the UNet was trained to predict."""

    EPSILON = "epsilon"
    V = "v"
    SAMPLE = "sample"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """Where the prediction type is known from, the strongest first; NONE: ask the person."""

    CHOSEN = "chosen by the person"
    SIDECAR = "side-car yaml"
    CONFIG = "scheduler config"
    METADATA = "metadata"
    KEY = "key"
    GLOBAL_STEP = "global_step"
    PROBE = "one probing UNet call"
    FAMILY = "usual for the family"
    NONE = "unknown: ask"


FOLDER_LAYOUT = "diffusers"
"""`layout` of a folder with a model_index.json."""


class Verdict(StrEnum):
    """Whether a file can be used, and if not, what sort of reason there is."""

    USABLE = "usable"
    UNSUPPORTED = "unsupported"
    """Sound and harmless, but not something that SD Studio works with (yet)."""
    BROKEN = "broken"
    UNSAFE = "unsafe"
    """It would run a program, or its header is made to do harm."""
    UNREACHABLE = "unreachable"
    """A link to elsewhere, or a file that may not be read."""


@dataclass(frozen=True, slots=True)
class FileHashes:
    """`sha256` in 64 hex digits; `old` is A1111's first short hash, of 64 KiB at 1 MiB, in 8 hex digits ("" where the
    file ends before). `weights`: the sha256 of what comes behind a safetensors header, in 64; of its first 12 A1111
    makes the hash of a LoRA ("" where it is not asked for: other files, and those of a checkpoint's size)."""

    sha256: str
    old: str = ""
    weights: str = ""

    @property
    def short(self) -> str:
        """A1111's present short hash."""
        return self.sha256[:10]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCar:
    """What lies beside a model file for people: a picture, a title, words that wake it, notes."""

    thumbnail: str = ""
    title: str = ""
    base: str = ""
    words: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A file or a diffusers folder, as its header alone shows it.

    `what` names it in words ("a LoRA for SDXL", "Flux"); `kind` is the sort within the role ("kohya", "LoHa");
    `alias`: the name that a LoRA was trained under, `told_hash` the hash of its weights that it was saved with, both ""
    where it does not say; `resolution` is the trained side in
    pixels (0: not known); `channels` what goes into the UNet; `vectors` how many a learnt word has; `parts` names what
    a checkpoint holds. `reason` is "" exactly where the verdict is USABLE.
    """

    path: str
    name: str
    size_bytes: int = 0
    layout: str = ""
    role: ModelRole = ModelRole.OTHER
    family: ModelFamily | None = None
    what: str = ""
    kind: str = ""
    alias: str = ""
    told_hash: str = ""
    prediction: Prediction = Prediction.UNKNOWN
    evidence: Evidence = Evidence.NONE
    zero_snr: bool = False
    precision: str = ""
    has_ema: bool = False
    parameters: int = 0
    resolution: int = 0
    channels: int | None = None
    context_width: int | None = None
    vectors: int = 0
    parts: tuple[str, ...] = ()
    hashes: FileHashes | None = None
    side_car: SideCar = field(default_factory=SideCar)
    verdict: Verdict = Verdict.USABLE
    reason: str = ""

    @property
    def refused(self) -> bool:
        return self.verdict is not Verdict.USABLE

    @property
    def draws(self) -> bool:
        """Whether pictures can be made with it alone."""
        return not self.refused and self.role is ModelRole.CHECKPOINT

    @property
    def loadable(self) -> bool:
        """Whether the engine makes pictures from this one file."""
        whole = all(part in self.parts for part in WHOLE)
        return self.draws and self.layout != FOLDER_LAYOUT and self.family in LOADABLE_FAMILIES and whole

    def with_hashes(self, hashes: FileHashes | None) -> ModelFile:
        return replace(self, hashes=hashes)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, without path and hashes, which an index keeps itself."""
        data = asdict(self)
        del data["path"], data["hashes"]
        return data

    @classmethod
    def from_dict(cls, path: str, data: dict[str, Any]) -> ModelFile:
        """The inverse of to_dict. Raises KeyError, TypeError or ValueError for what it did not write."""
        family, side_car = data["family"], data["side_car"]
        return cls(
            path=path,
            **data
            | {
                "role": ModelRole(data["role"]),
                "family": None if family is None else ModelFamily(family),
                "prediction": Prediction(data["prediction"]),
                "evidence": Evidence(data["evidence"]),
                "verdict": Verdict(data["verdict"]),
                "parts": tuple(data["parts"]),
                "side_car": SideCar(**side_car | {"words": tuple(side_car["words"])}),
            },
        )

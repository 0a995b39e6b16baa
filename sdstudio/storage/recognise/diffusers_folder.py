"""A model as a folder in diffusers' layout: model_index.json, and a folder for each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sdstudio.domain.model_file import (
    FOLDER_LAYOUT,
    Evidence,
    ModelFamily,
    ModelFile,
    ModelRole,
    Prediction,
    Verdict,
)
from sdstudio.storage.recognise.links import cache_name, resolve
from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.parts import diffusers_family
from sdstudio.storage.recognise.prediction import WORDS, narrowed, usual
from sdstudio.storage.recognise.refusal import Refusal, broken, unsafe, unsupported
from sdstudio.storage.recognise.small_files import read_json
from sdstudio.storage.recognise.stable_diffusion import trained_side
from sdstudio.storage.recognise.tables import read_table
from sdstudio.storage.recognise.tensor_table import TensorTable

INDEX = "model_index.json"
_LIBRARIES = ("diffusers", "transformers", "stable_diffusion")
_KINDS = ("StableDiffusion", "StableUnCLIP", "LatentConsistency")
_NO_PRIOR = "not supported; the StableUnCLIPImg2Img form of the same model is"
_PARTS = {
    "unet": "unet",
    "vae": "vae",
    "text_encoder": "text encoder",
    "text_encoder_2": "text encoder 2",
    "image_encoder": "image encoder",
    "depth_estimator": "depth estimator",
}
_STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
_SEEING = {
    ModelFamily.UNCLIP_L: "image_encoder",
    ModelFamily.UNCLIP_H: "image_encoder",
    ModelFamily.SD2_DEPTH: "depth_estimator",
}
"""The part that looks at pictures, without which the family is of no use."""
_UNCLIP = {1536: ModelFamily.UNCLIP_L, 2048: ModelFamily.UNCLIP_H}


def recognise_folder(folder: Path, roots: Sequence[Path]) -> ModelFile:
    """Raises Refusal for one that is damaged, of another kind, or brings a program along."""
    index = read_json(resolve(folder / INDEX, roots))
    kind = index.get("_class_name")
    if not isinstance(kind, str):
        raise broken(f"its {INDEX} cannot be read")
    _check_libraries(index)
    if not kind.startswith(_KINDS):
        raise unsupported(kind.removesuffix("Pipeline") or "a folder", "not supported")
    if "StableDiffusion3" in kind:
        raise unsupported("SD 3")
    if _has(index, "prior"):
        raise unsupported("an unCLIP model that imagines its picture's embedding first (with a prior)", _NO_PRIOR)
    unet = read_json(resolve(folder / "unet" / "config.json", roots))
    if not unet:
        raise broken("its UNet has no config.json")
    tables, size = _tables(folder, index, roots)
    channels, context = _number(unet.get("in_channels")), _number(unet.get("cross_attention_dim"))
    family = _family(kind, unet, channels, context)
    if family is None:
        raise unsupported(f"{kind.removesuffix('Pipeline')} with {channels} input channels")
    if family in _SEEING and not _has(index, _SEEING[family]):
        raise broken(f"its part “{_SEEING[family]}” is missing")
    prediction, evidence, zero_snr = _prediction(folder, roots, family)
    family = narrowed(family, prediction)
    sample = _number(unet.get("sample_size"))
    return ModelFile(
        path=str(folder),
        name=cache_name(folder) or folder.name,
        size_bytes=size,
        layout=FOLDER_LAYOUT,
        role=ModelRole.CHECKPOINT,
        family=family,
        what=family.value,
        prediction=prediction,
        evidence=evidence,
        zero_snr=zero_snr,
        precision=tables["unet"].precision(),
        parameters=sum(table.parameters() for table in tables.values()),
        resolution=sample * 8 if family is not ModelFamily.X4_UPSCALER and 8 <= sample <= 512 else trained_side(family),
        channels=channels,
        context_width=context or None,
        parts=tuple(_PARTS[name] for name in tables),
    )


def _check_libraries(index: Mapping[str, Any]) -> None:
    """A part may come from diffusers or transformers; any other name is a module that the folder wants to have run."""
    for name, value in index.items():
        library = value[0] if isinstance(value, list) and value else None
        if isinstance(library, str) and library not in _LIBRARIES:
            raise unsafe(f"its part “{name[:40]}” wants the program {library[:60]!r}")


def _has(index: Mapping[str, Any], part: str) -> bool:
    entry = index.get(part)
    return isinstance(entry, list) and bool(entry) and entry[0] is not None


def _number(value: object) -> int:
    return value if type(value) is int and 0 < value < 10**6 else 0


def _family(kind: str, unet: Mapping[str, Any], channels: int, context: int) -> ModelFamily | None:
    added = _number(unet.get("projection_class_embeddings_input_dim"))
    if "UnCLIP" in kind or unet.get("class_embed_type") == "projection":
        return _UNCLIP.get(added, ModelFamily.UNCLIP_H)
    if "Depth2Img" in kind:
        return ModelFamily.SD2_DEPTH
    if "LatentUpscale" in kind:
        return None
    return diffusers_family(channels, context, added)


def _prediction(folder: Path, roots: Sequence[Path], family: ModelFamily) -> tuple[Prediction, Evidence, bool]:
    config = read_json(resolve(folder / "scheduler" / "scheduler_config.json", roots))
    # diffusers leaves the key out of old configs, which then mean epsilon.
    told = config.get("prediction_type", "epsilon") if config else None
    prediction = WORDS.get(told) if isinstance(told, str) else None
    if prediction is None:
        return *usual(family), False
    return prediction, Evidence.CONFIG, config.get("rescale_betas_zero_snr") is True


def _tables(folder: Path, index: Mapping[str, Any], roots: Sequence[Path]) -> tuple[dict[str, TensorTable], int]:
    tables: dict[str, TensorTable] = {}
    size = 0
    for name in _PARTS:
        if not _has(index, name):
            continue
        weights = _weights(folder / name)
        if not weights:
            raise broken(f"the weights of its part “{name}” are missing")
        entries: dict[str, Any] = {}
        for path in weights:
            try:
                with OpenFile(resolve(path, roots), path) as file:
                    entries |= read_table(file).entries
                    size += file.size
            except Refusal as error:
                raise Refusal(error.verdict, f"{name}/{path.name}: {error.reason}") from error
        tables[name] = TensorTable(entries=entries)
    if "unet" not in tables:
        raise Refusal(Verdict.BROKEN, "it has no UNet")
    return tables, size


def _weights(folder: Path) -> list[Path]:
    """The plain file of the first kind there is, else a variant's, else the shards of the first set."""
    for suffix in (".safetensors", ".bin"):
        for stem in _STEMS:
            plain = folder / f"{stem}{suffix}"
            if plain.is_symlink() or plain.exists():
                return [plain]
        files = sorted(path for path in folder.glob(f"*{suffix}") if path.name.startswith(_STEMS))
        shards = [path for path in files if "-of-" in path.name]
        if files:
            return [path for path in shards if _set_of(path) == _set_of(shards[0])] if shards else files[:1]
    return []


def _set_of(path: Path) -> str:
    """“model.fp16” of “model.fp16-00001-of-00002.safetensors”."""
    return path.name.split("-0")[0]

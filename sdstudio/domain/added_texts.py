"""What a request adds to its model, as pictures tell it: under the contract's names, and in A1111's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sdstudio.domain.added_find import plain_name
from sdstudio.domain.additions import AddedFile, LoraUse
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.lora_prompt import LoraTag, lora_tags, renamed, tag_name, tag_text
from sdstudio.domain.request import DEFAULT_IMAGE_GUIDANCE, GenerationRequest

LORA_HASHES, EMBEDDING_HASHES = "Lora hashes", "TI hashes"
IMAGE_GUIDANCE = "Image CFG scale"
_HASHES_MAX = 1000
_HASH_PAIR = re.compile(r"\s*([^:,]{1,300}):\s*([0-9a-fA-F]{8,64})\s*(?:,|$)")


def added_summary(request: GenerationRequest) -> dict[str, Any]:
    """Only what there is."""
    found: dict[str, Any] = {}
    if request.loras:
        found["loras"] = [_lora_row(lora) for lora in request.loras]
    if request.embeddings:
        found["embeddings"] = [_file_row(file) for file in request.embeddings]
    if request.vae is not None:
        found["vae"] = request.vae.name
        found |= {"vae_hash": request.vae.hash} if request.vae.hash else {}
    if request.refiner is not None:
        model = request.refiner.model
        found["refiner"] = {"name": model.name, "hash": model.hash, "begin": request.refiner.begin}
    if request.mix:
        found["mix"] = [{"image": mixed.image.sha256, "weight": mixed.weight} for mixed in request.mix]
    if request.noise_level is not None:
        found["noise_level"] = request.noise_level
    if request.sampling.image_guidance_scale != DEFAULT_IMAGE_GUIDANCE:
        found["image_guidance_scale"] = request.sampling.image_guidance_scale
    return found


def _lora_row(lora: LoraUse) -> dict[str, Any]:
    row = {"name": lora.name, "weight": lora.weight, "hash": lora.hash}
    return row if lora.text_weight is None else row | {"text_weight": lora.text_weight}


def _file_row(file: AddedFile) -> dict[str, Any]:
    return {"name": file.name, "hash": file.hash}


# -- A1111's text -----------------------------------------------------------------------------------------------------


def prompt_with_loras(request: GenerationRequest) -> str:
    """The prompt, and after it those LoRAs that it does not name: this is where others look for them, by the names of
    their files."""
    prompt = request.prompt.positive
    names = {plain_name(lora.name) for lora in request.loras}
    for lora in request.loras:
        tags = lora_tags(prompt)
        if any(plain_name(tag.name) == plain_name(lora.name) for tag in tags):
            continue
        # Named by its title: what it weighs there tells which one is meant.
        other = next((tag for tag in tags if plain_name(tag.name) not in names and _weighs(tag, lora)), None)
        if other is not None:
            prompt = renamed(prompt, other, tag_name(lora.name))
        else:
            prompt = f"{prompt} {tag_text(lora.name, lora.weight, lora.text_weight)}".lstrip()
    return prompt


def _weighs(tag: LoraTag, lora: LoraUse) -> bool:
    return (tag.weight, tag.text_weight) == (lora.weight, lora.text_weight)


def added_pairs(request: GenerationRequest) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    if request.vae is not None:
        pairs += [("VAE hash", request.vae.hash)] if request.vae.hash else []
        pairs.append(("VAE", request.vae.name))
    if request.refiner is not None:
        model = request.refiner.model
        name = f"{model.name} [{model.hash}]" if model.hash else model.name
        pairs += [("Refiner", name), ("Refiner switch at", f"{request.refiner.begin:g}")]
    if request.noise_level is not None:
        pairs.append(("Noise level", str(request.noise_level)))
    if request.sampling.image_guidance_scale != DEFAULT_IMAGE_GUIDANCE:
        pairs.append((IMAGE_GUIDANCE, f"{request.sampling.image_guidance_scale:g}"))
    for key, files in ((LORA_HASHES, request.loras), (EMBEDDING_HASHES, request.embeddings)):
        hashes = _hash_text(files)
        pairs += [(key, hashes)] if hashes else []
    return pairs


def _hash_text(files: Iterable[LoraUse | AddedFile]) -> str:
    return ", ".join(f"{re.sub('[:,]', ' ', file.name)}: {file.hash}" for file in files if file.hash)


def read_added(prompt: str, rest: dict[str, Any]) -> dict[str, Any]:
    """What an A1111 text tells, under the contract's names; what was understood is taken out of `rest`."""
    found: dict[str, Any] = {}
    loras = told_loras(prompt, hash_pairs(rest.get(LORA_HASHES)))
    if loras:
        found["loras"] = loras
        rest.pop(LORA_HASHES, None)
    for key, name in (("VAE", "vae"), ("VAE hash", "vae_hash")):
        if isinstance(rest.get(key), str):
            found[name] = rest.pop(key)
    return found


def told_loras(prompt: str, hashes: Mapping[str, str]) -> list[dict[str, Any]]:
    """The LoRAs that a prompt names, each once; "hash" only where it is told."""
    rows: dict[str, dict[str, Any]] = {}
    for tag in lora_tags(prompt):
        row: dict[str, Any] = {"name": tag.name, "weight": tag.weight}
        row |= {} if tag.text_weight is None else {"text_weight": tag.text_weight}
        digest = hashes.get(tag.name, "")
        rows[tag.name] = row | ({"hash": digest} if digest else {})
    return list(rows.values())


def hash_pairs(value: object) -> dict[str, str]:
    """`ink: 0123456789ab, glow: …` as names and hashes; {} for what is something else."""
    if not isinstance(value, str):
        return {}
    pairs = (match.groups() for match, _ in zip(_HASH_PAIR.finditer(value), range(_HASHES_MAX), strict=False))
    return {name.strip(): digest.lower() for name, digest in pairs}


def loras_of(rows: object) -> tuple[LoraUse, ...]:
    """What a picture tells of its LoRAs as values without places; what cannot be is left out."""
    found: list[LoraUse] = []
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
            continue
        weight, text, digest = row.get("weight", 1.0), row.get("text_weight"), row.get("hash", "")
        try:
            found.append(
                LoraUse(
                    name=row["name"],
                    path="",
                    hash=digest if isinstance(digest, str) else "",
                    weight=weight,
                    text_weight=text,
                )
            )
        except InvalidRequest:
            continue  # A weight that is none here: the prompt still shows it.
    return tuple(found)

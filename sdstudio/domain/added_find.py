"""Which of the known files a LoRA, an embedding or a VAE of a request means, and whether it fits the model."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from sdstudio.domain.additions import AddedFile, LoraUse
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.lora_prompt import LoraTag, lora_tags, without_tags
from sdstudio.domain.model_file import ModelFamily, ModelFile, ModelRole

_F = ModelFamily
_SD1 = frozenset({_F.SD1, _F.SD1_INPAINTING, _F.PIX2PIX})
_SD2 = frozenset(
    {_F.SD2, _F.SD2_BASE, _F.SD2_V, _F.SD2_INPAINTING, _F.SD2_DEPTH, _F.UNCLIP_L, _F.UNCLIP_H}
)  # fmt: skip
_XL = frozenset({_F.SDXL, _F.SDXL_INPAINTING})
_REFINER = frozenset({_F.SDXL_REFINER})
_X4 = frozenset({_F.X4_UPSCALER})
_GROUPS = {
    ModelRole.LORA: (_SD1, _SD2, _XL, _REFINER, _X4),
    # The upscaler reads prompts with the text encoder of SD 2; the refiner with the second one of SDXL.
    ModelRole.TEXTUAL_INVERSION: (_SD1, _SD2 | _X4, _XL | _REFINER),
    # SD 1 and 2 have the same latents.
    ModelRole.VAE: (_SD1 | _SD2, _XL | _REFINER),
}
"""Families whose models take the same files."""
_KINDS = {
    ModelRole.LORA: "a LoRA",
    ModelRole.TEXTUAL_INVERSION: "an embedding (textual inversion)",
    ModelRole.VAE: "a VAE",
}
_SUFFIXES = re.compile(r"\.(safetensors|sft|ckpt|pt|pth|bin)$", re.I)
_LIKENESS = 0.6
_COMPARED = 30
_HASH_DIGITS = 8
"""Fewer tell nothing."""


def misfit(file: ModelFile, role: ModelRole, family: ModelFamily | None) -> str:
    """Why a file cannot be added to a model of `family` (None: of no known one), in words that go on from its name;
    "" where it can. A file that does not tell what it is for is let through: the engine compares it."""
    if file.refused:
        return f"cannot be used: {file.reason.removesuffix(': refused')}"
    if file.role is not role:
        return f"is {file.what or 'something else'}, not {_KINDS[role]}"
    if file.family is None:
        # Nothing in a VAE tells its family but its name; that of the upscaler, of another shape, is never replaced.
        if role is ModelRole.VAE and family is None:
            return "is for full-size models"
        return f"is no VAE for {family.value}" if role is ModelRole.VAE and family in _X4 and family else ""
    if family is None:
        return f"is for {file.family.value}, and this model is of another kind"
    fits = any(file.family in group and family in group for group in _GROUPS[role])
    return "" if fits else f"is for {file.family.value}, and this model is {family.value}"


def usable(files: Iterable[ModelFile], role: ModelRole, family: ModelFamily | None) -> tuple[ModelFile, ...]:
    """Those that can be added to a model of `family`."""
    return tuple(file for file in files if file.role is role and not misfit(file, role, family))


def plain_name(text: str) -> str:
    """“sub\\\\Ink.v2.safetensors” as “ink.v2”."""
    return _SUFFIXES.sub("", text.strip().replace("\\", "/").rpartition("/")[2]).casefold()


def find_added(
    name: str, files: Iterable[ModelFile], role: ModelRole, family: ModelFamily | None, digest: str = ""
) -> ModelFile | None:
    """By hash, then by the name of its file, its title, or the name it was trained under; of several the one that fits
    the model. It may fit none."""
    among = [file for file in files if file.role is role]
    plain, folded = plain_name(name), name.strip().casefold()
    ways: tuple[Callable[[ModelFile], bool], ...] = (
        lambda file: file.name.casefold() == plain,
        lambda file: file.side_car.title.casefold() == folded != "",
        lambda file: file.alias.casefold() == folded != "",
    )
    by_hash = ((lambda file: has_hash(file, digest)),) if digest else ()
    for is_it in (*by_hash, *ways):
        found = [file for file in among if is_it(file)]
        if found:
            return next((file for file in found if not misfit(file, role, family)), found[0])
    return None


def has_hash(file: ModelFile, digest: str) -> bool:
    """Whether the digest is the beginning of its sha256, or of that of its weights alone, as A1111 names LoRAs; of that
    what the file says itself counts as well, as it does there."""
    wanted = digest.strip().lower().rpartition(":")[2]
    if len(wanted) < _HASH_DIGITS:
        return False
    computed = (file.hashes.sha256, file.hashes.weights) if file.hashes is not None else ()
    return any(one.startswith(wanted) for one in (*computed, file.told_hash))


def nearest_name(name: str, files: Iterable[ModelFile]) -> str:
    """The most similar of their names; "" where none is similar."""
    return _nearest(plain_name(name), tuple(sorted(file.name for file in files)))


@lru_cache(maxsize=8)
def _nearest(wanted: str, known: tuple[str, ...]) -> str:
    """Asked several times for the same while somebody types."""
    names = {name.casefold(): name for name in known}
    starts = [each for each in names if wanted and each.startswith(wanted)]
    if starts:
        return names[min(starts, key=len)]
    import difflib

    # Comparing takes long; of many names only those that share the most pairs of letters are worth it.
    pairs = _pairs(wanted)
    likely = heapq.nlargest(_COMPARED, names, key=lambda each: len(pairs & _pairs(each)))
    similar = difflib.get_close_matches(wanted, likely, n=1, cutoff=_LIKENESS)
    return names[similar[0]] if similar else ""


def _pairs(text: str) -> set[str]:
    return {text[place : place + 2] for place in range(len(text) - 1)}


def short_hash(file: ModelFile) -> str:
    """ "" while it is not known."""
    return file.hashes.short if file.hashes is not None else ""


def lora_of(file: ModelFile, weight: float = 1.0, text_weight: float | None = None) -> LoraUse:
    return LoraUse(name=file.name, path=file.path, hash=short_hash(file), weight=weight, text_weight=text_weight)


def added_of(file: ModelFile) -> AddedFile:
    return AddedFile(name=file.name, path=file.path, hash=short_hash(file))


def tag_file(tag: LoraTag, files: Sequence[ModelFile], family: ModelFamily | None, digest: str = "") -> ModelFile:
    """The LoRA that a tag means. Raises InvalidRequest("prompt") for an unknown one, one that does not fit, and weights
    that cannot be."""
    if tag.problem:
        raise InvalidRequest(
            "prompt",
            f"The LoRA “{tag.name}” in the prompt: {tag.problem}.",
            hint=f"Write it as <lora:{tag.name}:0.8>.",
        )
    found = find_added(tag.name, files, ModelRole.LORA, family, digest)
    if found is None:
        raise InvalidRequest("prompt", _unknown(tag.name, usable(files, ModelRole.LORA, family)))
    why = misfit(found, ModelRole.LORA, family)
    if why:
        raise InvalidRequest("prompt", f"The LoRA “{tag.name}” {why}.", hint="Take it out of the prompt.")
    return found


def _unknown(name: str, files: Sequence[ModelFile]) -> str:
    nearest = nearest_name(name, files)
    if nearest:
        return f"There is no LoRA “{name}”; the nearest name is “{nearest}”."
    return f"There is no LoRA “{name}”" + (" for this model." if files else ", and none at all for this model.")


def prompt_loras(prompt: str, files: Sequence[ModelFile], family: ModelFamily | None) -> tuple[LoraUse, ...]:
    """Those that the prompt's tags name, each once: the last tag of a LoRA counts. Raises InvalidRequest("prompt")."""
    found: dict[str, LoraUse] = {}
    for tag in lora_tags(prompt):
        file = tag_file(tag, files, family)
        found.pop(file.path, None)
        found[file.path] = lora_of(file, tag.weight, tag.text_weight)
    return tuple(found.values())


def prompt_embeddings(
    prompts: Iterable[str], files: Sequence[ModelFile], family: ModelFamily | None
) -> tuple[AddedFile, ...]:
    """The embeddings whose names are words of the prompts, in any case, by name; of one name the first that fits."""
    text = "\n".join(map(without_tags, prompts))
    folded = text.casefold()
    found: dict[str, AddedFile] = {}
    for file in files:
        name = file.name.casefold()
        if file.role is not ModelRole.TEXTUAL_INVERSION or name not in folded or name in found:
            continue
        if names_word(text, file.name) and not misfit(file, ModelRole.TEXTUAL_INVERSION, family):
            found[name] = added_of(file)
    return tuple(found[name] for name in sorted(found))


def names_word(text: str, name: str) -> bool:
    """Whether `name` stands in the text for itself, not within another word."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text, re.I) is not None

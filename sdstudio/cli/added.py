"""What the command line adds to a model: LoRAs, embeddings, a VAE, a refiner, and settings of the family's own."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sdstudio.cli.arguments import UsageError
from sdstudio.cli.services import CliServices
from sdstudio.domain.added_find import (
    added_of,
    find_added,
    lora_of,
    misfit,
    names_word,
    nearest_name,
    prompt_embeddings,
    prompt_loras,
    usable,
)
from sdstudio.domain.additions import AddedFile, LoraUse
from sdstudio.domain.errors import InvalidRequest, ModelError
from sdstudio.domain.family_tasks import REFINER_BEGIN, FamilyTasks, tasks_of
from sdstudio.domain.lora_prompt import lora_tags, without_tags
from sdstudio.domain.model_file import ModelFamily, ModelFile, ModelRole
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import GenerationRequest, RefinerSpec
from sdstudio.storage.model_library import ModelLibrary
from sdstudio.storage.model_refusal import means_a_file, no_such_file

_SHOWN = 10
_KINDS = {
    ModelRole.LORA: "LoRA",
    ModelRole.TEXTUAL_INVERSION: "embedding",
    ModelRole.VAE: "VAE",
}


class Additions:
    """Of one command. Files are looked for only where something is asked of them, and hashed when they are used."""

    def __init__(self, args: argparse.Namespace, info: ModelInfo, services: CliServices) -> None:
        self._args = args
        self._info = info
        self._services = services
        self._library: ModelLibrary = services.library
        self._scanned: tuple[ModelFile, ...] | None = None

    def to(self, request: GenerationRequest) -> GenerationRequest:
        """The request with all that was added. Raises UsageError."""
        fields: dict[str, Any] = {
            "loras": self._with_own(request.loras),
            "embeddings": self._embeddings(),
            "vae": self._vae(),
            "refiner": self._refiner(),
        }
        return replace(request, **self._own_settings(request), **fields)

    @property
    def _family(self) -> ModelFamily | None:
        return self._info.family

    @property
    def _tasks(self) -> FamilyTasks:
        return tasks_of(self._family)

    @property
    def _files(self) -> tuple[ModelFile, ...]:
        if self._scanned is None:
            self._scanned = self._library.scan().models
        return self._scanned

    # -- LoRAs and embeddings -----------------------------------------------------------------------------------------

    def _with_own(self, own: tuple[LoraUse, ...]) -> tuple[LoraUse, ...]:
        """The model's own form for few steps first, and never twice."""
        paths = {lora.path for lora in own}
        return (*own, *(lora for lora in self._loras() if lora.path not in paths))

    def _loras(self) -> tuple[LoraUse, ...]:
        """What the prompt says of a LoRA counts more than an argument."""
        found: dict[str, LoraUse] = {}
        for text in self._args.lora:
            name, weights = split_numbers(text, 2)
            file = self._file("--lora", name, ModelRole.LORA)
            try:
                found[file.path] = lora_of(file, *weights)
            except InvalidRequest as error:
                raise UsageError(f"argument --lora: “{text}”: {error.hint or error.message}") from error
        if lora_tags(self._args.prompt):
            try:
                for lora in prompt_loras(self._args.prompt, self._files, self._family):
                    found[lora.path] = lora
            except InvalidRequest as error:
                raise UsageError(f"argument {prompt_argument(self._args)}: {error}") from error
        return tuple(replace(lora, hash=self._hash(lora.path) or lora.hash) for lora in found.values())

    def _embeddings(self) -> tuple[AddedFile, ...]:
        prompts = (self._args.prompt, self._args.negative)
        given = [self._file("--embedding", name, ModelRole.TEXTUAL_INVERSION) for name in self._args.embedding]
        for file in given:
            if not any(names_word(without_tags(text), file.name) for text in prompts):
                message = f"argument --embedding: Neither prompt names “{file.name}”, so it would do nothing."
                raise UsageError(message, hint=f"Write {file.name} where it should act.")
        # A model that was not recognised has a text encoder of its own, which no known file fits.
        others = self._files if self._family is not None and any(text.strip() for text in prompts) else ()
        found = prompt_embeddings(prompts, (*given, *others), self._family)
        return tuple(self._hashed(file) for file in found)

    # -- VAE and refiner ----------------------------------------------------------------------------------------------

    def _vae(self) -> AddedFile | None:
        if self._args.vae is None:
            return None
        return self._hashed(added_of(self._file("--vae", self._args.vae, ModelRole.VAE)))

    def _refiner(self) -> RefinerSpec | None:
        text = self._args.refiner
        if text is None:
            return None
        if not self._tasks.refiner:
            raise UsageError("argument --refiner: Only SDXL models take a refiner.", hint="Leave it out.")
        name, numbers = split_numbers(text, 1)
        try:
            info = self._services.catalog.find(name)
        except ModelError as error:
            raise UsageError(f"argument --refiner: {error}") from error
        if info.family is not ModelFamily.SDXL_REFINER:
            raise UsageError(f"argument --refiner: “{info.name}” is no SDXL refiner.", hint="Leave it out.")
        try:
            return RefinerSpec(model=info.spec, begin=numbers[0] if numbers else REFINER_BEGIN)
        except InvalidRequest as error:
            raise UsageError(f"argument --refiner: {error.hint}") from error

    # -- settings of the family's own ---------------------------------------------------------------------------------

    def _own_settings(self, request: GenerationRequest) -> dict[str, Any]:
        tasks = self._tasks
        guidance, level = getattr(self._args, "image_guidance", None), getattr(self._args, "noise_level", None)
        if guidance is not None and tasks.image_guidance is None:
            raise UsageError("argument --image-guidance: Only models that take instructions have one.")
        if level is not None and tasks.noise_level is None:
            raise UsageError("argument --noise-level: Only the x4 upscaler and unCLIP models have one.")
        if level is not None and level > tasks.noise_most:
            hint = f"Choose a whole number from 0 to {tasks.noise_most}."
            raise UsageError(f"argument --noise-level: {level} is not possible with this model.", hint=hint)
        fields: dict[str, Any] = {"noise_level": tasks.noise_level if level is None else level}
        if tasks.image_guidance is not None:
            value = tasks.image_guidance if guidance is None else guidance
            fields["sampling"] = replace(request.sampling, image_guidance_scale=value)
        return fields

    # -- files --------------------------------------------------------------------------------------------------------

    def _file(self, option: str, name: str, role: ModelRole) -> ModelFile:
        """By file, else by the name in a folder. Raises UsageError for what is unknown or does not fit."""
        path = Path(name).expanduser()
        found = self._library.inspect(path.absolute()) if _is_file(path) else None
        if found is None and not path.is_absolute():  # one of the same name elsewhere is not what was asked for
            found = find_added(name, self._files, role, self._family)
        if found is None and means_a_file(name):
            error = no_such_file(path)
            raise UsageError(f"argument {option}: {error.message}", hint=error.hint)
        if found is None:
            raise UsageError(f"argument {option}: There is no {_KINDS[role]} “{name}”.", hint=self._offer(name, role))
        why = misfit(found, role, self._family)
        if why:
            raise UsageError(f"argument {option}: “{found.name}” {why}.")
        return found

    def _offer(self, name: str, role: ModelRole) -> str:
        fitting = usable(self._files, role, self._family)
        nearest = nearest_name(name, fitting)
        if nearest:
            return f"The nearest name is “{nearest}”."
        names = [file.name for file in fitting]
        shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
        return f"There are: {shown}." if names else "There is none for this model: name a file."

    def _hashed(self, file: AddedFile) -> AddedFile:
        return replace(file, hash=self._hash(file.path) or file.hash)

    def _hash(self, path: str) -> str:
        """Waits for it: these files are small. "" where it cannot be read, which the engine will tell."""
        try:
            hashes = self._library.hashes.compute(Path(path))
        except OSError:
            return ""
        return hashes.short if hashes is not None else ""


def split_numbers(text: str, most: int) -> tuple[str, list[float]]:
    """`ink:0.8:0.5` as its name and at most so many numbers."""
    name: str = text
    numbers: list[float] = []
    for _ in range(most):
        rest, colon, last = name.rpartition(":")
        number = _number(last)
        if not colon or not rest or number is None:
            break
        name, numbers = rest, [number, *numbers]
    return name, numbers


def prompt_argument(args: argparse.Namespace) -> str:
    """What the prompt is called on this command's line."""
    return "--prompt" if hasattr(args, "file") else "PROMPT"


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return False


def overridden(args: argparse.Namespace, request: GenerationRequest) -> Iterable[str]:
    """The LoRAs that both the prompt and an argument name."""
    argued = {split_numbers(text, 2)[0].casefold() for text in args.lora}
    return (tag.name for tag in lora_tags(request.prompt.positive) if tag.name.casefold() in argued)

"""What a session adds to the model's request: LoRAs, embeddings, VAE, refiner, mixed pictures, family settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sdstudio.app.added_files import AddedFiles
from sdstudio.app.mix_state import mixed_images
from sdstudio.app.session_state import SessionState
from sdstudio.domain.added_find import added_of, lora_of, prompt_embeddings, tag_file
from sdstudio.domain.additions import LoraUse
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.family_tasks import tasks_of
from sdstudio.domain.lora_prompt import LoraTag, lora_tags
from sdstudio.domain.model_file import ModelFamily, ModelFile, ModelRole
from sdstudio.domain.request import GenerationRequest, RefinerSpec


@dataclass(frozen=True, slots=True)
class PromptLora:
    """A tag of the prompt, the file that it means, or why it means none."""

    tag: LoraTag
    file: ModelFile | None = None
    error: InvalidRequest | None = None


def prompt_rows(
    prompt: str, added: AddedFiles, family: ModelFamily | None, hashes: Mapping[str, str]
) -> tuple[PromptLora, ...]:
    """One for each LoRA of the prompt, of which the last tag counts, and one for each tag that means none. `hashes`:
    what a picture's text told of names that may be called otherwise here."""
    rows: dict[str, PromptLora] = {}
    for tag in lora_tags(prompt):
        try:
            file = tag_file(tag, added.all_of(ModelRole.LORA), family, hashes.get(tag.name.casefold(), ""))
        except InvalidRequest as error:
            rows[f"?{tag.name.casefold()}"] = PromptLora(tag, error=error if added.looked else _still_looking())
            continue
        rows.pop(file.path, None)
        rows[file.path] = PromptLora(tag, file)
    return tuple(rows.values())


def with_additions(
    request: GenerationRequest,
    state: SessionState,
    added: AddedFiles | None,
    family: ModelFamily | None,
    named: Sequence[PromptLora],
    missing: Collection[str] = (),
) -> GenerationRequest:
    """Raises InvalidRequest("prompt") for a LoRA of the prompt that is not here or does not fit; what does not fit of
    the panel is left out, and the panel says so. The request's own LoRAs stay. `named`: what `prompt_rows` found.
    `missing`: keys of mixed pictures that are not in the store any more."""
    fields: dict[str, Any] = {}
    tasks = tasks_of(family)
    if tasks.image_guidance is not None:
        sampling = replace(request.sampling, image_guidance_scale=state.image_guidance_scale)
        fields["sampling"] = sampling
    if tasks.noise_level is not None:
        level = tasks.noise_level if state.noise_level is None else state.noise_level
        fields["noise_level"] = min(level, tasks.noise_most)
    if tasks.varies:
        fields["mix"] = mixed_images(state.mix, missing)
    if added is not None:
        own = {lora.path for lora in request.loras}
        further = _loras(state, added, family, named)
        fields["loras"] = (*request.loras, *(lora for lora in further if lora.path not in own))
        fields["embeddings"] = prompt_embeddings(
            (state.positive, state.negative), added.all_of(ModelRole.TEXTUAL_INVERSION), family
        )
        if state.vae is not None:
            file = added.vae(state.vae, family)
            fields["vae"] = None if file is None else added_of(file)
        if state.refiner is not None and tasks.refiner:
            fields["refiner"] = _refiner(state.refiner, added)
    return replace(request, **fields)


def _loras(
    state: SessionState, added: AddedFiles, family: ModelFamily | None, named: Sequence[PromptLora]
) -> tuple[LoraUse, ...]:
    """Those of the panel first; what the prompt says of the same LoRA counts."""
    found: dict[str, LoraUse] = {}
    for chosen in state.loras:
        known = added.lora(chosen, family)
        if chosen.on and known.file is not None and not known.why:
            found[known.file.path] = lora_of(known.file, chosen.weight, chosen.text_weight)
    for row in named:
        if row.file is None or row.error is not None:
            raise row.error or _still_looking()
        found[row.file.path] = lora_of(row.file, row.tag.weight, row.tag.text_weight)
    return tuple(found.values())


def _refiner(chosen: RefinerSpec, added: AddedFiles) -> RefinerSpec | None:
    info = added.refiner(chosen.model)
    return None if info is None else RefinerSpec(model=info.spec, begin=chosen.begin)


def _still_looking() -> InvalidRequest:
    return InvalidRequest(
        "prompt", "The folders of models are still being looked through.", hint="Try again in a moment."
    )

"""What the window's fields hold, and the request they make."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from sdstudio.app.added_files import AddedFiles
from sdstudio.app.added_request import PromptLora, prompt_rows, with_additions
from sdstudio.app.added_state import ChosenLora
from sdstudio.app.mix_state import mix_of
from sdstudio.app.session_state import SessionState, clamp, state_from_dict
from sdstudio.domain.geometry import Size
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import (
    RANDOM_SEED_COUNT,
    SEED_COUNT,
    GenerationRequest,
    ModelSpec,
    PromptSpec,
    SamplingSpec,
)

__all__ = ["Session", "SessionState"]
HISTORY_MAX = 200
QUICK_SETS = ("steps", "guidance_scale", "sampler")
"""What the form for few steps decides."""

FindModel = Callable[[ModelSpec], ModelInfo | None]


class Session(QObject):
    """Owner of the fields' values. Setters are silent when nothing changed."""

    state_changed = Signal(object)  # frozenset[str]: names of the fields that changed
    last_seed_changed = Signal(object)  # int: may need 64 bits
    model_changed = Signal(object)  # ModelInfo
    history_changed = Signal()

    def __init__(
        self,
        model: ModelInfo,
        find_model: FindModel,
        parent: QObject | None = None,
        *,
        added: AddedFiles | None = None,
    ) -> None:
        """`find_model` looks a model up among those that are known; None where there is none like it. `added`: the
        files that can be added to models; without, nothing is."""
        super().__init__(parent)
        self._model = model
        self._find_model = find_model
        self._added = added
        self._hashes: dict[str, str] = {}
        self.restored_embeddings: tuple[str, ...] = ()
        """Of the picture whose settings came back last."""
        self.mix_missing: frozenset[str] = frozenset()
        """Keys of pictures of `state.mix` that are not in the store any more; found out by MixPictures."""
        self._named: tuple[tuple[Any, ...], tuple[PromptLora, ...]] | None = None
        self._state = SessionState(model=model.spec, **_preset_values(model))
        self._last_seed: int | None = None
        self._history: tuple[str, ...] = ()
        self._awaited: ModelSpec | None = None
        self._first: ModelSpec | None = None
        self._unhurried: dict[str, Any] = {}

    @property
    def state(self) -> SessionState:
        return self._state

    @property
    def model(self) -> ModelInfo:
        return self._model

    @property
    def last_seed(self) -> int | None:
        """The seed of the first picture that was last asked for."""
        return self._last_seed

    @property
    def history(self) -> tuple[str, ...]:
        """Prompts, newest first, at most 200."""
        return self._history

    def update(self, **changes: Any) -> None:
        """Sets fields by name; numbers are clamped and sides snapped to 8. Raises InvalidRequest for an unknown
        sampler and TypeError for an unknown field; the model is set by `choose_model`."""
        unknown = changes.keys() - _FIELDS
        if unknown:
            raise TypeError(f"a session has no field {', '.join(sorted(unknown))}")
        self._apply(replace(self._state, **{name: clamp(name, value, self._state) for name, value in changes.items()}))

    def build_request(self) -> GenerationRequest:
        """The request to run: a locked seed as it is, else one from the system's source of chance.

        The seed becomes the last seed, the prompt the newest of the history. Raises InvalidRequest(field).
        """
        request = self.draft_request()
        if not self._state.seed_locked:
            request = request.with_seed(random.SystemRandom().randrange(RANDOM_SEED_COUNT))
        self._set_last_seed(request.sampling.seed)
        self.remember_prompt(self._state.positive)
        return request

    def draft_request(self) -> GenerationRequest:
        """The same without drawing a seed or remembering anything: for estimates. Raises InvalidRequest(field)."""
        named = self.prompt_loras()
        plain, family = self.plain_request(), self._model.family
        return with_additions(plain, self._state, self._added, family, named, self.mix_missing)

    def plain_request(self) -> GenerationRequest:
        """The same without what is added to the model, save its own form for few steps: it can always be made."""
        state = self._state
        quick = self._model.presets.quick if state.quick else None
        return GenerationRequest(
            prompt=PromptSpec(positive=state.positive, negative=state.negative, clip_skip=state.clip_skip),
            sampling=SamplingSpec(
                steps=state.steps,
                guidance_scale=state.guidance_scale,
                guidance_rescale=state.guidance_rescale,
                sampler=state.sampler,
                seed=state.seed,
                count=state.count,
            ),
            model=state.model,
            size=Size(state.width, state.height),
            loras=() if quick is None else (quick.lora,),
        )

    def prompt_loras(self) -> tuple[PromptLora, ...]:
        """The LoRAs that the prompt names, and what stands in their way."""
        if self._added is None:
            return ()
        # Asked for at every stroke of the brush, and not quickly answered where a name is unknown.
        asked = (self._state.positive, self._added.files, self._added.looked, self._model.family, self._hashes)
        if self._named is None or any(now is not then for now, then in zip(asked, self._named[0], strict=True)):
            self._named = asked, prompt_rows(asked[0], self._added, asked[3], asked[4])
        return self._named[1]

    def choose_model(self, info: ModelInfo, presets: bool = True) -> None:
        """`presets`: take over the model's steps, guidance, sampler and size."""
        self._awaited = self._first = None
        values = _preset_values(info) if presets else {}
        self._unhurried = {} if presets else self._unhurried
        changed = info != self._model
        self._model = info
        self._apply(replace(self._state, model=info.spec, **values))
        if changed:
            self.model_changed.emit(info)

    def choose_quick(self, on: bool) -> None:
        """Few steps and what makes them enough, or back to the settings of before; nothing where the model has no such
        form."""
        presets, state = self._model.presets, self._state
        if presets.quick is None or on == state.quick:
            return
        if on:
            self._unhurried = {name: getattr(state, name) for name in QUICK_SETS}
        source = presets.quick if on else presets
        values = {name: getattr(source, name) for name in QUICK_SETS}
        self.update(quick=on, **values | ({} if on else self._unhurried))

    def restore(self, request: GenerationRequest) -> str:
        """Brings all settings of a request back and locks its seed.

        Returns "" or, when its model is not here, a note in words: the chosen model is then kept.
        """
        info = self._find_model(request.model)
        note = "" if info is not None else self._missing_model_note(request.model)
        if info is not None:
            self.choose_model(info, presets=False)
        self._hashes = {lora.name.casefold(): lora.hash for lora in request.loras if lora.hash}
        self.restored_embeddings = tuple(file.name for file in request.embeddings)
        quick = info.presets.quick if info is not None else None
        own = quick.find_in(request.loras) if quick is not None else None
        self._unhurried = {}
        others = tuple(lora for lora in request.loras if lora is not own)
        mix = mix_of(request.mix, self._state.mix)
        self.update(**_values_of(replace(request, loras=others)), mix=mix, quick=own is not None, seed_locked=True)
        self._leave_to_prompt()
        return note

    def begin_with(self, path: str) -> None:
        """The model in this file or folder is chosen as soon as it is known, unless another one is chosen by then. If
        it is not the last session's, it brings its own settings."""
        self._first = ModelSpec(name="", path=path)

    def find_awaited_model(self) -> None:
        """Chooses the model to begin with, or the last session's if it was not known then; called when models were
        looked for."""
        first = self._find_model(self._first) if self._first is not None else None
        if first is not None:
            last = self._awaited or self._state.model
            self.choose_model(first, presets=last.path != first.spec.path)
            return
        info = self._find_chosen(self._awaited) if self._awaited is not None else None
        if info is not None:
            self.choose_model(info, presets=False)

    def follow_model(self) -> None:
        """Takes over what has become known of the chosen model (its hash, its kind); its settings stay as they are."""
        info = self._find_chosen(self._state.model)
        if info is not None and info != self._model:
            awaited, first = self._awaited, self._first
            self.choose_model(info, presets=False)
            self._awaited, self._first = awaited, first

    def _find_chosen(self, model: ModelSpec) -> ModelInfo | None:
        """What is in its place, also when the file there was replaced, before what has the same weights elsewhere."""
        there = self._find_model(replace(model, name="", hash="")) if model.path else None
        return there or self._find_model(model)

    def use_last_seed(self) -> None:
        """Locks the seed of what was last asked for; nothing when there is none yet."""
        if self._last_seed is not None:
            self.update(seed=self._last_seed, seed_locked=True)

    def remember_prompt(self, text: str) -> None:
        """To the top of the history, once; blank text is not kept."""
        if not text.strip():
            return
        history = (text, *(old for old in self._history if old != text))[:HISTORY_MAX]
        if history != self._history:
            self._history = history
            self.history_changed.emit()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for `from_dict`. The seed is a string: many JSON readers round above 2^53."""
        model = self._awaited or self._state.model
        state = asdict(self._state) | {"seed": str(self._state.seed), "model": asdict(model)}
        last = None if self._last_seed is None else str(self._last_seed)
        return {"state": state, "last_seed": last, "history": list(self._history)}

    def from_dict(self, data: Mapping[str, Any]) -> None:
        """Takes over what is there and possible; the rest stays as it is. Never raises for what the data holds."""
        model, values = state_from_dict(data.get("state"), self._state)
        info = self._find_chosen(model) if model is not None else None
        if info is not None:
            self.choose_model(info, presets=False)
        else:
            self._awaited = model
        self.update(**values)
        last = data.get("last_seed")
        if isinstance(last, str) and last.isascii() and last.isdigit():
            self._set_last_seed(int(last) % SEED_COUNT)
        history = data.get("history")
        if isinstance(history, list):
            for text in reversed([text for text in history if isinstance(text, str)]):
                self.remember_prompt(text)

    def _leave_to_prompt(self) -> None:
        """What the prompt names needs no row of its own."""
        rows = self.prompt_loras()
        named = {row.tag.name.casefold() for row in rows} | {row.file.name.casefold() for row in rows if row.file}
        self.update(loras=[lora for lora in self._state.loras if lora.name.casefold() not in named])

    def _apply(self, state: SessionState) -> None:
        names = (field.name for field in fields(SessionState))
        changed = frozenset(name for name in names if getattr(state, name) != getattr(self._state, name))
        if changed:
            self._state = state
            self.state_changed.emit(changed)

    def _set_last_seed(self, seed: int) -> None:
        if seed != self._last_seed:
            self._last_seed = seed
            self.last_seed_changed.emit(seed)

    def _missing_model_note(self, model: ModelSpec) -> str:
        if not model.name:
            return ""
        text = self.tr("The model “{model}” is not on this computer. Its settings are back, with “{chosen}” instead.")
        return text.format(model=model.name, chosen=self._model.name)


_FIELDS = {field.name for field in fields(SessionState)} - {"model"}


def _preset_values(info: ModelInfo) -> dict[str, Any]:
    presets = info.presets
    return {
        "steps": presets.steps,
        "guidance_scale": presets.guidance_scale,
        "sampler": presets.sampler,
        "width": presets.size.width,
        "height": presets.size.height,
        "noise_level": None,
        "quick": False,
    }


def _values_of(request: GenerationRequest) -> dict[str, Any]:
    sampling = asdict(request.sampling)
    prompt = asdict(request.prompt)
    values = {**prompt, **sampling, "width": request.size.width, "height": request.size.height}
    values |= {"noise_level": request.noise_level, "vae": request.vae, "refiner": request.refiner}
    values["loras"] = [ChosenLora.of(lora) for lora in request.loras]
    return {name: value for name, value in values.items() if name in _FIELDS}

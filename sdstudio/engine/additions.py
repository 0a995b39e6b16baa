"""What a request adds to its model for a job: LoRAs, learnt words, another VAE, and a decoder for previews."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from weakref import WeakKeyDictionary

from sdstudio.domain.additions import AddedFile, LoraUse
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.added_files import Shelf, Stamp
from sdstudio.engine.conditioning import TextSide
from sdstudio.engine.embeddings import Vectors, learnt_words, read_embedding
from sdstudio.engine.lora.file import LoraFile, read_lora
from sdstudio.engine.lora.wear import changes_text, plan_loras, worn
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.preview_decoder import PreviewDecoders, colours_by
from sdstudio.engine.vae_choice import VaeChoice
from sdstudio.engine.words import NO_WORDS, LearntWords

_LORAS, _EMBEDDINGS = 8, 64
"""How many files are kept in memory; those of the job that runs always are."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _TextState:
    """With which LoRAs and words a model's prompts were read last."""

    loras: Hashable
    embedded: Hashable
    words: LearntWords


_PLAIN = _TextState((), (), NO_WORDS)


class Additions:
    """Files are read when a request first names them, and kept while they stay as they are. `decoders` are asked for
    at each job."""

    def __init__(self, decoders: Callable[[], Sequence[AddedFile]]) -> None:
        self._loras: Shelf[LoraFile] = Shelf(_LORAS)
        self._embeddings: Shelf[Vectors] = Shelf(_EMBEDDINGS)
        self._texts: WeakKeyDictionary[TextSide, _TextState] = WeakKeyDictionary()
        self._vae = VaeChoice()
        self._decoders = PreviewDecoders(decoders)

    @contextmanager
    def put_on(self, request: GenerationRequest, model: LoadedModel, tell: Tell) -> Iterator[LoadedModel]:
        """The model as the request wants it; afterwards it is as before, however the job ended. `tell` hears what is
        being read. Raises InvalidRequest("lora", "embedding" or "vae") in words for what cannot be added."""
        loras = [(use, *self._lora(use, model, tell)) for use in request.loras]
        plan = plan_loras([(use, file) for use, _, file in loras], model)
        texts = self._texts_for(request, model, loras)
        if request.vae is not None:
            model = replace(model, vae=self._vae.get(request.vae, model, tell))
        model = self._with_previews(model)
        for text, state in texts:
            self._prepare(text, state)
        with worn(plan):
            yield model

    def clear(self) -> None:
        """Gives the memory back."""
        self._loras.clear()
        self._vae.clear()
        self._decoders.clear()

    def _lora(self, use: LoraUse, model: LoadedModel, tell: Tell) -> tuple[Stamp, LoraFile]:
        if not self._loras.holds(use.path):
            tell(f"Reading the LoRA “{use.name}”")
        return self._loras.get(use.path, partial(read_lora, name=use.name, dtype=model.device.dtype))

    def _texts_for(
        self, request: GenerationRequest, model: LoadedModel, loras: Sequence[tuple[LoraUse, Stamp, LoraFile]]
    ) -> list[tuple[TextSide, _TextState]]:
        """How the model's prompts are to be read, and those of its second stage, which no LoRA is put on."""
        heard = sorted((use.path, stamp, _text_weight(use)) for use, stamp, file in loras if changes_text(use, file))
        texts = [(model, tuple(heard))] + ([(model.second, ())] if model.second is not None else [])
        return [(one.conditioner, _TextState(heard, *self._words(request.embeddings, one))) for one, heard in texts]

    def _words(self, files: Sequence[AddedFile], model: LoadedModel) -> tuple[Hashable, LearntWords]:
        """Which files they are of, and the words: the same object for the same files as in the model's last job."""
        read = [(file, *self._embeddings.get(file.path, partial(read_embedding, name=file.name))) for file in files]
        embedded = tuple((file.name, file.path, stamp) for file, stamp, _ in read)
        last = self._texts.get(model.conditioner, _PLAIN)
        if last.embedded == embedded:
            return embedded, last.words
        return embedded, learnt_words([(file, vectors) for file, _, vectors in read], model.conditioner.encoders)

    def _with_previews(self, model: LoadedModel) -> LoadedModel:
        decoder = self._decoders.decoder(model)
        if decoder is None:
            return model
        # Among the networks that look at the cancel token between their blocks.
        return replace(model, colours=colours_by(decoder, model), more_networks=(*model.more_networks, decoder))

    def _prepare(self, text: TextSide, state: _TextState) -> None:
        """Prompts that were encoded with other LoRAs or words are forgotten, and only they."""
        if self._texts.get(text, _PLAIN).loras != state.loras:
            text.forget()
        text.learn(state.words)
        self._texts[text] = state


def _text_weight(use: LoraUse) -> float:
    return use.weight if use.text_weight is None else use.text_weight

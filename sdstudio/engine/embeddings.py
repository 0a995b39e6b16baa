"""Reads textual inversions: the vectors of a learnt word, for one text encoder or for SDXL's two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.errors import InvalidRequest
from sdstudio.engine.added_files import check_finite, read_added, refused
from sdstudio.engine.chunks import CHUNK_TOKENS
from sdstudio.engine.words import NO_WORDS, LearntWords

FIELD = "embedding"
_FAMILIES = {768: "SD 1.5", 1024: "SD 2", 1280: "SDXL"}
_PAIR = ("clip_l", "clip_g")
_ALONE = "emb_params"

Vectors = tuple[torch.Tensor, ...]
"""n x width for each text encoder that the file is for."""


def words_for(name: str) -> str:
    return f"The embedding “{name}”"


def read_embedding(path: Path, name: str) -> Vectors:
    """Forms: .safetensors with `emb_params`, with `clip_l` and `clip_g`, or with one tensor; A1111's .pt
    (`string_to_param`); diffusers' .bin with one tensor; a tensor alone. Raises InvalidRequest("embedding")."""
    what = words_for(name)
    vectors = tuple(one[None] if one.ndim == 1 else one for one in _found(read_added(path, FIELD, what), what))
    if any(one.ndim != 2 or not one.numel() or not one.is_floating_point() for one in vectors):
        raise refused(FIELD, what, "the file holds no embedding")
    if len({len(one) for one in vectors}) > 1:
        raise refused(FIELD, what, "it has more vectors for one text encoder than for the other")
    if len(vectors[0]) > CHUNK_TOKENS:
        raise refused(FIELD, what, f"it has {len(vectors[0])} vectors, a prompt takes {CHUNK_TOKENS} at once")
    check_finite((("its vectors", one) for one in vectors), FIELD, what)
    return vectors


def _found(data: Any, what: str) -> Vectors:
    if isinstance(data, torch.Tensor):
        return (data,)
    if isinstance(data, dict):
        if isinstance(inner := data.get("string_to_param"), dict):
            data = inner
        if all(isinstance(data.get(half), torch.Tensor) for half in _PAIR):
            return data[_PAIR[0]], data[_PAIR[1]]
        tensors = [value for value in data.values() if isinstance(value, torch.Tensor)]
        if isinstance(data.get(_ALONE), torch.Tensor):
            return (data[_ALONE],)
        if len(tensors) == 1:
            return (tensors[0],)
    raise refused(FIELD, what, "the file holds no embedding")


def learnt_words(embeddings: Sequence[tuple[AddedFile, Vectors]], encoders: Sequence[Any]) -> LearntWords:
    """For a model's text encoders. Raises InvalidRequest("embedding") for vectors that they do not read."""
    if not embeddings:
        return NO_WORDS
    return LearntWords({file.name: _fitting(file, vectors, encoders) for file, vectors in embeddings})


def _fitting(file: AddedFile, vectors: Vectors, encoders: Sequence[Any]) -> Vectors:
    theirs = [int(one.shape[1]) for one in vectors]
    own = [int(encoder.config.hidden_size) for encoder in encoders]
    if theirs == own:
        return vectors
    # SDXL's refiner has the second of its text encoders alone.
    if len(theirs) == 2 and own == theirs[1:]:
        return vectors[1:]
    told = "SDXL" if len(theirs) == 2 else _FAMILIES.get(theirs[0], "another kind of model")
    numbers = f"its vectors have {_listed(theirs)} numbers, this model's text encoder reads {_listed(own)}"
    raise InvalidRequest(
        FIELD,
        f"{words_for(file.name)} is for {told}: {numbers}.",
        hint="Take it out of the prompt, or choose a model that it is for.",
    )


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))

"""Counts a prompt's tokens with the `tokenizers` library alone: no torch, no transformers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from sdstudio.domain.engine_api import NOTHING_LEARNT, TokenCount
from sdstudio.domain.errors import ModelError
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.chunks import CHUNK_TOKENS, chunk_prompt
from sdstudio.engine.learnt_pieces import LearntPieces

_WORDS = r"""<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
"""CLIP's own rule for what is a word (Radford et al. 2021, simple_tokenizer.py)."""


class ModelTokenCounter:
    """Implements domain.engine_api.TokenCounter; keeps the tokenizers of the last few models. `vocabulary`: the folder
    of CLIP's, which models in one file do not bring along."""

    def __init__(self, vocabulary: Path | None = None) -> None:
        self._vocabulary = vocabulary

    def count(self, model: ModelSpec, prompt: str, learnt: Mapping[str, int] = NOTHING_LEARNT) -> TokenCount:
        """Raises ModelError when the model has no readable tokenizer."""
        alone = self._vocabulary is not None and Path(model.path).is_file()
        tokenizer = _load(str(self._vocabulary if alone else Path(model.path) / "tokenizer"))
        words = LearntPieces(learnt)

        def encode(text: str) -> Sequence[int]:
            return list(tokenizer.encode(text, add_special_tokens=False).ids)

        chunks = chunk_prompt(prompt, lambda text: words.pieces(text, encode))
        return TokenCount(used=sum(map(len, chunks)), room=CHUNK_TOKENS * len(chunks))


@lru_cache(maxsize=4)
def _load(folder: str) -> Tokenizer:
    vocabulary, merges = Path(folder, "vocab.json"), Path(folder, "merges.txt")
    try:
        if vocabulary.is_file() and merges.is_file():
            return _clip_tokenizer(json.loads(vocabulary.read_text("utf-8")), merges.read_text("utf-8"))
        tokenizer = Tokenizer.from_file(str(Path(folder, "tokenizer.json")))
    except Exception as error:  # the library raises bare Exception for a file that is missing or damaged
        raise ModelError(
            "The model's tokenizer could not be read.",
            meaning="The words of a prompt cannot be counted.",
            hint="Copy the model's folder again, with its “tokenizer” folder.",
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _clip_tokenizer(vocabulary: dict[str, int], merges: str) -> Tokenizer:
    """The byte-level BPE that CLIPTokenizer builds from vocab.json and merges.txt."""
    pairs: list[Any] = [tuple(line.split()) for line in merges.splitlines() if line and not line.startswith("#version")]
    unknown = "<|endoftext|>"
    tokenizer = Tokenizer(
        BPE(vocab=vocabulary, merges=pairs, continuing_subword_prefix="", end_of_word_suffix="</w>", unk_token=unknown)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    return tokenizer

"""From prompts to what the UNet's cross-attention reads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from sdstudio.domain.request import GenerationRequest, PromptSpec
from sdstudio.engine.clip_tower import ClipTower, Encoded
from sdstudio.engine.words import NO_WORDS, LearntWords

_CACHED_PROMPTS = 32


@dataclass(frozen=True, slots=True)
class Conditioning:
    """`embeddings`: 2 x tokens x width, the negative prompt first, or 1 x tokens x width without guidance.
    `unet_options`: further arguments of each call of the network, of as many rows."""

    embeddings: torch.Tensor
    unet_options: dict[str, Any] = field(default_factory=dict)


class TextSide(Protocol):
    """The text side of one loaded model."""

    def condition(self, request: GenerationRequest, guided: bool) -> Conditioning:
        """Raises InvalidRequest for what the text encoder cannot."""

    @property
    def encoders(self) -> tuple[Any, ...]:
        """The text encoders, in the order in which files number them."""

    def learn(self, words: LearntWords) -> None:
        """From now on prompts may use these words, and no others that were learnt before."""

    def forget(self) -> None:
        """Drops what is remembered of prompts: the text encoder has changed."""


class PromptEncoder:
    """Prompts of any length through one or more towers, side by side; remembers those it has encoded last."""

    def __init__(self, towers: Sequence[ClipTower], dtype: torch.dtype) -> None:
        self._towers = tuple(towers)
        self._dtype = dtype
        self._words = NO_WORDS
        self._cache: OrderedDict[tuple[str, int], Encoded] = OrderedDict()

    @property
    def encoders(self) -> tuple[Any, ...]:
        return tuple(tower.encoder for tower in self._towers)

    def learn(self, words: LearntWords) -> None:
        if words is not self._words:
            self._words = words
            self.forget()

    def forget(self) -> None:
        self._cache.clear()

    def encode(self, prompt: str, clip_skip: int) -> Encoded:
        """`hidden`: 1 x tokens x width of all towers, tokens a multiple of 77; `pooled`: the last tower's, of the first
        77, as A1111 has it. Raises InvalidRequest("clip_skip") when a text encoder has fewer layers."""
        key = (prompt, clip_skip)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        # All published models have CLIP's one vocabulary in every tower.
        chunks = self._towers[0].chunks(prompt, self._words)
        read = [[tower.encode(chunk, clip_skip, self._words) for tower in self._towers] for chunk in chunks]
        rows = [torch.cat([one.hidden.to(self._dtype) for one in row], dim=-1) for row in read]
        pooled = read[0][-1].pooled
        encoded = Encoded(torch.cat(rows, dim=1), None if pooled is None else pooled.to(self._dtype))
        self._cache[key] = encoded
        if len(self._cache) > _CACHED_PROMPTS:
            self._cache.popitem(last=False)
        return encoded

    def aligned(self, one: torch.Tensor, other: torch.Tensor, clip_skip: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Both of equal length: the shorter one is filled up with empty chunks."""
        missing = (one.shape[1] - other.shape[1]) // self._towers[0].positions
        if not missing:
            return one, other
        empty = [self.encode("", clip_skip).hidden] * abs(missing)
        if missing > 0:
            return one, torch.cat([other, *empty], dim=1)
        return torch.cat([one, *empty], dim=1), other


class Conditioner:
    """The text side of a model with one text encoder."""

    def __init__(self, tokenizer: Any, text_encoder: Any, dtype: torch.dtype) -> None:
        self._prompts = PromptEncoder([ClipTower(tokenizer, text_encoder)], dtype)

    @property
    def encoders(self) -> tuple[Any, ...]:
        return self._prompts.encoders

    def learn(self, words: LearntWords) -> None:
        self._prompts.learn(words)

    def condition(self, request: GenerationRequest, guided: bool) -> Conditioning:
        return Conditioning(self.encode(request.prompt, guided))

    def forget(self) -> None:
        self._prompts.forget()

    def encode(self, prompt: PromptSpec, guided: bool) -> torch.Tensor:
        """2 x tokens x width with the negative prompt first when `guided`, else 1 x tokens x width.

        tokens is a multiple of 77: the shorter prompt is filled up with empty chunks.
        Raises InvalidRequest("clip_skip") when the text encoder has fewer layers.
        """
        positive = self._prompts.encode(prompt.positive, prompt.clip_skip).hidden
        if not guided:
            return positive
        negative = self._prompts.encode(prompt.negative, prompt.clip_skip).hidden
        return torch.cat(self._prompts.aligned(negative, positive, prompt.clip_skip))

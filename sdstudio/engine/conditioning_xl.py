"""SDXL's text side: the layer before the last of each text encoder, one pooled vector, and the picture's measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.clip_tower import ClipTower, Encoded, check_clip_skip
from sdstudio.engine.conditioning import Conditioning, PromptEncoder
from sdstudio.engine.words import LearntWords

AESTHETIC_SCORE, NEGATIVE_AESTHETIC_SCORE = 6.0, 2.5
"""How beautiful, of 10, what is wanted and what is avoided are: what the refiner's published pipeline tells it."""


@dataclass(frozen=True, slots=True)
class XLRules:
    """`empty_is_zero`: whether a negative prompt without words counts as zeros (model_index.json,
    force_zeros_for_empty_prompt). `scored`: whether the network reads an aesthetic score (the refiner's)."""

    empty_is_zero: bool = True
    scored: bool = False


class ConditionerXL:
    """The text side of SDXL: CLIP L and OpenCLIP bigG; of its refiner: bigG alone."""

    def __init__(self, towers: Sequence[ClipTower], rules: XLRules, dtype: torch.dtype) -> None:
        self._prompts = PromptEncoder(towers, dtype)
        self._rules = rules

    @property
    def encoders(self) -> tuple[Any, ...]:
        return self._prompts.encoders

    def learn(self, words: LearntWords) -> None:
        self._prompts.learn(words)

    def forget(self) -> None:
        self._prompts.forget()

    def condition(self, request: GenerationRequest, guided: bool) -> Conditioning:
        """The network reads `text_embeds`, rows x width, and `time_ids`, rows x 6 (5 where it is scored).
        Raises InvalidRequest("clip_skip") when a text encoder has fewer layers."""
        positive = self._prompts.encode(request.prompt.positive, request.prompt.clip_skip)
        hidden, pooled = positive.hidden, positive.pooled
        assert pooled is not None
        rows = [self._measures(request.size, AESTHETIC_SCORE)]
        if guided:
            negative = self._negative(request, positive)
            assert negative.pooled is not None
            hidden = torch.cat(self._prompts.aligned(negative.hidden, hidden, request.prompt.clip_skip))
            pooled = torch.cat([negative.pooled, pooled])
            rows.insert(0, self._measures(request.size, NEGATIVE_AESTHETIC_SCORE))
        time_ids = torch.tensor(rows, dtype=hidden.dtype, device=hidden.device)
        return Conditioning(hidden, {"added_cond_kwargs": {"text_embeds": pooled, "time_ids": time_ids}})

    def _negative(self, request: GenerationRequest, positive: Encoded) -> Encoded:
        words = request.prompt.negative
        if self._rules.empty_is_zero and not words.strip():
            assert positive.pooled is not None
            return Encoded(torch.zeros_like(positive.hidden), torch.zeros_like(positive.pooled))
        return self._prompts.encode(words, request.prompt.clip_skip)

    def _measures(self, size: Size, score: float) -> list[float]:
        """Size of the original, its corner in the crop, and the size to be made or how beautiful it is: a whole picture
        of the very size that is made."""
        side = [float(size.height), float(size.width)]
        return [*side, 0.0, 0.0, *([score] if self._rules.scored else side)]


def read_before_last(encoder: Any, ids: torch.Tensor, clip_skip: int) -> Encoded:
    """SDXL was trained with the layer before the last, as it is. The clip skip is counted from the last layer as in all
    models: 2 is that layer, and 1, which would be the last, is taken for it too (as A1111 and Forge do)."""
    check_clip_skip(encoder, clip_skip)
    told = encoder(ids, output_hidden_states=True)
    first = told[0]
    return Encoded(told.hidden_states[-max(2, clip_skip)], first if first.ndim == 2 else None)

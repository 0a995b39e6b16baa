"""From prompts to what the UNet's cross-attention reads."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.request import GenerationRequest, PromptSpec
from sdstudio.engine.chunks import Chunk, chunk_prompt

_CACHED_PROMPTS = 32
_MEAN_MIN = 1e-4
"""Share of the vectors' mean strength below which their mean is rounding noise."""


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

    def forget(self) -> None:
        """Drops what is remembered of prompts: the text encoder has changed."""


class Conditioner:
    """The text side of a model with one text encoder; remembers the prompts it has encoded last."""

    def __init__(self, tokenizer: Any, text_encoder: Any, dtype: torch.dtype) -> None:
        self._tokenizer = tokenizer
        self._encoder = text_encoder
        self._dtype = dtype
        self._cache: OrderedDict[tuple[str, int], torch.Tensor] = OrderedDict()
        self._positions = int(text_encoder.config.max_position_embeddings)

    def condition(self, request: GenerationRequest, guided: bool) -> Conditioning:
        return Conditioning(self.encode(request.prompt, guided))

    def forget(self) -> None:
        self._cache.clear()

    def encode(self, prompt: PromptSpec, guided: bool) -> torch.Tensor:
        """2 x tokens x width with the negative prompt first when `guided`, else 1 x tokens x width.

        tokens is a multiple of 77: the shorter prompt is filled up with empty chunks.
        Raises InvalidRequest("clip_skip") when the text encoder has fewer layers.
        """
        positive = self._encode_prompt(prompt.positive, prompt.clip_skip)
        if not guided:
            return positive
        negative = self._encode_prompt(prompt.negative, prompt.clip_skip)
        missing = (positive.shape[1] - negative.shape[1]) // self._positions
        if missing:
            empty = [self._encode_prompt("", prompt.clip_skip)] * abs(missing)
            if missing > 0:
                negative = torch.cat([negative, *empty], dim=1)
            else:
                positive = torch.cat([positive, *empty], dim=1)
        return torch.cat([negative, positive])

    def _encode_prompt(self, prompt: str, clip_skip: int) -> torch.Tensor:
        key = (prompt, clip_skip)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        chunks = chunk_prompt(prompt, self._token_ids, self._positions - 2)
        encoded = torch.cat([self._encode_chunk(chunk, clip_skip) for chunk in chunks], dim=1)
        self._cache[key] = encoded
        if len(self._cache) > _CACHED_PROMPTS:
            self._cache.popitem(last=False)
        return encoded

    def _token_ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, truncation=False).input_ids)

    def _encode_chunk(self, chunk: Chunk, clip_skip: int) -> torch.Tensor:
        """1 x 77 x width. Weights as A1111 has them: the vectors are scaled, then the chunk's mean is restored."""
        tokenizer, padding = self._tokenizer, self._positions - 2 - len(chunk)
        ids = [tokenizer.bos_token_id, *(token for token, _ in chunk), tokenizer.eos_token_id]
        ids += [tokenizer.pad_token_id] * padding
        hidden = self._run_encoder(torch.tensor([ids], device=self._encoder.device), clip_skip)
        if any(weight != 1.0 for _, weight in chunk):
            weights = [1.0, *(weight for _, weight in chunk), *[1.0] * (padding + 1)]
            scaled = hidden * torch.tensor(weights, dtype=hidden.dtype, device=hidden.device)[None, :, None]
            mean, strength = scaled.float().mean(), scaled.float().abs().mean()
            # Weights that cancel out leave a mean of about zero, and nothing to restore it with.
            restored = hidden.float().mean() / mean if mean.abs() > _MEAN_MIN * strength else torch.ones(())
            hidden = scaled * restored.to(hidden)
        return hidden.to(self._dtype)

    def _run_encoder(self, ids: torch.Tensor, clip_skip: int) -> torch.Tensor:
        if clip_skip == 1:
            return self._encoder(ids)[0]
        layers = int(self._encoder.config.num_hidden_layers)
        if clip_skip > layers:
            raise InvalidRequest(
                "clip_skip",
                f"The clip skip {clip_skip} is not possible with this model.",
                hint=f"Its text encoder has {layers} layers: choose a whole number from 1 to {layers}.",
            )
        hidden = self._encoder(ids, output_hidden_states=True).hidden_states[-clip_skip]
        # transformers before 5.6 keeps the layers one level deeper.
        return getattr(self._encoder, "text_model", self._encoder).final_layer_norm(hidden)

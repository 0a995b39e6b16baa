"""One CLIP text encoder with its tokenizer: a chunk of a prompt goes in, its weighted vectors come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from sdstudio.domain.errors import InvalidRequest
from sdstudio.engine.chunks import Chunk, Piece, chunk_prompt
from sdstudio.engine.words import LearntWords

_MEAN_MIN = 1e-4
"""Share of the vectors' mean strength below which their mean is rounding noise."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """`hidden`: 1 x tokens x width. `pooled`: 1 x width, one vector for the whole, of encoders that project it."""

    hidden: torch.Tensor
    pooled: torch.Tensor | None = None


Read = Callable[[Any, torch.Tensor, int], Encoded]
"""What a family takes from its encoder for 1 x 77 token ids and a clip skip."""


class ClipTower:
    """`read`: which layer the family takes, `read_last_layer` unless told. `number`: its place among the model's."""

    def __init__(self, tokenizer: Any, encoder: Any, read: Read | None = None, number: int = 0) -> None:
        self.encoder = encoder
        self.positions = int(encoder.config.max_position_embeddings)
        self._tokenizer = tokenizer
        self._read = read or read_last_layer
        self._number = number

    def chunks(self, prompt: str, words: LearntWords) -> list[Chunk]:
        def pieces(text: str) -> list[Piece]:
            return words.pieces(text, self._token_ids)

        return chunk_prompt(prompt, pieces, self.positions - 2)

    def _token_ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, truncation=False).input_ids)

    def encode(self, chunk: Chunk, clip_skip: int, words: LearntWords) -> Encoded:
        """Weights as A1111 has them: the vectors are scaled, then the chunk's mean is restored.
        Raises InvalidRequest("clip_skip") when the encoder has fewer layers."""
        tokenizer, padding = self._tokenizer, self.positions - 2 - len(chunk)
        ids = [tokenizer.bos_token_id, *(token for token, _ in chunk), tokenizer.eos_token_id]
        ids += [tokenizer.pad_token_id] * padding
        with words.given_to(self.encoder, ids, self._number) as row:
            read = self._read(self.encoder, row, clip_skip)
        if all(weight == 1.0 for _, weight in chunk):
            return read
        weights = [1.0, *(weight for _, weight in chunk), *[1.0] * (padding + 1)]
        return Encoded(_weighted(read.hidden, weights), read.pooled)


def _weighted(hidden: torch.Tensor, weights: list[float]) -> torch.Tensor:
    scaled = hidden * torch.tensor(weights, dtype=hidden.dtype, device=hidden.device)[None, :, None]
    mean, strength = scaled.float().mean(), scaled.float().abs().mean()
    # Weights that cancel out leave a mean of about zero, and nothing to restore it with.
    restored = hidden.float().mean() / mean if mean.abs() > _MEAN_MIN * strength else torch.ones(())
    return scaled * restored.to(hidden)


def read_last_layer(encoder: Any, ids: torch.Tensor, clip_skip: int) -> Encoded:
    """Stable Diffusion 1 and 2: the last layer, or an earlier one normalised as the last is."""
    if clip_skip == 1:
        return Encoded(encoder(ids)[0])
    check_clip_skip(encoder, clip_skip)
    hidden = encoder(ids, output_hidden_states=True).hidden_states[-clip_skip]
    # transformers before 5.6 keeps the layers one level deeper.
    return Encoded(getattr(encoder, "text_model", encoder).final_layer_norm(hidden))


def check_clip_skip(encoder: Any, clip_skip: int) -> None:
    layers = int(encoder.config.num_hidden_layers)
    if clip_skip > layers:
        raise InvalidRequest(
            "clip_skip",
            f"The clip skip {clip_skip} is not possible with this model.",
            hint=f"Its text encoder has {layers} layers: choose a whole number from 1 to {layers}.",
        )

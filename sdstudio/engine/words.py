"""Words that textual inversions have taught: found in a prompt, and their vectors given to the text encoder.

Tokenizer and text encoder stay as they are: a learnt word has numbers beyond every vocabulary, and a hook on the text
encoder's first layer puts its vectors where they stand (Gal et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from sdstudio.engine.chunks import Piece
from sdstudio.engine.learnt_pieces import FIRST_LEARNT, LearntPieces


class LearntWords:
    """`vectors`: for each word, n x width for each of the model's text encoders, in their order. For how words are
    found, see LearntPieces."""

    def __init__(self, vectors: Mapping[str, Sequence[torch.Tensor]] | None = None) -> None:
        known = dict(vectors or {})
        self._found = LearntPieces({word: len(tensors[0]) for word, tensors in known.items()})
        self._tables = [torch.cat(list(column)) for column in zip(*known.values(), strict=True)]

    def pieces(self, text: str, encode: Callable[[str], list[int]]) -> list[Piece]:
        """Token ids by `encode`, and a tuple for each learnt word, whose vectors belong together."""
        return self._found.pieces(text, encode)

    @contextmanager
    def given_to(self, encoder: Any, ids: list[int], number: int = 0) -> Iterator[torch.Tensor]:
        """Yields 1 x tokens ids to call the model's text encoder `number` with, while it reads learnt words' vectors
        where they stand."""
        plain = torch.tensor([[token if token < FIRST_LEARNT else 0 for token in ids]], device=encoder.device)
        places = [place for place, token in enumerate(ids) if token >= FIRST_LEARNT]
        if not places:
            yield plain
            return
        vectors = self._tables[number][[ids[place] - FIRST_LEARNT for place in places]]

        def put(_layer: Any, _args: Any, output: torch.Tensor) -> torch.Tensor:
            output = output.clone()
            output[:, places] = vectors.to(output)
            return output

        handle = encoder.get_input_embeddings().register_forward_hook(put)
        try:
            yield plain
        finally:
            handle.remove()


NO_WORDS = LearntWords()

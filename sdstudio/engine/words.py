"""Words that textual inversions have taught: found in a prompt, and their vectors given to the text encoder.

Tokenizer and text encoder stay as they are: a learnt word has numbers beyond every vocabulary, and a hook on the text
encoder's first layer puts its vectors where they stand (Gal et al. 2022).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from sdstudio.engine.chunks import Piece

FIRST_LEARNT = 1 << 30
"""Numbers from here on are vectors of learnt words."""


class LearntWords:
    """`vectors`: for each word, n x width for each of the model's text encoders, in their order. A word is found
    whatever its case, and only where it stands alone; of two that begin at the same place the longer one."""

    def __init__(self, vectors: Mapping[str, Sequence[torch.Tensor]] | None = None) -> None:
        self._numbers: dict[str, tuple[int, ...]] = {}
        tables: list[list[torch.Tensor]] = []
        count = FIRST_LEARNT
        for word, tensors in (vectors or {}).items():
            length = len(tensors[0])
            self._numbers[_plain(word)] = tuple(range(count, count + length))
            count += length
            tables.append(list(tensors))
        self._tables = [torch.cat(column) for column in zip(*tables, strict=True)]
        longest_first = sorted(self._numbers, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_alone, longest_first)), re.IGNORECASE) if longest_first else None

    def pieces(self, text: str, encode: Callable[[str], list[int]]) -> list[Piece]:
        """Token ids by `encode`, and a tuple for each learnt word, whose vectors belong together."""
        if self._pattern is None:
            return list(encode(text))
        pieces: list[Piece] = []
        at = 0
        for match in self._pattern.finditer(text):
            pieces += encode(text[at : match.start()])
            pieces.append(self._numbers[_plain(match[0])])
            at = match.end()
        return [*pieces, *encode(text[at:])]

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


def _plain(word: str) -> str:
    return " ".join(word.lower().split())


def _alone(word: str) -> str:
    """A pattern for the word with no letter or digit next to it; any white space between its parts."""
    inner = r"\s+".join(map(re.escape, word.split()))
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.search(r"\w$", word) else ""
    return before + inner + after

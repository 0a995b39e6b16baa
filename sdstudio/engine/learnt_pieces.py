"""Learnt words found in a prompt, each as the numbers of its vectors. Without torch: the token counter uses it too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sdstudio.engine.chunks import Piece

FIRST_LEARNT = 1 << 30
"""Numbers from here on are vectors of learnt words."""


class LearntPieces:
    """`lengths`: how many vectors each word has. A word is found whatever its case, and only where it stands alone; of
    two that begin at the same place the longer one."""

    def __init__(self, lengths: Mapping[str, int]) -> None:
        self._numbers: dict[str, tuple[int, ...]] = {}
        count = FIRST_LEARNT
        for word, length in lengths.items():
            self._numbers[_plain(word)] = tuple(range(count, count + length))
            count += length
        longest_first = sorted(self._numbers, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_alone, longest_first)), re.IGNORECASE) if longest_first else None

    def pieces(self, text: str, encode: Callable[[str], Sequence[int]]) -> list[Piece]:
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


def _plain(word: str) -> str:
    return " ".join(word.lower().split())


def _alone(word: str) -> str:
    """A pattern for the word with no letter or digit next to it; any white space between its parts."""
    inner = r"\s+".join(map(re.escape, word.split()))
    before = r"(?<!\w)" if re.match(r"\w", word) else ""
    after = r"(?!\w)" if re.search(r"\w$", word) else ""
    return before + inner + after

"""A prompt cut into the chunks that a CLIP text encoder takes. Without torch: the token counter uses it too."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sdstudio.domain.prompt import PromptBreak, parse_prompt

CHUNK_TOKENS = 75
"""CLIP's 77 positions less the begin and end marks."""

Chunk = list[tuple[int, float]]
"""Token ids and their weights, without begin, end and padding."""

Piece = int | tuple[int, ...]
"""A token id, or those of a learnt word, which stay together."""


def chunk_prompt(prompt: str, encode: Callable[[str], Sequence[Piece]], room: int = CHUNK_TOKENS) -> list[Chunk]:
    """Chunks of at most `room` weighted tokens, at least one (perhaps empty). BREAK begins a new one.

    `encode` gives a text's token ids without special tokens; no piece of it is longer than `room`.
    """
    chunks: list[Chunk] = [[]]
    for part in parse_prompt(prompt):
        if isinstance(part, PromptBreak):
            if chunks[-1]:
                chunks.append([])
            continue
        for piece in encode(part.text):
            tokens = piece if isinstance(piece, tuple) else (piece,)
            if len(chunks[-1]) + len(tokens) > room:
                chunks.append([])
            chunks[-1] += [(token, part.weight) for token in tokens]
    if len(chunks) > 1 and not chunks[-1]:
        chunks.pop()
    return chunks

"""A prompt cut into the chunks that a CLIP text encoder takes. Without torch: the token counter uses it too."""

from __future__ import annotations

from collections.abc import Callable

from sdstudio.domain.prompt import PromptBreak, parse_prompt

CHUNK_TOKENS = 75
"""CLIP's 77 positions less the begin and end marks."""

Chunk = list[tuple[int, float]]
"""Token ids and their weights, without begin, end and padding."""


def chunk_prompt(prompt: str, encode: Callable[[str], list[int]], room: int = CHUNK_TOKENS) -> list[Chunk]:
    """Chunks of at most `room` weighted tokens, at least one (perhaps empty). BREAK begins a new one.

    `encode` gives a text's token ids without special tokens.
    """
    chunks: list[Chunk] = [[]]
    for part in parse_prompt(prompt):
        if isinstance(part, PromptBreak):
            if chunks[-1]:
                chunks.append([])
            continue
        for token in encode(part.text):
            if len(chunks[-1]) == room:
                chunks.append([])
            chunks[-1].append((token, part.weight))
    if len(chunks) > 1 and not chunks[-1]:
        chunks.pop()
    return chunks

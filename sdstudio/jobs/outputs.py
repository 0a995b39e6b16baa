"""What finished pictures are called."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from sdstudio.domain.lora_prompt import without_tags
from sdstudio.domain.request import GenerationRequest, JobRequest

SUFFIX = ".png"
_OUR_TIME = re.compile(r"^\d{4}-\d{2}-\d{2}_\d{6}_")
"""Of an enlarged picture of ours, the old time would only repeat."""
_WORDS_MAX = 40
_BYTES_MAX = 100
"""UTF-8 bytes of the words: whole names stay below the 143 bytes that encrypted home folders allow."""


def file_stems(request: JobRequest, when: datetime) -> list[str]:
    """`2026-11-21_142530_a-red-apple_7`, one for each picture; safe on every system that we know."""
    time = f"{when:%Y-%m-%d_%H%M%S}"
    if isinstance(request, GenerationRequest):
        words = slug(without_tags(request.prompt.positive))
        pictures = (request.for_batch(index) for index in range(request.sampling.count))
        return [f"{time}_{words}_{picture.sampling.seed}" for picture in pictures]
    return [f"{time}_{slug(_OUR_TIME.sub('', request.source_name))}_{request.scale}x"]


def slug(text: str) -> str:
    """Letters, digits and accents of any script, all else as single hyphens; at most 40 signs, “picture” when empty."""
    kept = "".join(sign if unicodedata.category(sign)[0] in "LNM" else "-" for sign in _plain(text))
    words = [word for word in kept.split("-") if word]
    short = ""
    for word in words:
        longer = f"{short}-{word}" if short else word
        if len(longer) > _WORDS_MAX or len(longer.encode()) > _BYTES_MAX:
            break
        short = longer
    if not short and words:
        short = words[0][:_WORDS_MAX].encode()[:_BYTES_MAX].decode("utf-8", "ignore")
    return short or "picture"


def _plain(text: str) -> str:
    """Lower case, composed; lone halves of surrogate pairs, which no file name can hold, become gaps."""
    composed = unicodedata.normalize("NFC", text[:2000]).lower()
    return composed.encode("utf-8", "replace").decode("utf-8")

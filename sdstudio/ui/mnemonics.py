"""Letters by which the entries of a menu are chosen with the keyboard, one of its own for each."""

from __future__ import annotations

from collections.abc import Sequence


def with_mnemonics(texts: Sequence[str]) -> list[str]:
    """Each text with `&` before a letter that no other has: the first of a word where one is free, else any. A text
    that has one already keeps it; one without a free letter stays as it is."""
    taken = {text[text.index("&") + 1].casefold() for text in texts if "&" in text[:-1]}
    marked: list[str] = []
    for text in texts:
        place = None if "&" in text else _free(text, taken)
        if place is None:
            marked.append(text)
            continue
        taken.add(text[place].casefold())
        marked.append(f"{text[:place]}&{text[place:]}")
    return marked


def _free(text: str, taken: set[str]) -> int | None:
    places = [place for place, sign in enumerate(text) if sign.isalnum() and sign.casefold() not in taken]
    first = (place for place in places if place == 0 or not text[place - 1].isalnum())
    return next(first, places[0] if places else None)

"""The words that a small model has learnt: what can be suggested, and what it has never seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice, zip_longest

from sdstudio.domain.prompt import PromptPart, parse_prompt

LEAST_LETTERS = 2
"""With fewer, a list of completions would be a list of everything."""
PHRASE_WORDS_MOST = 5
"""“on a light blue background”: the longest phrases that are learnt."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNoun:
    """A thing that the model can draw. `colours`: whether it learnt it in other colours, too; `asked`: a prompt for
    it ("an apple"), "" where its name will do."""

    name: str
    asked: str = ""
    plural: str = ""
    synonyms: tuple[str, ...] = ()
    category: str = ""
    colours: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.name, self.plural, *self.synonyms) if name)


@dataclass(frozen=True, slots=True)
class Completion:
    """`phrase` in place of the last `typed` characters."""

    phrase: str
    typed: int


@dataclass(frozen=True, kw_only=True)
class ModelWords:
    """Every word of the captions that a model learnt from. `grounds` and `scenes` are phrases; `other` are the words
    in between ("a", "on", "background")."""

    nouns: tuple[ModelNoun, ...]
    colours: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    @cached_property
    def _noun_words(self) -> frozenset[str]:
        return frozenset(word for noun in self.nouns for name in noun.names for word in words_of(name))

    @cached_property
    def _known(self) -> frozenset[str]:
        phrases = chain(self.colours, self.grounds, self.scenes, self.styles, self.other)
        return self._noun_words.union(word for phrase in phrases for word in words_of(phrase))

    @cached_property
    def _phrases(self) -> tuple[str, ...]:
        """All that can be completed, nouns first, each once."""
        names = (name for noun in self.nouns for name in noun.names)
        return tuple(dict.fromkeys(chain(names, self.colours, self.grounds, self.scenes, self.styles)))

    def unknown(self, prompt: str) -> tuple[str, ...]:
        """The prompt's words that were in no caption, in order, each once. Numbers count as known, and so does a
        last word that a known one begins with: it may not be finished."""
        words = words_of(plain_text(prompt))
        if self.complete(prompt):
            words = words[:-1]
        return tuple(dict.fromkeys(word for word in words if not word.isdigit() and word not in self._known))

    @property
    def about_count(self) -> int:
        """How many things it knows, to two figures and never too many: 242 is about 240."""
        count = len(self.nouns)
        step: int = 10 ** max(0, len(str(count)) - 2)
        return count // step * step

    def names_a_thing(self, prompt: str) -> bool:
        """Whether any of its nouns is in the prompt."""
        return any(word in self._noun_words for word in words_of(plain_text(prompt)))

    def complete(self, text: str, most: int = 8) -> tuple[Completion, ...]:
        """What the end of `text` may become: phrases that begin with its last words; most typed letters first."""
        starts = [match.start() for match in re.finditer(r"(?<![^\s,;()\[\]])[^\s,;()\[\]]", text)]
        found: dict[str, Completion] = {}
        for start in starts[-PHRASE_WORDS_MOST:]:
            begun = text[start:].casefold()
            if len(begun) < LEAST_LETTERS or begun.endswith(tuple(" ,;()[]")):
                continue
            for phrase in self._phrases:
                if phrase.casefold().startswith(begun) and phrase.casefold() != begun:
                    found.setdefault(phrase, Completion(phrase, len(text) - start))
        return tuple(islice(found.values(), most))

    def ideas(self, most: int = 12) -> tuple[str, ...]:
        """Prompts to try, evenly from all categories."""
        by_category: dict[str, list[str]] = {}
        for noun in self.nouns:
            by_category.setdefault(noun.category, []).append(noun.asked or noun.name)
        rounds = zip_longest(*by_category.values())
        return tuple(islice((name for names in rounds for name in names if name is not None), most))


def words_of(text: str) -> list[str]:
    return [match[0].casefold() for match in _WORD.finditer(text)]


def plain_text(prompt: str) -> str:
    """The prompt without brackets, weights and breaks."""
    return " ".join(part.text for part in parse_prompt(prompt) if isinstance(part, PromptPart))

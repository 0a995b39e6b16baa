"""The words that a small model knows: notices, completions, suggestions, and the file they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.domain.words import Completion, ModelNoun, ModelWords
from sdstudio.storage.model_words import read_words

WORDS = ModelWords(
    nouns=(
        ModelNoun(name="apple", plural="apples", category="fruit", colours=True),
        ModelNoun(name="pear", plural="pears", category="fruit"),
        ModelNoun(name="teddy bear", plural="teddy bears", synonyms=("bear toy",), category="toys"),
        ModelNoun(name="car", plural="cars", synonyms=("automobile",), category="vehicles"),
    ),
    colours=("red", "light blue"),
    grounds=("on a light blue background",),
    scenes=("in the snow",),
    other=("a", "an", "and", "on", "background"),
)


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("", ()),
        ("a red apple", ()),
        ("Two Apples, in the snow", ("two",)),
        ("a samurai on a horse", ("samurai", "horse")),
        ("(samurai:1.3), [samurai] and 3 apples BREAK a car", ("samurai",)),
        ("teddy bear", ()),
        ("a café", ("café",)),
        ("a samurai and an app", ("samurai",)),
        ("a samurai and an app ", ("samurai", "app")),
    ],
)
def test_unknown_words_are_named_once_in_order(prompt: str, unknown: tuple[str, ...]) -> None:
    assert WORDS.unknown(prompt) == unknown


def test_a_thing_is_found_by_any_of_its_names() -> None:
    assert WORDS.names_a_thing("an (automobile:1.2)")
    assert WORDS.names_a_thing("many pears")
    assert not WORDS.names_a_thing("a red background")


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("a", []),
        ("a ap", ["apple", "apples"]),
        ("a red apple", ["apples"]),
        ("AP", ["apple", "apples"]),
        ("a teddy b", ["teddy bear", "teddy bears", "bear toy"][:2]),
        ("a be", ["bear toy"]),
        ("an apple on a li", ["on a light blue background", "light blue"]),
        ("apple ", []),
        ("(ca", ["car", "cars"]),
        ("pear,ca", ["car", "cars"]),
        ("", []),
    ],
)
def test_completions_begin_with_what_was_typed(text: str, phrases: list[str]) -> None:
    found = WORDS.complete(text)
    assert [completion.phrase for completion in found] == phrases
    for completion in found:
        assert completion.phrase.casefold().startswith(text[len(text) - completion.typed :].casefold())


@given(st.text(max_size=40))
def test_nothing_that_is_typed_raises(text: str) -> None:
    WORDS.unknown(text)
    assert all(isinstance(completion, Completion) for completion in WORDS.complete(text))


def test_ideas_are_asked_for_as_the_table_says() -> None:
    words = ModelWords(nouns=(ModelNoun(name="apple", asked="an apple"), ModelNoun(name="cheese", category="food")))
    assert words.ideas() == ("an apple", "cheese")


@pytest.mark.parametrize(("count", "about"), [(1, 1), (40, 40), (99, 99), (242, 240), (999, 990), (1609, 1600)])
def test_the_count_is_rounded_down_to_two_figures(count: int, about: int) -> None:
    assert ModelWords(nouns=(ModelNoun(name="apple"),) * count).about_count == about


def test_ideas_come_from_all_categories_in_turn() -> None:
    assert WORDS.ideas(3) == ("apple", "teddy bear", "car")
    assert WORDS.ideas() == ("apple", "teddy bear", "car", "pear")


def test_the_table_is_read_with_patience(tmp_path: Path) -> None:
    table = {
        "schema": 1,
        "nouns": [
            {"name": "apple", "asked": "an apple", "colours": True, "synonyms": ["x", 3]},
            {"name": 5},
            "rubbish",
        ],
        "colours": ["red", None],
        "scenes": "no list",
    }
    (tmp_path / "words.json").write_text(json.dumps(table), "utf-8")
    words = read_words(tmp_path)
    assert words is not None
    assert words.nouns == (ModelNoun(name="apple", asked="an apple", synonyms=("x",), colours=True),)
    assert (words.colours, words.scenes) == (("red",), ())


@pytest.mark.parametrize(
    "content", ["", "[]", '{"schema": 2, "nouns": [{"name": "a"}]}', '{"schema": 1}', "[" * 100_000]
)
def test_a_table_that_cannot_be_used_is_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "words.json").write_text(content, "utf-8")
    assert read_words(tmp_path) is None
    assert read_words(tmp_path / "nowhere") is None

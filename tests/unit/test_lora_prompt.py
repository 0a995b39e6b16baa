"""LoRAs in prompts: what is a tag, what it says, and that nothing of it is encoded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.domain.lora_prompt import (
    blanked,
    lora_tags,
    renamed,
    tag_name,
    tag_text,
    with_tags_of,
    without,
    without_tags,
)
from sdstudio.domain.prompt import PromptPart, change_weight, parse_prompt, weighted_spans
from tests.helpers.requests import prompts

names = st.text(
    st.characters(blacklist_characters="<>:\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", blacklist_categories=("Cs",)),
    min_size=1,
    max_size=40,
).filter(lambda name: name.strip() == name != "")
weights = st.floats(-10, 10, allow_nan=False)


def only(text: str) -> tuple[str, float, float | None, str]:
    (tag,) = lora_tags(text)
    return tag.name, tag.weight, tag.text_weight, tag.problem


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<lora:ink>", ("ink", 1.0, None)),
        ("<lora:ink:0.8>", ("ink", 0.8, None)),
        ("<LORA: ink v2 : 0.8 >", ("ink v2", 0.8, None)),
        ("<lyco:ink:.5>", ("ink", 0.5, None)),
        ("<lora:ink:-1:2>", ("ink", 2.0, -1.0)),
        ("<lora:ink:0.8:0.8>", ("ink", 0.8, None)),
        ("<lora:ink:te=0.5:unet=0.8>", ("ink", 0.8, 0.5)),
        ("<lora:ink:te=0.5>", ("ink", 0.5, None)),
        ("<lora:lora:2>", ("lora", 2.0, None)),
        (r"<lora:styles\ink (old).v2:1e-1>", (r"styles\ink (old).v2", 0.1, None)),
    ],
)
def test_tags_say_name_and_weights(text: str, found: tuple[str, float, float | None]) -> None:
    assert only(f"a cat {text} on a mat") == (*found, "")


@pytest.mark.parametrize("text", ["<lora:>", "<lora>", "<lora:ink", "lora:ink:1>", "<loras:ink>", "a < b > c", ""])
def test_other_signs_are_words(text: str) -> None:
    assert lora_tags(text) == () and without_tags(text) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<lora:ink:strong>", "“strong” is not a weight from -10 to 10"),
        ("<lora:ink:11>", "“11” is not a weight"),
        ("<lora:ink:nan>", "“nan” is not a weight"),
        ("<lora:ink:1:2:3>", "more than two weights"),
        ("<lora:ink:lbw=1>", "“lbw” is not known here"),
    ],
)
def test_weights_that_cannot_be_are_told(text: str, problem: str) -> None:
    name, weight, text_weight, told = only(text)
    assert (name, weight, text_weight) == ("ink", 1.0, None) and problem in told


@given(names, weights, st.none() | weights)
def test_what_is_written_is_read(name: str, weight: float, text_weight: float | None) -> None:
    text_weight = None if text_weight == weight else text_weight
    written = tag_text(name, weight, text_weight)
    assert only(f"before {written} after") == (tag_name(name), weight, text_weight, "")


@given(prompts, names, weights)
def test_a_tag_is_taken_out_and_nothing_else(prompt: str, name: str, weight: float) -> None:
    tag = tag_text(name, weight)
    assert without_tags(prompt + tag) == without_tags(prompt)
    assert len(blanked(prompt + tag)) == len(prompt + tag) and not lora_tags(blanked(prompt + tag))


@given(st.text(max_size=60))
def test_any_text_is_read(text: str) -> None:
    for tag in lora_tags(text):
        assert text[tag.start : tag.end].startswith("<") and -10 <= tag.weight <= 10


def test_a_tag_is_not_encoded_and_carries_no_brackets() -> None:
    assert parse_prompt("a (red <lora:ink (v2):0.8> apple:1.2)") == [
        PromptPart("a ", 1.0),
        PromptPart("red  apple", 1.2),
    ]
    assert parse_prompt("<lora:ink>") == []
    assert weighted_spans("<lora:ink (v2)> (red)") == [(17, 20, 1.1)]


def test_the_keys_for_weights_change_the_loras_own() -> None:
    text = "a cat <lora:ink:0.8> sits"
    for start, end in ((10, 10), (6, 20), (12, 14)):
        new, first, last = change_weight(text, start, end, 0.1)
        assert new == "a cat <lora:ink:0.9> sits" and new[first:last] == "<lora:ink:0.9>"
    assert change_weight("<lora:ink:10>", 5, 5, 0.1)[0] == "<lora:ink:10>"
    assert change_weight("<lora:ink:1:0.5>", 5, 5, -0.1)[0] == "<lora:ink:unet=0.4:te=0.9>"
    assert change_weight(text, 1, 1, 0.1)[0] == "(a:1.1) cat <lora:ink:0.8> sits"


def test_of_two_weights_the_first_is_the_text_encoders() -> None:
    (ink, glow) = lora_tags("a <lora:ink:0.5:0.8> <lora:glow:1>")
    assert (ink.weight, ink.text_weight, glow.weight, glow.text_weight) == (0.8, 0.5, 1.0, None)


def test_a_name_is_exchanged_where_it_stands() -> None:
    text = "a lora <lora:lora:0.5>, <lora:x:1>"
    assert renamed(text, lora_tags(text)[0], "ink") == "a lora <lora:ink:0.5>, <lora:x:1>"


@pytest.mark.parametrize(
    ("negative", "prompt", "moved"),
    [
        ("<lora:ink:0.8>", "a cat", ("a cat <lora:ink:0.8>", "")),
        ("blur, <lora:ink>, noise", "", ("<lora:ink>", "blur, noise")),
        ("blur <lora:ink><lora:glow:2>", "a cat, ", ("a cat, <lora:ink> <lora:glow:2>", "blur")),
        ("blur,, noise,", "a cat ", ("a cat", "blur,, noise,")),
    ],
)
def test_tags_are_taken_to_the_prompt(negative: str, prompt: str, moved: tuple[str, str]) -> None:
    assert with_tags_of(negative, prompt) == moved


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a cat <lora:x>", "a cat"),
        ("a cat, <lora:x:1>, night", "a cat, night"),
        ("a cat, <lora:x:1>", "a cat"),
        ("<lora:x>, a cat", "a cat"),
        ("<lora:x> <lora:y> a cat", "a cat"),
        ("a <lora:x> cat", "a cat"),
        ("a<lora:x>cat", "acat"),
        ("(<lora:x>) cat", "() cat"),
        ("a cat,\n<lora:x>, night", "a cat,\nnight"),
        ("<lora:x>\nnight", "\nnight"),
        ("<lora:x>", ""),
    ],
)
def test_a_tag_goes_with_the_blanks_and_commas_that_were_there_for_it(text: str, left: str) -> None:
    assert without(text, lora_tags(text)) == left


@given(prompts)
def test_what_is_left_names_no_lora_and_keeps_all_other_words(text: str) -> None:
    left = without(text, lora_tags(text))
    assert left.replace(" ", "").replace(",", "") == without_tags(text).replace(" ", "").replace(",", "")

"""The prompt syntax, and the keys that change a word's weight."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.domain.prompt import PromptBreak, PromptPart, change_weight, parse_prompt, weighted_spans

SYNTAX = st.text(alphabet="ab ()[]:.\\1379,BREAK-+\n", max_size=40)


def weights(text: str) -> list[tuple[str, float]]:
    return [(part.text, round(part.weight, 6)) for part in parse_prompt(text) if isinstance(part, PromptPart)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a red apple", [("a red apple", 1.0)]),
        ("a (red) apple", [("a ", 1.0), ("red", 1.1), (" apple", 1.0)]),
        ("((red))", [("red", 1.21)]),
        ("[red]", [("red", round(1 / 1.1, 6))]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(red: 0.5 )", [("red", 0.5)]),
        ("(a (b:1.5) c:1.2)", [("a ", 1.2), ("b", 1.8), (" c", 1.2)]),
        (r"\(red\) \[x\] \\", [(r"(red) [x] \ "[:-1], 1.0)]),
        (r"(a\):1.2)", [("a)", 1.2)]),
        ("(never closed", [("never closed", 1.1)]),
        ("never) opened]", [("never) opened]", 1.0)]),
        ("a smile :) and 12:30", [("a smile :) and 12:30", 1.0)]),
        ("(a:b:2)", [("a:b", 2.0)]),
        ("a\\b", [("a\\b", 1.0)]),
    ],
)
def test_weights(text: str, expected: list[tuple[str, float]]) -> None:
    assert weights(text) == expected


def test_break_is_a_word_of_its_own() -> None:
    assert parse_prompt("sky BREAK (sea:1.2)\nBREAK BREAKFAST") == [
        PromptPart("sky", 1.0),
        PromptBreak(),
        PromptPart("sea", 1.2),
        PromptBreak(),
        PromptPart("BREAKFAST", 1.0),
    ]


@given(SYNTAX | st.text(max_size=60))
def test_parsing_never_fails_and_weights_are_finite(text: str) -> None:
    parts = [part for part in parse_prompt(text) if isinstance(part, PromptPart)]
    assert all(part.text and math.isfinite(part.weight) for part in parts)
    if not any(character in "()[]\\" for character in text) and "BREAK" not in text:
        assert "".join(part.text for part in parts) == text


def test_deep_nesting_stays_finite() -> None:
    assert weights("(" * 2000 + "x" + ")" * 2000) == [("x", 100.0)]
    assert weights(f"(x:{'9' * 400})") == [("x", 100.0)]


@given(SYNTAX)
def test_spans_lie_in_the_text_in_order_and_are_weighted(text: str) -> None:
    spans = weighted_spans(text)
    edges = [edge for start, end, _ in spans for edge in (start, end)]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(text) and weight != 1.0 for start, end, weight in spans)


def test_spans_leave_out_the_brackets() -> None:
    text = "a (red:1.3) [small] apple"
    assert [(text[start:end], round(weight, 2)) for start, end, weight in weighted_spans(text)] == [
        ("red", 1.3),
        ("small", 0.91),
    ]


@pytest.mark.parametrize(
    ("text", "start", "end", "delta", "expected", "selected"),
    [
        ("a red apple", 3, 3, 0.1, "a (red:1.1) apple", "red"),
        ("a red apple", 2, 5, -0.1, "a (red:0.9) apple", "red"),
        ("a red apple", 1, 6, 0.1, "a (red:1.1) apple", "red"),
        ("a red apple", 2, 11, 0.1, "a (red apple:1.1)", "red apple"),
        ("a (red:1.1) apple", 4, 4, 0.1, "a (red:1.2) apple", "red"),
        ("a (red:1.1) apple", 3, 6, -0.1, "a red apple", "red"),
        ("a (red:1.1) apple", 2, 11, -0.1, "a red apple", "red"),
        ("a (red) apple", 4, 4, 0.1, "a (red:1.2) apple", "red"),
        ("a [red] apple", 4, 4, 0.1, "a red apple", "red"),
        ("(a (red:1.1) apple:1.2)", 5, 5, 0.1, "(a (red:1.2) apple:1.2)", "red"),
        ("(a red apple:1.2)", 3, 6, 0.1, "(a (red:1.1) apple:1.2)", "red"),
        ("(red:2)", 2, 2, 0.1, "(red:2)", "red"),
        ("(red:0)", 2, 2, -0.1, "(red:0)", "red"),
        ("ein süßer Bär 🐻", 15, 15, 0.1, "ein süßer Bär (🐻:1.1)", "🐻"),
        (r"tree \(oak\)", 7, 10, 0.1, r"tree \((oak:1.1)\)", "oak"),
    ],
)
def test_changing_a_weight(text: str, start: int, end: int, delta: float, expected: str, selected: str) -> None:
    changed, new_start, new_end = change_weight(text, start, end, delta)
    assert changed == expected
    assert changed[new_start:new_end] == selected


@pytest.mark.parametrize(("text", "start", "end"), [("", 0, 0), ("a  b", 2, 2), ("(a) b) c", 2, 6), ("  ", 0, 2)])
def test_nothing_to_weight_leaves_the_text_alone(text: str, start: int, end: int) -> None:
    assert change_weight(text, start, end, 0.1)[0] == text


@given(SYNTAX, st.integers(-3, 45), st.integers(-3, 45), st.sampled_from([0.1, -0.1, 0.5, -3.0]))
def test_positions_stay_valid_whatever_is_selected(text: str, start: int, end: int, delta: float) -> None:
    changed, new_start, new_end = change_weight(text, start, end, delta)
    assert 0 <= new_start <= new_end <= len(changed)


@given(
    st.lists(st.text("abcxyz-'", min_size=1, max_size=6), min_size=1, max_size=6),
    st.data(),
    st.sampled_from([0.1, -0.1]),
)
def test_up_then_down_gives_the_text_back(words: list[str], data: st.DataObject, delta: float) -> None:
    text = " ".join(words)
    start, end = (data.draw(st.integers(0, len(text))) for _ in range(2))
    changed, new_start, new_end = change_weight(text, start, end, delta)
    assert change_weight(changed, new_start, new_end, -delta)[0] == text


@given(st.integers(1, 19), st.sampled_from([0.1, -0.1]))
def test_up_then_down_of_a_weighted_group(tenths: int, delta: float) -> None:
    text = f"a (red:{tenths / 10:g}) apple"
    if tenths == 10:
        text = "a red apple"
    changed, start, end = change_weight(text, 4, 4, delta)
    assert change_weight(changed, start, end, -delta)[0] == text

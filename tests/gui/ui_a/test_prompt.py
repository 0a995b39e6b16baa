"""Prompt and negative prompt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.prompt_edit import PromptEdit
from sdstudio.ui.prompt_text import changed_part, reweigh, to_code_points, to_units

CTRL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
WORDS = st.text(st.sampled_from("ab (),:1.2🍎é\n[]\\"), max_size=24)


@pytest.fixture
def edit(dock: LeftDock) -> PromptEdit:
    dock.prompt.focus_prompt()
    return dock.prompt.positive


def put_cursor(edit: PromptEdit, place: int, to: int | None = None) -> None:
    cursor = edit.textCursor()
    cursor.setPosition(place)
    if to is not None:
        cursor.setPosition(to, QTextCursor.MoveMode.KeepAnchor)
    edit.setTextCursor(cursor)


@given(WORDS, st.integers(0, 30))
def test_positions_there_and_back(text: str, place: int) -> None:
    place = min(place, len(text))
    units = to_units(text, place)
    assert to_code_points(text, units) == place
    assert to_units(text, len(text)) == len(text.encode("utf-16-le")) // 2


@given(WORDS, WORDS)
def test_changed_part_makes_one_text_of_the_other(old: str, new: str) -> None:
    start, end, words = changed_part(old, new)
    assert old[:start] + words + old[end:] == new


@given(WORDS, st.integers(0, 30), st.integers(0, 30))
def test_reweighing_stays_inside_the_text(text: str, anchor: int, position: int) -> None:
    most = to_units(text, len(text))
    new, start, end = reweigh(text, min(anchor, most), min(position, most), 0.1)
    assert 0 <= start <= end <= to_units(new, len(new))
    if anchor == position:
        assert start == end


def test_typing_reaches_the_session(dock: LeftDock, context: AppContext, edit: PromptEdit) -> None:
    changes: list[frozenset[str]] = []
    context.session.state_changed.connect(changes.append)
    QTest.keyClicks(edit, "a red apple")
    assert context.session.state.positive == "a red apple"
    assert len(changes) == len("a red apple"), "one change a key, no echo"


def test_the_session_reaches_the_box(dock: LeftDock, context: AppContext, edit: PromptEdit) -> None:
    context.session.update(positive="two lines\nof text", negative="blurry")
    assert edit.text == "two lines\nof text"
    assert dock.prompt.negative.text == "blurry"
    assert dock.prompt.fold.summary == "blurry"
    context.session.update(negative="")
    assert dock.prompt.fold.summary == "empty"


def test_tokens_are_counted(dock: LeftDock, edit: PromptEdit, qtbot: QtBot) -> None:
    QTest.keyClicks(edit, "a red apple")
    qtbot.waitUntil(lambda: dock.prompt.counter.text() == "3 / 75")


def test_ctrl_up_weighs_the_word_at_the_cursor(context: AppContext, edit: PromptEdit) -> None:
    context.session.update(positive="a red apple")
    put_cursor(edit, 4)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert edit.text == "a (red:1.1) apple"
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert context.session.state.positive == "a (red:1.2) apple"
    assert not edit.textCursor().hasSelection()
    for _ in range(3):
        QTest.keyClick(edit, Qt.Key.Key_Down, CTRL)
    assert edit.text == "a (red:0.9) apple"


def test_a_weight_is_one_step_back(context: AppContext, edit: PromptEdit) -> None:
    context.session.update(positive="a red apple")
    put_cursor(edit, 4)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    edit.undo()
    assert edit.text == context.session.state.positive == "a red apple"
    edit.redo()
    assert edit.text == "a (red:1.1) apple"


def test_weights_count_in_characters_behind_an_emoji(context: AppContext, edit: PromptEdit) -> None:
    context.session.update(positive="🍎🍎 on blue cloth")
    put_cursor(edit, len("🍎🍎 on blue".encode("utf-16-le")) // 2)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert edit.text == "🍎🍎 on (blue:1.1) cloth"


def test_a_selection_is_weighed_as_a_whole(context: AppContext, edit: PromptEdit) -> None:
    context.session.update(positive="soft morning light, gouache")
    put_cursor(edit, 0, 18)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    QTest.keyClick(edit, Qt.Key.Key_Up, CTRL)
    assert edit.text == "(soft morning light:1.2), gouache"
    assert edit.textCursor().selectedText() == "soft morning light"


def test_weighted_words_are_underlined_in_the_accent(context: AppContext, edit: PromptEdit) -> None:
    context.session.update(positive="🍎 a (red:1.2) apple")
    (mark,) = edit.extraSelections()
    assert mark.cursor.selectedText() == "red"
    assert mark.format.underlineColor().name().upper() == "#8DB7EE"
    context.session.update(positive="a red apple")
    assert edit.extraSelections() == []


def test_tab_leaves_the_box(dock: LeftDock, edit: PromptEdit) -> None:
    QTest.keyClick(edit, Qt.Key.Key_Tab)
    assert dock.prompt.fold.hasFocus()
    assert "\t" not in edit.text


def test_ctrl_enter_is_left_to_the_window(dock: LeftDock, edit: PromptEdit) -> None:
    QTest.keyClicks(edit, "a pear")
    QTest.keyClick(edit, Qt.Key.Key_Return, CTRL)
    assert edit.text == "a pear"
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text == "a pear\n"


def test_history_with_keys(dock: LeftDock, context: AppContext, edit: PromptEdit) -> None:
    for text in ("first", "second", "third"):
        context.session.remember_prompt(text)
    context.session.update(positive="draft")
    seen = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down):
        QTest.keyClick(edit, key, ALT)
        seen.append(edit.text)
    assert seen == ["third", "second", "first", "first", "second", "third"]
    QTest.keyClick(edit, Qt.Key.Key_Down, ALT)
    assert context.session.state.positive == "draft"
    QTest.keyClick(edit, Qt.Key.Key_Down, ALT)
    assert edit.text == "draft"


def test_history_goes_past_what_is_there_already(context: AppContext, edit: PromptEdit) -> None:
    context.session.remember_prompt("older")
    context.session.remember_prompt("newest")
    context.session.update(positive="newest")
    QTest.keyClick(edit, Qt.Key.Key_Up, ALT)
    assert edit.text == "older"
    QTest.keyClick(edit, Qt.Key.Key_Down, ALT)
    assert edit.text == "newest"


def test_history_button_is_there_when_there_is_a_history(dock: LeftDock, context: AppContext) -> None:
    assert not dock.prompt.history_button.isVisible()
    context.session.remember_prompt("a pear")
    assert dock.prompt.history_button.isVisible()
    assert "Alt+Up" in dock.prompt.history_button.toolTip()


def test_the_negative_prompt_unfolds(dock: LeftDock, context: AppContext) -> None:
    assert not dock.prompt.negative.isVisible()
    QTest.mouseClick(dock.prompt.fold, Qt.MouseButton.LeftButton)
    assert dock.prompt.negative.hasFocus()
    QTest.keyClicks(dock.prompt.negative, "text")
    assert context.session.state.negative == "text"
    QTest.mouseClick(dock.prompt.fold, Qt.MouseButton.LeftButton)
    assert not dock.prompt.negative.isVisible()


def test_the_box_grows_and_stops(edit: PromptEdit, context: AppContext) -> None:
    assert edit.height() == 88
    context.session.update(positive="\n".join(["seven", "lines", "of", "it"] * 2))
    assert edit.height() == 8 * 20 + 16
    context.session.update(positive="\n" * 40)
    assert edit.height() == 240


def test_only_plain_text_is_pasted(edit: PromptEdit) -> None:
    data = QMimeData()
    data.setHtml("<b>bold</b> pear")
    data.setText("bold pear")
    edit.insertFromMimeData(data)
    assert edit.text == "bold pear"
    assert edit.textCursor().charFormat().fontWeight() == 400


def test_lora_tags_of_the_negative_prompt_are_told_and_moved(dock: LeftDock, context: AppContext) -> None:
    panel = dock.prompt
    context.session.update(positive="a cat", negative="blur")
    assert panel.negative_tags.isHidden()
    context.session.update(negative="blur, <lora:ink:0.8>")
    # Also while the negative prompt is folded.
    assert panel.negative_tags.isVisible() and not panel.negative.isVisible()
    assert panel.negative_tags.words.text() == "LoRA tags work in the prompt. Here they do nothing."
    assert dock.loras.error.isHidden()
    panel.negative_tags.move_link.click()
    assert (context.session.state.positive, context.session.state.negative) == ("a cat <lora:ink:0.8>", "blur")
    assert panel.negative_tags.isHidden() and panel.positive.hasFocus()
    panel.negative.undo()
    assert panel.negative_tags.isVisible()


def test_where_the_negative_prompt_has_no_place_its_tags_are_not_told(dock: LeftDock, context: AppContext) -> None:
    context.session.update(negative="<lora:ink>")
    model = context.session.model
    context.session.choose_model(replace(model, presets=replace(model.presets, guidance_scale=1.0)))
    assert dock.prompt.fold.isHidden() and dock.prompt.negative_tags.isHidden()

"""What a small model knows: completed while one types, and what it does not know, said kindly."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.words import ModelNoun, ModelWords
from sdstudio.ui.left_dock import LeftDock
from sdstudio.ui.prompt_edit import PromptEdit

WORDS = ModelWords(
    nouns=(ModelNoun(name="apple", plural="apples"), ModelNoun(name="teddy bear", plural="teddy bears")),
    scenes=("in the snow",),
    other=("a", "an"),
)


@pytest.fixture
def edit(dock: LeftDock, context: AppContext, qtbot: QtBot) -> PromptEdit:
    session = context.session
    session.choose_model(replace(session.model, spec=replace(session.model.spec, name="Tiny"), words=WORDS))
    session.update(positive="")
    dock.prompt.focus_prompt()
    return dock.prompt.positive


def test_a_word_is_completed_by_tab(edit: PromptEdit, dock: LeftDock) -> None:
    QTest.keyClicks(edit, "a ted")
    assert [offer.phrase for offer in dock.prompt.completion.offers] == ["teddy bear", "teddy bears"]
    QTest.keyClick(edit, Qt.Key.Key_Tab)
    assert edit.text == "a teddy bear"
    assert not dock.prompt.completion.offers
    edit.undo()
    assert edit.text == "a ted"


def test_a_row_is_chosen_by_keys(edit: PromptEdit, dock: LeftDock) -> None:
    QTest.keyClicks(edit, "app")
    QTest.keyClick(edit, Qt.Key.Key_Down)
    QTest.keyClick(edit, Qt.Key.Key_Down)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert edit.text == "apples"


def test_writing_goes_on_as_if_there_were_no_list(edit: PromptEdit, dock: LeftDock) -> None:
    QTest.keyClicks(edit, "ap")
    assert dock.prompt.completion.offers
    QTest.keyClick(edit, Qt.Key.Key_Escape)
    assert edit.text == "ap" and not dock.prompt.completion.offers
    QTest.keyClicks(edit, "ron")
    assert edit.text == "apron" and not dock.prompt.completion.offers


def test_generate_by_key_is_not_kept_by_the_open_list(edit: PromptEdit, dock: LeftDock, qtbot: QtBot) -> None:
    QTest.keyClicks(edit, "ap")
    assert dock.prompt.completion.offers
    QTest.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert edit.text == "ap"


def test_in_the_middle_of_a_word_nothing_is_offered(edit: PromptEdit, dock: LeftDock) -> None:
    edit.set_text("apple")
    cursor = edit.textCursor()
    cursor.setPosition(1)
    edit.setTextCursor(cursor)
    QTest.keyClicks(edit, "p")
    assert not dock.prompt.completion.offers


def test_unknown_words_are_said_when_the_hand_rests(
    edit: PromptEdit, dock: LeftDock, context: AppContext, qtbot: QtBot
) -> None:
    label = dock.prompt.unknown_words
    context.session.update(positive="a samurai")
    assert label.isHidden()
    qtbot.waitUntil(lambda: not label.isHidden())
    assert "knows about 2 things and has not learnt “samurai”" in label.text()
    context.session.update(positive="a samurai and an apple")
    qtbot.waitUntil(lambda: "will draw the rest" in label.text())
    context.session.update(positive="an apple in the snow")
    assert label.isHidden()


def test_a_large_model_is_not_spoken_of(edit: PromptEdit, dock: LeftDock, context: AppContext, qtbot: QtBot) -> None:
    context.session.update(positive="a samurai")
    qtbot.waitUntil(lambda: not dock.prompt.unknown_words.isHidden())
    model = context.session.model
    context.session.choose_model(replace(model, spec=replace(model.spec, name="Large"), words=None))
    assert dock.prompt.unknown_words.isHidden()
    QTest.keyClicks(edit, " ap")
    assert not dock.prompt.completion.offers

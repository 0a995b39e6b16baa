"""“Try also” on the first start: what a small model can draw, one click from the prompt."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from sdstudio.domain.words import ModelNoun, ModelWords
from sdstudio.ui.main_window import MainWindow

WORDS = ModelWords(
    nouns=(
        ModelNoun(name="apple", asked="an apple", category="fruit"),
        ModelNoun(name="cheese", category="food"),
        ModelNoun(name="<b>", category="odd"),
    )
)


def choose(window: MainWindow, name: str, words: ModelWords | None) -> None:
    session = window.context.session
    session.choose_model(replace(session.model, spec=replace(session.model.spec, name=name), words=words))


def test_ideas_are_there_for_models_that_have_a_table(window: MainWindow) -> None:
    card = window.canvas.first_start
    assert card.ideas.isHidden()
    choose(window, "Tiny", WORDS)
    assert not card.ideas.isHidden()
    assert card.ideas.ideas == ("an apple", "cheese", "<b>")
    assert "&lt;b&gt;" in card.ideas.links.text()
    choose(window, "Large", None)
    assert card.ideas.isHidden()


def test_an_idea_becomes_the_prompt(window: MainWindow, qtbot: QtBot) -> None:
    card, session = window.canvas.first_start, window.context.session
    choose(window, "Tiny", WORDS)
    links = card.ideas.links
    links.setFocus()
    QTest.keyClick(links, Qt.Key.Key_Tab)
    QTest.keyClick(links, Qt.Key.Key_Return)
    assert session.state.positive in card.ideas.ideas
    links.linkActivated.emit("1")
    assert session.state.positive == "cheese"

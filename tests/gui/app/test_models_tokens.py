"""The list of models, and the counting of tokens."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from sdstudio.app.catalog_model import CatalogModel, CatalogRole
from sdstudio.app.context import AppContext
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.token_ask import FieldTokens
from sdstudio.domain.errors import ModelError
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import ModelsFound
from sdstudio.domain.request import ModelSpec
from tests.helpers.added_models import write_added, write_models
from tests.helpers.app_fixtures import WordCounter, write_model


def names(model: CatalogModel) -> list[str]:
    return [model.index(row).data(CatalogRole.NAME) for row in range(model.rowCount())]


def test_the_model_in_the_box_is_there_before_anybody_looked(context: AppContext, qtmodeltester: ModelTester) -> None:
    qtmodeltester.check(context.catalog)
    index = context.catalog.index(0)
    assert names(context.catalog) == ["Starter"]
    assert index.data(CatalogRole.BADGE) == "built in"
    assert index.data(CatalogRole.INFO) is context.session.model
    assert index.data(Qt.ItemDataRole.DisplayRole) == "Starter"
    assert context.session.model.presets.examples


def test_models_of_the_persons_folders_are_found(context: AppContext, tmp_path: Path, qtbot: QtBot) -> None:
    write_model(context.paths.models / "mine", "Dreamy", b"dreamy")
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    assert names(context.catalog) == ["Starter", "Dreamy"]
    write_model(tmp_path / "more" / "second", "Second", b"second")
    with qtbot.waitSignal(context.catalog.refreshed):
        context.settings.update(model_folders=(str(tmp_path / "more"),))
    assert names(context.catalog) == ["Starter", "Dreamy", "Second"]


def test_models_are_found_by_hash_then_folder_then_name(qapp: object, io: IoWorker) -> None:
    infos = [
        ModelInfo(spec=ModelSpec(name="A", path="/a", hash="aaaaaaaaaa")),
        ModelInfo(spec=ModelSpec(name="B", path="/b", hash="")),
    ]
    catalog = CatalogModel(infos, lambda: ModelsFound(infos=tuple(infos)), io)
    assert catalog.find(ModelSpec(name="x", path="/elsewhere", hash="aaaaaaaaaa")) == infos[0]
    assert catalog.find(ModelSpec(name="x", path="/b", hash="ffffffffff")) == infos[1]
    assert catalog.find(ModelSpec(name="b", path="/c", hash="")) == infos[1]
    assert catalog.find(ModelSpec(name="", path="", hash="")) is None
    assert [catalog.row_of(ModelSpec(name=name, path="")) for name in ("a", "b", "c")] == [0, 1, -1]


def test_a_look_that_fails_is_a_problem_and_can_be_repeated(qapp: object, io: IoWorker, qtbot: QtBot) -> None:
    info = ModelInfo(spec=ModelSpec(name="A", path="/a"))
    looks: list[int] = []

    def look() -> ModelsFound:
        looks.append(1)
        if len(looks) == 1:
            raise ModelError("The folder is damaged.")
        return ModelsFound(infos=(info,))

    catalog = CatalogModel([], look, io)
    with qtbot.waitSignals([catalog.problem, catalog.refreshed]):
        catalog.refresh()
        catalog.refresh()
        catalog.refresh()
    assert len(looks) == 2, "while one look is under way, others become one"
    assert catalog.infos == (info,)


def heard(context: AppContext) -> list[FieldTokens]:
    counted: list[FieldTokens] = []
    context.tokens.counted.connect(counted.append)
    return counted


def test_typing_is_counted_once_it_rests(context: AppContext, counter: WordCounter, qtbot: QtBot) -> None:
    counted = heard(context)
    for text in ("a", "a red", "a red apple"):
        context.tokens.ask("positive", text)
    qtbot.waitUntil(lambda: bool(counted))
    field, tokens = counted[0]
    assert (field, tokens.used, tokens.room) == ("positive", 3, 75)
    assert counter.asked == [("Starter", "a red apple")]


def test_the_newest_question_wins(context: AppContext, counter: WordCounter, qtbot: QtBot) -> None:
    counted = heard(context)
    gate, reached = threading.Event(), threading.Event()

    def hold(text: str) -> None:
        reached.set()
        assert gate.wait(20)

    counter.before = hold
    context.tokens.ask("positive", "old")
    qtbot.waitUntil(reached.is_set)
    context.tokens.ask("positive", "newer text")
    context.tokens.ask("negative", "blur")
    qtbot.waitUntil(lambda: not context.tokens._timer.isActive())
    context.tokens.ask("positive", "the newest text")
    gate.set()
    qtbot.waitUntil(lambda: len(counted) == 2)
    assert {(answer.field, answer.tokens.used) for answer in counted} == {("positive", 3), ("negative", 1)}
    assert ("Starter", "newer text") not in counter.asked


@pytest.mark.parametrize("error", [ModelError("No tokenizer.")])
def test_what_cannot_be_counted_disturbs_nobody(
    context: AppContext, counter: WordCounter, qtbot: QtBot, error: Exception
) -> None:
    counted = heard(context)

    def fail(text: str) -> None:
        if text == "bad":
            raise error

    counter.before = fail
    context.tokens.ask("positive", "bad")
    qtbot.waitUntil(lambda: len(counter.asked) == 1)
    context.tokens.ask("positive", "good one")
    qtbot.waitUntil(lambda: bool(counted))
    assert [answer.tokens.used for answer in counted] == [2]


def test_another_model_counts_anew(context: AppContext, counter: WordCounter, tmp_path: Path, qtbot: QtBot) -> None:
    counted = heard(context)
    context.tokens.ask("positive", "a red apple")
    qtbot.waitUntil(lambda: len(counted) == 1)
    context.session.update(negative="blur fog")
    context.session.choose_model(ModelInfo(spec=ModelSpec(name="Other", path=str(tmp_path))))
    qtbot.waitUntil(lambda: len(counted) == 3)
    assert counter.asked[1:] == [("Other", "a red apple"), ("Other", "blur fog")]


def test_learnt_words_are_counted_as_soon_as_they_are_known(
    context: AppContext, counter: WordCounter, qtbot: QtBot
) -> None:
    write_models(write_added(context.paths.models))
    context.session.update(positive="a red Badhands", negative="")
    counted = heard(context)
    context.tokens.ask("positive", "a red Badhands")
    qtbot.waitUntil(lambda: bool(counted))
    assert counter.learnt[-1] == {}, "the folders were not looked through, and the model in the box takes none"
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == "instruct"))
    qtbot.waitUntil(lambda: counter.learnt[-1] == {"badhands": 2})
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == "giant-xl"))
    qtbot.waitUntil(lambda: counter.learnt[-1] == {})

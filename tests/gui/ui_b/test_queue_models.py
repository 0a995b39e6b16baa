"""The waiting runs name their models where that tells them apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sdstudio.app.job_item import JobItem, JobState
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.request import GenerationRequest, ModelSpec, UpscaleRequest
from sdstudio.engine.fake import StepGate
from sdstudio.ui.main_window import MainWindow
from sdstudio.ui.queue_view import MODEL_HEIGHT, ROW_HEIGHT, QueueModel, QueueView
from sdstudio.ui.theme import Theme
from tests.helpers.app_fixtures import HeldFactory, make_request

INK = ModelSpec(name="ink", path="/models/ink.safetensors")
WASH = ModelSpec(name="wash", path="/models/wash.safetensors")
OLD_INK = ModelSpec(name="ink", path="/models/old/ink.safetensors")


def item(number: int, model: ModelSpec) -> JobItem:
    request: GenerationRequest = replace(make_request("a cat"), model=model)
    return JobItem(job_id=str(number), request=request, state=JobState.WAITING, pictures=1)


@pytest.fixture
def view(theme: Theme, qtbot: QtBot) -> QueueView:
    view = QueueView(theme)
    qtbot.addWidget(view)
    view.resize(280, 300)
    with qtbot.waitExposed(view):
        view.show()
    return view


def names(view: QueueView) -> list[str]:
    model = view.model()
    return [str(model.index(row, 0).data(QueueModel.MODEL)) for row in range(model.rowCount())]


def test_one_model_is_not_named(view: QueueView) -> None:
    view.set_items((item(1, INK), item(2, INK)), item(0, INK))
    assert names(view) == ["", ""]
    assert view.row_height == view.visualRect(view.model().index(0, 0)).height() == ROW_HEIGHT


def test_several_models_are_named_in_a_line_of_their_own(view: QueueView) -> None:
    view.set_items((item(1, INK), item(2, WASH)))
    assert names(view) == ["ink", "wash"]
    assert view.row_height == view.visualRect(view.model().index(0, 0)).height() == ROW_HEIGHT + MODEL_HEIGHT
    view.set_items((item(2, WASH),), item(1, INK))
    assert names(view) == ["wash"], "the one that runs is another"
    view.set_items((item(2, WASH),), item(1, WASH))
    assert names(view) == [""] and view.visualRect(view.model().index(0, 0)).height() == ROW_HEIGHT


def test_the_names_are_painted(view: QueueView) -> None:
    view.set_items((item(1, INK), item(2, WASH)))
    line = view.visualRect(view.model().index(0, 0)).adjusted(32, 7 + 16, -40, -7 - 16)
    scale = view.viewport().grab().devicePixelRatio()
    found = []
    for models in ((INK, WASH), (WASH, INK)):
        view.set_items(tuple(item(number, model) for number, model in enumerate(models)))
        shot = view.viewport().grab().toImage()
        found.append(shot.copy(*(round(value * scale) for value in line.getRect())))  # type: ignore[attr-defined]
    assert found[0] != found[1]


def test_models_of_one_name_are_told_apart(view: QueueView) -> None:
    view.set_items((item(1, INK), item(2, OLD_INK)))
    assert names(view) == ["models/ink.safetensors", "old/ink.safetensors"]


def test_the_model_is_always_in_the_tooltip(view: QueueView) -> None:
    enlarge = UpscaleRequest(image=ImageInput(sha256="0" * 64, width=64, height=64), source_name="cat.png")
    large = JobItem(job_id="9", request=enlarge, state=JobState.WAITING, pictures=1)
    view.set_items((item(1, INK), large))
    told = [view.model().index(row, 0).data(Qt.ItemDataRole.ToolTipRole) for row in range(2)]
    assert told == ["a cat\nink\n1 picture · 64 × 64 · 4 steps", "Enlarge cat.png 4×\nto 256 × 256"]


def test_the_window_compares_with_the_run_that_goes_on(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.gate = gate = StepGate()
    queue, session, shown = window.context.queue, window.context.session, window.results.queue
    window.commands.run("generate")
    qtbot.waitUntil(lambda: queue.current is not None)
    other = replace(session.model.spec, name="Other", path="/models/other")
    queue.add(replace(session.build_request(), model=other))
    qtbot.waitUntil(lambda: names(shown) == ["Other"])
    assert shown.height() == ROW_HEIGHT + MODEL_HEIGHT
    queue.clear_waiting()
    gate.open()
    qtbot.waitUntil(lambda: queue.current is None)

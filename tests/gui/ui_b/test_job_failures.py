"""Failures of jobs in the banner: how long they stay, and what the window shows beside them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.domain.errors import ModelError, OutOfMemory
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.fake import StepGate
from sdstudio.ui.banner import Message
from sdstudio.ui.main_window import MainWindow
from tests.helpers import model_families as families
from tests.helpers.app_fixtures import HeldFactory, write_model
from tests.helpers.model_files import write_safetensors

NO_ROOM = "It did not fit."


def title(window: MainWindow) -> str:
    message = window.canvas.banner.message
    return message.title if message is not None else ""


def run(window: MainWindow, qtbot: QtBot) -> None:
    with qtbot.waitSignal(window.context.queue.job_ended):
        window.commands.run("generate")
    qtbot.waitUntil(lambda: window.context.queue.current is None)


def refresh(context: AppContext, qtbot: QtBot) -> None:
    """Also where a look goes on already: then another one follows."""
    context.catalog.refresh()
    qtbot.waitUntil(lambda: not context.catalog.looking)


def model(context: AppContext, name: str) -> ModelInfo:
    return next(info for info in context.catalog.infos if info.name == name)


def test_a_failure_leaves_with_the_next_success(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.failures[0] = OutOfMemory(NO_ROOM)
    run(window, qtbot)
    assert title(window) == NO_ROOM
    run(window, qtbot)
    assert title(window) == "" and not window.canvas.banner.isVisible()


def test_what_waited_already_does_not_take_it_away_unread(
    window: MainWindow, engine: HeldFactory, qtbot: QtBot
) -> None:
    engine.script.gate = gate = StepGate()
    engine.script.failures[0] = OutOfMemory(NO_ROOM)
    engine.script.fail_at_step = 1
    queue = window.context.queue
    window.commands.run("generate")
    qtbot.waitUntil(lambda: queue.current is not None)
    window.commands.run("generate")
    qtbot.waitUntil(lambda: len(queue.waiting) == 1)
    with qtbot.waitSignals([queue.job_ended, queue.job_ended]):
        gate.open()
    qtbot.waitUntil(lambda: queue.current is None)
    assert title(window) == NO_ROOM
    run(window, qtbot)
    assert title(window) == ""


def test_only_success_of_the_same_kind_counts(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    run(window, qtbot)
    engine.script.failures[1] = OutOfMemory(NO_ROOM)
    qtbot.waitUntil(lambda: window.presenter.path != "")
    with qtbot.waitSignal(window.context.queue.job_ended):
        window.commands.run("enlarge")
    assert title(window) == NO_ROOM
    run(window, qtbot)
    assert title(window) == NO_ROOM, "the picture was still not enlarged"


def test_another_model_takes_along_what_was_said_of_the_old_one(
    window: MainWindow, engine: HeldFactory, qtbot: QtBot
) -> None:
    context = window.context
    write_model(context.paths.models / "other", "Other")
    refresh(context, qtbot)
    engine.script.failures[0] = ModelError("The model is damaged.")
    engine.script.failures[1] = OutOfMemory(NO_ROOM)
    run(window, qtbot)
    assert title(window) == "The model is damaged."
    context.session.choose_model(model(context, "Other"))
    assert title(window) == ""
    run(window, qtbot)
    context.session.choose_model(model(context, "Starter"))
    assert title(window) == NO_ROOM, "that was no fault of the model"


def test_what_asks_for_a_decision_stays(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.failures[0] = OutOfMemory(NO_ROOM)
    window.canvas.banner.show_message(Message(title="Make it again?", kind="info"))
    run(window, qtbot)
    assert title(window) == NO_ROOM
    run(window, qtbot)
    assert title(window) == "Make it again?"


def test_a_model_that_was_replaced_is_tried_again_as_what_it_is_now(
    window: MainWindow, engine: HeldFactory, qtbot: QtBot
) -> None:
    context = window.context
    path = write_safetensors(context.paths.models / "mix.safetensors", families.small_sd(1))
    refresh(context, qtbot)
    context.session.choose_model(model(context, "mix"))
    context.models.watch.close()  # it would see it as well, a second later
    write_safetensors(path, families.sdxl())
    engine.script.failures[0] = ModelError("The model's part “unet” is incomplete or damaged.")
    run(window, qtbot)
    assert title(window) == "“mix” was replaced by another file while SD Studio ran."
    qtbot.waitUntil(lambda: context.session.model.badge == "SDXL")  # it was looked at again
    (again,) = window.canvas.banner.buttons()
    with qtbot.waitSignal(context.queue.picture_saved):
        qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    first, second = (request for _, request in engine.calls.runs)
    assert isinstance(first, GenerationRequest) and isinstance(second, GenerationRequest)
    assert (first.model.family, second.model.family) == ("SD 1.x", "SDXL")
    qtbot.waitUntil(lambda: context.queue.current is None)


def test_no_empty_steps_stand_below_the_picture_before(window: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    run(window, qtbot)
    strip = window.canvas.strip
    assert strip.isVisible() and strip.has_previews
    engine.script.failures[1] = OutOfMemory(NO_ROOM)
    run(window, qtbot)
    assert window.canvas.view.content is not None and not strip.isVisible()
    run(window, qtbot)
    assert strip.isVisible() and strip.has_previews

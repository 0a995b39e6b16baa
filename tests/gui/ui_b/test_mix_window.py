"""Mixing in the whole window: from a result into the mix, into a picture, and back from its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.request import GenerationRequest
from sdstudio.ui.main_window import MainWindow
from tests.helpers.added_models import write_models
from tests.helpers.app_fixtures import HeldFactory

Made = Callable[..., list[str]]


@pytest.fixture
def mixing(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """With an unCLIP model, small pictures, and nothing made yet."""
    context = window.context
    write_models(context.paths.models)
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == "variations"))
    context.session.update(width=64, height=64, steps=2)
    return window


def texts(menu: QMenu) -> dict[str, bool]:
    """The lines of a menu, and whether each can be chosen."""
    return {action.text(): action.isEnabled() for action in menu.actions() if action.text()}


def choose(menu: QMenu, text: str) -> None:
    next(action for action in menu.actions() if action.text() == text).trigger()


def asked(engine: HeldFactory) -> GenerationRequest:
    request = engine.calls.runs[-1][1]
    assert isinstance(request, GenerationRequest)
    return request


def test_a_result_is_mixed_into_the_next_picture_and_comes_back_with_it(
    mixing: MainWindow, made: Made, engine: HeldFactory, qtbot: QtBot
) -> None:
    context = mixing.context
    (first,) = made()
    with qtbot.waitSignal(context.mix.added):
        choose(mixing.commands.list_menu([first]), "Mix into the next picture")
    (row,) = context.session.state.mix
    assert row.name == Path(first).name
    context.mix.set_weight(row.key, 0.6)
    (second,) = made(positive="a mixture")
    assert [(each.image.sha256, each.weight) for each in asked(engine).mix] == [(row.key, 0.6)]
    context.mix.remove(row.key)
    context.session.update(positive="")
    with qtbot.waitSignal(context.files.restored):
        mixing.commands.use_settings(second)
    assert context.session.state.positive == "a mixture"
    assert [(each.key, each.weight) for each in context.session.state.mix] == [(row.key, 0.6)]
    assert mixing.canvas.banner.message is None


def test_of_a_picture_from_elsewhere_the_mix_is_told_missing(mixing: MainWindow, made: Made, qtbot: QtBot) -> None:
    context = mixing.context
    (first,) = made()
    with qtbot.waitSignal(context.mix.added):
        mixing.commands.mix.add([first])
    (second,) = made()
    (row,) = context.session.state.mix
    (context.paths.images / row.key[:2] / f"{row.key}.png").unlink()
    context.mix.remove(row.key)
    with qtbot.waitSignal(context.mix.changed):
        mixing.commands.use_settings(second)
    (view,) = mixing.left.mix.rows.values()
    assert view.again.isVisibleTo(mixing) and "left out" in view.why.text()
    (third,) = made()
    assert Path(third).exists(), "it stands in nothing's way"


def test_the_menu_of_the_ways(mixing: MainWindow, made: Made, tmp_path: Path, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().clear()
    ways = "Choose files…", "Paste", "The result that is shown"
    assert texts(mixing.commands.mix.add_menu()) == dict(zip(ways, (True, False, False), strict=True))
    (first,) = made()
    menu = mixing.commands.mix.add_menu()
    assert texts(menu)["The result that is shown"]
    with qtbot.waitSignal(mixing.context.mix.added):
        choose(menu, "The result that is shown")
    mixing.commands.copy([first])
    qtbot.waitUntil(lambda: texts(mixing.commands.mix.add_menu())["Paste"])
    Image.fromarray(np.full((20, 30, 3), 90, np.uint8)).save(tmp_path / "pear.png")
    mixing.commands.mix.ask_for_files()
    (dialog,) = mixing.findChildren(QFileDialog)
    with qtbot.waitSignal(mixing.context.mix.added):
        dialog.filesSelected.emit([str(tmp_path / "pear.png")])
    dialog.reject()
    assert [each.name for each in mixing.context.session.state.mix] == [Path(first).name, "pear.png"]


def test_other_models_have_no_such_line(mixing: MainWindow, made: Made) -> None:
    context = mixing.context
    (first,) = made()
    assert "Mix into the next pictures" in texts(mixing.commands.list_menu([first, first]))
    context.session.choose_model(context.catalog.infos[0])
    assert not any("Mix" in text for text in texts(mixing.commands.list_menu([first])))


def test_weights_that_cancel_out_are_told_beside_them(mixing: MainWindow, engine: HeldFactory, qtbot: QtBot) -> None:
    engine.script.failures[0] = InvalidRequest("mix", "The weights cancel each other out.", hint="Change one.")
    with qtbot.waitSignal(mixing.context.queue.job_ended):
        mixing.commands.run("generate")
    assert mixing.left.mix.error.isVisible() and mixing.canvas.banner.message is None

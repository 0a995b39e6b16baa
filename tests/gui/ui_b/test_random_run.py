"""Random input against the whole window, held against a slow model; `tests/helpers/random_canvas.py` runs longer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from tests.gui.ui_b.conftest import OpenWindow
from tests.helpers.canvas_checks import Different
from tests.helpers.editor_board import coordinates
from tests.helpers.random_canvas import RandomRun, discard
from tests.helpers.slow_session import modelled

EVENTS = 600
SMALL_UNDO_MB = 1


def test_the_canvas_equals_a_slow_one_whatever_comes(
    make_context: Callable[[], AppContext], open_window: OpenWindow, tmp_path: Path
) -> None:
    with modelled() as models:
        context = make_context()
        context.settings.update(undo_megabytes=SMALL_UNDO_MB)
        run = RandomRun(open_window(context), models, seed=5, folder=tmp_path)
        figures = run.run(EVENTS)
    assert figures.events >= EVENTS
    assert figures.deep_checks >= 2
    assert figures.documents >= 3


def test_a_wrong_pixel_is_found(
    make_context: Callable[[], AppContext], open_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    """The run can fail: a tile of the document, taken away behind everyone's back."""
    with modelled() as models:
        run = RandomRun(open_window(make_context()), models, seed=5, folder=tmp_path, large=False)
        run.run(60)
        with qtbot.waitSignal(run.session.document_changed):
            run.session.ask_unsaved.connect(discard)
            run.session.open_image(coordinates(90, 70))
        run.settle()
        document = run.session.document
        assert document is not None
        run.check_now()
        document.picture.restore({(0, 0): None})
        with pytest.raises(Different, match="picture"):
            run.check_now()

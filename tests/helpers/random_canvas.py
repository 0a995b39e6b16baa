"""Random input against the whole window, held against the slow model: `python tests/helpers/random_canvas.py --seed 7`.

The same seed sends the same events. What failed is told with the events before it.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import logging
import os
import random
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
from PySide6.QtCore import QEvent, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from sdstudio.ui.main_window import MainWindow
from tests.helpers import canvas_checks as checks
from tests.helpers.random_commands import RandomCommands
from tests.helpers.random_hand import RandomHand
from tests.helpers.screen_checks import check_screen
from tests.helpers.slow_session import Models, modelled

BATCH = 12
"""Steps between two looks at the pixels."""
DEEP = 4
"""Batches between two looks at everything."""
MEASURED = 500
"""Events between two looks at what is left without a canvas."""
SLACK = 16 << 20
"""Bytes of tiles beside the history's: uniform ones that are shared and kept, a snapshot on its way to the disk."""
TOLD = 60
"""Events before a failure that are told."""


@dataclass
class Figures:
    events: int = 0
    deep_checks: int = 0
    documents: int = 0
    forgotten: int = 0
    tiles_beside_most: int = 0
    widgets: list[int] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    """MB, measured now and then with no canvas open."""

    def words(self) -> str:
        return (
            f"{self.events} events, {self.documents} canvases, {self.deep_checks} deep checks, {self.forgotten} items "
            f"fell out of the history; tiles beside the history's {self.tiles_beside_most >> 10} kB at most; widgets "
            f"{self.widgets}; resident MB {self.resident}"
        )


class RandomRun:
    """`window` was built inside of `modelled()`. `errors` is filled from elsewhere: what nobody caught."""

    def __init__(self, window: MainWindow, models: Models, seed: int, folder: Path, large: bool = True) -> None:
        self.window = window
        self.session = window.context.canvas
        self.model = models.of(self.session)
        self.chance = random.Random(seed)
        self.hand = RandomHand(window, self.chance)
        self.commands = RandomCommands(self.hand, folder, large)
        self.folder = folder
        self.errors: list[str] = []
        self.figures = Figures()
        self._earlier = checks.serials_alive()  # other tests' in the same process
        self._steps = self._weighted()
        self.session.problem.connect(lambda error: self.errors.append(f"problem: {error}"))
        self.session.document_changed.connect(self._count_document)

    def run(self, events: int) -> Figures:
        """Raises Different, with the events before it."""
        batch = 0
        try:
            while self.hand.count < events:
                batch += 1
                self._batch()
                if batch % DEEP == 0:
                    self._check_deeply()
                if self.hand.count >= (len(self.figures.resident) + 1) * MEASURED:
                    self._measure()
            self._check_deeply()
            self._measure()
        except Exception as error:
            told = "\n".join(self.hand.log[-TOLD:])
            where = "" if isinstance(error, checks.Different) else traceback.format_exc()
            raise checks.Different(f"after {self.hand.count} events: {error}\n{where}{told}") from error
        self.figures.events, self.figures.forgotten = self.hand.count, self.model.forgotten
        return self.figures

    def _weighted(self) -> dict[object, float]:
        hand, commands = self.hand, self.commands
        return {
            hand.stroke: 10, hand.pen_stroke: 8, hand.hover: 2, hand.wheel: 3, hand.hold_space: 1,
            hand.polygon_keys: 2, hand.press_action: 4, hand.lose_focus: 1, hand.take_focus: 1, hand.resize_window: 0.5,
            commands.set_tool: 4, commands.set_view_tool: 0.3, commands.set_brush: 3, commands.set_options: 2,
            commands.set_look: 1, commands.change_mask: 1.5, commands.mask_by_panel: 1.5, commands.mask_file: 0.5,
            commands.undo_some: 4, commands.go_to: 1, commands.change_layer: 1, commands.accept_patch: 0.6,
            commands.clear_paint: 0.3, commands.resize: 1, commands.open_another: 0.5, commands.save_and_reopen: 0.4,
            commands.close: 0.15, commands.cancel: 0.5, commands.switch_page: 0.4,
        }  # fmt: skip

    def _batch(self) -> None:
        for _ in range(BATCH):
            if self.session.document is None and self.session.work is None and self.chance.random() < 0.5:
                self.commands.open_another()
            step = self.chance.choices(list(self._steps), list(self._steps.values()))[0]
            step()
            checks.require((self.model.tool is not None) == self.session.busy, f"busy is {self.session.busy}")
            self.hand.turn()
            if self.chance.random() < 0.6:
                self.commands.answer()
            self._no_errors()
        self.check_now()
        if self.chance.random() < 0.5:
            check_screen(self.hand.view)
            checks.check_view(self.hand.view, self.session, self.window.theme)

    def check_now(self) -> None:
        """Raises Different."""
        self.settle()
        checks.check_pixels(self.model)
        checks.check_pyramid(self.session)

    def settle(self) -> None:
        """No dialog, no work; a gesture may be under way."""
        self.commands.answer()
        checks.wait_until(lambda: self.session.work is None)
        QApplication.processEvents()
        self.commands.answer()
        checks.wait_until(lambda: self.session.work is None)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # there is no loop that does it
        shown = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
        stray = [type(widget).__name__ for widget in shown if widget is not self.window]
        checks.require(not stray, f"windows that nobody asked for: {stray}")
        self._no_errors()

    def _check_deeply(self) -> None:
        self.figures.deep_checks += 1
        if self.chance.random() < 0.7:
            self.commands.go_to()  # something to redo: it has to be kept too
        self.settle()
        context = self.window.context
        checks.check_view(self.hand.view, self.session, self.window.theme)
        checks.wait_until(lambda: context.autosave.up_to_date)
        self.settle()
        checks.check_pixels(self.model)
        if context.autosave.up_to_date:
            journal = next(iter(context.paths.canvas.glob("canvas*.sqlite")), None)
            if journal is not None:
                checks.check_journal(journal, self.folder / "journal", self.model)
        if not self.session.busy:
            checks.check_project(self.session, self.folder / "project")
        self._check_tiles()
        self._no_errors()

    def _check_tiles(self) -> None:
        """The canvas before this one is let go within seconds, but never while somebody draws."""
        if self.session.busy:
            return
        end = time.monotonic() + checks.PATIENCE_S
        beside, history = checks.tile_bytes(self.session, self._earlier)
        while beside > history + SLACK and time.monotonic() < end:
            QApplication.processEvents()
            beside, history = checks.tile_bytes(self.session, self._earlier)
        self.figures.tiles_beside_most = max(self.figures.tiles_beside_most, beside - history)
        checks.require(beside <= history + SLACK, f"{beside} bytes of tiles, the history says {history}")

    def _measure(self) -> None:
        """With no canvas open nothing of it may be left."""
        self.session.cancel()
        self.session.ask_unsaved.connect(discard)
        self.session.close_document()
        self.session.ask_unsaved.disconnect(discard)
        self.settle()
        checks.wait_until(lambda: self.window.context.autosave.up_to_date)
        checks.require(self.session.document is None, "the canvas did not close")
        self._check_tiles()
        if sys.platform == "linux":
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        self.figures.resident.append(psutil.Process().memory_info().rss >> 20)
        self.figures.widgets.append(len(QApplication.allWidgets()))

    def _count_document(self) -> None:
        self.figures.documents += self.session.document is not None

    def _no_errors(self) -> None:
        checks.require(not self.errors, "\n".join(self.errors))


def discard(question: object) -> None:
    question.discard()  # type: ignore[attr-defined]


class _Collector(logging.Handler):
    def __init__(self, errors: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        self._errors.append(f"{record.levelname} {record.name}: {record.getMessage()}")


def collect_errors(errors: list[str]) -> None:
    """Exceptions in slots, Qt's warnings, and what is logged."""

    def from_qt(kind: QtMsgType, _context: object, message: str | None) -> None:
        if kind != QtMsgType.QtInfoMsg and message and "This plugin does not support" not in message:
            errors.append(f"Qt: {message}")

    qInstallMessageHandler(from_qt)
    sys.excepthook = lambda *parts: errors.append("".join(traceback.format_exception(*parts)))
    logging.getLogger().addHandler(_Collector(errors))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--undo-megabytes", type=int, default=1, help="the history's budget")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="random-canvas-"))
    os.environ["SDSTUDIO_HOME"] = str(home / "sdstudio")

    from sdstudio.engine.fake import FakeEngineFactory
    from sdstudio.storage.paths import AppPaths
    from sdstudio.ui.application import make_application, make_theme
    from tests.helpers.app_fixtures import WordCounter, build_context, write_model

    app = make_application("random-canvas", "0")
    with modelled() as models:
        context = build_context(
            AppPaths.find(),
            engine=FakeEngineFactory(),
            counter=WordCounter(),
            built_in=write_model(home / "model", "Starter"),
        )
        context.settings.update(undo_megabytes=options.undo_megabytes)
        window = MainWindow(context, make_theme(app, context.settings.settings))
        window.complete(context)
        window.show()
        context.start()
        run = RandomRun(window, models, options.seed, home)
        collect_errors(run.errors)
        gc.collect()
        try:
            print(f"seed {options.seed}: {run.run(options.events).words()}")
            return 0
        except checks.Different as error:
            print(f"seed {options.seed}: {error}")
            return 1
        finally:
            window.close()
            context.close(10_000)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)

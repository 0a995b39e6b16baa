"""The composition root: the one place that knows every layer, and the only importer of the engine.

Imports are late on purpose: a command never loads Qt, and torch is loaded in the engine's thread alone.
"""

from __future__ import annotations

import itertools
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdstudio import __version__, process, start_times
from sdstudio.domain.engine_api import NOTHING_LEARNT
from sdstudio.domain.errors import StudioError
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.resources import resource_path
from sdstudio.studio import Studio

if TYPE_CHECKING:
    from sdstudio.app.context import AppContext
    from sdstudio.app.front_context import FrontContext
    from sdstudio.domain.checks import CheckResult
    from sdstudio.domain.engine_api import Engine, EngineFactory, TokenCount, TokenCounter
    from sdstudio.domain.request import ModelSpec
    from sdstudio.jobs.job_images import JobImages
    from sdstudio.storage.catalog import ModelCatalog
    from sdstudio.ui.main_window import MainWindow

log = logging.getLogger(__name__)

STARTER = "models/starter"
VOCABULARY = "clip"
UPSCALER = "upscaler/realesr-animevideov3-x4.safetensors"
BAD_INPUT = 2
ENGINE_BENCHES = ("preview", "cancel", "card", "generate", "inpaint", "load", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMaker:
    """An EngineFactory: called in the engine's thread, where it imports torch."""

    images: JobImages
    threads: int
    quiet: bool
    """Whether a window must stay smooth meanwhile."""
    model_index: Path
    """Where it is kept what a probing call of a model told."""
    device: str = ""
    """What to compute on: "" = chosen by itself, "cpu", "cuda:0", …"""

    def __call__(self) -> Engine:
        # Sets what OpenMP and the libraries read from the environment: before the first of them is mapped.
        import sdstudio.engine  # noqa: F401

        if not self.quiet:
            return self._make()
        from sdstudio.preload import quiet_imports

        with quiet_imports():
            return self._make()

    def _make(self) -> Engine:
        from sdstudio.engine.engine import TorchEngine
        from sdstudio.storage.model_index import ModelIndex
        from sdstudio.storage.model_predictions import ModelPredictions
        from sdstudio.storage.preview_files import PreviewFiles

        index = ModelIndex(self.model_index)
        return TorchEngine(
            images=self.images,
            upscaler=resource_path(UPSCALER),
            resources=resource_path(""),
            threads=self.threads,
            device=self.device,
            on_prediction=ModelPredictions(index).keep,
            preview_decoders=PreviewFiles(index),
        )


# -- the command line ------------------------------------------------------------------------------------------------


def is_command(args: Sequence[str]) -> bool:
    """Whether the arguments are for the command line; file names and nothing at all are for the window."""
    from sdstudio.cli import COMMANDS

    return bool(args) and (args[0] in COMMANDS or args[0].startswith("-"))


def cli_main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code of contracts: 0 done, 1 failed, 2 bad input, 130 Ctrl+C."""
    args = list(sys.argv[1:] if argv is None else argv)
    paths = AppPaths.find()
    process.prepare(paths.cache)
    process.start_logging(paths.logs, to_stderr=True)

    from sdstudio.cli.main import main
    from sdstudio.cli.services import CliServices
    from sdstudio.jobs.job_images import JobImages
    from sdstudio.jobs.journal import Journal
    from sdstudio.jobs.runner import JobRunner
    from sdstudio.storage.catalog import ModelCatalog
    from sdstudio.storage.hashes import HashCache
    from sdstudio.storage.image_store import ImageStore
    from sdstudio.storage.model_index import ModelIndex
    from sdstudio.storage.settings import load_settings

    settings, notes = load_settings(paths.settings_file)
    for note in notes:
        log.warning(note)
    images = ImageStore(paths.images)
    job_images = JobImages(images)
    folders = [paths.models, *(Path(folder).expanduser() for folder in settings.model_folders)]

    def make_runner() -> JobRunner:
        return JobRunner(
            journal=Journal(paths.journal),
            results=lambda: paths.results_folder(settings.results_folder),
            engine=EngineMaker(
                images=job_images,
                threads=settings.threads,
                quiet=False,
                model_index=paths.model_index,
                device=settings.device,
            ),
            images=job_images,
            app_version=__version__,
        )

    catalog = ModelCatalog(resource_path(STARTER), folders, HashCache(paths.hashes_file), ModelIndex(paths.model_index))
    services = CliServices(
        paths=paths,
        settings=settings,
        catalog=catalog,
        make_runner=make_runner,
        images=images,
        selftest=check_engine,
        benches={
            "start": bench_start,
            "ui": bench_ui,
            "canvas": bench_canvas,
            "models": bench_models,
            "seams": partial(bench_seams, images=job_images, catalog=catalog, threads=settings.threads),
            **{name: partial(bench_engine, name) for name in ENGINE_BENCHES},
        },
        version=__version__,
    )
    return main(args, services)


def check_engine() -> Iterable[CheckResult]:
    """The engine's part of the self-test."""
    from sdstudio.engine.selftest import check_engine as check

    return check(resource_path(STARTER), resource_path(UPSCALER))


def bench_start() -> Iterable[Mapping[str, Any]]:
    from sdstudio.bench_start import run_start_bench

    return run_start_bench()


def bench_ui() -> Iterable[Mapping[str, Any]]:
    _refuse_frozen()
    from sdstudio.bench_ui import run_ui_bench

    return run_ui_bench()


def bench_canvas() -> Iterable[Mapping[str, Any]]:
    _refuse_frozen()
    from sdstudio.bench_canvas import run_canvas_bench

    return run_canvas_bench()


def bench_models() -> Iterable[Mapping[str, Any]]:
    from sdstudio.bench_models import run_models_bench

    return run_models_bench()


def bench_seams(images: JobImages, catalog: ModelCatalog, threads: int) -> Iterable[Mapping[str, Any]]:
    from sdstudio.bench_seams import run_seams_bench
    from sdstudio.domain.models import STARTER_NAME

    index = AppPaths.find().model_index
    engine = EngineMaker(images=images, threads=threads, quiet=False, model_index=index)()
    return run_seams_bench(engine, images, catalog.find(STARTER_NAME))


def _refuse_frozen() -> None:
    """These two measure windows in processes of their own, started by module, and the frozen program has no Python."""
    if getattr(sys, "frozen", False):
        raise StudioError(
            "This benchmark is not in the installed program.", hint="It runs from the source code: see README.md there."
        )


def bench_engine(name: str) -> Iterable[Mapping[str, Any]]:
    from sdstudio.engine import benches

    starter = resource_path(STARTER)
    match name:
        case "preview":
            return benches.bench_preview()
        case "cancel":
            return benches.bench_cancel(starter)
        case "card":
            from sdstudio.engine.bench_card import bench_card

            return bench_card(resource_path(""), starter)
        case "inpaint":
            from sdstudio.bench_edit import run_edit_bench

            return itertools.chain(run_edit_bench(), benches.bench_inpaint())
        case "load" | "memory":
            from sdstudio.engine.bench_load import bench_load, bench_memory

            return (bench_load if name == "load" else bench_memory)(resource_path(""))
        case _:
            return benches.bench_generate(starter)


# -- the window ------------------------------------------------------------------------------------------------------


def window_main(files: Sequence[str]) -> int:
    """Opens the window and runs until it is closed."""
    if process.has_no_screen():
        print(process.NO_SCREEN, file=sys.stderr)
        return BAD_INPUT
    from sdstudio.app.qt_imports import leave_sources_alone

    leave_sources_alone()
    from sdstudio.app.single_instance import call_of, enter

    keeper = enter(AppPaths.find().data, call_of(files, os.environ))
    if keeper is None:
        return 0

    def serve(window: MainWindow) -> None:
        from sdstudio.ui.second_start import SecondStart

        SecondStart(window, keeper)
        if files:
            window.open_files([Path(name) for name in files])

    studio = build_studio(completed=serve)
    studio.window.show()
    code = studio.run()
    keeper.close()  # again, or for the first time where the window was closed before it was complete
    begin = time.perf_counter()
    ended = studio.finish()
    log.info("Closed in %.2f s%s", time.perf_counter() - begin, "" if ended else ", the engine still loading")
    logging.shutdown()
    # Everything is saved by now. Python's own way out would wait for a thread that cannot be interrupted, and takes
    # torch apart piece by piece, which alone lasts 1.2 s.
    os._exit(code)


def crash_report(logs: Path) -> Path | None:
    """Before the log is opened again: the report of a crash of the last run, if there was one."""
    from sdstudio.storage.crash_report import take_report

    try:
        return take_report(logs, __version__)
    except OSError as error:
        log.warning("The report of a crash could not be kept: %s", error)
        return None


def build_studio(
    engine: EngineFactory | None = None, completed: Callable[[MainWindow], None] = lambda _: None
) -> Studio:
    """The application, not yet shown. Once the window is on the screen everything else is built, `completed` is called,
    and the engine starts."""
    paths = AppPaths.find()
    process.prepare(paths.cache)
    report = crash_report(paths.logs)
    process.start_logging(paths.logs, to_stderr=False)
    process.log_unexpected_errors()

    from sdstudio.app.front_context import build_front
    from sdstudio.ui.application import in_turns, make_application, make_theme, when_painted
    from sdstudio.ui.main_window import MainWindow

    app = make_application(sys.argv[0], __version__)
    front = build_front(paths, counter=LateTokenCounter(), built_in=resource_path(STARTER))
    theme = make_theme(app, front.settings.settings)
    with theme.undressed():
        window = MainWindow(front, theme)
    studio = Studio(window, app.exec, front, partial(_complete_context, front, engine))

    def read_ahead() -> None:
        import sdstudio.app.context  # noqa: F401 - half of what completing takes

    def start() -> None:
        studio.complete()
        completed(window)
        if report is not None:
            from sdstudio.ui.crash_notice import tell_of_crash

            tell_of_crash(window.canvas.banner, report)
        studio.start()

    # Not earlier: the first picture waits for everything that is read before it, and torch would stop it for longer.
    steps = (read_ahead, window.read_ahead, start)
    when_painted(window, partial(in_turns, steps), painted=partial(start_times.note, start_times.WINDOW))
    return studio


def _complete_context(front: FrontContext, engine: EngineFactory | None) -> AppContext:
    from sdstudio.app.context import complete_context
    from sdstudio.jobs.job_images import JobImages
    from sdstudio.storage.image_store import ImageStore

    settings = front.settings.settings
    images = JobImages(ImageStore(front.paths.images))
    factory = engine or EngineMaker(
        images=images,
        threads=settings.threads,
        quiet=True,
        model_index=front.paths.model_index,
        device=settings.device,
    )
    return complete_context(front, engine=factory, images=images, app_version=__version__)


class LateTokenCounter:
    """A TokenCounter: the library that counts is loaded at the first prompt, in the io thread."""

    @cached_property
    def _counter(self) -> TokenCounter:
        from sdstudio.engine.tokens import ModelTokenCounter

        return ModelTokenCounter(resource_path(VOCABULARY))

    def count(self, model: ModelSpec, prompt: str, learnt: Mapping[str, int] = NOTHING_LEARNT) -> TokenCount:
        """Raises ModelError when the model has no readable tokenizer."""
        return self._counter.count(model, prompt, learnt)

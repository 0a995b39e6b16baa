"""Everything the window works with, built once and handed to it."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QCoreApplication, QObject

from sdstudio.app.bridge import EngineBridge
from sdstudio.app.candidates import Candidates
from sdstudio.app.canvas_autosave import CanvasAutosave
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.edit_jobs import EditJobs
from sdstudio.app.edit_plan import EditPlanner
from sdstudio.app.edit_settings import EditSettings
from sdstudio.app.enlarge import Enlarge
from sdstudio.app.front_context import BACKGROUND_CLOSE_MS, FrontContext, results_folder
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.mix_pictures import MixPictures
from sdstudio.app.model_desk import ModelDesk
from sdstudio.app.model_news import ModelNews
from sdstudio.app.picture_files import PictureFiles
from sdstudio.app.queue import JobQueue
from sdstudio.app.recovery import Recovery
from sdstudio.app.session import Session
from sdstudio.app.settings_store import SettingsStore
from sdstudio.app.step_times import StepTimes
from sdstudio.domain.engine_api import EngineFactory
from sdstudio.domain.errors import StorageError
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.files import check_writable
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.model_hashes import ModelHashes
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_predictions import ModelPredictions
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.settings import Settings

STEP_TIMES_NAME = "step-times.json"
CANVAS_WORKERS = ("canvas-work", "canvas")
"""Names of the threads of canvas_io and keeper_io."""
KEEPER_CLOSE_MS = 15_000
"""A picture of 8192 x 8192 that was opened a moment ago takes seconds to be written. The window is gone by then;
leaving earlier would leave it to its file, if it has one."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("AppContext", text)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AppContext(FrontContext):
    """One of each. `canvas_io` is for long work on the canvas, `keeper_io` for keeping it on disk."""

    canvas_io: IoWorker
    keeper_io: IoWorker
    runner: JobRunner
    bridge: EngineBridge
    step_times: StepTimes
    queue: JobQueue
    model_news: ModelNews
    models: ModelDesk
    canvas: CanvasSession
    edit_settings: EditSettings
    edit_planner: EditPlanner
    edit_jobs: EditJobs
    candidates: Candidates
    autosave: CanvasAutosave
    files: PictureFiles
    images: ImageStore
    mix: MixPictures
    enlarge: Enlarge
    recovery: Recovery

    @property
    def results_folder(self) -> Path:
        return results_folder(self.paths, self.settings.settings)

    def start(self) -> None:
        """Once the window is on the screen: brings the canvas back, warms the engine up and looks for pictures, models
        and unfinished jobs."""
        paths = self.paths
        self.io.submit(lambda: check_home(paths), failed=self.settings.problem.emit)
        self.autosave.restore()
        self.recovery.load()
        self.gallery.refresh()
        self.bridge.start(self.session.model.spec)
        self.catalog.refresh()

    def close(self, timeout_ms: int = 2000) -> bool:
        """Saves the state, stops the engine and the workers. The journal keeps what was not finished.

        False when a thread is still busy after the timeout: everything is saved then, and the caller leaves with
        os._exit, because Python would wait for the thread.
        """
        deadline = time.monotonic() + timeout_ms / 1000
        self.state_file.save_now()
        self.canvas.close()
        self.autosave.close()
        self.queue.close()
        engine_ended = self.bridge.shutdown(timeout_ms)
        left_ms = max(BACKGROUND_CLOSE_MS, round((deadline - time.monotonic()) * 1000))
        saved = self.io.close(left_ms)
        hashed = self.models.close(BACKGROUND_CLOSE_MS) & self.model_news.close(BACKGROUND_CLOSE_MS)
        looked = self.background.close(BACKGROUND_CLOSE_MS)
        kept = self.keeper_io.close(max(timeout_ms, KEEPER_CLOSE_MS))
        worked = self.canvas_io.close(BACKGROUND_CLOSE_MS)
        ended = engine_ended and saved and hashed and looked and kept and worked
        if ended:
            self.collector.stop()
        return ended


def _results_now(paths: AppPaths, settings: SettingsStore) -> Path:
    return results_folder(paths, settings.settings)


def complete_context(front: FrontContext, *, engine: EngineFactory, images: JobImages, app_version: str) -> AppContext:
    """Everything else, on top of what the window's first picture needed. Once for each front."""
    paths, root, io, settings, session = front.paths, front.root, front.io, front.settings, front.session
    index = ModelIndex(paths.model_index)
    journal = Journal(paths.journal)
    results = partial(_results_now, paths, settings)
    runner = JobRunner(journal=journal, results=results, engine=engine, images=images, app_version=app_version)
    making = _making(journal, runner, StepTimes(paths.data / STEP_TIMES_NAME, io), io, root)
    choosing = _choosing(front, making.queue, index)
    canvas_io, keeper_io = (IoWorker(root, name=name) for name in CANVAS_WORKERS)
    canvas = CanvasSession(canvas_io, root)
    front.collector.wait_while(lambda: canvas.busy)
    store = ImageStore(paths.images)
    editing = _editing(canvas, session, making, store, canvas_io)
    context = AppContext(
        **{field.name: getattr(front, field.name) for field in fields(FrontContext)},
        canvas_io=canvas_io,
        keeper_io=keeper_io,
        **making._asdict(),
        **choosing._asdict(),
        canvas=canvas,
        **editing._asdict(),
        autosave=CanvasAutosave(canvas, keeper_io, paths.canvas, root),
        files=PictureFiles(io, session.plain_request, root),
        images=store,
        mix=MixPictures(session, store, io, root),
        enlarge=Enlarge(store, making.queue, io, root),
    )
    _connect(context)
    context.state_file.keep_edits(canvas, editing.edit_settings)
    context.tokens.begin()
    return context


class _Making(NamedTuple):
    """Fields of AppContext: from a request to a picture."""

    runner: JobRunner
    bridge: EngineBridge
    step_times: StepTimes
    queue: JobQueue
    recovery: Recovery


def _making(journal: Journal, runner: JobRunner, times: StepTimes, io: IoWorker, root: QObject) -> _Making:
    bridge = EngineBridge(runner, root)
    queue = JobQueue(bridge, runner, io, times, root)
    return _Making(runner, bridge, times, queue, Recovery(journal, queue, io, root))


class _Choosing(NamedTuple):
    """Fields of AppContext: from the models that there are to the one that is used."""

    model_news: ModelNews
    models: ModelDesk


def _choosing(front: FrontContext, queue: JobQueue, index: ModelIndex) -> _Choosing:
    catalog, session, own = front.catalog, front.session, front.paths.models
    news = ModelNews(catalog, session, queue, ModelHashes(index), front.root)
    predictions = ModelPredictions(index)
    desk = ModelDesk(catalog, news, session, front.settings, predictions, front.background, own, front.root)
    return _Choosing(news, desk)


class _Editing(NamedTuple):
    """Fields of AppContext: from the canvas to a request, and back."""

    edit_settings: EditSettings
    edit_planner: EditPlanner
    edit_jobs: EditJobs
    candidates: Candidates


def _editing(canvas: CanvasSession, session: Session, making: _Making, images: ImageStore, io: IoWorker) -> _Editing:
    root, queue = canvas.parent(), making.queue
    settings = EditSettings(root)
    planner = EditPlanner(canvas, session, settings, making.step_times, io, root)
    jobs = EditJobs(canvas, session, planner, queue, images, io, root)
    return _Editing(settings, planner, jobs, Candidates(canvas, queue, jobs, io, root))


def check_home(paths: AppPaths) -> None:
    """Raises StorageError where the program's own files cannot be written."""
    try:
        for folder in (paths.config, paths.data):
            check_writable(folder)
    except StorageError as error:
        raise StorageError(
            error.message,
            meaning=_tr("Settings, prompts and the canvas cannot be kept, and no picture can be made."),
            hint=_tr("Make room or ask for the right to write there, then start SD Studio anew."),
            topic="home",
        ) from error


def _connect(context: AppContext) -> None:
    context.bridge.info_changed.connect(context.step_times.set_device)
    for measured in (context.bridge.info_changed, context.queue.job_ended):
        measured.connect(context.edit_planner.refresh)
    context.queue.picture_saved.connect(context.gallery.add_saved)
    context.catalog.refreshed.connect(context.session.find_awaited_model)
    # Not the context itself: the connection would keep it alive, and the context keeps the connection's owner.
    paths, gallery, canvas = context.paths, context.gallery, context.canvas
    canvas.follow(context.settings.settings)

    def on_settings(settings: Settings) -> None:
        canvas.follow(settings)
        gallery.set_folder(results_folder(paths, settings))

    context.settings.changed.connect(on_settings)

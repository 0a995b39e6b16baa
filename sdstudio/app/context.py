"""Everything the window works with, built once and handed to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QCoreApplication, QObject

from sdstudio.app.added_files import AddedFiles
from sdstudio.app.added_thumbs import AddedThumbs
from sdstudio.app.bridge import EngineBridge
from sdstudio.app.candidates import Candidates
from sdstudio.app.canvas_autosave import CanvasAutosave
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.catalog_model import CatalogModel
from sdstudio.app.collector import UiCollector
from sdstudio.app.edit_jobs import EditJobs
from sdstudio.app.edit_plan import EditPlanner
from sdstudio.app.edit_settings import EditSettings
from sdstudio.app.enlarge import Enlarge
from sdstudio.app.gallery_model import GalleryModel
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.mix_pictures import MixPictures
from sdstudio.app.model_desk import ModelDesk
from sdstudio.app.model_news import ModelNews
from sdstudio.app.picture_files import PictureFiles
from sdstudio.app.queue import JobQueue
from sdstudio.app.recovery import Recovery
from sdstudio.app.session import Session
from sdstudio.app.settings_store import SettingsStore
from sdstudio.app.state_file import StateFile
from sdstudio.app.step_times import StepTimes
from sdstudio.app.token_ask import TokenAsk
from sdstudio.domain.engine_api import EngineFactory, TokenCounter
from sdstudio.domain.errors import StorageError
from sdstudio.domain.models import STARTER_NAME, ModelInfo
from sdstudio.domain.models_found import ModelsFound
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal, JournalEntry
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.files import check_writable
from sdstudio.storage.gallery import Thumbnails
from sdstudio.storage.hashes import HashCache
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.model_hashes import ModelHashes
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_predictions import ModelPredictions
from sdstudio.storage.model_shelf import look_through
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.settings import Settings

STEP_TIMES_NAME = "step-times.json"
WORKERS = ("io", "background", "canvas-work", "canvas")
"""Names of the threads, in the order of AppContext's fields for them."""
BACKGROUND_CLOSE_MS = 500
"""The background worker may be looking through thousands of files; nothing is lost when it is left to that."""
KEEPER_CLOSE_MS = 15_000
"""A picture of 8192 x 8192 that was opened a moment ago takes seconds to be written. The window is gone by then;
leaving earlier would leave it to its file, if it has one."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("AppContext", text)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AppContext:
    """One of each; `root` is the parent of them all. `io` is for what the person waits for (journal, pictures,
    thumbnails), `background` for looking through model folders, `canvas_io` for long work on the canvas, `keeper_io`
    for keeping it on disk."""

    root: QObject
    collector: UiCollector
    paths: AppPaths
    settings: SettingsStore
    io: IoWorker
    background: IoWorker
    canvas_io: IoWorker
    keeper_io: IoWorker
    runner: JobRunner
    bridge: EngineBridge
    step_times: StepTimes
    queue: JobQueue
    catalog: CatalogModel
    model_news: ModelNews
    models: ModelDesk
    session: Session
    added: AddedFiles
    added_thumbs: AddedThumbs
    canvas: CanvasSession
    edit_settings: EditSettings
    edit_planner: EditPlanner
    edit_jobs: EditJobs
    candidates: Candidates
    autosave: CanvasAutosave
    state_file: StateFile
    gallery: GalleryModel
    tokens: TokenAsk
    files: PictureFiles
    images: ImageStore
    mix: MixPictures
    enlarge: Enlarge
    recovery: Recovery

    @property
    def recovered(self) -> tuple[JournalEntry, ...]:
        """Jobs that an earlier run left unfinished; see Recovery."""
        return self.recovery.entries

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


def results_folder(paths: AppPaths, settings: Settings) -> Path:
    """Where pictures go: the setting, else the usual place."""
    return Path(settings.results_folder).expanduser() if settings.results_folder else paths.results


def _results_now(paths: AppPaths, settings: SettingsStore) -> Path:
    return results_folder(paths, settings.settings)


def build_context(
    paths: AppPaths,
    *,
    engine: EngineFactory,
    images: JobImages,
    counter: TokenCounter,
    built_in: Path,
    app_version: str,
) -> AppContext:
    """`engine` is called in the engine's thread, at `AppContext.start`, and reads pictures from `images`; `built_in` is
    the folder of the models in the box. Reads the settings, the session and the card of the model in the box, and
    nothing else. Raises ModelError when that model is not there.
    """
    hashes = HashCache(paths.hashes_file)
    starter = ModelCatalog(built_in, (), hashes).find(STARTER_NAME)
    root = QObject()
    collector = UiCollector(root)
    collector.start()
    workers = _Workers(*(IoWorker(root, name=name) for name in WORKERS))
    io = workers.io
    settings = SettingsStore(paths.settings_file, io, root)
    results = partial(_results_now, paths, settings)
    index = ModelIndex(paths.model_index)
    journal = Journal(paths.journal)
    runner = JobRunner(journal=journal, results=results, engine=engine, images=images, app_version=app_version)
    making = _making(journal, runner, StepTimes(paths.data / STEP_TIMES_NAME, io), io, root)
    look = partial(_look_at_models, built_in, paths, settings, hashes, index)
    catalog = CatalogModel([starter], look, workers.background, root)
    choosing = _choosing(starter, catalog, settings, index, paths.models, making.queue, workers.background)
    session = choosing.session
    canvas = CanvasSession(workers.canvas_io, root)
    collector.wait_while(lambda: canvas.busy)
    store = ImageStore(paths.images)
    editing = _editing(canvas, session, making, store, workers.canvas_io)
    context = AppContext(
        root=root,
        collector=collector,
        paths=paths,
        settings=settings,
        **workers._asdict(),
        **making._asdict(),
        catalog=catalog,
        **choosing._asdict(),
        added_thumbs=AddedThumbs(Thumbnails(paths.thumbnails), io, root),
        canvas=canvas,
        **editing._asdict(),
        autosave=CanvasAutosave(canvas, workers.keeper_io, paths.canvas, root),
        state_file=StateFile(paths.session_file, session, io, root, canvas=canvas, edits=editing.edit_settings),
        gallery=GalleryModel(results(), Thumbnails(paths.thumbnails), io, root),
        tokens=TokenAsk(session, counter, io, root, added=choosing.added),
        files=PictureFiles(io, session.plain_request, root),
        images=store,
        mix=MixPictures(session, store, io, root),
        enlarge=Enlarge(store, making.queue, io, root),
    )
    _connect(context)
    context.state_file.load()
    context.models.find_default()
    return context


class _Workers(NamedTuple):
    """Fields of AppContext: threads."""

    io: IoWorker
    background: IoWorker
    canvas_io: IoWorker
    keeper_io: IoWorker


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

    session: Session
    added: AddedFiles
    model_news: ModelNews
    models: ModelDesk


def _choosing(
    starter: ModelInfo,
    catalog: CatalogModel,
    settings: SettingsStore,
    index: ModelIndex,
    own: Path,
    queue: JobQueue,
    worker: IoWorker,
) -> _Choosing:
    root = catalog.parent()
    added = AddedFiles(catalog, root)
    session = Session(starter, catalog.find, root, added=added)
    news = ModelNews(catalog, session, queue, ModelHashes(index), root)
    desk = ModelDesk(catalog, news, session, settings, ModelPredictions(index), worker, own, root)
    return _Choosing(session, added, news, desk)


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


def model_folders(paths: AppPaths, settings: Settings) -> list[Path]:
    """Where models are looked for: the usual folder, then those that were added."""
    return [paths.models, *(Path(folder).expanduser() for folder in settings.model_folders)]


def _look_at_models(
    built_in: Path, paths: AppPaths, settings: SettingsStore, hashes: HashCache, index: ModelIndex
) -> ModelsFound:
    """In the background worker."""
    own, *added = model_folders(paths, settings.settings)
    return look_through(ModelCatalog(built_in, [own, *added], hashes, index), built_in, own, added)


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

"""The part of the application's context that the window's first picture needs, and nothing more.

What it imports decides how soon the window is there: neither numpy nor Pillow, nothing of the canvas or of jobs. A test
holds that.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from sdstudio.app.added_files import AddedFiles
from sdstudio.app.added_thumbs import AddedThumbs
from sdstudio.app.catalog_model import CatalogModel
from sdstudio.app.collector import UiCollector
from sdstudio.app.gallery_model import GalleryModel
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.session import Session
from sdstudio.app.settings_store import SettingsStore
from sdstudio.app.state_file import StateFile
from sdstudio.app.token_ask import TokenAsk
from sdstudio.domain.engine_api import TokenCounter
from sdstudio.domain.models import STARTER_NAME
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.gallery import Thumbnails
from sdstudio.storage.hashes import HashCache
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.settings import Settings

if TYPE_CHECKING:
    from sdstudio.domain.models_found import ModelsFound

BACKGROUND_CLOSE_MS = 500
"""The background worker may be looking through thousands of files; nothing is lost when it is left to that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrontContext:
    """`root` is the parent of all. `io` is for what the person waits for (journal, pictures, thumbnails), `background`
    for looking through model folders."""

    root: QObject
    collector: UiCollector
    paths: AppPaths
    settings: SettingsStore
    io: IoWorker
    background: IoWorker
    catalog: CatalogModel
    added: AddedFiles
    added_thumbs: AddedThumbs
    session: Session
    state_file: StateFile
    gallery: GalleryModel
    tokens: TokenAsk

    def close(self, timeout_ms: int = 2000) -> bool:
        """Saves the state and ends the workers. False when one is still busy after the timeout."""
        self.state_file.save_now()
        ended = self.io.close(timeout_ms) & self.background.close(BACKGROUND_CLOSE_MS)
        if ended:
            self.collector.stop()
        return ended


def build_front(paths: AppPaths, *, counter: TokenCounter, built_in: Path) -> FrontContext:
    """`built_in` is the folder of the models in the box. Reads the settings, the session and the card of the model in
    the box, and nothing else. Raises ModelError when that model is not there."""
    hashes = HashCache(paths.hashes_file)
    starter = ModelCatalog(built_in, (), hashes).find(STARTER_NAME)
    root = QObject()
    collector = UiCollector(root)
    collector.start()
    collector.wait_while(lambda: True)  # until complete_context: the first picture waits for no collection
    io, background = (IoWorker(root, name=name) for name in ("io", "background"))
    settings = SettingsStore(paths.settings_file, io, root)
    look = partial(_look_at_models, built_in, paths, settings, hashes)
    catalog = CatalogModel([starter], look, background, root)
    added = AddedFiles(catalog, root)
    session = Session(starter, catalog.find, root, added=added)
    thumbnails = Thumbnails(paths.thumbnails)
    front = FrontContext(
        root=root,
        collector=collector,
        paths=paths,
        settings=settings,
        io=io,
        background=background,
        catalog=catalog,
        added=added,
        added_thumbs=AddedThumbs(thumbnails, io, root),
        session=session,
        state_file=StateFile(paths.session_file, session, io, root),
        gallery=GalleryModel(results_folder(paths, settings.settings), thumbnails, io, root),
        tokens=TokenAsk(session, counter, io, root, added=added, begun=False),
    )
    front.state_file.load()
    if settings.settings.default_model:  # it goes before that of the last session
        session.begin_with(settings.settings.default_model)
    return front


def results_folder(paths: AppPaths, settings: Settings) -> Path:
    """Where pictures go: the setting, else the usual place."""
    return Path(settings.results_folder).expanduser() if settings.results_folder else paths.results


def model_folders(paths: AppPaths, settings: Settings) -> list[Path]:
    """Where models are looked for: the usual folder, then those that were added."""
    return [paths.models, *(Path(folder).expanduser() for folder in settings.model_folders)]


def _look_at_models(built_in: Path, paths: AppPaths, settings: SettingsStore, hashes: HashCache) -> ModelsFound:
    """In the background worker."""
    from sdstudio.storage.model_index import ModelIndex
    from sdstudio.storage.model_shelf import look_through

    own, *added = model_folders(paths, settings.settings)
    index = ModelIndex(paths.model_index)
    return look_through(ModelCatalog(built_in, [own, *added], hashes, index), built_in, own, added)

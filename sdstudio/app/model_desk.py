"""What a person does with models: adding folders, choosing one for the start, saying what it predicts."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QObject

from sdstudio.app.catalog_model import CatalogModel
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.model_intake import ModelIntake
from sdstudio.app.model_missing import MissingModels
from sdstudio.app.model_news import ModelNews
from sdstudio.app.model_watch import ModelWatch
from sdstudio.app.session import Session
from sdstudio.app.settings_store import SettingsStore
from sdstudio.domain.model_file import Prediction
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import FolderKind, FoundFolder
from sdstudio.storage.model_predictions import ModelPredictions, can_choose
from sdstudio.storage.settings import Settings

__all__ = ["ModelDesk", "can_choose"]


class ModelDesk(QObject):
    """Nothing here touches a model's file: what is known of it is kept in the settings and in the index."""

    def __init__(
        self,
        catalog: CatalogModel,
        news: ModelNews,
        session: Session,
        settings: SettingsStore,
        predictions: ModelPredictions,
        worker: IoWorker,
        own_folder: Path,
        parent: QObject | None = None,
    ) -> None:
        """`worker` is the one that looks through the folders: what is written here is seen by its next look."""
        super().__init__(parent)
        self.catalog = catalog
        self.session = session
        self.settings = settings
        self.worker = worker
        self.own_folder = own_folder
        self.intake = ModelIntake(own_folder, self)
        self.watch = ModelWatch(worker, self)
        self.missing = MissingModels(catalog, session, worker, self)
        self._news = news
        self._predictions = predictions
        self._shown = settings.settings
        catalog.refreshed.connect(self._on_refreshed)
        settings.changed.connect(self._on_settings)
        self.watch.changed.connect(catalog.refresh)
        session.model_changed.connect(self._watch_file)
        self.intake.made.connect(lambda _: catalog.refresh())

    @property
    def folders(self) -> tuple[FoundFolder, ...]:
        """As they were at the last look: the one in the box, our own, the added ones."""
        return self.catalog.folders

    @property
    def default_path(self) -> str:
        return self.settings.settings.default_model

    def use(self, info: ModelInfo) -> None:
        """Chooses it, with the settings that suit it where it is another one."""
        self.session.choose_model(info, presets=info.spec.path != self.session.model.spec.path)

    def set_default(self, path: str) -> None:
        """The model that the window begins with; "" = the one that was used last."""
        self.settings.update(default_model=path)

    def add_folder(self, folder: Path) -> None:
        """Used in place. Nothing happens where it is in the list already."""
        added = self.settings.settings.model_folders
        if folder != self.own_folder and str(folder) not in added:
            self.settings.update(model_folders=(*added, str(folder)))

    def looks_through(self, folder: Path) -> bool:
        """Whether it is in the list, or lies in a folder that is, where models are looked for."""
        added = (Path(text).expanduser() for text in self.settings.settings.model_folders)
        known = [os.path.realpath(place) for place in (self.own_folder, *added)]
        real = Path(os.path.realpath(folder))
        return str(real) in known or (str(real) in self.catalog.watched and any(map(real.is_relative_to, known)))

    def remove_folder(self, folder: Path) -> None:
        """From the list; its files stay as they are."""
        left = tuple(text for text in self.settings.settings.model_folders if Path(text).expanduser() != folder)
        self.settings.update(model_folders=left)

    def choose_prediction(self, path: str, prediction: Prediction) -> None:
        """UNKNOWN: it is found out anew."""
        self.worker.submit(lambda: self._predictions.choose(path, prediction), lambda _: self.catalog.refresh())

    def ask_hash(self, path: str) -> None:
        """Has the hashes of a file computed, in the background; the next look knows them."""
        self._news.ask(path)

    def close(self, timeout_ms: int) -> bool:
        self.watch.close()
        return self.intake.close(timeout_ms)

    def _on_refreshed(self) -> None:
        added = [folder.path for folder in self.folders if folder.kind is FolderKind.ADDED]
        self.watch.follow(self.catalog.watched, added)
        self._watch_file(self.session.model)

    def _watch_file(self, model: ModelInfo) -> None:
        self.watch.follow_file(model.spec.path)

    def _on_settings(self, settings: Settings) -> None:
        before, self._shown = self._shown, settings
        if settings.model_folders != before.model_folders:
            self.catalog.refresh()

"""What becomes known of the chosen model while it is in use: its hash, and what it predicts."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot

from sdstudio.app.catalog_model import CatalogModel
from sdstudio.app.job_item import JobItem
from sdstudio.app.queue import JobQueue
from sdstudio.app.session import Session
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.model_file import FileHashes, Prediction
from sdstudio.domain.models import ModelInfo
from sdstudio.storage.model_hashes import BackgroundHasher, ModelHashes


class ModelNews(QObject):
    """Has the chosen model hashed, and looks at the list again when there is something new.

    Only the chosen one: all models of a collection together can be a terabyte to read.
    """

    _hashed = Signal()

    def __init__(
        self,
        catalog: CatalogModel,
        session: Session,
        queue: JobQueue,
        hashes: ModelHashes,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._catalog = catalog
        self._session = session
        self._hashes = hashes
        self._hasher: BackgroundHasher | None = None
        self._asked: set[str] = set()
        self._closed = False
        # Emitted in the hasher's thread.
        self._hashed.connect(catalog.refresh, Qt.ConnectionType.QueuedConnection)
        session.model_changed.connect(self._hash)
        catalog.refreshed.connect(self._on_refreshed)
        queue.job_ended.connect(self._on_job_ended)

    def close(self, timeout_ms: int) -> bool:
        """False when the hasher is still inside a read after the timeout."""
        self._closed = True
        return self._hasher is None or self._hasher.close(timeout_ms / 1000)

    def ask(self, path: str) -> None:
        """For a model that is not the chosen one: somebody wants to know."""
        if path in self._asked or self._closed:
            return
        self._asked.add(path)
        if self._hasher is None:
            self._hasher = BackgroundHasher(self._hashes, self._on_hashed)
        self._hasher.add(Path(path))

    @Slot()
    def _on_refreshed(self) -> None:
        self._session.follow_model()
        self._hash(self._session.model)

    def _hash(self, info: ModelInfo) -> None:
        if not info.spec.hash:
            self.ask(info.spec.path)
        else:
            # Unknown once more means that the file was replaced.
            self._asked.discard(info.spec.path)

    def _on_hashed(self, _path: Path, _hashes: FileHashes) -> None:
        self._hashed.emit()

    def _on_job_ended(self, item: JobItem) -> None:
        """The engine may have tried what the chosen model predicts, or a model's file may be another by now."""
        at_fault = item.failure is not None and item.failure.kind is ErrorKind.MODEL
        if at_fault or self._session.model.spec.prediction == Prediction.UNKNOWN.value:
            self._catalog.refresh()

"""A picture's settings brought back when its model is not among the known ones: a last look, then what is nearest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sdstudio.app.catalog_model import CatalogModel
from sdstudio.app.io_worker import IoWorker
from sdstudio.app.model_match import OLD_DIGITS, guessed_family, nearest, plain_digest, told_family
from sdstudio.app.session import Session
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.model_hashes import old_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingModel:
    """`name`: what the picture was made with; `chosen`: what is in use instead; `other`: a nearer one that is not in
    use; `kin`: what `other` or `chosen` has in common with it for certain, "" where that is only guessed."""

    name: str
    chosen: ModelInfo
    other: ModelInfo | None = None
    kin: str = ""


class MissingModels(QObject):
    """`missing` comes after a restore whose model is not here; the settings are back all the same."""

    missing = Signal(object)  # MissingModel

    def __init__(
        self, catalog: CatalogModel, session: Session, worker: IoWorker, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._catalog = catalog
        self._session = session
        self._worker = worker

    def restore(self, request: GenerationRequest) -> None:
        """Brings all settings back, and the model if it is here under any name."""
        if not self._session.restore(request):
            return
        digest = plain_digest(request.model.hash)
        if len(digest) != OLD_DIGITS:
            self._tell(request)
            return
        # A1111's first kind of hash takes one short read a file, so that it is not computed for all in advance.
        infos, chosen = self._catalog.infos, self._session.model
        self._worker.submit(
            lambda: next((info for info in infos if old_hash(Path(info.spec.path)) == digest), None),
            lambda info: self._on_searched(request, chosen, info),
        )

    def _on_searched(self, request: GenerationRequest, chosen: ModelInfo, info: ModelInfo | None) -> None:
        if info is None:
            self._tell(request)
        elif self._session.model == chosen:  # nobody chose another one meanwhile
            self._session.choose_model(info, presets=False)

    def _tell(self, request: GenerationRequest) -> None:
        chosen, told = self._session.model, told_family(request.model)
        family = told or guessed_family(request.model.name, request.size)
        other = nearest(family, request.model.name, self._catalog.infos, chosen)
        same = other is not None and other.family is told
        self.missing.emit(
            MissingModel(
                name=request.model.name,
                chosen=chosen,
                other=None if other is chosen else other,
                kin=other.badge if other is not None and same else "",
            )
        )

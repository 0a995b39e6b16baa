"""The pictures that are mixed into a variation: on their way into the store, small for the window, or not here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.mix_state import MixedPicture
from sdstudio.app.session import Session
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.errors import InvalidRequest, StudioError
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.picture_decode import reduced
from sdstudio.storage.pictures import load_picture

ROWS_MOST = 12
"""So many can be told apart by their weights; a picture's settings may bring more."""
SIDE = 128
"""Pixels of a thumbnail's longer side: enough for 40 on a screen of scale 3."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("MixPictures", text)


@dataclass(frozen=True, slots=True)
class _Stored:
    image: ImageInput
    thumb: ImageBuffer


class MixPictures(QObject):
    """Owner of what the session's `mix` names; all reading and writing is done on the io worker.

    `changed`: a thumbnail is there, or a picture was found missing; `added` carries the key of a row that a hand put
    there (or that was there already); `problem` a StudioError.
    """

    changed = Signal()
    added = Signal(str)
    problem = Signal(object)

    def __init__(self, session: Session, images: ImageStore, io: IoWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._images = images
        self._io = io
        self._thumbs: dict[str, ImageBuffer | None] = {}
        session.state_changed.connect(self._on_state)
        self._look()

    def thumb(self, key: str) -> ImageBuffer | None:
        """None while it is read, and of a missing one."""
        return self._thumbs.get(key)

    def is_missing(self, key: str) -> bool:
        return key in self._session.mix_missing

    @property
    def room(self) -> int:
        """How many more can be added."""
        return max(0, ROWS_MOST - len(self._session.state.mix))

    def add_files(self, paths: Sequence[str | Path]) -> None:
        """`added` follows for each that can be read and `problem` for each other, in their order."""
        for path in map(Path, paths):
            self._take(_reader(path), path.name)

    def add_image(self, image: ImageBuffer, name: str = "") -> None:
        """A picture that is in memory: pasted, or dragged out of another program."""
        self._take(lambda: image, name)

    def replace(self, key: str, path: str | Path) -> None:
        """Another file in the place of a picture, with its weight."""
        file = Path(path)
        self._take(_reader(file), file.name, key)

    def remove(self, key: str) -> None:
        self._session.update(mix=[each for each in self._session.state.mix if each.key != key])

    def set_weight(self, key: str, weight: float) -> None:
        mix = self._session.state.mix
        self._session.update(mix=[each.weighing(weight) if each.key == key else each for each in mix])

    # Into the store

    def _take(self, read: Callable[[], ImageBuffer], name: str, instead: str = "") -> None:
        images = self._images
        self._io.submit(
            lambda: _stored(images, read()), lambda found: self._put(found, name, instead), self.problem.emit
        )

    def _put(self, found: _Stored, name: str, instead: str) -> None:
        mix, key = self._session.state.mix, found.image.sha256
        self._thumbs[key] = found.thumb
        self._session.mix_missing -= {key}
        here = any(each.key == key for each in mix)
        fresh = MixedPicture(image=found.image, name=name)
        if any(each.key == instead for each in mix) and (key == instead or not here):
            mix = tuple(replace(fresh, weight=each.weight) if each.key == instead else each for each in mix)
        elif not here and not self.room:
            self.problem.emit(_full())
            return
        elif not here:
            mix = (*mix, fresh)
        self._session.update(mix=mix)
        self.changed.emit()
        self.added.emit(key)

    # Out of the store

    def _on_state(self, names: frozenset[str]) -> None:
        if "mix" in names:
            self._look()

    def _look(self) -> None:
        """For thumbnails of those that came back with a picture's settings, or with the last session."""
        images, keys = self._images, {each.key for each in self._session.state.mix}
        self._thumbs = {key: thumb for key, thumb in self._thumbs.items() if key in keys}
        self._session.mix_missing &= keys
        for key in keys - self._thumbs.keys():
            self._thumbs[key] = None
            self._io.submit(_loader(images, key), self._shower(key), self._misser(key))

    def _shower(self, key: str) -> Callable[[ImageBuffer], None]:
        def show(thumb: ImageBuffer) -> None:
            if key in self._thumbs:
                self._thumbs[key] = thumb
                self.changed.emit()

        return show

    def _misser(self, key: str) -> Callable[[StudioError], None]:
        def miss(_: StudioError) -> None:
            """Its row says so."""
            if key in self._thumbs:
                self._session.mix_missing |= {key}
                self.changed.emit()

        return miss


def _reader(path: Path) -> Callable[[], ImageBuffer]:
    return lambda: load_picture(path)


def _loader(images: ImageStore, key: str) -> Callable[[], ImageBuffer]:
    return lambda: reduced(images.load(key), SIDE)


def _stored(images: ImageStore, image: ImageBuffer) -> _Stored:
    return _Stored(images.add(image), reduced(image, SIDE))


def _full() -> InvalidRequest:
    return InvalidRequest(
        "mix",
        _tr("There are {count} pictures already.").format(count=ROWS_MOST),
        hint=_tr("Take one away to make room."),
    )

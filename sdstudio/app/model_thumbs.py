"""The picture that lies beside a model file, read off the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage.pictures import load_picture

T = TypeVar("T")


def read_model_picture(
    io: IoWorker, path: str, convert: Callable[[ImageBuffer], T], done: Callable[[T | None], None]
) -> None:
    """`done(convert(picture))`, both reading and `convert` on the worker; None where it cannot be read, which is no
    reason to say a word: it only decorates."""
    io.submit(lambda: convert(load_picture(Path(path))), done, lambda _: done(None))

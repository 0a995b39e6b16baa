"""Any error that can happen in a worker, as a StudioError in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from sdstudio.domain.errors import StorageError, StudioError
from sdstudio.domain.os_words import os_reason


def _tr(text: str) -> str:
    return QCoreApplication.translate("Problems", text)


def in_words(error: BaseException) -> StudioError:
    """A StudioError as it is; a file error with the file's name; anything else as a fault of the program."""
    if isinstance(error, StudioError):
        return error
    if isinstance(error, MemoryError):
        return StudioError(
            _tr("There was not enough memory for this."),
            meaning=_tr("Nothing was changed."),
            hint=_tr("Close other programs or choose something smaller, then try again."),
        )
    if isinstance(error, OSError):
        return _file_error(error)
    return StudioError(
        _tr("Something in the program went wrong: {error}.").format(error=str(error) or type(error).__name__),
        meaning=_tr("Pictures that were finished before are safe."),
        hint=_tr("Try again; if it happens again, start the program anew. The details say more."),
    )


def _file_error(error: OSError) -> StudioError:
    reason = os_reason(error) if error.errno is not None else str(error) or type(error).__name__
    if error.filename is None:
        message = _tr("A file could not be read or written: {reason}.").format(reason=reason)
    else:
        message = _tr("“{file}” could not be read or written: {reason}.").format(file=error.filename, reason=reason)
    hint = _tr("See whether the disk is full and the folder may be written to, then try again.")
    return StorageError(message, hint=hint)

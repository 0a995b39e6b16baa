"""Typed errors. Each says what happened, what it means for the work, and what to do."""

from __future__ import annotations

from enum import StrEnum


class ErrorKind(StrEnum):
    """What sort of trouble it was; clients choose words, exit codes and remedies by it."""

    BAD_INPUT = "bad_input"
    MODEL = "model"
    OUT_OF_MEMORY = "out_of_memory"
    DEVICE_LOST = "device_lost"
    STORAGE = "storage"
    INTERNAL = "internal"


class StudioError(Exception):
    """Base of all errors that reach a person.

    `message` says what happened, `meaning` what that means for the work, `hint` what to do.
    Each is one plain sentence; `meaning` and `hint` may be empty. What is said later of the same `topic` takes its
    place on the screen; "": it stands for itself.
    """

    kind = ErrorKind.INTERNAL

    def __init__(self, message: str, *, meaning: str = "", hint: str = "", topic: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.meaning = meaning
        self.hint = hint
        self.topic = topic

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self.meaning, self.hint) if part)


class InvalidRequest(StudioError):
    """A value that cannot be: `field` names the request's field, for showing it beside its control."""

    kind = ErrorKind.BAD_INPUT

    def __init__(self, field: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class UnreadableFile(StudioError):
    """A file that is missing, broken, too large, or not what its name says."""

    kind = ErrorKind.BAD_INPUT


class ModelError(StudioError):
    """A model that is missing, damaged, or of a kind that cannot do what was asked."""

    kind = ErrorKind.MODEL


class OutOfMemory(StudioError):
    """The device had too little memory for a step that was asked for."""

    kind = ErrorKind.OUT_OF_MEMORY


class DeviceLost(StudioError):
    """The graphics card refuses all further work of this process: nothing helps but a new start."""

    kind = ErrorKind.DEVICE_LOST


class StorageError(StudioError):
    """A picture or a setting could not be written."""

    kind = ErrorKind.STORAGE


class CancelledByUser(Exception):
    """Raised inside the engine when its cancel token is set; never shown as an error."""

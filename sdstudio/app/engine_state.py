"""Whether the engine is ready."""

from __future__ import annotations

from enum import Enum


class EngineState(Enum):
    """STARTING until the libraries and the model are read; BROKEN when that failed (`EngineBridge.failure` says why).

    BROKEN does not end it: a job that is sent later tries again, and READY follows when it gets through.
    """

    STARTING = "starting"
    READY = "ready"
    BROKEN = "broken"

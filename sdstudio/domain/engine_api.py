"""The engine as its clients know it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from sdstudio.domain.events import EngineEvent
    from sdstudio.domain.image import ImageBuffer
    from sdstudio.domain.request import JobRequest, ModelSpec

Emit: TypeAlias = "Callable[[EngineEvent], None]"


class CancelToken:
    """Set from any thread; looked at by the engine many times a step."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What the engine runs on: "CPU", "NVIDIA GeForce RTX 3060" …; memory in bytes (0 = not known). `devices` are all
    that it could run on beside the CPU, each with the name by which it is chosen ("cuda:0") and one for people.
    `missing`: the name of the device that was chosen and is not there, "" else; then it runs on the best there is.
    `no_card`: sentences that say why it runs on the CPU though it could use a graphics card; "" else."""

    device: str
    device_kind: str
    threads: int
    memory_total: int = 0
    devices: tuple[tuple[str, str], ...] = ()
    missing: str = ""
    no_card: str = ""


class Engine(Protocol):
    """Called from one thread only, its own; `CancelToken` is the one thing that others touch."""

    def info(self) -> EngineInfo: ...

    def warm_up(self, model: ModelSpec) -> None:
        """Reads the model and makes the libraries ready, so that the first picture need not wait."""

    def run(self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken) -> None:
        """Runs one job to its end; emits from the calling thread. Never raises for what a user can meet:
        the last event is Finished, Cancelled or Failed."""

    def close(self) -> None:
        """Gives models and memory back. The engine is not used afterwards."""


class ImageSource(Protocol):
    """Where the engine gets the pictures that a request names by hash."""

    def load(self, sha256: str) -> ImageBuffer:
        """Raises UnreadableFile when the picture is not (any more) in the store."""


EngineFactory = Callable[[], Engine]
"""Called in the engine's thread; this is where torch is imported."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Tokens of a prompt without begin and end marks, and how many fit into its chunks of 75 (75, 150, …)."""

    used: int
    room: int


NOTHING_LEARNT: Mapping[str, int] = MappingProxyType({})


class TokenCounter(Protocol):
    """Light enough for any worker thread: needs the model's tokenizer files, not torch."""

    def count(self, model: ModelSpec, prompt: str, learnt: Mapping[str, int] = NOTHING_LEARNT) -> TokenCount:
        """`learnt`: the words that textual inversions have taught, and how many vectors each takes."""

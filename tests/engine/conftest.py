"""Tiny real models, made once a run, and an engine with one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import EngineEvent
from sdstudio.domain.request import JobRequest
from sdstudio.engine.engine import TorchEngine
from tests.helpers.tiny_models import ZERO_SNR_SCHEDULER, ImagesInMemory, make_tiny_model

Run = Callable[..., list[EngineEvent]]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Epsilon prediction, AutoencoderKL."""
    return make_tiny_model(tmp_path_factory.mktemp("tiny-kl"))


@pytest.fixture(scope="session")
def zero_snr_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """V prediction with zero terminal SNR, AutoencoderTiny: as the starter model is."""
    folder = tmp_path_factory.mktemp("tiny-zero-snr")
    return make_tiny_model(folder, vae="AutoencoderTiny", scheduler=ZERO_SNR_SCHEDULER)


@pytest.fixture
def images() -> ImagesInMemory:
    return ImagesInMemory()


@pytest.fixture
def engine(tmp_path: Path, images: ImagesInMemory) -> Iterator[TorchEngine]:
    made = TorchEngine(images=images, upscaler=tmp_path / "no-upscaler", threads=1)
    yield made
    made.close()


@pytest.fixture
def run(engine: TorchEngine) -> Run:
    """run(request, cancel=None, on_event=None) -> all events."""

    def run_request(
        request: JobRequest,
        cancel: CancelToken | None = None,
        on_event: Callable[[EngineEvent], None] | None = None,
    ) -> list[EngineEvent]:
        events: list[EngineEvent] = []

        def emit(event: EngineEvent) -> None:
            events.append(event)
            if on_event is not None:
                on_event(event)

        engine.run("job", request, emit, cancel or CancelToken())
        return events

    return run_request

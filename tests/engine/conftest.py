"""Tiny real models, made once a run, and an engine with one thread."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import EngineEvent
from sdstudio.domain.request import JobRequest

if TYPE_CHECKING:
    # Where there are several workers, the process that starts them reads this file too: seconds before any of them.
    from sdstudio.engine.engine import TorchEngine
    from tests.helpers.tiny_models import ImagesInMemory

Run = Callable[..., list[EngineEvent]]


@pytest.fixture(scope="module", autouse=True)
def libraries_frozen() -> None:
    """The engine collects garbage whenever a model goes. What torch and its libraries are made of lives to the end:
    walking it each time took half of these tests' time. Module by module, since the libraries import late."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def libraries_remember() -> Iterator[None]:
    """What the libraries work out anew for each model and each picture, though it is always the same."""
    from tests.helpers.remembered import remember

    with pytest.MonkeyPatch.context() as patch:
        remember(patch)
        yield


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Epsilon prediction, AutoencoderKL."""
    from tests.helpers.tiny_models import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("tiny-kl"))


@pytest.fixture(scope="session")
def zero_snr_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """V prediction with zero terminal SNR, AutoencoderTiny: as the starter model is."""
    from tests.helpers.tiny_models import ZERO_SNR_SCHEDULER, make_tiny_model

    folder = tmp_path_factory.mktemp("tiny-zero-snr")
    return make_tiny_model(folder, vae="AutoencoderTiny", scheduler=ZERO_SNR_SCHEDULER)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "keeps_engine: one engine for all tests of the file, as one is for all jobs")
    # Importing torch and building networks makes objects by the ten thousand, all of which stay: as it comes, all of
    # them are walked again and again. The engine collects by itself whenever a model goes.
    gc.set_threshold(20_000, 20, 100)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TorchEngine, ImagesInMemory]]:
    from tests.helpers.tiny_models import ImagesInMemory

    images = ImagesInMemory()
    made = _engine(images, tmp_path_factory.mktemp("kept"))
    yield made, images
    made.close()


def _engine(images: ImagesInMemory, folder: Path) -> TorchEngine:
    from sdstudio.engine.engine import TorchEngine

    return TorchEngine(images=images, upscaler=folder / "no-upscaler", threads=1)


@pytest.fixture
def images(request: pytest.FixtureRequest) -> ImagesInMemory:
    from tests.helpers.tiny_models import ImagesInMemory

    keeps = request.node.get_closest_marker("keeps_engine") is not None
    return request.getfixturevalue("kept")[1] if keeps else ImagesInMemory()


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path, images: ImagesInMemory) -> Iterator[TorchEngine]:
    """Of the test alone, and the model is read anew, but in files marked with keeps_engine."""
    if request.node.get_closest_marker("keeps_engine") is not None:
        yield request.getfixturevalue("kept")[0]
        return
    made = _engine(images, tmp_path)
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

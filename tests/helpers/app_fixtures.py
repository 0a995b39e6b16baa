"""A whole application without a window: AppContext on a temporary home, with the fake engine.

Used by the tests of app and ui (imported in tests/gui/conftest.py):
    def test_it(ready_context, qtbot): ...
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext, complete_context
from sdstudio.app.engine_state import EngineState
from sdstudio.app.front_context import build_front
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.engine_api import NOTHING_LEARNT, EngineFactory, TokenCount, TokenCounter
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.engine.fake import FakeEngine, FakeEngineFactory
from sdstudio.jobs.job_images import JobImages
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.paths import AppPaths

MakeContext = Callable[[], AppContext]
MODEL = ModelSpec(name="Starter", path="/models/starter", hash="0123456789")
GATE_TIMEOUT_S = 20.0
CARD = """---
license: mit
sdstudio:
  name: {name}
  steps: 4
  guidance_scale: 3.5
  sampler: DDIM
  size: 64x64
  sizes: [64x64, 128x64, 64x128]
  examples: ["a red apple on a blue background", "a white lighthouse by the sea"]
---
A model for tests.
"""


class HeldFactory(FakeEngineFactory):
    """With `hold()`, making an engine takes until `let_go()`: the time in which the real one imports its libraries."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self._go = threading.Event()
        self._go.set()

    def hold(self) -> None:
        self._go.clear()

    def let_go(self) -> None:
        self._go.set()

    def __call__(self) -> FakeEngine:
        self.asked.set()
        if not self._go.wait(GATE_TIMEOUT_S):
            raise AssertionError("the test never let the engine start")
        return super().__call__()


class WordCounter:
    """A TokenCounter that takes each word for one token; `before` is called first, to hold it up or to raise."""

    def __init__(self) -> None:
        self.before: Callable[[str], None] | None = None
        self.asked: list[tuple[str, str]] = []
        self.learnt: list[dict[str, int]] = []

    def count(self, model: ModelSpec, prompt: str, learnt: Mapping[str, int] = NOTHING_LEARNT) -> TokenCount:
        self.asked.append((model.name, prompt))
        self.learnt.append(dict(learnt))
        if self.before is not None:
            self.before(prompt)
        used = sum(learnt.get(word, 1) for word in prompt.split())
        return TokenCount(used=used, room=75 * max(1, -(-used // 75)))


def write_model(folder: Path, name: str, weights: bytes = b"weights") -> Path:
    """A folder that the catalog takes for a model in diffusers layout. Nothing can load it."""
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}), "utf-8")
    (folder / "README.md").write_text(CARD.format(name=name), "utf-8")
    (folder / "unet" / "config.json").write_text(json.dumps({"cross_attention_dim": 768, "sample_size": 8}), "utf-8")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(weights)
    return folder


def make_request(prompt: str = "a red apple", *, seed: int = 7, count: int = 1, steps: int = 4) -> GenerationRequest:
    return GenerationRequest(
        prompt=PromptSpec(positive=prompt),
        sampling=SamplingSpec(seed=seed, count=count, steps=steps, sampler="DDIM"),
        model=MODEL,
        size=Size(64, 64),
    )


def delete_what_waits() -> None:
    """Carries out every deleteLater: widgets must be gone before the models that they show."""
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def build_context(
    paths: AppPaths, *, engine: EngineFactory, counter: TokenCounter, built_in: Path, app_version: str = "0.0.test"
) -> AppContext:
    """Both steps of a start at once, for tests that need no window in between."""
    front = build_front(paths, counter=counter, built_in=built_in)
    images = JobImages(ImageStore(paths.images))
    return complete_context(front, engine=engine, images=images, app_version=app_version)


@pytest.fixture
def app_paths(home: Path) -> AppPaths:
    return AppPaths.below(home / "sdstudio")


@pytest.fixture
def engine() -> HeldFactory:
    """The engine factory of the contexts: `engine.script` says what happens, `engine.calls` what was asked."""
    return HeldFactory()


@pytest.fixture
def counter() -> WordCounter:
    return WordCounter()


@pytest.fixture
def built_in(tmp_path: Path) -> Path:
    return write_model(tmp_path / "starter", "Starter")


@pytest.fixture
def make_context(
    qapp: object, app_paths: AppPaths, engine: HeldFactory, counter: WordCounter, built_in: Path
) -> Iterator[MakeContext]:
    """Builds a context as a start of the program would; several can follow each other on the same home.

    What is still open at the end is closed, which must succeed.
    """
    made: list[AppContext] = []

    def make() -> AppContext:
        made.append(build_context(app_paths, engine=engine, counter=counter, built_in=built_in))
        return made[-1]

    yield make
    delete_what_waits()
    closed = [context.close() for context in made]
    assert all(closed), "a context could not be closed in time"


@pytest.fixture
def context(make_context: MakeContext) -> AppContext:
    """Built, with nothing started: the engine's thread does not run yet."""
    return make_context()


@pytest.fixture
def ready_context(context: AppContext, qtbot: QtBot) -> AppContext:
    """Started; the engine is ready, models and pictures were looked for."""
    with qtbot.waitSignals([context.catalog.refreshed, context.gallery.refreshed]):
        context.start()
    qtbot.waitUntil(lambda: context.bridge.state is EngineState.READY)
    return context


@pytest.fixture
def io(qapp: object) -> Iterator[IoWorker]:
    worker = IoWorker()
    yield worker
    assert worker.close(), "the io worker did not end in time"

"""The command line with a scripted engine, in a folder of its own; also as a program for tests that send signals."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdstudio.cli.services import CliServices
from sdstudio.domain.checks import CheckResult
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.hashes import HashCache
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.settings import Settings
from tests.helpers.scripted_engine import ScriptedEngine

CARD = "---\nsdstudio: {name: Starter, steps: 4, guidance_scale: 3.5, sampler: DDIM, size: 64x72}\n---\n"


def starter(folder: Path) -> Path:
    """A model folder with all that the catalog looks at."""
    (folder / "unet").mkdir(parents=True, exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    (folder / "unet" / "config.json").write_text("{}")
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"weights")
    (folder / "README.md").write_text(CARD)
    return folder


@dataclass
class CliDesk:
    """`services` make a new runner around `engine` each time; `made` counts the engines asked for."""

    folder: Path
    engine: ScriptedEngine = field(default_factory=ScriptedEngine)
    checks: tuple[CheckResult, ...] = (CheckResult(name="libraries", ok=True, words="all there"),)
    made: int = 0

    @property
    def paths(self) -> AppPaths:
        return AppPaths.below(self.folder)

    def make_runner(self) -> JobRunner:
        return JobRunner(
            journal=Journal(self.paths.journal),
            results=lambda: self.paths.results,
            engine=self.make_engine,
            images=JobImages(ImageStore(self.paths.images)),
            app_version="0.1",
        )

    def make_engine(self) -> ScriptedEngine:
        self.made += 1
        return self.engine

    def bench(self) -> Iterable[Mapping[str, Any]]:
        yield {"what": "nothing", "seconds": 0.5}

    @property
    def services(self) -> CliServices:
        return CliServices(
            paths=self.paths,
            settings=Settings(),
            catalog=ModelCatalog(
                starter(self.folder / "starter"),
                [self.paths.models],
                HashCache(self.paths.hashes_file),
                ModelIndex(self.paths.model_index),
            ),
            make_runner=self.make_runner,
            images=ImageStore(self.paths.images),
            selftest=lambda: self.checks,
            benches={"nothing": self.bench},
            version="0.1",
        )


class SlowDesk(CliDesk):
    """Says “loading” or “step” on stderr and then waits for a signal that interrupts it."""

    def __init__(self, folder: Path, where: str) -> None:
        super().__init__(folder, ScriptedEngine(before_step=self._wait_in_step))
        self._where = where

    def make_engine(self) -> ScriptedEngine:
        if self._where == "loading":
            self._wait("loading")
        return super().make_engine()

    def _wait_in_step(self, _index: int, step: int) -> None:
        if step == 2:
            self._wait("step")

    def _wait(self, word: str) -> None:
        import select
        import signal

        ours = signal.getsignal(signal.SIGINT)
        interrupted: list[int] = []

        def noted(number: int, frame: Any) -> None:
            interrupted.append(number)
            assert callable(ours)
            ours(number, frame)

        signal.signal(signal.SIGINT, noted)
        print(word, file=sys.stderr, flush=True)
        for _ in range(3000):
            if interrupted:
                break
            select.select([], [], [], 0.01)
        signal.signal(signal.SIGINT, ours)


if __name__ == "__main__":
    from sdstudio.cli.main import main

    sys.exit(main(sys.argv[3:], SlowDesk(Path(sys.argv[1]), sys.argv[2]).services))

"""What the commands work with; put together by the wiring."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdstudio.domain.checks import CheckResult
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.catalog import ModelCatalog
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_library import ModelLibrary
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.settings import Settings

SelfTest = Callable[[], Iterable[CheckResult]]
"""The engine's own checks (its libraries, its device); imports torch when called."""

Bench = Callable[[], Iterable[Mapping[str, Any]]]
"""Yields one plain JSON object a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CliServices:
    """Nothing here has imported torch yet; `make_runner` gives a runner whose engine is made at its first job."""

    paths: AppPaths
    settings: Settings
    catalog: ModelCatalog
    make_runner: Callable[[], JobRunner]
    images: ImageStore
    selftest: SelfTest
    benches: Mapping[str, Bench]
    version: str

    @property
    def results_folder(self) -> Path:
        return self.paths.results_folder(self.settings.results_folder)

    @property
    def library(self) -> ModelLibrary:
        """All model files: of our own folder and of those that were added."""
        added = (Path(folder).expanduser() for folder in self.settings.model_folders)
        return ModelLibrary(ModelIndex(self.paths.model_index), [self.paths.models, *added])

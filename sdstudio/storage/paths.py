"""Where a person's files are."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

HOME_VARIABLE = "SDSTUDIO_HOME"
PORTABLE_MARK = "portable"
RESULTS_NAME = "SD Studio"


@dataclass(frozen=True, slots=True)
class AppPaths:
    """Five folders, none of which need exist: each is made by the one who first writes into it."""

    results: Path
    config: Path
    data: Path
    cache: Path
    logs: Path

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.toml"

    @property
    def session_file(self) -> Path:
        return self.config / "session.json"

    @property
    def journal(self) -> Path:
        return self.data / "journal"

    @property
    def canvas(self) -> Path:
        """The journal of the canvas that is open."""
        return self.data / "canvas"

    @property
    def images(self) -> Path:
        """The content-addressed store of pictures that go into jobs."""
        return self.data / "images"

    @property
    def models(self) -> Path:
        return self.data / "models"

    @property
    def thumbnails(self) -> Path:
        return self.cache / "thumbnails"

    @property
    def hashes_file(self) -> Path:
        return self.cache / "hashes.json"

    @property
    def model_index(self) -> Path:
        return self.cache / "models.sqlite"

    def results_folder(self, chosen: str) -> Path:
        """Where finished pictures go: the folder of the settings, or the usual one when that is ""."""
        return Path(chosen).expanduser() if chosen else self.results

    @classmethod
    def below(cls, home: Path) -> AppPaths:
        """Everything in one folder: portable mode, and tests."""
        return cls(home / "Pictures", home / "config", home / "data", home / "cache", home / "logs")

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> AppPaths:
        """`SDSTUDIO_HOME` first, then a file “portable” beside the frozen program, then the platform's own places."""
        home = environ.get(HOME_VARIABLE)
        if home:
            return cls.below(Path(home).expanduser().absolute())
        if getattr(sys, "frozen", False):
            beside = Path(sys.executable).resolve().parent
            if (beside / PORTABLE_MARK).exists():
                return cls.below(beside / "data")
        name = "sdstudio" if sys.platform.startswith("linux") else "SD Studio"
        dirs = platformdirs.PlatformDirs(name, appauthor=False, roaming=False)
        return cls(
            results=dirs.user_pictures_path / RESULTS_NAME,
            config=dirs.user_config_path,
            data=dirs.user_data_path,
            cache=dirs.user_cache_path,
            logs=dirs.user_log_path,
        )

"""A pytest plugin that makes modules unimportable: SDSTUDIO_BLOCK=PySide6,torch pytest -p tests.helpers.block_imports

What passes under it needs none of them, and that is how the layers are proven. Also used without pytest: `install()`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

QT_SETTINGS = ("qt_api", "qt_log_level_fail", "qt_default_raising", "qt_no_exception_capture", "qt_log_ignore")


class Blocker:
    """Stands first in sys.meta_path and refuses the modules called `names` and everything in them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} must not be needed here (blocked by SDSTUDIO_BLOCK)", name=name)
        return None


def blocked_names(environ_value: str) -> list[str]:
    return [name.strip() for name in environ_value.split(",") if name.strip()]


def install(names: Iterable[str]) -> None:
    """From now on `names` cannot be imported. Raises RuntimeError if one of them has been already."""
    blocker = Blocker(names)
    early = sorted(blocker.names & sys.modules.keys())
    if early:
        raise RuntimeError(f"too late to block {', '.join(early)}: imported already")
    sys.meta_path.insert(0, blocker)


def pytest_addoption(parser: pytest.Parser) -> None:
    names = blocked_names(os.environ.get("SDSTUDIO_BLOCK", ""))
    install(names)
    if "PySide6" in names:
        # pytest-qt has to stay out; its settings in pyproject.toml must not look like mistakes then.
        for setting in QT_SETTINGS:
            parser.addini(setting, "pytest-qt's own, unused here")

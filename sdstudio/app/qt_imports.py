"""PySide6 without its look into the source of every module that is imported after it."""

from __future__ import annotations

import importlib
import logging
from types import ModuleType

import PySide6.QtCore  # noqa: F401 - puts its own import function in place

log = logging.getLogger(__name__)


def leave_sources_alone() -> None:
    """Before other modules are imported; may be called again.

    PySide6 asks of every module whether it speaks of PySide6 (only then may it choose another spelling of Qt's names).
    For that it reads its whole source, into a cache that is kept: 2,700 files and 130 MB of memory with the engine's
    libraries. We choose no other spelling, and so “it does not” is right for all of them.
    """
    feature = importlib.import_module("shibokensupport.feature")  # inside PySide6's own library; it has no types
    if hasattr(feature, "_mod_uses_pyside"):
        feature.__dict__["_mod_uses_pyside"] = _speaks_of_no_qt
    else:
        log.info("This PySide6 finds out in another way which modules use it")


def _speaks_of_no_qt(_module: ModuleType) -> bool:
    return False

"""What “About” says of this copy and this computer, and the report that can be copied from there."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QCoreApplication, qVersion

from sdstudio.domain.engine_api import EngineInfo
from sdstudio.storage.crash_report import APP_LOG, is_frozen, last_lines, redacted
from sdstudio.storage.paths import AppPaths

LICENCES = "THIRD_PARTY_LICENSES.txt"


def _tr(text: str) -> str:
    return QCoreApplication.translate("About", text)


@dataclass(frozen=True, slots=True)
class Folder:
    """One of the places where a person's things are."""

    name: str
    path: Path


def folders(paths: AppPaths, results: Path) -> tuple[Folder, ...]:
    """`results`: where pictures go now."""
    return (
        Folder(_tr("Pictures"), results),
        Folder(_tr("Models"), paths.models),
        Folder(_tr("Settings"), paths.config),
        Folder(_tr("Canvas and queue"), paths.data),
        Folder(_tr("Logs"), paths.logs),
    )


def device_words(info: EngineInfo | None) -> str:
    """What pictures are computed on, for people."""
    if info is None:
        return _tr("Not known yet: the engine is still being made ready.")
    where = _tr("the processor") if info.device_kind == "cpu" else info.device
    words = _tr("Pictures are made with {device}, {count} threads").format(device=where, count=info.threads)
    if info.memory_total:
        words += _tr(", {memory:.1f} GB of memory").format(memory=info.memory_total / 2**30)
    return f"{words}. {info.no_card}".rstrip()


def card_news(info: EngineInfo) -> str:
    """Why no graphics card is used, where that is news: from source, torch may have come with CUDA for a computer that
    never had a card; the download was chosen."""
    return info.no_card if is_frozen() else ""


def licences_file() -> Path | None:
    """All licence texts, which the installed program carries in its folder; a checkout has none."""
    file = Path(sys.executable).resolve().parent / LICENCES
    return file if is_frozen() and file.is_file() else None


def report(version: str, info: EngineInfo | None, logs: Path, screen: str) -> str:
    """For whoever is to help: in English as it is, without prompts, pictures and names of files. `screen`: what windows
    are shown by, such as "wayland"."""
    engine = "not ready" if info is None else f"{info.device} ({info.device_kind}), {info.threads} threads"
    memory = f", {info.memory_total / 2**30:.1f} GB" if info is not None and info.memory_total else ""
    missing = f", {info.missing} is not there" if info is not None and info.missing else ""
    no_card = [info.no_card] if info is not None and info.no_card else []
    window = f"Qt {qVersion()} on {screen}"
    lines = [
        f"SD Studio {version}, {'installed' if is_frozen() else 'from source'}",
        f"{platform.platform()}, Python {platform.python_version()}, {window}",
        f"Engine: {engine}{memory}{missing}",
        *no_card,
        "",
        "The last lines of the log, without words in quotes and names of files:",
        *(redacted(line) for line in last_lines(logs / APP_LOG)),
    ]
    return "\n".join(lines) + "\n"

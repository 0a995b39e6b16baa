"""After a crash, the next start says so once and offers the folder of the report. Nothing is ever sent."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication

from sdstudio.ui.banner import Banner, Message, Remedy
from sdstudio.ui.window_wiring import open_locally


def _tr(text: str) -> str:
    return QCoreApplication.translate("CrashNotice", text)


def crash_message(report: Path) -> Message:
    return Message(
        title=_tr("SD Studio ended unexpectedly last time"),
        text=_tr(
            "What was finished is safe. A report was kept on this computer; it holds no prompts and no pictures, and "
            "nothing was sent."
        ),
        remedies=(Remedy(_tr("Open its folder"), lambda: open_locally(str(report.parent))),),
        kind="warn",
    )


def tell_of_crash(banner: Banner, report: Path) -> None:
    banner.show_message(crash_message(report))

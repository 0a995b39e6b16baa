"""What is left of a crash: a report for whoever is to find the fault, without prompts, pictures or names of files."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

CRASH_LOG = "crash.log"
"""What Python's fault handler wrote while the process died; empty after any other end."""
APP_LOG = "sdstudio.log"
LOG_LINES = 60
LOG_BYTES = 64 * 1024
KEPT = 5
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|'[^']*'")
_PATH_LIKE = re.compile(r"\S*[/\\]\S*|\S+\.(?:png|jpe?g|webp|ora|safetensors)\b", re.IGNORECASE)
_LEVELS = re.compile(r"^[\d-]+ [\d:,]+ (?:INFO|WARNING|ERROR|CRITICAL) ")


def take_report(logs: Path, version: str, now: float | None = None) -> Path | None:
    """Makes a report of the crash that the last run left behind, once. None where there was no crash.

    Raises OSError where the folder cannot be written.
    """
    crash = logs / CRASH_LOG
    if not crash.is_file() or crash.stat().st_size == 0:
        return None
    moment = time.strftime("%Y-%m-%d_%H%M%S", time.localtime(now))
    report = logs / f"crash-report-{moment}.txt"
    trace = crash.read_text(encoding="utf-8", errors="replace").strip()
    report.write_text(report_text(trace, last_lines(logs / APP_LOG), version), encoding="utf-8")
    # Emptied, not removed: another process may have it open for its own end.
    crash.write_bytes(b"")
    for old in sorted(logs.glob("crash-report-*.txt"))[:-KEPT]:
        old.unlink()
    return report


def report_text(trace: str, lines: list[str], version: str) -> str:
    import platform  # a start without a crash does not wait for it

    parts = [
        f"SD Studio {version}",
        f"Python {platform.python_version()}, {platform.platform()}, {'installed' if is_frozen() else 'from source'}",
        "",
        "Where it ended (newest call first):",
        trace,
        "",
        "The last lines of the log, without words in quotes and names of files:",
        *(redacted(line) for line in lines),
    ]
    return "\n".join(parts) + "\n"


def is_frozen() -> bool:
    return bool(getattr(sys, "frozen", False))


def last_lines(log: Path) -> list[str]:
    """Only lines that begin an entry: what follows one may be anything, such as the text of an error."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - LOG_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if _LEVELS.match(line)][-LOG_LINES:]


def redacted(line: str) -> str:
    """Quoted words and everything that looks like the name of a file are what a person made or chose."""
    found = _LEVELS.match(line)
    start = found.end() if found else 0
    return line[:start] + _PATH_LIKE.sub("…", _QUOTED.sub("“…”", line[start:]))

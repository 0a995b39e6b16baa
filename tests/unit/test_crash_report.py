"""A crash leaves a report without prompts and pictures; any other end leaves none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sdstudio.storage.crash_report import APP_LOG, CRASH_LOG, KEPT, redacted, take_report
from tests.helpers.children import run_python

TRACE = 'Fatal Python error: Segmentation fault\n\nThread 0x1 (most recent call first):\n  File "x.py", line 1 in f\n'
LOG = """\
2026-11-21 20:15:00,123 INFO MainThread sdstudio.app.queue: “a secret prompt” was put into the queue
2026-11-21 20:15:01,000 WARNING engine sdstudio.jobs.runner: /media/zoe/Pictures/SD Studio/1_a-secret-prompt_7.png: full
Traceback (most recent call last): a secret prompt
2026-11-21 20:15:02,000 INFO MainThread sdstudio.app.memory: Memory given back in 12 ms
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / CRASH_LOG).write_text(TRACE, encoding="utf-8")
    (tmp_path / APP_LOG).write_text(LOG, encoding="utf-8")
    return tmp_path


def test_the_report_says_where_and_with_what(logs: Path) -> None:
    report = take_report(logs, "0.1.0")
    assert report is not None
    text = report.read_text(encoding="utf-8")
    assert text.startswith("SD Studio 0.1.0\nPython ")
    assert "Segmentation fault" in text
    assert "sdstudio.app.memory: Memory given back in 12 ms" in text


def test_it_holds_nothing_that_a_person_made(logs: Path) -> None:
    report = take_report(logs, "0.1.0")
    assert report is not None
    text = report.read_text(encoding="utf-8")
    assert "secret" not in text
    assert "zoe" not in text and "SD Studio/" not in text
    assert "WARNING engine sdstudio.jobs.runner: …" in text


def test_a_crash_is_told_once(logs: Path) -> None:
    assert take_report(logs, "0.1.0") is not None
    assert take_report(logs, "0.1.0") is None


def test_no_crash_no_report(tmp_path: Path) -> None:
    assert take_report(tmp_path / "nowhere", "0.1.0") is None
    (tmp_path / CRASH_LOG).write_bytes(b"")
    assert take_report(tmp_path, "0.1.0") is None
    assert list(tmp_path.iterdir()) == [tmp_path / CRASH_LOG]


def test_only_the_newest_reports_stay(logs: Path) -> None:
    for day in range(KEPT + 3):
        (logs / CRASH_LOG).write_text(TRACE, encoding="utf-8")
        take_report(logs, "0.1.0", now=86_400.0 * (day + 1))
    reports = sorted(path.name for path in logs.glob("crash-report-*.txt"))
    assert len(reports) == KEPT
    assert reports[-1] > f"crash-report-1970-01-0{KEPT + 2}"


def test_a_crash_without_a_log_is_reported_too(tmp_path: Path) -> None:
    (tmp_path / CRASH_LOG).write_text(TRACE, encoding="utf-8")
    report = take_report(tmp_path, "0.1.0")
    assert report is not None and "Segmentation fault" in report.read_text(encoding="utf-8")


def test_lines_of_other_forms_are_redacted_whole() -> None:
    assert redacted('he said "secret" in D:\\zoe and zoe.PNG') == "he said “…” in … and …"


@pytest.mark.skipif(sys.platform == "win32", reason="the signal is Unix's")
def test_a_process_that_dies_leaves_what_the_next_one_finds(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal\n"
        "from sdstudio import process\n"
        f"process.start_logging(pathlib.Path({str(tmp_path)!r}), to_stderr=False)\n"
        "def draw(): os.kill(os.getpid(), signal.SIGSEGV)\n"
        "draw()\n"
    )
    assert run_python(["-c", code]).returncode != 0
    report = take_report(tmp_path, "0.1.0")
    assert report is not None
    assert "in draw" in report.read_text(encoding="utf-8")

"""The checks and tests of `bootstrap.py test`: all are run, even after one has failed, and summed up at the end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bootstrap_machine import Machine, say

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff format", ("-m", "ruff", "format", "--check", "--output-format", "concise", ".")),
    ("ruff check", ("-m", "ruff", "check", "--output-format", "concise", ".")),
    ("mypy", ("-m", "mypy")),
    ("import-linter", ("-c", LINT_IMPORTS)),
)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One pytest run. `blocked` cannot be imported in it: that is how the layers are proven. `workers` was measured
    on two cores; each worker pays for its own imports, so short suites are faster in one process."""

    folder: str
    blocked: tuple[str, ...] = ()
    workers: int = 0


ENGINE_LIBRARIES = ("torch", "diffusers", "transformers", "accelerate")
SUITES = (
    Suite(folder="tests/unit", blocked=("PySide6", "shiboken6", *ENGINE_LIBRARIES), workers=2),
    Suite(folder="tests/engine", blocked=("PySide6", "shiboken6"), workers=2),
    Suite(folder="tests/gui", blocked=ENGINE_LIBRARIES, workers=2),
    Suite(folder="tests/journeys", workers=2),
    Suite(folder="tests/architecture", workers=2),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    name: str
    ok: bool
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def line(self) -> str:
        counts = f"  {self.passed} passed, {self.failed} failed, {self.skipped} skipped" if self.passed else ""
        return f"  {self.name:<20} {'ok' if self.ok else 'FAILED':<7} {self.seconds:6.1f} s{counts}"


def run_all(root: Path, python: Path, machine: Machine, arguments: Sequence[str]) -> int:
    """`arguments` go to pytest; paths among them choose the suites. 0 only if everything is in order."""
    outcomes = [_run_check(python, machine, name, check) for name, check in CHECKS]
    with tempfile.TemporaryDirectory(prefix="sdstudio-tests-") as folder:
        for suite in SUITES:
            chosen = pytest_arguments(root, suite, arguments)
            if chosen is not None:
                outcomes.append(_run_suite(python, machine, suite, chosen, Path(folder) / "report.xml"))
    say("\n" + "\n".join(outcome.line() for outcome in outcomes))
    print(closing_line(outcomes), flush=True)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def closing_line(outcomes: Sequence[Outcome]) -> str:
    """A check or a suite that failed without a failed test counts as one failure."""
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(max(outcome.failed, 0 if outcome.ok else 1) for outcome in outcomes)
    return f"{passed} passed, {failed} failed"


def pytest_arguments(root: Path, suite: Suite, arguments: Sequence[str]) -> list[str] | None:
    """The arguments of this suite's run; None where it has no tests, or those asked for lie elsewhere."""
    if not any((root / suite.folder).rglob("test_*.py")):
        return None
    paths = [text for text in arguments if (root / text.split("::")[0]).exists() and not text.startswith("-")]
    options = [text for text in arguments if text not in paths]
    if not paths:
        return [*options, suite.folder]
    here = (root / suite.folder).resolve()
    mine: list[str] = []
    for text in paths:
        place = (root / text.split("::")[0]).resolve()
        if place.is_relative_to(here):
            mine.append(text)
        elif here.is_relative_to(place):
            mine.append(suite.folder)
    return [*options, *mine] if mine else None


def suite_command(suite: Suite, arguments: Sequence[str], report: Path) -> list[str]:
    command = ["-m", "pytest", f"--junit-xml={report}"]
    if suite.blocked:
        command += ["-p", "tests.helpers.block_imports"]
    if "PySide6" in suite.blocked:
        command += ["-p", "no:pytest-qt"]
    if suite.workers:
        # Each worker begins with a part of the files and makes their fixtures; who is ready early takes over the rest.
        command += ["-n", str(suite.workers), "--dist", "worksteal"]
    return [*command, *arguments]


def _run_check(python: Path, machine: Machine, name: str, arguments: Sequence[str]) -> Outcome:
    status, seconds = _timed(name, lambda: machine.run(python, *arguments))
    return Outcome(name=name, ok=status == 0, seconds=seconds)


def _run_suite(python: Path, machine: Machine, suite: Suite, arguments: Sequence[str], report: Path) -> Outcome:
    extra = {
        "SDSTUDIO_BLOCK": ",".join(suite.blocked),
        "QT_QPA_PLATFORM": "offscreen",
        # Two threads that wait for each other on a busy machine cost seconds where one takes a tenth.
        "OMP_NUM_THREADS": "1",
    }
    report.unlink(missing_ok=True)
    command = suite_command(suite, arguments, report)
    status, seconds = _timed(suite.folder, lambda: machine.run(python, *command, extra=extra))
    # 5: nothing collected, which is in order only when the person asked for some of the tests (-k, -m).
    ok = status == 0 or (status == 5 and list(arguments) != [suite.folder])
    return Outcome(name=suite.folder, ok=ok, seconds=seconds, **read_report(report))


def read_report(report: Path) -> dict[str, int]:
    """Counts of a JUnit report; empty where the run ended before it could write one."""
    if not report.is_file():
        return {}
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        for name in counts:
            counts[name] += int(suite.get(name, "0"))
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    return {"passed": passed, "failed": failed, "skipped": counts["skipped"]}


def _timed(name: str, work: Callable[[], int]) -> tuple[int, float]:
    say(f"\n── {name}")
    start = time.monotonic()
    return work(), time.monotonic() - start

"""The checks and tests of `bootstrap.py test`: all are run, even after one has failed, and summed up at the end.

Two run beside each other: a test that waits for a window or a process leaves its core to the other's tests, and no core
is idle while the last test of a suite runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
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
LONGEST_FIRST = ("tests/engine", "tests/gui", "tests/journeys", "tests/unit", "tests/architecture", "mypy")
"""The rest follows: what is begun last is short, so the two that run beside each other end at nearly the same time."""


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


@dataclass(frozen=True, kw_only=True)
class Job:
    """A check or a suite. `work` gets the number of an open file for what is printed; None: it is shown at once."""

    name: str
    work: Callable[[int | None], Outcome]


def run_all(root: Path, python: Path, machine: Machine, arguments: Sequence[str]) -> int:
    """`arguments` go to pytest; paths among them choose the suites. 0 only if everything is in order."""
    with tempfile.TemporaryDirectory(prefix="sdstudio-tests-") as folder:
        jobs = _jobs(root, python, machine, arguments, Path(folder))
        # A person who chooses tests wants to see them run (or to talk to a debugger).
        outcomes = [_shown(job) for job in jobs] if arguments else _beside_each_other(jobs)
    say("\n" + "\n".join(outcome.line() for outcome in outcomes))
    print(closing_line(outcomes), flush=True)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _jobs(root: Path, python: Path, machine: Machine, arguments: Sequence[str], folder: Path) -> list[Job]:
    jobs = [Job(name=name, work=partial(_run_check, python, machine, name, check)) for name, check in CHECKS]
    for number, suite in enumerate(SUITES):
        chosen = pytest_arguments(root, suite, arguments)
        if chosen is not None:
            report = folder / f"report-{number}.xml"
            jobs.append(Job(name=suite.folder, work=partial(_run_suite, python, machine, suite, chosen, report)))
    return jobs


def _shown(job: Job) -> Outcome:
    say(f"\n── {job.name}")
    return job.work(None)


def _beside_each_other(jobs: Sequence[Job]) -> list[Outcome]:
    """Two at a time; what each printed is shown when it has ended. The outcomes are in the order of `jobs`."""
    say("Two checks or suites run at a time; what each has to say is shown when it has ended.")
    begun = sorted(jobs, key=lambda job: (*LONGEST_FIRST, job.name).index(job.name))
    with ThreadPoolExecutor(2) as pool:
        waiting = {job.name: pool.submit(_run_apart, job) for job in begun}
        try:
            return [waiting[job.name].result() for job in jobs]
        except BaseException:  # Ctrl+C ends those that run (they got it too); the others must not begin.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_ONE_SPEAKS = Lock()


def _run_apart(job: Job) -> Outcome:
    with tempfile.TemporaryFile() as printed:
        outcome = job.work(printed.fileno())
        printed.seek(0)
        with _ONE_SPEAKS:
            say(f"\n── {job.name}")
            sys.stderr.write(printed.read().decode("utf-8", errors="replace"))
            sys.stderr.flush()
    return outcome


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


def _run_check(python: Path, machine: Machine, name: str, arguments: Sequence[str], into: int | None) -> Outcome:
    status, seconds = _timed(lambda: machine.run(python, *arguments, into=into))
    return Outcome(name=name, ok=status == 0, seconds=seconds)


def _run_suite(
    python: Path, machine: Machine, suite: Suite, arguments: Sequence[str], report: Path, into: int | None
) -> Outcome:
    extra = {
        "SDSTUDIO_BLOCK": ",".join(suite.blocked),
        "QT_QPA_PLATFORM": "offscreen",
        # Two threads that wait for each other on a busy machine cost seconds where one takes a tenth.
        "OMP_NUM_THREADS": "1",
    }
    command = suite_command(suite, arguments, report)
    status, seconds = _timed(lambda: machine.run(python, *command, extra=extra, into=into))
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


def _timed(work: Callable[[], int]) -> tuple[int, float]:
    start = time.monotonic()
    return work(), time.monotonic() - start

"""The disk thread."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.errors import ErrorKind, StorageError, StudioError, UnreadableFile


def test_work_is_done_in_order_in_the_other_thread_and_answered_in_this_one(io: IoWorker, qtbot: QtBot) -> None:
    answers: list[tuple[int, int, int]] = []

    def submit(number: int) -> None:
        io.submit(
            lambda: (number, threading.get_ident()),
            lambda answer: answers.append((*answer, threading.get_ident())),
        )

    for number in range(50):
        submit(number)
    qtbot.waitUntil(lambda: len(answers) == 50)
    here = threading.get_ident()
    assert [number for number, _, _ in answers] == list(range(50))
    assert {there for _, there, _ in answers} != {here}
    assert {answered for _, _, answered in answers} == {here}


@pytest.mark.expects_log()
@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (UnreadableFile("“a.png” is not a picture."), ErrorKind.BAD_INPUT, "a.png"),
        (FileNotFoundError(2, "No such file or directory", "/x/y.png"), ErrorKind.STORAGE, "/x/y.png"),
        (OSError(28, "No space left on device"), ErrorKind.STORAGE, "the disk is full"),
        (MemoryError(), ErrorKind.INTERNAL, "not enough memory"),
        (ValueError("odd"), ErrorKind.INTERNAL, "odd"),
    ],
)
def test_every_failure_becomes_words(io: IoWorker, qtbot: QtBot, error: Exception, kind: ErrorKind, words: str) -> None:
    failures: list[StudioError] = []

    def work() -> None:
        raise error

    io.submit(work, failed=failures.append)
    qtbot.waitUntil(lambda: bool(failures))
    assert failures[0].kind is kind
    assert words in str(failures[0])
    answered: list[int] = []
    io.submit(lambda: 1, answered.append)
    qtbot.waitUntil(lambda: answered == [1])


@pytest.mark.expects_log("The disk is full.")
def test_a_failure_that_nobody_takes_is_logged(io: IoWorker, qtbot: QtBot) -> None:
    def work() -> None:
        raise StorageError("The disk is full.")

    done: list[None] = []
    io.submit(work)
    io.submit(lambda: None, done.append)
    qtbot.waitUntil(lambda: bool(done))


def test_close_finishes_what_was_submitted_and_takes_nothing_more(qapp: object, tmp_path: Path, qtbot: QtBot) -> None:
    io = IoWorker()
    answers: list[int] = []
    for number in range(20):
        io.submit(lambda number=number: (tmp_path / str(number)).write_text("x"), answers.append)  # type: ignore[misc]
    assert io.close()
    assert len(list(tmp_path.iterdir())) == 20
    io.submit(lambda: (tmp_path / "late").write_text("x"))
    assert io.close(), "it may be called again"
    with qtbot.waitSignal(io.destroyed):
        io.deleteLater()
    assert answers == [], "after the end nobody is called"
    assert not (tmp_path / "late").exists()


def test_close_says_no_when_the_work_takes_longer(qapp: object) -> None:
    io = IoWorker()
    gate = threading.Event()
    io.submit(lambda: gate.wait(20))
    assert io.close(20) is False
    gate.set()
    assert io.close(5000)

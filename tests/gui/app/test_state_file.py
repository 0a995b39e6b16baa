"""What comes back at the next start."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.session import Session
from sdstudio.app.state_file import StateFile
from sdstudio.domain.models import ModelInfo
from tests.helpers.app_fixtures import MODEL

INFO = ModelInfo(spec=MODEL)


def new_session() -> Session:
    return Session(INFO, lambda model: INFO if model == MODEL else None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "session.json"


def test_fields_history_and_window_come_back(qapp: object, path: Path) -> None:
    io, session = IoWorker(), new_session()
    file = StateFile(path, session, io)
    assert file.load() is False
    session.update(
        positive="a “rød” 苹果 \ud83c", negative="blur", seed=2**64 - 1, seed_locked=True, width=768, count=4
    )
    session.build_request()
    file.set_window(b"\x00\xffgeometry")
    file.set_window(b"docks", "docks")
    file.save_now()
    assert io.close()
    io, again = IoWorker(), new_session()
    second = StateFile(path, again, io)
    assert second.load() is True
    assert again.state == session.state
    assert again.history == session.history
    assert again.last_seed == 2**64 - 1
    assert (second.window(), second.window("docks"), second.window("none")) == (b"\x00\xffgeometry", b"docks", b"")
    assert io.close()


def test_changes_are_written_by_themselves(io: IoWorker, path: Path, qtbot: QtBot) -> None:
    session = new_session()
    file = StateFile(path, session, io)
    file.load()
    for number in range(20):
        session.update(positive=f"a pear {number}")
    qtbot.waitUntil(lambda: path.exists() and "a pear 19" in path.read_text("utf-8"))


def test_nothing_is_written_when_nothing_changed(io: IoWorker, path: Path, qtbot: QtBot) -> None:
    file = StateFile(path, new_session(), io)
    file.load()
    file.save_now()
    done: list[None] = []
    io.submit(lambda: None, done.append)
    qtbot.waitUntil(lambda: bool(done))
    assert not path.exists()


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[1]", b"\xff\xfe", b'{"session": 3, "window": {"geometry": "%%"}}', b"{}"]
)
def test_a_damaged_file_stops_nobody(qapp: object, path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    io, session = IoWorker(), new_session()
    before = session.state
    file = StateFile(path, session, io)
    file.load()
    assert session.state == before
    assert file.window() == b""
    assert io.close()
    kept = path.with_name("session.json.bad")
    assert not kept.exists() or kept.read_bytes() == text
    assert kept.exists() or (text.startswith(b"{") and text.endswith(b"}"))


@pytest.mark.expects_log("cannot be read")
def test_a_file_that_cannot_be_read_is_reported(io: IoWorker, path: Path) -> None:
    path.mkdir(parents=True)
    assert StateFile(path, new_session(), io).load() is False

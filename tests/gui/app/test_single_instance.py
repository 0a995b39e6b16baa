"""A second start finds the first window, whatever became of windows before."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from sdstudio.app.single_instance import Call, Doorkeeper, Doorway, call_of, enter
from tests.helpers.sources import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the folder of the sockets is Unix's")
CALL = Call(("/pictures/a “b”.png", "/pictures/\udcff.png"), "token")
CHILD = """
import sys
from pathlib import Path
from sdstudio.app.single_instance import Call, enter
keeper = enter(Path(sys.argv[1]), Call())
keeper.listen()
print("first" if keeper.first else "alone", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return tmp_path


@pytest.fixture
def first(runtime: Path) -> Iterator[Doorkeeper]:
    keeper = enter(runtime / "home", Call())
    assert keeper is not None and keeper.first
    yield keeper
    keeper.close()


def calls_of(keeper: Doorkeeper) -> list[Call]:
    calls: list[Call] = []
    keeper.called.connect(calls.append, Qt.ConnectionType.DirectConnection)
    keeper.listen()
    return calls


def test_the_second_start_hands_over_what_it_has(first: Doorkeeper, runtime: Path) -> None:
    calls = calls_of(first)
    assert enter(runtime / "home", CALL) is None
    assert enter(runtime / "home", Call()) is None
    assert calls == [CALL, Call()]


def test_it_arrives_in_the_window_s_thread(first: Doorkeeper, runtime: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(first.called) as called:
        first.listen()
        assert enter(runtime / "home", CALL) is None
    assert called.args == [CALL]


def test_a_start_that_comes_while_the_first_is_only_starting_waits(first: Doorkeeper, runtime: Path) -> None:
    ended: list[Doorkeeper | None] = []
    second = threading.Thread(target=lambda: ended.append(enter(runtime / "home", CALL)))
    second.start()
    calls = calls_of(first)
    second.join(10)
    assert ended == [None] and calls == [CALL]


def test_other_homes_and_other_screens_have_windows_of_their_own(
    first: Doorkeeper, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = enter(runtime / "other home", Call())
    monkeypatch.setenv("DISPLAY", ":8")
    screen = enter(runtime / "home", Call())
    assert other is not None and screen is not None and other.first and screen.first
    other.close()
    screen.close()


def test_when_the_first_has_closed_the_next_is_first(first: Doorkeeper, runtime: Path) -> None:
    first.listen()
    first.close()
    first.close()
    following = enter(runtime / "home", Call())
    assert following is not None and following.first
    following.close()


def test_a_closed_window_leaves_no_file_behind(first: Doorkeeper, runtime: Path) -> None:
    first.listen()
    first.close()
    assert [path for path in runtime.rglob("*") if not path.is_dir()] == []


def test_the_lock_of_a_window_that_is_just_closing_is_not_taken(first: Doorkeeper, runtime: Path) -> None:
    """Two starts come while it closes: one has opened the lock already, the other makes a new one."""
    lock = next(runtime.rglob("*.lock"))
    kept = lock.with_name("kept")
    os.link(lock, kept)
    first.close()
    following = enter(runtime / "home", Call())
    assert following is not None and following.first
    late = Doorway(runtime / "home")
    opened = lock.__class__.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda path, mode: opened(kept if path == lock else path, mode))
        with pytest.raises(TimeoutError):
            late.enter(Call(), wait_s=0)
    following.close()


def test_a_killed_window_is_in_nobody_s_way(runtime: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(runtime / "home")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "first\n"
        assert enter(runtime / "home", CALL) is None
        child.kill()
        child.wait()
    assert Path(Doorway(runtime / "home").address).exists(), "its socket is there still"
    keeper = enter(runtime / "home", Call())
    assert keeper is not None and keeper.first
    calls = calls_of(keeper)
    assert enter(runtime / "home", CALL) is None and calls == [CALL]
    keeper.close()


@pytest.mark.parametrize(
    "data", [b"", b"rubbish", b"[]", b'{"files": "a"}', b'{"files": [], "token": 1}', b"x" * (1 << 21)]
)
def test_what_is_no_call_does_no_harm(first: Doorkeeper, runtime: Path, data: bytes) -> None:
    calls = calls_of(first)
    try:
        with Client(Doorway(runtime / "home").address) as connection:
            connection.send_bytes(data)
            assert connection.poll(10)
    except OSError:
        pass  # It hung up while we were still speaking.
    assert enter(runtime / "home", CALL) is None
    assert calls == [CALL]


@pytest.mark.expects_log("does not answer")
def test_a_first_window_that_hangs_does_not_keep_the_second_from_starting(first: Doorkeeper, runtime: Path) -> None:
    second = enter(runtime / "home", CALL, wait_s=0.1)
    assert second is not None and not second.first
    second.listen()
    second.close()


@pytest.mark.expects_log("will not find this window")
def test_where_nothing_can_be_listened_at_the_window_opens_all_the_same(first: Doorkeeper, runtime: Path) -> None:
    Path(Doorway(runtime / "home").address).mkdir()
    first.listen()
    assert not first.first
    again = enter(runtime / "other home", Call())
    assert again is not None and again.first
    again.close()


@pytest.mark.expects_log("belongs to somebody else")
def test_a_folder_that_others_can_write_is_not_trusted(runtime: Path) -> None:
    folder = Path(Doorway(runtime / "home").address).parent
    folder.chmod(0o777)
    keeper = enter(runtime / "home", Call())
    assert keeper is not None and not keeper.first


def test_names_are_made_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert call_of(["a.png", "/b.png"], {}) == Call((str(tmp_path / "a.png"), "/b.png"))
    assert Call.from_bytes(CALL.to_bytes()) == CALL

"""No socket is opened by starting SD Studio (nor by importing any of it: test_headless.py), and the guards that say so
can fail."""

from __future__ import annotations

import socket

import pytest

from tests.helpers.children import run_python
from tests.helpers.no_network import NetworkUsed


def test_the_program_starts_without_a_network() -> None:
    done = run_python(["-m", "sdstudio", "--version"], offline=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_guard_of_child_processes_works() -> None:
    done = run_python(["-c", "import socket; socket.create_connection(('192.0.2.1', 9), timeout=1)"], offline=True)
    assert done.returncode != 0
    assert "NetworkUsed" in done.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: socket.create_connection(("192.0.2.1", 9), timeout=1),
        lambda: socket.getaddrinfo("example.invalid", 80),
        lambda: socket.gethostbyname("example.invalid"),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 9)),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_guard_of_the_tests_works(attempt: object, network_attempts: list[str]) -> None:
    assert callable(attempt)
    with pytest.raises(NetworkUsed, match="works without a network"):
        attempt()
    assert network_attempts
    network_attempts.clear()


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Windows makes a socketpair of network sockets")
def test_processes_of_one_machine_may_talk() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"hello")
        assert right.recv(5) == b"hello"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Windows makes a socketpair of network sockets")
def test_the_program_cannot_even_make_a_network_socket() -> None:
    code = (
        "import pathlib, socket, tempfile\n"
        "from sdstudio import process\n"
        "process.prepare(pathlib.Path(tempfile.gettempdir()))\n"
        "for family in (socket.AF_INET, socket.AF_INET6):\n"
        "    try: socket.socket(family)\n"
        "    except PermissionError: continue\n"
        "    raise SystemExit(f'{family!r} was made')\n"
        "import urllib3.util.connection\n"
        "assert urllib3.util.connection.HAS_IPV6 is False\n"
        "for end in socket.socketpair(): end.close()\n"
    )
    done = run_python(["-c", code])
    assert done.returncode == 0, done.stderr

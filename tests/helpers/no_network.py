"""Makes every attempt to reach a network raise, by Python's audit events: nothing that opens sockets gets past them.

For a child process: `PYTHONPATH=tests/helpers/offline python …` (the sitecustomize.py there).
An audit hook cannot be taken away again, so a process that has called `install` stays offline.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

EVENTS = {
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.getnameinfo",
    "socket.sendmsg",
    "socket.sendto",
}
LOCAL_FAMILIES = {getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK") if hasattr(socket, name)}


class NetworkUsed(RuntimeError):
    """Not an OSError, so that code which copes with a missing network does not hide it."""


attempts: list[str] = []


def install() -> None:
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in EVENTS:
        return
    if isinstance(arguments[0], socket.SocketType) and arguments[0].family in LOCAL_FAMILIES:
        return
    if sys.platform == "win32" and _is_loopback(arguments):
        return  # how Windows makes a socketpair
    if event == "socket.bind" and _asks_for_ipv6():
        raise OSError("this machine has no IPv6")  # the answer that the question allows
    what = f"{event} {arguments[1:] if isinstance(arguments[0], socket.SocketType) else arguments[:2]}"
    attempts.append(what)
    raise NetworkUsed(f"SD Studio works without a network, but something tried to use it: {what}")


def _asks_for_ipv6() -> bool:
    """urllib3, which diffusers imports through requests, binds a socket once at import to see whether it can."""
    frame = sys._getframe(2)
    return frame.f_code.co_name == "_has_ipv6" and frame.f_globals.get("__name__") == "urllib3.util.connection"


def _is_loopback(arguments: tuple[Any, ...]) -> bool:
    address = arguments[1] if len(arguments) > 1 else None
    return isinstance(address, tuple) and address[:1] in (("127.0.0.1",), ("::1",))

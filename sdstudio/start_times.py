"""How long a start took, as the program writes it into its log, and read from there again."""

from __future__ import annotations

import logging
import re
import time
from datetime import datetime
from typing import NamedTuple

log = logging.getLogger(__name__)

WINDOW, ENGINE = "Window painted", "Engine ready"
_LINE = re.compile(rf"^(\S+ \S+) .*: ({WINDOW}|{ENGINE}), ([\d.]+) s of CPU$", re.MULTILINE)


class Reached(NamedTuple):
    """`at`: Unix time. `cpu_s`: what all threads of the process had used by then."""

    at: float
    cpu_s: float


def note(what: str) -> None:
    """Writes down that the start has come as far as WINDOW or ENGINE."""
    log.info("%s, %.2f s of CPU", what, time.process_time())


def reached(text: str) -> dict[str, Reached]:
    """What the start that `text`, a log as process.start_logging writes it, is about has come to; the first of each."""
    found: dict[str, Reached] = {}
    for when, what, cpu in _LINE.findall(text):
        # “2026-11-22 02:30:00,123” in local time, as logging writes it.
        found.setdefault(what, Reached(datetime.strptime(when, "%Y-%m-%d %H:%M:%S,%f").timestamp(), float(cpu)))
    return found

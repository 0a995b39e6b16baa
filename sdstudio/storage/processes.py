"""Which process owns something on disk, and whether it still lives."""

from __future__ import annotations

from functools import cache

CLOCK_SLACK_S = 2.0
"""By how much one process's start may differ between two looks: Linux counts it from a boot time that is corrected
now and then."""


@cache
def own_start(pid: int) -> float:
    """When this process began, in Unix time. `pid` is the key of the cache, so that a forked child asks anew."""
    import psutil  # 20 ms, and asked for only after the window is there

    return psutil.Process(pid).create_time()


def alive(pid: int, started: float) -> bool:
    """True when the very process that was noted still runs: its number alone may have been given to another."""
    import psutil

    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) <= CLOCK_SLACK_S and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        return False
    except psutil.AccessDenied:
        return True  # It exists and is someone else's: not ours to take over.

"""`sdstudio [FILE…]` opens the window; `sdstudio COMMAND …` runs one command without Qt."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 failed, 2 bad input, 130 Ctrl+C."""
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()
    # Nothing that is imported becomes garbage: collections would only walk it again and again. The window's own
    # collector follows (app/collector.py).
    gc.disable()
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        from sdstudio import wiring

        if wiring.is_command(args):
            gc.enable()
            return wiring.cli_main(args)
        return wiring.window_main(args)
    except KeyboardInterrupt:
        # Ctrl+C while the first modules are still being read: commands handle it themselves later.
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

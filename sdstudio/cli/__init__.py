"""The command line: the second client beside the window. No Qt, no torch."""

from __future__ import annotations

COMMANDS: tuple[str, ...] = (
    "generate",
    "img2img",
    "inpaint",
    "outpaint",
    "read",
    "upscale",
    "models",
    "convert",
    "selftest",
    "bench",
)
"""What the first argument can be, so that a command can be told from a file without loading any of them."""

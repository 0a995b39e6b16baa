"""Read only where base_library.zip, which comes before this folder, is missing or cut short: then this says so.

Python looks for “encodings” before anything else, and without it can start nothing at all, nor print in words why.
Windows shows a box of its own instead.
"""

from posix import _exit, write

write(
    2,
    b"SD Studio is damaged: base_library.zip is missing or not whole. "
    b"Your pictures, models and settings are elsewhere and safe. Install SD Studio again.\n",
)
_exit(1)

"""What the operating system's complaint about a file means, in plain words instead of error numbers."""

from __future__ import annotations

import errno

_WORDS = {
    "EACCES": "the system does not allow it",
    "EPERM": "the system does not allow it",
    "EROFS": "the disk can only be read",
    "ENOSPC": "the disk is full",
    "EDQUOT": "your share of the disk is used up",
    "EFBIG": "the file would be larger than that disk allows",
    "ENOENT": "it is not there",
    "ENOTDIR": "a file is where a folder should be",
    "EEXIST": "something of that name is there already",
    "EISDIR": "it is a folder",
    "ENOTEMPTY": "the folder is not empty",
    "ENAMETOOLONG": "the name is too long",
    "ELOOP": "a link leads back to itself",
    "EIO": "the disk reports a fault",
    "EBUSY": "another program is using it",
    "ETXTBSY": "another program is using it",
    "EMFILE": "too many files are open",
    "ENFILE": "too many files are open",
    "ENODEV": "the disk is not connected any more",
    "ENXIO": "the disk is not connected any more",
    "ESTALE": "the disk is not connected any more",
    "ENOTCONN": "the disk is not connected any more",
    "ETIMEDOUT": "the disk does not answer",
    "EHOSTDOWN": "the disk does not answer",
}
_BY_NUMBER = {getattr(errno, name): words for name, words in _WORDS.items() if hasattr(errno, name)}
_WINDOWS_SHARING = (32, 33)
"""ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION; Python calls both "permission denied"."""


def os_reason(error: OSError) -> str:
    """Half a sentence for after a colon; the system's own words where none are known here."""
    if getattr(error, "winerror", None) in _WINDOWS_SHARING:
        return _WORDS["EBUSY"]
    known = _BY_NUMBER.get(error.errno or 0)
    return known or (error.strerror or "the system gives no reason").rstrip(".")


def os_words(error: OSError) -> str:
    """`os_reason` with the file's name, where the system told it."""
    if error.errno is None:
        return str(error) or type(error).__name__  # Made by a library, with words of its own.
    reason = os_reason(error)
    return reason if error.filename is None else f"“{error.filename}”: {reason}"

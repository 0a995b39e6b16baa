"""What a file is that is no model, by its first bytes."""

from __future__ import annotations

import re
import struct

from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import Refusal, broken, size_words, unsafe, unsupported

START_BYTES = 4096
_GGUF_BYTES = 65_536

_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x89HDF\r\n", "an HDF5 file (Keras)"),
    (b"SQLite format 3", "a database"),
    (b"\x93NUMPY", "a numpy array"),
    (b"TFL3", "a TensorFlow Lite model"),
)
_PROGRAMS = (
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"#!", "a script"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
)
_TAR_SIGN = 257
_LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\s+oid sha256:([0-9a-f]{64})\s+size (\d{1,15})\s")


def stranger(file: OpenFile, start: bytes) -> Refusal | None:
    """Names what is surely no model that SD Studio could read; None: look closer."""
    if file.size == 0:
        return broken("an empty file")
    found = _LFS.match(start)
    if found is not None:
        return broken(f"an LFS pointer: the model itself ({size_words(int(found[2]))}) was never downloaded")
    if start.startswith(b"version https://git-lfs"):
        return broken("an LFS pointer: the model itself was never downloaded")
    head = start[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return broken(f"an HTML page saved as {file.suffix or 'a model'}: the download asked for a log-in or failed")
    if head.startswith((b"<?xml", b"<error", b"<svg")):
        return broken(f"an XML page saved as {file.suffix or 'a model'}: the download failed")
    if start.startswith(b"GGUF"):
        return unsupported(_gguf(file))
    for sign, what in _PROGRAMS:
        if start.startswith(sign):
            return unsafe(f"{what} that is named like a model")
    what = next((what for sign, what in _SIGNS if start.startswith(sign)), "")
    if not what and start[8:12] == b"WEBP":
        what = "a WebP picture"
    if what:
        return unsupported(what, "not a model")
    if start[_TAR_SIGN : _TAR_SIGN + 5] == b"ustar":
        return unsupported("a tar archive", "nothing in it was unpacked or run")
    return _emptiness_or_text(file, start, head)


def _emptiness_or_text(file: OpenFile, start: bytes, head: bytes) -> Refusal | None:
    if not start.strip(b"\0"):
        return broken("nothing but zeros: a download that was only begun")
    if head.startswith((b"{", b"[")):
        # Pickles of protocol 0 can begin so as well, but never with a quote behind it.
        if re.match(rb"[\[{]\s*[\"\[{}\]\d]", head):
            error = re.search(rb"\"(?:error|message)\"\s*:\s*\"([^\"]{1,80})", start)
            detail = f" ({error[1].decode('utf-8', 'replace')})" if error else ""
            return broken(f"a JSON text, no model{detail}")
        return None
    if file.size <= START_BYTES and _is_prose(start):
        return broken("a text, no model")
    return None


def _is_prose(start: bytes) -> bool:
    """Letters and spaces; a pickle of protocol 0 is also text, but has the opcodes of lines at their ends."""
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return text.isprintable() or (" " in text and not text.rstrip().endswith("."))


def _gguf(file: OpenFile) -> str:
    """The architecture stands among the first key-value pairs."""
    data = file.peek(0, _GGUF_BYTES)
    key = b"general.architecture"
    place = data.find(struct.pack("<Q", len(key)) + key)
    if place < 0:
        return "GGUF"
    place += 8 + len(key)
    kind, length = struct.unpack_from("<IQ", data.ljust(place + 12, b"\0"), place)
    name = data[place + 12 : place + 12 + min(length, 40)].decode("utf-8", "replace") if kind == 8 else ""
    return f"GGUF ({name})" if name.isprintable() and name else "GGUF"

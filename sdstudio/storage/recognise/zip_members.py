"""The list of what a zip archive of torch holds, read with limits; such archives are never compressed."""

from __future__ import annotations

import struct

from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import Refusal, broken, unsafe, unsupported
from sdstudio.storage.recognise.zip_entries import ENTRY_BYTES, LOCAL_BYTES, SIGN, Members

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_BYTES, _COMMENT_MAX = 22, 65_535
_LIST_BYTES_MAX = 16 * 2**20
_MEMBERS_MAX = 65_535
"""Five times as many as the largest training states have storages."""
_UNUSUAL_MAX = 20_000
"""If they have to be read one by one."""
_EXTRAS_MAX = 8
"""Fields of a member beside those that all have; common programs write two or three."""
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_STORED = 0
_ENTRY = struct.Struct("<4s4x2H8x2L3H8xL")
"""Of an entry's fields: its sign, flags, method, both sizes, the lengths of what follows, where its header is."""
_FEW = 64
"""Members for which it does not pay to read them side by side."""


def is_zip(start: bytes) -> bool:
    return start.startswith(b"PK\x03\x04")


def read_members(file: OpenFile) -> Members:
    """Raises Refusal for an archive that is incomplete, compressed, overlapping or otherwise not as torch writes it."""
    count, size, offset = _end(file)
    if count > _MEMBERS_MAX or size > _LIST_BYTES_MAX:
        raise unsafe(f"its archive lists {count:,} files")
    if offset + size > file.size:
        raise broken("the list of its archive lies outside of the file")
    data = file.read(offset, size)
    usual = _usual_members(data, count, offset) if count > _FEW else None
    return members_one_by_one(data, count, offset) if usual is None else usual


def _usual_members(data: bytes, count: int, end: int) -> Members | None:
    from sdstudio.storage.recognise.zip_columns import usual_members  # numpy, of which small files have no need

    return usual_members(data, count, end)


def members_one_by_one(data: bytes, count: int, end: int) -> Members:
    """Of an archive whose parts lie before `end`. Raises Refusal."""
    sizes: dict[str, int] = {}
    headers: dict[str, int] = {}
    ends: dict[str, int] = {}
    place = 0
    for _ in range(min(count, _UNUSUAL_MAX)):
        try:
            sign, flags, method, packed, size, name_length, extra_length, comment_length, header = _ENTRY.unpack_from(
                data, place
            )
        except struct.error:
            raise broken("the list of its archive is damaged") from None
        if sign != SIGN:
            raise broken("the list of its archive is damaged")
        begin = place + ENTRY_BYTES
        name_end = begin + name_length
        name = data[begin:name_end].decode("utf-8", "surrogateescape")
        place = name_end + extra_length
        if size == _FULL32 or packed == _FULL32 or header == _FULL32:
            size, packed, header = _large(data[name_end:place], size, packed, header)
        if method != _STORED or packed != size or flags & 1:
            raise _packed(name, packed, size)
        if name in sizes:
            raise unsafe(f"“{name[:60]}” stands twice in its archive")
        sizes[name], headers[name], ends[name] = size, header, header + LOCAL_BYTES + name_length + size
        place += comment_length
    if count > _UNUSUAL_MAX:
        raise unsafe(f"its archive lists {count:,} files, and not in the way of torch")
    _check_places(headers, ends, end)
    return Members(sizes, headers)


def _end(file: OpenFile) -> tuple[int, int, int]:
    """How many members, and where their list is."""
    begin = max(0, file.size - _END_BYTES - _COMMENT_MAX)
    tail = file.peek(begin, file.size - begin)
    found = tail.rfind(_END)
    if found < 0 or found + _END_BYTES > len(tail):
        raise broken("truncated: the end of its archive is missing")
    count, size, offset, comment = struct.unpack_from("<HLLH", tail, found + 10)
    if found + _END_BYTES + comment != len(tail):
        raise broken("something lies behind the end of its archive")
    # torch writes the larger record always, others only where the numbers do not fit.
    locator = tail[found - 20 : found] if found >= 20 else b""
    if locator[:4] == _LOCATOR64:
        place = struct.unpack_from("<Q", locator, 8)[0]
        if place + 56 > file.size:
            raise broken("the list of its archive lies outside of the file")
        record = file.read(place, 56)
        if record[:4] != _END64:
            raise broken("the end of its archive is damaged")
        count, size, offset = struct.unpack_from("<QQQ", record, 32)
    return count, size, offset


def _packed(name: str, packed: int, size: int) -> Refusal:
    if packed and size > 200 * packed:
        return unsafe(f"a zip bomb: “{name[:60]}” grows from {packed:,} to {size:,} bytes")
    return unsupported("a compressed archive", "models are never compressed; unpack it")


def _large(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """The 64-bit numbers of the extra field 1, in the order of the format, for those that did not fit."""
    place = 0
    for _ in range(_EXTRAS_MAX):
        if place + 4 > len(extra):
            break
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            wanted = [value == _FULL32 for value in (size, packed, header)]
            if length < 8 * sum(wanted) or place + 4 + length > len(extra):
                break
            numbers = list(struct.unpack_from(f"<{sum(wanted)}Q", extra, place + 4))
            values = [numbers.pop(0) if want else old for want, old in zip(wanted, (size, packed, header), strict=True)]
            return values[0], values[1], values[2]
        place += 4 + length
    else:
        raise unsafe("its archive describes a file without end")
    raise broken("the list of its archive is damaged")


def _check_places(headers: dict[str, int], ends: dict[str, int], end: int) -> None:
    last = 0
    for name in sorted(headers, key=headers.__getitem__):
        if headers[name] < last:
            raise unsafe(f"“{name[:60]}” overlaps another part of its archive")
        last = ends[name]
    if last > end:
        raise broken("a part of its archive lies outside of it")


def data_offset(file: OpenFile, name: str, header: int) -> int:
    """Where the bytes begin of the member whose own header is there. Raises Refusal when that says something else than
    the list."""
    local = file.read(header, LOCAL_BYTES)
    name_length, extra_length = (int.from_bytes(local[place : place + 2], "little") for place in (26, 28))
    found = file.read(header + LOCAL_BYTES, name_length)
    if local[:4] != b"PK\x03\x04" or found != name.encode("utf-8", "surrogateescape"):
        raise unsafe(f"“{name[:60]}” has another name inside of its archive")
    return header + LOCAL_BYTES + name_length + extra_length

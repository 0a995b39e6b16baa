"""The list of an archive's members, read side by side or one by one: the same, or refused with the same words."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import Refusal
from sdstudio.storage.recognise.zip_columns import usual_members
from sdstudio.storage.recognise.zip_entries import Members
from sdstudio.storage.recognise.zip_members import members_one_by_one, read_members

PATIENT = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
FAR = 5 * 2**30


def archive(names: list[str], *, comment: bytes = b"", method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for number, name in enumerate(names):
            entry = zipfile.ZipInfo(name)
            entry.comment = comment if number % 3 == 0 else b""
            file.writestr(entry, bytes(number % 50), method)
    return stream.getvalue()


def many(count: int = 90) -> list[str]:
    return ["archive/data.pkl", *(f"archive/data/{number}" for number in range(count)), "archive/version"]


def parts(data: bytes) -> tuple[bytes, int, int]:
    """The list, how many members it says that it has, and where it begins."""
    end = data.rfind(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HLL", data, end + 10)
    return data[offset : offset + size], count, offset


def listing(members: Members) -> list[tuple[str, int, int]]:
    assert list(members.sizes) == list(members.headers)
    return [(name, size, members.headers[name]) for name, size in members.sizes.items()]


def one_by_one(listed: bytes, count: int, end: int) -> object:
    try:
        return listing(members_one_by_one(listed, count, end))
    except Refusal as error:
        return str(error)


def side_by_side(listed: bytes, count: int, end: int) -> object:
    found = usual_members(listed, count, end)
    return None if found is None else listing(found)


def far(data: bytes, sizes: tuple[int, ...] = (), order: int = 1) -> bytes:
    """The list with the first numbers in fields of 64 bits, as for a file of more than 4 GB."""
    listed, _, _ = parts(data)
    found, place = b"", 0
    while place < len(listed):
        name_length, extra_length = struct.unpack_from("<HH", listed, place + 28)
        end = place + 46 + name_length + extra_length
        header = struct.unpack_from("<L", listed, place + 42)[0]
        extra = struct.pack(f"<HH{1 + len(sizes)}Q", order, 8 + 8 * len(sizes), *sizes, FAR + header)
        entry = bytearray(listed[place:end])
        struct.pack_into("<H", entry, 30, len(extra))
        struct.pack_into("<L", entry, 42, 0xFFFFFFFF)
        if sizes:
            struct.pack_into("<LL", entry, 20, 0xFFFFFFFF, 0xFFFFFFFF)
        found, place = found + bytes(entry) + extra, end
    return found


@pytest.mark.parametrize("names", [many(), many(1), ["one"], list(reversed(many(200)))])
def test_they_are_the_same(names: list[str]) -> None:
    listed, count, end = parts(archive(names))
    found = one_by_one(listed, count, end)
    assert isinstance(found, list) and [name for name, _, _ in found] == names
    assert side_by_side(listed, count, end) == found


def test_comments_of_members_are_passed_by() -> None:
    listed, count, end = parts(archive(many(), comment=b"a word"))
    assert side_by_side(listed, count, end) == one_by_one(listed, count, end)
    assert side_by_side(listed, count, end) is not None


def test_places_beyond_four_gigabytes() -> None:
    data = archive(many())
    listed, (_, count, end) = far(data), parts(data)
    found = side_by_side(listed, count, FAR + end)
    assert isinstance(found, list) and found[0][2] == FAR
    assert found == one_by_one(listed, count, FAR + end)
    assert side_by_side(listed, count, FAR) is None  # its parts lie behind the list


@pytest.mark.parametrize(("sizes", "order"), [((7, 7), 1), ((), 2)])
def test_other_large_numbers_are_left_to_the_other_reader(sizes: tuple[int, ...], order: int) -> None:
    data = archive(many())
    assert usual_members(far(data, sizes, order), parts(data)[1], FAR + len(data)) is None


def test_the_last_entry_is_a_whole_one() -> None:
    listed, count, end = parts(archive(many()))
    for cut in range(1, 60):
        assert usual_members(listed[:-cut], count, end) is None


def test_a_sign_within_a_name_is_no_entry() -> None:
    listed, count, end = parts(archive(["archive/PK\x01\x02", *many()]))
    assert usual_members(listed, count, end) is None
    assert isinstance(one_by_one(listed, count, end), list)


@pytest.mark.parametrize("names", [[*many(), "größer"], [*many(), "a\x7fb"], [*many(), "a\nb"]])
def test_names_of_all_letters(names: list[str], tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(archive(names))
    with OpenFile(path) as file:
        assert list(read_members(file).sizes) == names


SOUND = archive(many(70))
FIELDS = st.sampled_from([0, 8, 10, 20, 24, 28, 30, 32, 42, 43, 45, 46, 50])
"""Of an entry: its sign, flags, method, sizes, lengths, place and name."""


@PATIENT
@given(st.integers(65, 80), st.lists(st.tuples(st.integers(0, 80), FIELDS, st.integers(0, 255)), max_size=3))
def test_what_is_read_from_damaged_lists_is_the_same(count: int, damage: list[tuple[int, int, int]]) -> None:
    data, count, end = parts(archive(many(count)))
    listed = bytearray(data)
    entries = [place for place in range(len(listed)) if listed.startswith(b"PK\x01\x02", place)]
    for entry, field, value in damage:
        listed[entries[entry % len(entries)] + field] = value
    found = side_by_side(bytes(listed), count, end)
    assert found is None or found == one_by_one(bytes(listed), count, end)
    if not damage:
        assert found is not None


@PATIENT
@given(st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 3))
def test_so_is_what_is_read_from_any_bytes(damage: list[tuple[int, int]], fewer: int) -> None:
    data, count, end = parts(SOUND)
    listed = bytearray(far(SOUND) if fewer == 3 else data)
    for place, value in damage:
        listed[place % len(listed)] = value
    found = side_by_side(bytes(listed), count - fewer % 3, FAR + end if fewer == 3 else end)
    assert found is None or found == one_by_one(bytes(listed), count - fewer % 3, FAR + end if fewer == 3 else end)

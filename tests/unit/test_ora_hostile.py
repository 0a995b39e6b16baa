"""OpenRaster files made to do harm, or damaged: refused in words, or read."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from sdstudio.domain.errors import UnreadableFile
from sdstudio.storage import ora_archive
from sdstudio.storage.ora import look_at_layers, save_ora
from tests.helpers.ora_files import example, foreign, load_bytes, png, rewritten

BOMB = zlib.compress(bytes(50_000_000), 9)
ONE = "<stack><layer src='data/a.png'/></stack>"


def bomb_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", BOMB) + chunk(b"IEND", b"")


DOCTYPE = (
    b"<?xml version='1.0'?><!DOCTYPE image [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><image w='9' h='9'>&b;</image>"
)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "traversal": (foreign("<stack><layer src='../../etc/passwd'/></stack>"), "outside it"),
    "absolute": (foreign("<stack><layer src='/etc/passwd'/></stack>"), "outside it"),
    "backslash": (foreign("<stack><layer src='..\\\\a.png'/></stack>"), "outside it"),
    "drive": (foreign("<stack><layer src='C:a.png'/></stack>"), "outside it"),
    "missing layer": (foreign(ONE), "missing"),
    "no source": (foreign("<stack><layer/></stack>"), "missing"),
    "no layers": (foreign("<stack/>"), "no layer"),
    "no stack": (foreign(""), "form of OpenRaster"),
    "no size": (foreign(ONE, ("data/a.png", png(1, 1)), size=""), "size"),
    "huge size": (foreign(ONE, ("data/a.png", png(1, 1)), size='w="99999" h="9"'), "size"),
    "size inf": (foreign(ONE, ("data/a.png", png(1, 1)), size='w="inf" h="9"'), "size"),
    "size zero": (foreign(ONE, ("data/a.png", png(1, 1)), size='w="0" h="9"'), "size"),
    "offset nan": (foreign("<stack><layer src='a' x='nan'/></stack>", ("a", png(1, 1))), "no place"),
    "offset inf": (foreign("<stack><layer src='a' y='-inf'/></stack>", ("a", png(1, 1))), "no place"),
    "offset huge": (foreign("<stack><layer src='a' y='1e300'/></stack>", ("a", png(1, 1))), "no place"),
    "offset words": (foreign("<stack><layer src='a' y='left'/></stack>", ("a", png(1, 1))), "no place"),
    "large png": (foreign(ONE, ("data/a.png", bomb_png(30000, 4))), "30000 × 4"),
    "damaged png": (foreign(ONE, ("data/a.png", png(9, 9)[:-30])), "ends too early"),
    "png bomb": (foreign(ONE, ("data/a.png", b"\x89PNG\r\n\x1a\n" + png(9, 9)[8:] + bytes(50_000_000))), "larger than"),
    "stack bomb": (foreign("<!--" + "a" * 5_000_000 + "-->"), "too much to be real"),
    "deep": (foreign("<stack>" * 100 + "</stack>" * 100), "more layers"),
    "wide": (foreign("<stack>" + "<layer src='a'/>" * 3000 + "</stack>"), "more layers"),
    "not xml": (foreign("<stack>"), "damaged"),
    "not zip": (b"PK\3\4 but no more than that", "not an OpenRaster file"),
    "empty": (b"", "empty"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_in_words(tmp_path: Path, kind: str) -> None:
    data, words = HOSTILE[kind]
    with pytest.raises(UnreadableFile, match=words):
        load_bytes(tmp_path, data)
    if "size" in kind or kind in ("stack bomb", "deep", "not xml", "not zip", "empty"):
        with pytest.raises(UnreadableFile, match=words):
            look_at_layers(tmp_path / "foreign.ora")


def test_document_types_names_twice_and_passwords_are_refused(tmp_path: Path) -> None:
    plain = foreign(ONE, ("data/a.png", png(9, 9)))
    with pytest.raises(UnreadableFile, match="document type"):
        load_bytes(tmp_path, rewritten(plain, lambda name, content: DOCTYPE if name == "stack.xml" else content))
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = rewritten(plain, lambda _, content: content, {"data/a.png": png(1, 1)})
    with pytest.raises(UnreadableFile, match="two parts of the same name"):
        load_bytes(tmp_path, twice)
    locked = bytearray(plain)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = 0
        while (start := locked.find(mark, start)) >= 0:
            locked[start + at] |= 1
            start += 4
    with pytest.raises(UnreadableFile, match="password"):
        load_bytes(tmp_path, bytes(locked))
    with pytest.raises(UnreadableFile, match="another kind"):
        load_bytes(tmp_path, rewritten(plain, lambda name, content: b"a/b" if name == "mimetype" else content))


def test_layers_that_are_too_many_pixels_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = foreign(ONE[:-8] + "<layer src='data/a.png' x='2'/></stack>", ("data/a.png", png(9, 9)))
    assert load_bytes(tmp_path, data)
    monkeypatch.setattr(ora_archive, "PIXELS_MAX", 100)
    with pytest.raises(UnreadableFile, match="million pixels"):
        load_bytes(tmp_path, data)


def test_a_table_of_contents_without_end_is_not_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(70):
            archive.writestr(f"{number:05}" * 12_000, b"")
    with pytest.raises(UnreadableFile, match="table of contents"):
        load_bytes(tmp_path, out.getvalue())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rect", [0, 0, 299, 40]),
        ("rect", [1, 0, 300, 40]),
        ("rect", [10**30, 0, 300, 40]),
        ("rect", "all"),
        ("opacity", "1"),
        ("opacity", float("nan")),
        ("kind", "mask"),
        ("kind", ["x"]),
        ("id", "paint"),
        ("id", None),
        ("visible", 1),
        ("name", 5),
    ],
)
def test_a_record_that_does_not_fit_is_refused_in_words(tmp_path: Path, field: str, value: object) -> None:
    data = save_ora(example(), tmp_path / "a.ora").read_bytes()

    def change(name: str, content: bytes) -> bytes:
        if name != "sdstudio/canvas.json":
            return content
        record = json.loads(content)
        record["layers"][0][field] = value
        return json.dumps(record).encode()

    with pytest.raises(UnreadableFile, match=r"record is damaged|has not the size"):
        load_bytes(tmp_path, rewritten(data, change))


def test_damaged_anywhere_it_is_read_or_refused_in_words(tmp_path: Path) -> None:
    data = save_ora(example(), tmp_path / "a.ora").read_bytes()
    chance = np.random.default_rng(9)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(int(chance.integers(1, 5))):
            damaged[int(chance.integers(0, len(data)))] = int(chance.integers(0, 256))
        cut = len(data) if chance.random() < 0.7 else int(chance.integers(0, len(data)))
        try:
            load_bytes(tmp_path, bytes(damaged[:cut]))
        except UnreadableFile as error:
            assert "foreign.ora" in error.message

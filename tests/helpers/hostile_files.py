"""Hostile and broken model files, made by script; the worst that their payloads do is to make a marker file.

Each says in which words it has to be refused.
"""

# One row a file reads better than one of a dozen lines.
# ruff: noqa: E501

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.helpers.model_files import MAGIC, pickled, table, tensor, text, write_archive

Make = Callable[[Path, Path], object]
"""(the file to write, the marker that its payload would make)"""


class Hostile(NamedTuple):
    name: str
    words: str
    make: Make


def call(module: str, name: str, argument: str) -> bytes:
    """GLOBAL … REDUCE: the usual way to have a function called."""
    return f"c{module}\n{name}\n".encode() + b"(" + text(argument) + b"tR"


def payload(marker: Path) -> bytes:
    """Really makes the marker when it is unpickled; see the test that proves it."""
    return pickled(call("os", "mkdir", str(marker)))


def _touch(marker: Path) -> str:
    return f"touch {marker}"


def _raw(data: Callable[[Path], bytes]) -> Make:
    return lambda path, marker: path.write_bytes(data(marker))


def _zipped(data: Callable[[Path], bytes], storages: dict[str, bytes] | None = None) -> Make:
    return lambda path, marker: write_archive(path, data(marker), storages or {})


GOOD = tensor("0", 4, (2, 2), (2, 1), "F16")
GOOD_STORAGE = {"0": b"\0" * 8}


def legacy(*parts: bytes, weights: bytes = b"") -> bytes:
    """The pickles of the form before torch 1.6; missing ones are filled up with sound ones."""
    usual = (MAGIC, b"M\xe9\x03", table({}), table({"a": GOOD}), b"](" + text("0") + b"e")
    return b"".join(map(pickled, (*parts, *usual[len(parts) :]))) + weights


def _nested_tuple() -> bytes:
    """A key whose hash would take 2^100 steps."""
    return pickled(b"}" + b")" + b"2\x86" * 100 + b"Ns")


def _tables_of_tables() -> bytes:
    """Ten tables in a chain; each holds the next a hundred times: 10^20 entries for who follows them all."""
    value = b"}"
    for _ in range(10):
        entries = b"".join(text(f"k{number}") + b"h\x63" for number in range(100))
        value = value + b"q\x63" + b"0}(" + entries + b"u"
    return pickled(value)


CALLS: tuple[Hostile, ...] = (
    Hostile("protocol 0.ckpt", "wants posix.system", _raw(lambda m: f"cposix\nsystem\n(S'{_touch(m)}'\ntR.".encode())),
    Hostile("raw.pt", "wants os.system", _raw(lambda m: pickled(call("os", "system", _touch(m))))),
    Hostile("mkdir.ckpt", "wants os.mkdir", _raw(payload)),
    Hostile("zip.ckpt", "wants builtins.eval", _zipped(lambda m: pickled(call("builtins", "eval", f"open({str(m)!r},'w')")))),
    Hostile("legacy.ckpt", "wants subprocess.Popen", _raw(lambda m: legacy(MAGIC, b"M\xe9\x03", table({}), table({"a": call("subprocess", "Popen", _touch(m))})))),
    Hostile("legacy machine.pth", "wants nt.system", _raw(lambda m: legacy(MAGIC, b"M\xe9\x03", call("nt", "system", _touch(m))))),
    Hostile("legacy list.pth", "wants pty.spawn", _raw(lambda m: legacy(MAGIC, b"M\xe9\x03", table({}), table({"a": GOOD}), call("pty", "spawn", _touch(m))))),
    Hostile("stack.ckpt", "wants builtins.exec", _zipped(lambda m: b"\x80\x04" + text("builtins") + text("exec") + b"\x93(" + text(f"open({str(m)!r},'w')") + b"tR.")),
    Hostile("inst.bin", "wants posix.execv", _raw(lambda m: b"(" + text(_touch(m)) + b"iposix\nexecv\n.")),
    Hostile("obj.bin", "wants os.popen", _raw(lambda m: b"(cos\npopen\n" + text(_touch(m)) + b"o.")),
    Hostile("new object.pt", "wants ctypes.CDLL", _zipped(lambda m: pickled(b"cctypes\nCDLL\n(" + text(str(m)) + b"t\x81"))),
    Hostile("new object ex.pt", "wants socket.socket", _zipped(lambda _: b"\x80\x04csocket\nsocket\n)}\x92.")),
    Hostile("extension.ckpt", "wants copyreg extension 5", _zipped(lambda _: pickled(b"\x82\x05)R"))),
    Hostile("state.ckpt", "wants torch.nn.modules.module.Module", _zipped(lambda _: pickled(b"ctorch.nn.modules.module\nModule\n)\x81}b"))),
    Hostile("hidden.ckpt", "hides the name", _zipped(lambda _: b"\x80\x04" + text("os") + b"c_codecs\nencode\n(" + text("system") + b"tR\x93.")),
    Hostile("after weights.ckpt", "wants webbrowser.open", _zipped(lambda m: pickled(table({"a": GOOD, "z": call("webbrowser", "open", str(m))})), GOOD_STORAGE)),
    Hostile("as storage.ckpt", "wants importlib.import_module", _zipped(lambda _: pickled(call("importlib", "import_module", "antigravity") + b"Q"))),
    Hostile("then broken.ckpt", "wants shutil.rmtree", _zipped(lambda m: pickled(call("shutil", "rmtree", str(m)) + b"tttt"))),
    Hostile("pickle.safetensors", "wants runpy.run_path", _raw(lambda m: pickled(call("runpy", "run_path", str(m))))),
    Hostile("many.ckpt", "and 3 more", _zipped(lambda _: pickled(b"".join(f"cevil{number}\nrun\n0".encode() for number in range(7)) + b"N"))),
    Hostile("hub.ckpt", "wants torch.hub.load", _zipped(lambda _: pickled(call("torch.hub", "load", "x")))),
    Hostile("rebuild.ckpt", "wants torch._utils._rebuild_evil", _zipped(lambda _: pickled(call("torch._utils", "_rebuild_evil", "x")))),
    Hostile("getattr.ckpt", "wants builtins.getattr", _zipped(lambda _: pickled(call("builtins", "getattr", "x")))),
    Hostile("lightning.ckpt", "wants pytorch_lightning.os.system", _zipped(lambda m: pickled(call("pytorch_lightning.os", "system", _touch(m))))),
    Hostile("long name.ckpt", "wants xxxxxx", _zipped(lambda _: pickled(call("x" * 5000, "y", "z")))),
)  # fmt: skip

DAMAGED_PICKLES: tuple[Hostile, ...] = (
    Hostile("endless.ckpt", "more than 400,000 steps", _raw(lambda _: b"\x80\x02" + b"N0" * 400_000 + b"N.")),
    Hostile("endless number.ckpt", "an endless number", _raw(lambda _: b"\x80\x02\x8b" + struct.pack("<i", 2**20) + b"\1" * 2**20 + b".")),
    Hostile("endless text.ckpt", "ends too early", _raw(lambda _: b"\x80\x04\x8d" + struct.pack("<Q", 2**63 - 1) + b"abc")),
    Hostile("cut.ckpt", "pickle is damaged", _raw(lambda _: pickled(table({"a": GOOD}))[:-40])),
    Hostile("opcode.ckpt", "unknown step 255", _raw(lambda _: b"\x80\x02\xff.")),
    Hostile("line.ckpt", "a line without end", _raw(lambda _: b"\x80\x02c" + b"a" * 50_000)),
    Hostile("float.ckpt", "makes no sense", _raw(lambda _: b"\x80\x02Fone\n.")),
    Hostile("beyond.ckpt", "reaches beyond", _zipped(lambda _: pickled(table({"a": tensor("0", 4, (200, 200), (200, 1), "F16")})), GOOD_STORAGE)),
    Hostile("negative.ckpt", "a tensor that makes no sense", _zipped(lambda _: pickled(table({"a": tensor("0", 4, (-5, 2), (2, 1), "F16")})), GOOD_STORAGE)),
    Hostile("storage.ckpt", "a storage that makes no sense", _zipped(lambda _: pickled(b"(" + text("storage") + b"ccollections\nOrderedDict\n" + text("0") + text("cpu") + b"K\x04tQ"))),
    Hostile("outside.ckpt", "refers to something outside", _zipped(lambda _: pickled(text("file:/etc/passwd") + b"Q"))),
    Hostile("missing.ckpt", "are missing from its archive", _zipped(lambda _: pickled(table({"a": GOOD})))),
    Hostile("buffer.ckpt", "memory from outside", _zipped(lambda _: b"\x80\x05\x97.")),
    Hostile("nested tuple.ckpt", "a pickle without weights", _zipped(lambda _: _nested_tuple())),
    Hostile("deep tuple.ckpt", "a pickle without weights", _raw(lambda _: pickled(b")" + b"\x85" * 300_000))),
    Hostile("deep objects.ckpt", "wants evil.run", _raw(lambda _: pickled(b"cevil\nrun\nq\0" + b"(h\0" * 100_000 + b"N" + b"o" * 100_000))),
    Hostile("deep marks.ckpt", "its pickle is nested too deeply", _raw(lambda _: b"\x80\x02" + b"(" * 2000 + b"N.")),
    Hostile("deep tables.ckpt", "a pickle without weights", _raw(lambda _: pickled(b"}" + (b"X\1\0\0\0a}" * 100_000) + b"s" * 100_000))),
    Hostile("tables.ckpt", "a pickle without weights", _zipped(lambda _: _tables_of_tables())),
    Hostile("bare.ckpt", "without the weights that it lists", _raw(lambda _: pickled(table({"a": GOOD})))),
    Hostile("harmless.safetensors", "a pickle that is named .safetensors", _zipped(lambda _: pickled(table({"a": GOOD})), GOOD_STORAGE)),
    Hostile("legacy sizes.ckpt", "contradict each other", _raw(lambda _: legacy(weights=struct.pack("<q", 9) + b"\0" * 18))),
    Hostile("legacy cut.ckpt", "truncated: ", _raw(lambda _: legacy(weights=struct.pack("<q", 4) + b"\0" * 3))),
    Hostile("legacy keys.ckpt", "the list of its weights", _raw(lambda _: legacy(MAGIC, b"M\xe9\x03", table({}), table({"a": GOOD}), b"]"))),
)  # fmt: skip


# -- archives -----------------------------------------------------------------------------------------------------------


def _archive(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytearray:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    path.write_bytes(stream.getvalue())
    return bytearray(stream.getvalue())


_SOUND = [("archive/data.pkl", pickled(table({"a": GOOD}))), ("archive/data/0", b"\0" * 8)]


def _twins(path: Path, marker: Path) -> None:
    data = _archive(path, [*_SOUND, ("archive/dataXpkl", payload(marker))])
    path.write_bytes(data.replace(b"archive/dataXpkl", b"archive/data.pkl"))


def _changed(path: Path, change: Callable[[bytearray, int, int], None]) -> None:
    """`change` gets the bytes, where the list of the members begins, and where the end record does."""
    data = _archive(path, _SOUND)
    change(data, data.find(b"PK\x01\x02"), data.rfind(b"PK\x05\x06"))
    path.write_bytes(data)


def _set(data: bytearray, place: int, layout: str, value: int) -> None:
    struct.pack_into(layout, data, place, value)


def _second_entry(data: bytearray, first: int) -> int:
    return data.find(b"PK\x01\x02", first + 4)


def _other_name(data: bytearray, _list: int, _end: int) -> None:
    place = data.find(b"archive/data.pkl")
    data[place : place + 16] = b"archive/dota.pkl"


def _far_zip64(path: Path, _: Path) -> None:
    data = _archive(path, _SOUND)
    end = data.rfind(b"PK\x05\x06")
    path.write_bytes(data[:end] + struct.pack("<4sIQI", b"PK\x06\x07", 0, 2**62, 1) + data[end:])


def _large_pickle(path: Path, _: Path) -> None:
    """A hole of 65 MB where the pickle should be."""
    size = 65 * 2**20
    name = b"archive/data.pkl"
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, size, size, len(name), 0) + name
    entry = (
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, size, size, len(name), 0, 0, 0, 0, 0, 0) + name
    )
    with path.open("wb") as file:
        file.write(local)
        file.seek(size, io.SEEK_CUR)
        place = file.tell()
        file.write(entry + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), place, 0))


ARCHIVES: tuple[Hostile, ...] = (
    Hostile("twins.ckpt", "“archive/data.pkl” stands twice", _twins),
    Hostile("second pickle.ckpt", "2 pickles in one archive", lambda p, m: _archive(p, [*_SOUND, ("archive/extra.pkl", payload(m))])),
    Hostile("script.pt", "a TorchScript program", lambda p, m: _archive(p, [*_SOUND, ("archive/code/__torch__.py", b"import os")])),
    Hostile("bomb.ckpt", "a zip bomb", lambda p, _: _archive(p, [("archive/data.pkl", b"\0" * 10**7)], zipfile.ZIP_DEFLATED)),
    Hostile("packed.ckpt", "a compressed archive", lambda p, _: _archive(p, _SOUND, zipfile.ZIP_DEFLATED)),
    Hostile("cut archive.ckpt", "the end of its archive is missing", lambda p, _: p.write_bytes(_archive(p, _SOUND)[:-30])),
    Hostile("overlap.ckpt", "overlaps another part", lambda p, _: _changed(p, lambda data, first, end: _set(data, _second_entry(data, first) + 42, "<L", 3))),
    Hostile("far member.ckpt", "lies outside of it", lambda p, _: _changed(p, lambda data, first, end: _set(data, _second_entry(data, first) + 42, "<L", 10**6))),
    Hostile("far list.ckpt", "lies outside of the file", lambda p, _: _changed(p, lambda data, first, end: _set(data, end + 16, "<L", 10**8))),
    Hostile("many members.ckpt", "the list of its archive is damaged", lambda p, _: _changed(p, lambda data, first, end: _set(data, end + 10, "<H", 60_000))),
    Hostile("long list.ckpt", "its archive lists", lambda p, _: _changed(p, lambda data, first, end: _set(data, end + 12, "<L", 2**31))),
    Hostile("other name.ckpt", "has another name inside", lambda p, _: _changed(p, _other_name)),
    Hostile("behind.ckpt", "behind the end of its archive", lambda p, _: p.write_bytes(_archive(p, _SOUND) + b"more")),
    Hostile("zip64.ckpt", "the list of its archive lies outside", _far_zip64),
    Hostile("large pickle.ckpt", "its pickle has 68,157,440 bytes", _large_pickle),
    Hostile("letter.ckpt", "a Word document: not a model", lambda p, _: _archive(p, [("word/document.xml", b"<x/>")])),
)  # fmt: skip

"""A .ckpt, .pt, .pth or .bin of torch: zip archive, the older plain form, or a bare pickle; nothing in it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import repeat
from operator import itemgetter, le
from typing import TypeGuard

from sdstudio.domain.model_file import Verdict
from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.pickle_budget import Budget
from sdstudio.storage.recognise.pickle_values import StorageRef, TensorKind, TensorRef
from sdstudio.storage.recognise.refusal import Refusal, broken, truncated, unsafe, unsupported
from sdstudio.storage.recognise.state_dict import named_tensors, small_values
from sdstudio.storage.recognise.tensor_table import TensorTable
from sdstudio.storage.recognise.torch_values import read_torch_pickle
from sdstudio.storage.recognise.zip_members import data_offset, is_zip, read_members

_entry_of, _end_of, _bytes_of = map(itemgetter, map(TensorKind._fields.index, ("entry", "end", "stored_bytes")))
_kind_of, _key_of = map(itemgetter, map(TensorRef._fields.index, ("kind", "key")))
_at_most: Callable[[int, int], bool] = le
_PICKLE = ".pkl"
_MISSING = -1
"""In place of a count of bytes."""

PICKLE_BYTES_MAX = 16 * 2**20
"""SDXL's has 0.5 megabytes, that of the largest training states two to three."""
_PLAIN_BYTES = 2 * 2**20
"""Of a plain file, to begin with."""
_MAGIC = 0x1950A86A20F9469CFC6C
"""The first of the pickles that torch wrote before version 1.6."""
_LEGACY_PICKLES = 4
"""Magic number, protocol, machine, value; the list of the storages follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchFile:
    """`places` gives for each storage where its bytes are, or, in a zip archive, for the member of that name below
    `folder` where its own header is."""

    tensors: Mapping[str, TensorRef]
    texts: Mapping[str, str]
    places: Mapping[str, int]
    folder: str = ""

    def table(self) -> TensorTable:
        entries = dict(zip(self.tensors, map(_entry_of, map(_kind_of, self.tensors.values())), strict=True))
        return TensorTable(entries=entries, texts=self.texts, layout="pickle")

    def offset(self, file: OpenFile, storage: StorageRef) -> int:
        name = self.folder + storage.key
        return data_offset(file, name, self.places[name]) if self.folder else self.places[name]


def read_torch_file(file: OpenFile, start: bytes) -> TorchFile:
    """Raises Refusal."""
    found = _read_zip(file) if is_zip(start) else _read_plain(file)
    _check_inside(found.tensors)
    file.check_unchanged()
    return found


def looks_like_pickle(start: bytes) -> bool:
    """Protocols 2 to 5 begin with a mark; 0 and 1 with the opcode of what they build."""
    if len(start) >= 2 and start[0] == 0x80 and 2 <= start[1] <= 5:
        return True
    return start[:1] in (b"(", b"c", b"}", b"]", b"i") and not start.lstrip().startswith((b"{", b"<"))


def _read_zip(file: OpenFile) -> TorchFile:
    members = read_members(file)
    names = members.sizes
    joined = "\n".join(names)
    pickles = _pickles(names, joined)
    data = [name for name in pickles if name == "data.pkl" or name.endswith("/data.pkl")]
    code = "code/" in joined and any("/code/" in f"/{name}" for name in names)
    if code or any(name.endswith("constants.pkl") for name in pickles):
        # Its data.pkl is looked at all the same below only in plain archives: a script has no use here in any case.
        raise unsafe("a TorchScript program, not weights")
    if len(data) != 1 or len(pickles) != 1:
        raise _no_checkpoint(names, pickles)
    prefix = data[0].removesuffix("data.pkl")
    if names.get(f"{prefix}byteorder", 6) != 6:
        raise unsupported("a checkpoint of a big-endian machine")
    size = names[data[0]]
    if size > PICKLE_BYTES_MAX:
        raise unsafe(f"its pickle has {size:,} bytes")
    value, _ = read_torch_pickle(file.read(data_offset(file, data[0], members.headers[data[0]]), size))
    tensors, folder = named_tensors(value), f"{prefix}data/"
    _check_stored(tensors, names, folder)
    return TorchFile(tensors=tensors, texts=small_values(value), places=members.headers, folder=folder)


def _pickles(names: Iterable[str], joined: str) -> list[str]:
    """Which of the names, that are joined by line breaks, end so; torch writes the one that there is first."""
    found, left = [], joined.count(_PICKLE)
    for name in names:
        if left <= 0:
            break
        left -= name.count(_PICKLE)
        if name.endswith(_PICKLE):
            found.append(name)
    return found


def _check_stored(tensors: Mapping[str, TensorRef], sizes: Mapping[str, int], folder: str) -> None:
    names = map(folder.__add__, map(_key_of, tensors.values()))
    stored = list(map(sizes.get, names, repeat(_MISSING)))
    # A loop in Python takes three times as long, and is for finding out which one it is.
    if _MISSING not in stored and all(map(_at_most, map(_bytes_of, map(_kind_of, tensors.values())), stored)):
        return
    for (kind, key), there in zip(tensors.values(), stored, strict=True):
        if there == _MISSING or there < kind.stored_bytes:
            raise broken(f"the weights {key[:20]!r} are missing from its archive")


def _no_checkpoint(names: Iterable[str], pickles: list[str]) -> Refusal:
    if len(pickles) > 1:
        return unsafe(f"{len(pickles)} pickles in one archive")
    what = next((what for mark, what in _ARCHIVES if any(mark in name for name in names)), "a zip archive")
    return unsupported(what, "not a model")


_ARCHIVES = (("word/", "a Word document"), ("META-INF/", "a Java archive"), (".safetensors", "a zip archive of models"))


def _read_plain(file: OpenFile) -> TorchFile:
    """Reads two megabytes at first: the pickles stand before gigabytes of weights, and do not say how long they are."""
    budget = Budget()
    if file.size > _PLAIN_BYTES:
        try:
            return _read_plain_start(file, _PLAIN_BYTES, budget)
        except Refusal as error:
            if error.verdict is not Verdict.BROKEN:
                raise
    return _read_plain_start(file, PICKLE_BYTES_MAX, budget)


def _read_plain_start(file: OpenFile, size: int, budget: Budget) -> TorchFile:
    data = file.read(0, min(file.size, size))
    value, place = read_torch_pickle(data, 0, budget)
    if value != _MAGIC:
        named_tensors(value)  # says what is the matter with a bare pickle
        raise broken("a pickle without the weights that it lists")
    for _ in range(_LEGACY_PICKLES - 1):
        value, place = read_torch_pickle(data, place, budget)
    keys, place = read_torch_pickle(data, place, budget)
    tensors = named_tensors(value)
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if not _is_list_of(keys, storages.keys()):
        raise broken("the list of its weights makes no sense")
    return TorchFile(tensors=tensors, texts=small_values(value), places=_plain_places(file, keys, storages, place))


def _is_list_of(keys: object, storages: Set[str]) -> TypeGuard[list[str]]:
    """Each once; further ones may stand there."""
    if not isinstance(keys, list) or set(map(type, keys)) - {str}:
        return False
    return storages <= set(keys) and len(set(keys)) == len(keys)


def _plain_places(file: OpenFile, keys: list[str], storages: Mapping[str, StorageRef], place: int) -> dict[str, int]:
    """Each storage is a count of 8 bytes, then its numbers."""
    places: dict[str, int] = {}
    for key in keys:
        storage = storages.get(key)
        if storage is None:
            raise unsupported("a checkpoint that holds weights of an unknown type")
        if place + 8 > file.size:
            raise truncated(file.size, place + 8 + sum(storages[name].bytes + 8 for name in keys if name in storages))
        count = int.from_bytes(file.read(place, 8), "little")
        if count != storage.numbers:
            raise broken("the sizes of its weights contradict each other")
        places[key] = place + 8
        place += 8 + storage.bytes
    if place > file.size:
        raise truncated(file.size, place)
    return places


def _check_inside(tensors: Mapping[str, TensorRef]) -> None:
    kinds = list(map(_kind_of, tensors.values()))
    if all(map(_at_most, map(_end_of, kinds), map(_bytes_of, kinds))):
        return
    for name, (kind, _) in tensors.items():
        if kind.end > kind.stored_bytes:
            raise broken(f"the tensor “{name[:60]}” reaches beyond its weights")

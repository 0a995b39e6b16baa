"""Hostile and broken headers, and files that are something else altogether; part of the corpus of hostile_files."""

# One row a file reads better than one of a dozen lines.
# ruff: noqa: E501

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
from pathlib import Path

from tests.helpers.hostile_files import ARCHIVES, CALLS, DAMAGED_PICKLES, Hostile, Make, payload
from tests.helpers.model_files import header, write_folder, write_safetensors

A = {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}
B = {"dtype": "F16", "shape": [2, 2], "data_offsets": [8, 16]}


def _safetensors(table: object, size: int = 16) -> Make:
    """A JSON value or a text as header, and `size` bytes behind it."""
    data = (table if isinstance(table, str) else json.dumps(table)).encode("utf-8", "surrogateescape")
    return lambda path, _: path.write_bytes(struct.pack("<Q", len(data)) + data + b"\0" * size)


def _data(data: bytes) -> Make:
    return lambda path, _: path.write_bytes(data)


def _large_header(path: Path, _: Path) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_000) + b"{")
        file.truncate(100_000_100)


def _truncated(path: Path, _: Path) -> None:
    """1.3 of 2.1 GB, as sparse file."""
    shapes = {"a": (1_050_000_000,)}
    write_safetensors(path, shapes)
    os.truncate(path, 1_300_000_000)


def _tar(path: Path, marker: Path) -> None:
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("pickle")
        info.size = len(payload(marker))
        archive.addfile(info, io.BytesIO(payload(marker)))


DEEP = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
TWINS = f'{{"a":{json.dumps(A)},"a":{json.dumps(B)}}}'
CROWD = {f"{number}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for number in range(100_001)}

HEADERS: tuple[Hostile, ...] = (
    Hostile("length.safetensors", "claims to have 9,223,372,036,854,775,808 bytes", _data(struct.pack("<Q", 2**63) + b'{"a":1}')),
    Hostile("large.safetensors", "its header has 100,000,000 bytes", _large_header),
    Hostile("short.safetensors", "truncated: 60 of 1,008 bytes", _data(struct.pack("<Q", 1000) + b'{"a":' + b" " * 47)),
    Hostile("tiny.safetensors", "ends too early", _data(b"\1\0\0")),
    Hostile("text.safetensors", "no JSON", _safetensors("{'a': 1}")),
    Hostile("letters.safetensors", "no JSON: 'utf-8'", _safetensors('{"a\udcff":1}')),
    Hostile("number.safetensors", "no JSON: Exceeds", _safetensors('{"a":' + "9" * 5000 + "}")),
    Hostile("deep.safetensors", "nested too deeply", _safetensors(DEEP)),
    Hostile("twins.safetensors", "a name stands twice", _safetensors(TWINS)),
    Hostile("list.safetensors", "described by no table", _safetensors({"a": [1, 2]})),
    Hostile("none.safetensors", "holds no tensors", _safetensors({"__metadata__": {}})),
    Hostile("crowd.safetensors", "lists more than 20,000 tensors", _safetensors(CROWD)),
    Hostile("metadata.safetensors", "no table of texts", _safetensors({"__metadata__": {"a": 1}, "a": A, "b": B})),
    Hostile("overlap.safetensors", "“b” overlaps another", _safetensors({"a": A, "b": B | {"data_offsets": [4, 12]}})),
    Hostile("gap.safetensors", "a gap of 2 bytes", _safetensors({"a": A, "b": B | {"data_offsets": [10, 18]}}, 18)),
    Hostile("outside.safetensors", "truncated: ", _safetensors({"a": A, "b": B}, 3)),
    Hostile("behind.safetensors", "5 bytes lie behind", _safetensors({"a": A, "b": B}, 21)),
    Hostile("wrong size.safetensors", "takes 8 bytes, but its shape and type need 16", _safetensors({"a": A | {"dtype": "F32"}}, 8)),
    Hostile("dtype.safetensors", "unknown type 'F13'", _safetensors({"a": A | {"dtype": "F13"}})),
    Hostile("no dtype.safetensors", "unknown type 'None'", _safetensors({"a": {"shape": [1]}})),
    Hostile("negative.safetensors", "has no proper shape", _safetensors({"minus": A | {"shape": [-2, -2]}})),
    Hostile("true.safetensors", "has no proper shape", _safetensors({"true": A | {"shape": [True]}})),
    Hostile("sides.safetensors", "“sides” has no proper shape", _safetensors({"sides": A | {"shape": [1] * 17}})),
    Hostile("places.safetensors", "has no proper place", _safetensors({"a": A | {"data_offsets": [0.5, 8]}})),
    Hostile("backwards.safetensors", "“backwards” has no proper place", _safetensors({"backwards": A | {"data_offsets": [8, 0]}})),
    Hostile("overflow.safetensors", "more numbers than any disk holds", _safetensors({"a": A | {"shape": [2**62, 2**62]}})),
    Hostile("download.safetensors", "truncated: 1.3 of 2.1 GB", _truncated),
)  # fmt: skip

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 2132696762\n"

STRANGERS: tuple[Hostile, ...] = (
    Hostile("empty.safetensors", "an empty file", _data(b"")),
    Hostile("page.safetensors", "an HTML page saved as .safetensors", _data(b"\n<!DOCTYPE html><html><body>Log in</body></html>")),
    Hostile("feed.ckpt", "an XML page saved as .ckpt", _data(b"<?xml version='1.0'?><Error>AccessDenied</Error>")),
    Hostile("pointer.safetensors", "an LFS pointer: the model itself (2.1 GB)", _data(LFS)),
    Hostile("error.safetensors", "a JSON text, no model (Unauthorized)", _data(b'{"error": "Unauthorized"}')),
    Hostile("zeros.safetensors", "nothing but zeros", _data(b"\0" * 5000)),
    Hostile("note.ckpt", "a text, no model", _data(b"This is where the model goes")),
    Hostile("picture.safetensors", "a PNG picture", _data(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)),
    Hostile("photo.ckpt", "a JPEG picture", _data(b"\xff\xd8\xff\xe0" + b"\0" * 50)),
    Hostile("manual.bin", "a PDF document", _data(b"%PDF-1.7\n" + b"\0" * 50)),
    Hostile("gz.safetensors", "a gzip archive", _data(b"\x1f\x8b\x08" + b"\0" * 50)),
    Hostile("7z.ckpt", "a 7-Zip archive", _data(b"7z\xbc\xaf\x27\x1c" + b"\0" * 50)),
    Hostile("rar.ckpt", "a RAR archive", _data(b"Rar!\x1a\x07\x01\0" + b"\0" * 50)),
    Hostile("keras.bin", "an HDF5 file", _data(b"\x89HDF\r\n\x1a\n" + b"\0" * 50)),
    Hostile("flux.gguf", "GGUF (flux): not supported", _data(b"GGUF\3\0\0\0" + bytes(16) + struct.pack("<Q", 20) + b"general.architecture" + struct.pack("<IQ", 8, 4) + b"flux")),
    Hostile("bad.gguf", "GGUF: not supported", _data(b"GGUF")),
    Hostile("program.safetensors", "a Windows program", _data(b"MZ\x90\0" + b"\0" * 100)),
    Hostile("program.ckpt", "a Linux program", _data(b"\x7fELF\2\1\1" + b"\0" * 100)),
    Hostile("script.ckpt", "a script that is named like a model", _data(b"#!/bin/sh\ntouch marker\n")),
    Hostile("old.tar.pth", "a tar archive", _tar),
    Hostile("noise.ckpt", "neither safetensors nor a checkpoint", _data(bytes((number * 37 + 11) % 251 for number in range(9000)))),
    Hostile("a folder.safetensors", "a folder without model_index.json", lambda p, _: p.mkdir()),
)  # fmt: skip


def _link(target: str) -> Make:
    return lambda path, _: path.symlink_to(target)


def _elsewhere(path: Path, marker: Path) -> None:
    outside = marker.parent / "outside"
    outside.mkdir(exist_ok=True)
    path.symlink_to(write_safetensors(outside / "real.safetensors", {"a": (2, 2)}))


LINKS: tuple[Hostile, ...] = (
    Hostile("pipe.safetensors", "a pipe, not a file", lambda p, _: os.mkfifo(p)),
    Hostile("device.safetensors", "a link to /dev/zero: add the folder /dev", _link("/dev/zero")),
    Hostile("circle.safetensors", "leads in a circle", _link("circle.safetensors")),
    Hostile("dangling.safetensors", "which is not there", _link("missing.safetensors")),
    Hostile("elsewhere.safetensors", "outside/real.safetensors: add the folder ", _elsewhere),
)
"""For systems that have such things."""


def _folder_with(name: str, data: bytes) -> Make:
    def make(path: Path, _marker: Path) -> None:
        write_folder(path, config={"in_channels": 4})
        (path / name).write_bytes(data)

    return make


def _folder_with_pickle(path: Path, marker: Path) -> None:
    write_folder(path, config={"in_channels": 4})
    weights = path / "unet" / "diffusion_pytorch_model.safetensors"
    weights.with_suffix(".bin").write_bytes(payload(marker))
    weights.unlink()


def _own_code(path: Path, _: Path) -> None:
    write_folder(path, config={"in_channels": 4}, index={"vae": ["my_module", "Evil"]})


FOLDERS: tuple[Hostile, ...] = (
    Hostile("index", "model_index.json cannot be read", _folder_with("model_index.json", b"[" * 10**5)),
    Hostile("config", "its UNet has no config.json", _folder_with("unet/config.json", b"null")),
    Hostile("own code", "its part “vae” wants the program 'my_module'", _own_code),
    Hostile("pickle in a folder", "unet/diffusion_pytorch_model.bin: a pickle that wants os.mkdir", _folder_with_pickle),
    Hostile("no vae", "the weights of its part “vae” are missing", lambda p, _: write_folder(p, config={"in_channels": 4}, index={"vae": ["diffusers", "AutoencoderKL"]})),
    Hostile("flux folder", "Flux: not supported", lambda p, _: write_folder(p, kind="FluxPipeline")),
    Hostile("cut weights", "unet/diffusion_pytorch_model.safetensors: truncated", _folder_with("unet/diffusion_pytorch_model.safetensors", header({"a": (9, 9)})[0])),
)  # fmt: skip

CORPUS: tuple[Hostile, ...] = (*CALLS, *DAMAGED_PICKLES, *ARCHIVES, *HEADERS, *STRANGERS, *FOLDERS)

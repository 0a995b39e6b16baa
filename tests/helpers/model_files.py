"""Writes model files for tests: real names and shapes, with weights that are holes or single numbers."""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.model_shapes import Shapes

BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "I64": 8, "I32": 4, "U8": 1}
_STORAGE = {"F32": b"FloatStorage", "F16": b"HalfStorage", "BF16": b"BFloat16Storage", "I64": b"LongStorage"}


def header(shapes: Shapes, dtype: str = "F16", metadata: Mapping[str, str] | None = None) -> tuple[bytes, int]:
    """The header with its length in front, and how many bytes of weights belong to it."""
    table: dict[str, object] = {"__metadata__": dict(metadata)} if metadata is not None else {}
    place = 0
    for name, shape in shapes.items():
        size = math.prod(shape) * BYTES[dtype]
        table[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text, place


def write_safetensors(
    path: Path, shapes: Shapes, dtype: str = "F16", metadata: Mapping[str, str] | None = None
) -> Path:
    return write_sparse(path, *header(shapes, dtype, metadata))


def write_sparse(path: Path, start: bytes, size: int) -> Path:
    """A header and a hole behind it: as large as the real one for those who ask, some blocks on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + size)
    return path


# -- checkpoints of torch ---------------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data + b"q\x00"


def number(value: int) -> bytes:
    if 0 <= value < 2**16:
        return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"tq\x01"


_SHARED = {
    b"q\xc8": b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"q\xc9": text("storage"),
    b"q\xca": text("cpu"),
    b"q\xcb": b"ccollections\nOrderedDict\n",
}
"""Where the memo keeps what all tensors share."""


def tensor(
    key: str,
    count: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    dtype: str,
    *,
    offset: int = 0,
    again: bool = False,
) -> bytes:
    """What torch.save writes for a tensor; `again`: not the first one of the file (of its type)."""
    kind = b"q\xcc"
    shared = [b"h" + put[1:] if again else opcodes + put for put, opcodes in _SHARED.items()]
    storage_class = b"h" + kind[1:] if again else b"ctorch\n" + _STORAGE[dtype] + b"\n" + kind
    rebuild, word, device, ordered = shared
    storage = word + storage_class + text(key) + device + number(count)
    window = number(offset) + numbers(shape) + numbers(strides)
    return rebuild + b"((" + storage + b"tq\x04Q" + window + b"\x89" + ordered + b")Rq\x06tq\x07Rq\x08"


def table(items: Mapping[str, bytes]) -> bytes:
    return b"}q\x09(" + b"".join(text(name) + value for name, value in items.items()) + b"u"


def pickled(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."


def one_number_tensors(shapes: Shapes, dtype: str) -> dict[str, bytes]:
    """Every tensor of full size, but of a single number with strides of zero (as torch's expand makes them)."""
    return {
        name: tensor(str(number_), 1, shape, (0,) * len(shape), dtype, again=number_ > 0)
        for number_, (name, shape) in enumerate(shapes.items())
    }


def write_checkpoint(
    path: Path, shapes: Shapes, dtype: str = "F16", *, wrapped: bool = True, more: Mapping[str, bytes] | None = None
) -> Path:
    """`more`: further entries beside “state_dict”, as opcodes."""
    state = table(one_number_tensors(shapes, dtype))
    value = table({**(more or {}), "state_dict": state}) if wrapped else state
    return write_archive(path, pickled(value), {str(place): b"\0" * BYTES[dtype] for place in range(len(shapes))})


def write_archive(path: Path, data: bytes, storages: Mapping[str, bytes], prefix: str = "archive") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{prefix}/data.pkl", data)
        archive.writestr(f"{prefix}/byteorder", b"little")
        for key, content in storages.items():
            archive.writestr(f"{prefix}/data/{key}", content)
        archive.writestr(f"{prefix}/version", b"3\n")
    return path


MAGIC = b"\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


def write_old_checkpoint(path: Path, tensors: Mapping[str, bytes], storages: Mapping[str, tuple[int, bytes]]) -> Path:
    """The form before torch 1.6: pickles one after the other, then for each storage its count and its bytes."""
    keys = b"]q\x00(" + b"".join(map(text, storages)) + b"e"
    path.write_bytes(
        pickled(MAGIC)
        + pickled(b"M" + struct.pack("<H", 1001))
        + pickled(table({"little_endian": b"\x88"}))
        + pickled(table(tensors))
        + pickled(keys)
        + b"".join(struct.pack("<q", count) + data for count, data in storages.values())
    )
    return path


# -- diffusers folders ------------------------------------------------------------------------------------------------


_SIGHT = {"StableUnCLIPImg2ImgPipeline": "image_encoder", "StableDiffusionDepth2ImgPipeline": "depth_estimator"}


def write_folder(
    folder: Path,
    *,
    kind: str = "StableDiffusionPipeline",
    config: Mapping[str, object] | None = None,
    scheduler: Mapping[str, object] | None = None,
    shapes: Shapes | None = None,
    index: Mapping[str, object] | None = None,
) -> Path:
    """With a UNet alone and what looks at pictures, of a few weights; `index` are further parts."""
    sight = _SIGHT.get(kind)
    parts: dict[str, object] = {"_class_name": kind, "unet": ["diffusers", "UNet2DConditionModel"]}
    if sight is not None:
        parts[sight] = ["transformers", "Something"]
        write_safetensors(folder / sight / "model.safetensors", {"weight": (1,)})
    parts |= index or {}
    (folder / "unet").mkdir(parents=True)
    (folder / "scheduler").mkdir()
    (folder / "model_index.json").write_text(json.dumps(parts))
    (folder / "unet" / "config.json").write_text(json.dumps(dict(config or {})))
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(dict(scheduler or {})))
    write_safetensors(
        folder / "unet" / "diffusion_pytorch_model.safetensors", shapes or {"conv_in.weight": (8, 4, 3, 3)}
    )
    return folder

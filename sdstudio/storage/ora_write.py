"""Saving a canvas as an OpenRaster file that Krita, GIMP and others show as it is.

The mask is stored twice: exactly, in our own folder, and as a hidden layer of magenta with the mask as its alpha.
There it can be seen and edited in every program by making it visible; hidden, it leaves the look of the picture alone.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from sdstudio.domain.canvas_state import CanvasSnapshot, CanvasState, LayerInfo, LayerKind, LayerState
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from sdstudio.storage.files import write_atomic, write_new
from sdstudio.storage.ora_archive import MIMETYPE
from sdstudio.storage.ora_merge import merged, shown_layers
from sdstudio.storage.ora_stack import LayerStack, StackLayer, write_stack
from sdstudio.storage.patch_records import record_to_dict
from sdstudio.storage.picture_decode import srgb_profile
from sdstudio.storage.tile_pixels import bounds_of, pixels_of

SCHEMA = 1
RECORD_NAME = "sdstudio/canvas.json"
MASK_NAME = "sdstudio/mask.png"
RECORDS_FOLDER = "sdstudio/patches/"
"""What accepted results were made from: what the model made of the frame, and the mask that was painted in it."""
MASK_LAYER = "Mask (magenta = may change)"
PAINT_LAYER = "Paint"
MAGENTA = (255, 0, 255)
THUMBNAIL_SIDE = 256
_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP archive knows: equal canvases are equal files."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A layer's picture in the archive: where it lies, and which part of the canvas it holds (may be empty)."""

    layer: LayerState
    src: str
    rect: Rect

    @property
    def made_name(self) -> str:
        return f"{RECORDS_FOLDER}{self.layer.info.id}-made.png"

    @property
    def mask_name(self) -> str:
        return f"{RECORDS_FOLDER}{self.layer.info.id}-mask.png"


def save_ora(
    snapshot: CanvasSnapshot, path: Path, record: Mapping[str, Any] | None = None, *, overwrite: bool = False
) -> Path:
    """Writes what the snapshot shows; undo and redo stay out. Returns where it is: with a number added to the name
    where that is taken, unless `overwrite`. `record` is kept for `read_record`: JSON values. Raises StorageError."""

    def content(file: BinaryIO) -> None:
        _write(file, snapshot, record or {})

    if overwrite:
        write_atomic(path, content)
        return path
    return write_new(path.parent, path.stem, path.suffix or ".ora", content)


def _write(file: BinaryIO, snapshot: CanvasSnapshot, record: Mapping[str, Any]) -> None:
    state = snapshot.state
    stored = [_place(layer, index, state) for index, layer in enumerate(state.layers)]
    with zipfile.ZipFile(file, "w") as archive:
        _add(archive, "mimetype", MIMETYPE.encode())
        _add(archive, "stack.xml", write_stack(_stack(state, stored)), pack=True)
        alone = b""
        for one in stored:
            png = _layer_png(one)
            _add(archive, one.src, png)
            if [one.layer] == shown_layers(state) and one.rect == Rect.of(state.size) and one.layer.info.opacity == 1:
                alone = png
            if one.layer.info.kind is LayerKind.MASK and not one.rect.empty:
                _add(archive, MASK_NAME, _png(pixels_of(one.layer.tiles, one.rect, 1)))
            _add_record(archive, one)
        picture = merged(state)
        _add(archive, "mergedimage.png", alone or _png(picture))
        _add(archive, "Thumbnails/thumbnail.png", _thumbnail(picture))
        _add(archive, RECORD_NAME, _record(snapshot, stored, record), pack=True)


def _add_record(archive: zipfile.ZipFile, one: _Stored) -> None:
    record = one.layer.record
    if record is not None:
        _add(archive, one.made_name, _png(record.made.pixels))
        if record.mask is not None:
            _add(archive, one.mask_name, _png(record.mask))


def _place(layer: LayerState, index: int, state: CanvasState) -> _Stored:
    """The picture whole, of the others only where there is something."""
    whole = layer.info.kind is LayerKind.PICTURE
    rect = Rect.of(state.size) if whole else bounds_of(layer.tiles, state.size)
    return _Stored(layer, f"data/layer{index}.png", rect)


def _stack(state: CanvasState, stored: list[_Stored]) -> LayerStack:
    layers = []
    for one in reversed(stored):
        info = one.layer.info
        visible = info.visible and info.kind is not LayerKind.MASK
        name, opacity = _stack_name(info), info.opacity
        layers.append(StackLayer(name=name, src=one.src, x=one.rect.x, y=one.rect.y, opacity=opacity, visible=visible))
    return LayerStack(state.size, tuple(layers))


def _stack_name(info: LayerInfo) -> str:
    if info.kind is LayerKind.MASK:
        return MASK_LAYER
    if info.kind is LayerKind.PAINT:
        return PAINT_LAYER
    return info.name or ("Picture" if info.kind is LayerKind.PICTURE else info.id)


def _layer_png(one: _Stored) -> bytes:
    """A layer without pixels is one transparent pixel, as a layer must have a picture."""
    if one.rect.empty:
        return _png(np.zeros((1, 1, 4), np.uint8))
    pixels = pixels_of(one.layer.tiles, one.rect, one.layer.info.kind.channels)
    if one.layer.info.kind is LayerKind.MASK:
        mask = pixels
        pixels = np.empty((*mask.shape, 4), np.uint8)
        pixels[..., :3] = MAGENTA
        pixels[..., 3] = mask
    return _png(pixels)


def _png(pixels: Pixels) -> bytes:
    """Height x width is grey, a mask, without a profile; x 4 a picture."""
    out = io.BytesIO()
    opaque = pixels.ndim == 3 and bool((pixels[..., 3] == 255).all())
    # Run lengths alone: on filtered pixels nearly as small as the full search, in two thirds of the time.
    how: dict[str, Any] = {"compress_level": 1, "compress_type": zlib.Z_RLE}
    if pixels.ndim == 3:
        how["icc_profile"] = srgb_profile()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3]) if opaque else pixels).save(out, "PNG", **how)
    return out.getvalue()


def _thumbnail(pixels: Pixels) -> bytes:
    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return _png(np.asarray(small))


def _record(snapshot: CanvasSnapshot, stored: list[_Stored], record: Mapping[str, Any]) -> bytes:
    data = {
        "schema": SCHEMA,
        "app": "SD Studio",
        "name": snapshot.name,
        "width": snapshot.state.size.width,
        "height": snapshot.state.size.height,
        "layers": [
            {
                "id": one.layer.info.id,
                "kind": str(one.layer.info.kind),
                "name": one.layer.info.name,
                "visible": one.layer.info.visible,
                "opacity": float(one.layer.info.opacity),
                "src": one.src,
                "rect": [one.rect.x, one.rect.y, one.rect.width, one.rect.height],
                **_made_from(one),
            }
            for one in stored
        ],
        "record": dict(record),
    }
    return json.dumps(data, ensure_ascii=True, allow_nan=False).encode()


def _made_from(one: _Stored) -> dict[str, Any]:
    record = one.layer.record
    if record is None:
        return {}
    mask = None if record.mask is None else one.mask_name
    return {"result": {**record_to_dict(record, shared=True), "made": one.made_name, "mask": mask}}


def _add(archive: zipfile.ZipFile, name: str, data: bytes, pack: bool = False) -> None:
    """PNG files are compressed already."""
    info = zipfile.ZipInfo(name, _DATE)
    info.external_attr = 0o644 << 16
    archive.writestr(info, data, zipfile.ZIP_DEFLATED if pack else zipfile.ZIP_STORED)

"""Reading OpenRaster files: our own as they were saved, those of other programs as well as can be."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sdstudio.domain.canvas_state import (
    MASK,
    NO_TILES,
    PAINT,
    PICTURE,
    CanvasSnapshot,
    CanvasState,
    LayerInfo,
    LayerKind,
    LayerState,
    Tiles,
)
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.geometry import Rect, Size
from sdstudio.storage.ora_archive import MIMETYPE, OraArchive, open_archive
from sdstudio.storage.ora_results import result_names, with_result
from sdstudio.storage.ora_stack import LayerStack, StackLayer, read_stack
from sdstudio.storage.ora_write import MASK_LAYER, MASK_NAME, PAINT_LAYER, RECORD_NAME, SCHEMA
from sdstudio.storage.tile_pixels import tiles_of

Notes = tuple[str, ...]


class _NotOurs(Exception):
    """The record is of a later version, or does not fit the layers: they were changed by another program."""


def load_ora(path: Path) -> tuple[CanvasSnapshot, Notes]:
    """The canvas and, in words, what could not be kept. Raises UnreadableFile and nothing else."""
    with open_archive(path) as archive:
        stack = _stack(archive)
        try:
            name, state, notes = _ours(archive, stack)
        except _NotOurs as reason:
            name, (state, notes) = "", _foreign(archive, stack)
            notes = (*([str(reason)] if str(reason) else []), *notes)
    return CanvasSnapshot(name=name or path.stem, source=str(path), state=state, saved_serial=0), notes


def look_at_layers(path: Path) -> tuple[Size, int]:
    """The canvas's size, and how many pixels its layers and what they were made from have together, before any of them
    is decoded. Raises UnreadableFile."""
    with open_archive(path) as archive:
        stack = _stack(archive)
        names = (*(layer.src for layer in stack.layers), *result_names(archive))
        return stack.size, sum(map(archive.picture_pixels, names))


def read_record(path: Path) -> dict[str, Any]:
    """What was given to `save_ora` as its record; {} where there is none. Raises UnreadableFile."""
    with open_archive(path) as archive:
        if RECORD_NAME not in archive:
            return {}
        data = _json(archive)
        record = data.get("record") if isinstance(data, dict) else None
        return record if isinstance(record, dict) else {}


def _stack(archive: OraArchive) -> LayerStack:
    if "mimetype" in archive:
        kind = archive.text("mimetype").decode("ascii", "replace").strip()
        if kind != MIMETYPE:
            raise archive.refused(f"it is a file of another kind ({kind[:60]})", "Save it as OpenRaster (.ora) first.")
    if "stack.xml" not in archive:
        raise archive.refused("it is not an OpenRaster file: it has no list of layers")
    try:
        return read_stack(archive.text("stack.xml"))
    except UnreadableFile as error:
        words = error.message
        raise error if words.startswith("“") else archive.refused(words[:1].lower() + words[1:].rstrip(".")) from error


def _json(archive: OraArchive) -> Any:
    try:
        return json.loads(archive.text(RECORD_NAME))
    except (ValueError, RecursionError) as error:
        raise archive.refused(f"its record is damaged ({error})") from error


def _ours(archive: OraArchive, stack: LayerStack) -> tuple[str, CanvasState, Notes]:
    if RECORD_NAME not in archive:
        raise _NotOurs
    data = _json(archive)
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise _NotOurs("The file was saved by a later version of SD Studio: only its layers were read.")
    rows = data.get("layers")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise archive.refused("its record is damaged")
    if [row.get("src") for row in rows] != [layer.src for layer in reversed(stack.layers)]:
        raise _NotOurs("The layers were changed in another program: all were read as it left them.")
    if stack.size != _size(data):
        raise _NotOurs("The size was changed in another program: the layers were read as it left them.")
    layers = tuple(_our_layer(archive, row, stack.size) for row in rows)
    kinds = [layer.info.kind for layer in layers]
    order = [LayerKind.PICTURE, *[LayerKind.PATCH] * (len(layers) - 3), LayerKind.PAINT, LayerKind.MASK]
    if kinds != order or len({layer.info.id for layer in layers}) != len(layers):
        raise archive.refused("its record is damaged: it has not the layers of a canvas")
    name = data.get("name")
    known = [with_result(archive, layer, row.get("result")) for layer, row in zip(layers, rows, strict=True)]
    state = CanvasState(size=stack.size, layers=tuple(layer for layer, _ in known))
    return name if isinstance(name, str) else "", state, tuple(words for _, words in known if words)


def _size(data: Mapping[str, Any]) -> Size | None:
    width, height = data.get("width"), data.get("height")
    good = isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0
    return Size(width, height) if good else None  # type: ignore[arg-type]


def _our_layer(archive: OraArchive, row: Mapping[str, Any], size: Size) -> LayerState:
    rect = row.get("rect")
    opacity = row.get("opacity")
    named = isinstance(row.get("name"), str) and re.fullmatch(r"[a-z0-9-]{1,40}", str(row.get("id"))) is not None
    known = row.get("kind") in list(LayerKind) and named
    number = isinstance(opacity, int | float) and not isinstance(opacity, bool) and math.isfinite(opacity)
    four = isinstance(rect, list) and len(rect) == 4 and all(type(value) is int for value in rect)
    if not (known and number and four and isinstance(row.get("visible"), bool)):
        raise archive.refused("its record is damaged")
    info = LayerInfo(
        id=row["id"],
        kind=LayerKind(row["kind"]),
        name=row["name"],
        visible=row["visible"],
        opacity=min(max(float(row["opacity"]), 0.0), 1.0),
    )
    place = Rect(*row["rect"])
    if place.empty:
        return LayerState(info=info, tiles=NO_TILES)
    mask = info.kind is LayerKind.MASK
    picture = archive.picture(MASK_NAME if mask else row["src"])
    if Rect(place.x, place.y, picture.size.width, picture.size.height) != place or not Rect.of(size).contains(place):
        raise archive.refused(f"the picture of its layer “{info.name or info.id}” has not the size that is said")
    pixels = np.ascontiguousarray(picture.pixels[..., 0]) if mask else picture.pixels
    return LayerState(info=info, tiles=tiles_of(pixels, place.x, place.y, size))


def _foreign(archive: OraArchive, stack: LayerStack) -> tuple[CanvasState, Notes]:
    """The lowest layer is the picture; the others are patches, except for a mask and paint that once were ours."""
    notes = list(stack.notes)
    mask: Tiles = NO_TILES
    found: list[tuple[StackLayer, Tiles]] = []
    for layer in reversed(stack.layers):
        tiles = _tiles(archive, layer, stack.size, notes)
        if tiles is not None and layer.name == MASK_LAYER:
            mask = tiles_of_alpha(tiles)
        elif tiles is not None:
            found.append((layer, tiles))
    if not found:
        raise archive.refused("it has no layer with a picture")
    paint = LayerState(info=LayerInfo(id=PAINT, kind=LayerKind.PAINT), tiles=NO_TILES)
    if len(found) > 1 and found[-1][0].name == PAINT_LAYER:
        layer, tiles = found.pop()
        paint = LayerState(info=_info(layer, PAINT, LayerKind.PAINT, ""), tiles=tiles)
    bottom = LayerState(info=_info(found[0][0], PICTURE, LayerKind.PICTURE, found[0][0].name), tiles=found[0][1])
    patches = [
        LayerState(info=_info(layer, f"patch-{number}", LayerKind.PATCH, layer.name), tiles=tiles)
        for number, (layer, tiles) in enumerate(found[1:], 1)
    ]
    last = LayerState(info=LayerInfo(id=MASK, kind=LayerKind.MASK), tiles=mask)
    return CanvasState(size=stack.size, layers=(bottom, *patches, paint, last)), tuple(notes)


def _info(layer: StackLayer, layer_id: str, kind: LayerKind, name: str) -> LayerInfo:
    return LayerInfo(id=layer_id, kind=kind, name=name, visible=layer.visible, opacity=layer.opacity)


def _tiles(archive: OraArchive, layer: StackLayer, size: Size, notes: list[str]) -> Tiles | None:
    if not archive.is_png(layer.src):
        notes.append(f"The layer “{layer.name}” is not a PNG picture and was left out.")
        return None
    picture = archive.picture(layer.src)
    place = Rect(layer.x, layer.y, picture.size.width, picture.size.height)
    if not Rect.of(size).contains(place):
        notes.append(f"The layer “{layer.name}” was cut at the edge of the picture.")
    return tiles_of(picture.pixels, layer.x, layer.y, size)


def tiles_of_alpha(tiles: Tiles) -> Tiles:
    """The mask that a layer's alpha is; tiles without any are left out."""
    result = {}
    for key, tile in tiles.items():
        column, row = key
        alpha = np.ascontiguousarray(tile.pixels[..., 3])
        size = Size(alpha.shape[1], alpha.shape[0])
        for one in tiles_of(alpha, 0, 0, size).values():
            result[column, row] = one
    return result

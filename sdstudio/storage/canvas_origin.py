"""The file that a canvas was opened from, as a second source of its pixels until the journal holds them all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sdstudio.domain.canvas_state import PICTURE, CanvasOrigin, CanvasState, Tile, TileKey
from sdstudio.domain.errors import UnreadableFile
from sdstudio.storage.open_picture import open_picture
from sdstudio.storage.ora import load_ora
from sdstudio.storage.tile_pixels import tiles_of

PROJECT_SUFFIX = ".ora"

Places = Mapping[tuple[str, TileKey], Tile]
"""Layer and place in it -> tile."""


def origin_of(path: Path, facts: os.stat_result, state: CanvasState) -> CanvasOrigin:
    """`facts` of before the file was read: a change meanwhile is a change since."""
    tiles = {tile.serial: (layer.info.id, key) for layer in state.layers for key, tile in layer.tiles.items()}
    where = str(path.absolute())
    return CanvasOrigin(path=where, nbytes=facts.st_size, modified_ns=facts.st_mtime_ns, tiles=tiles)


def tiles_again(path: Path, nbytes: int, modified_ns: int) -> tuple[Places, str]:
    """All that the file gives, if it is what it was; else nothing, and in words why."""
    try:
        facts = path.stat()
        if (facts.st_size, facts.st_mtime_ns) != (nbytes, modified_ns):
            return {}, f"“{path.name}” has been changed since."
        return _tiles(path), ""
    except (OSError, UnreadableFile):
        return {}, f"“{path.name}” cannot be read any more."


def _tiles(path: Path) -> Places:
    if path.suffix.lower() == PROJECT_SUFFIX:
        snapshot, _notes = load_ora(path)
        layers = snapshot.state.layers
        return {(layer.info.id, key): tile for layer in layers for key, tile in layer.tiles.items()}
    image = open_picture(path).image
    return {(PICTURE, key): tile for key, tile in tiles_of(image.pixels, 0, 0, image.size).items()}

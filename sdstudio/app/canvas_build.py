"""What the canvas's thread does for opening, saving and exporting: functions of immutable values, without Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from sdstudio.app.canvas_work import Ticket
from sdstudio.canvas import edits
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.pyramid import BaseLevels, Pyramid
from sdstudio.canvas.tiles import TileGrid
from sdstudio.canvas.tool_area import AreaWork
from sdstudio.canvas.tool_fill import FillWork
from sdstudio.canvas.tool_mask import MaskWork
from sdstudio.domain.canvas_state import MASK, CanvasSnapshot, CanvasState, TileChange
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.metadata import PictureRecord
from sdstudio.storage import export as exporting
from sdstudio.storage import open_picture as opening
from sdstudio.storage import ora
from sdstudio.storage.canvas_origin import origin_of
from sdstudio.storage.open_picture import PictureFacts

PROJECT_SUFFIX = ".ora"
SMALL_PIXELS = 1 << 20
"""Up to here an operation is done at once; above, in the other thread."""
AREA_PIXELS = 1 << 18
"""The same for the box of a shape that is drawn: 512 x 512 take about 5 ms."""
Colour = tuple[int, int, int]
NewTiles = tuple[TileChange, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A document, its display made ready, and what the person should know of it."""

    document: CanvasDocument
    base: BaseLevels | None = None
    notes: tuple[str, ...] = ()


def is_project(path: str | Path) -> bool:
    return Path(path).suffix.lower() == PROJECT_SUFFIX


@dataclass(frozen=True, slots=True, eq=False)
class NewState:
    """Another state of the same canvas, its display made ready."""

    state: CanvasState
    base: BaseLevels | None = None


def with_state(state: CanvasState) -> NewState:
    """`base` is made for large canvases alone: a small one is drawn at once."""
    return NewState(state, None if state.size.pixels <= SMALL_PIXELS else Pyramid.build_base(state))


def filled(area: FillWork | AreaWork, snapshot: CanvasSnapshot, ticket: Ticket) -> NewTiles:
    """The tiles that an area changes, as they will be. Raises CancelledByUser."""
    found = area.run(snapshot, ticket.progress, ticket.cancelled)
    ticket.check()
    trial = CanvasDocument.from_snapshot(replace(snapshot, undo=(), redo=()))
    area.apply(trial, found)
    items = trial.history.undo_items
    return items[0].tiles if items else ()


def masked(work: MaskWork, snapshot: CanvasSnapshot, ticket: Ticket) -> NewTiles:
    """The tiles that a command for the whole mask changes. Raises CancelledByUser."""
    patch = work.run(snapshot, ticket.progress, ticket.cancelled)
    return edits.differing_tiles(MASK, snapshot.state.layer(MASK).tiles, patch.changes)


def with_mask(state: CanvasState, mask: Pixels, fit: str) -> NewTiles:
    """The tiles that another mask changes; `fit` as for `fitted_mask`."""
    made = edits.tiles_of(fitted_mask(mask, state.size, fit))
    tiles = state.layer(MASK).tiles
    return edits.differing_tiles(MASK, tiles, {key: made.get(key) for key in made.keys() | tiles.keys()})


def without_pixels(state: CanvasState, layer_id: str) -> NewTiles:
    """The tiles that an emptied layer loses."""
    tiles = state.layer(layer_id).tiles
    return edits.differing_tiles(layer_id, tiles, dict.fromkeys(tiles))


def blank(size: Size, colour: Colour | None, name: str) -> Built:
    """Transparent, or of one colour. Raises InvalidRequest("size")."""
    return Built(CanvasDocument.blank(size, None if colour is None else (*colour, 255), name))


def from_image(image: ImageBuffer, name: str, notes: tuple[str, ...] = (), source: str = "") -> Built:
    """Without a `source` it is in no file yet and counts as not saved. Raises InvalidRequest("size")."""
    document = CanvasDocument.from_image(image, name, source)
    if not source:
        document.history.saved_serial = -1
    return Built(document, Pyramid.build_base(image.pixels), notes)


def from_bytes(data: bytes, name: str) -> Built:
    """Raises UnreadableFile."""
    opened = opening.open_bytes(data, name)
    return from_image(opened.image, name, opened.notes)


def look(path: Path) -> PictureFacts:
    """Size and memory of a picture or a project, from its header. Raises UnreadableFile."""
    if not is_project(path):
        return opening.look_at(path)
    size, layers = ora.look_at_layers(path)
    return PictureFacts(size, "ORA", 1, opening.bytes_needed(size, layers))


def from_file(path: Path) -> Built:
    """A picture, or a project with all its layers. Raises UnreadableFile, OSError."""
    facts = path.stat()
    if is_project(path):
        snapshot, notes = ora.load_ora(path)
        built = from_snapshot(snapshot, notes)
    else:
        opened = opening.open_picture(path)
        built = from_image(opened.image, path.name, opened.notes, str(path))
    built.document.origin = origin_of(path, facts, built.document.state())
    return built


def from_snapshot(snapshot: CanvasSnapshot, notes: tuple[str, ...] = ()) -> Built:
    """With its history."""
    return Built(CanvasDocument.from_snapshot(snapshot), Pyramid.build_base(snapshot.state), notes)


def flattened(snapshot: CanvasSnapshot) -> ImageBuffer:
    """What is visible, as one picture."""
    document = CanvasDocument.from_snapshot(snapshot)
    pixels = document.composite(Rect.of(document.size))
    pixels.setflags(write=False)
    return ImageBuffer(pixels)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """`quality` 1 to 100 for JPEG and lossy WebP; `settings` go into the file where they are given."""

    quality: int = 92
    lossless: bool = True
    settings: PictureRecord | None = None
    overwrite: bool = True


def export(snapshot: CanvasSnapshot, path: Path, options: ExportOptions) -> Path:
    """Raises StorageError."""
    return exporting.export(
        flattened(snapshot),
        path,
        quality=options.quality,
        lossless=options.lossless,
        settings=options.settings,
        overwrite=options.overwrite,
    )


def save(snapshot: CanvasSnapshot, path: Path, overwrite: bool) -> Path:
    """Raises StorageError."""
    return ora.save_ora(snapshot, path, overwrite=overwrite)


def read_mask(path: Path) -> Pixels:
    """Height x width. Raises UnreadableFile."""
    return opening.load_mask(path)


def write_mask(snapshot: CanvasSnapshot, path: Path, overwrite: bool) -> Path:
    """Raises StorageError."""
    size = snapshot.state.size
    mask = TileGrid(size, 1, snapshot.state.layer(MASK).tiles).read(Rect.of(size))
    return opening.save_mask(mask, path, overwrite=overwrite)


def fitted_mask(mask: Pixels, size: Size, fit: str) -> Pixels:
    """Height x width of the canvas: stretched ("scale"), or in the middle with nothing around it ("centre")."""
    height, width = mask.shape
    if (width, height) == (size.width, size.height):
        return mask
    if fit == "scale":
        return np.asarray(Image.fromarray(mask).resize((size.width, size.height), Image.Resampling.BILINEAR))
    placed = Rect((size.width - width) // 2, (size.height - height) // 2, width, height)
    inside = placed.intersected(Rect.of(size))
    result = np.zeros((size.height, size.width), np.uint8)
    result[inside.slices] = mask[inside.moved(-placed.x, -placed.y).slices]
    return result

"""OpenRaster files for tests: one of ours, and such as other programs write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from sdstudio.domain.canvas_state import (
    MASK,
    PAINT,
    PICTURE,
    CanvasSnapshot,
    CanvasState,
    LayerInfo,
    LayerKind,
    LayerState,
)
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import Pixels
from sdstudio.storage.ora import load_ora
from sdstudio.storage.tile_pixels import tiles_of

SIZE = Size(300, 40)


def layer(layer_id: str, kind: LayerKind, pixels: Pixels, x: int = 0, y: int = 0, **info: object) -> LayerState:
    return LayerState(info=LayerInfo(id=layer_id, kind=kind).with_changes(**info), tiles=tiles_of(pixels, x, y, SIZE))


def example() -> CanvasSnapshot:
    """A noisy picture with transparent pixels, a patch in the second tile, a stroke of paint, half a mask."""
    picture = np.random.default_rng(3).integers(0, 256, (40, 300, 4), dtype=np.uint8)
    picture[:, :250, 3] = 255
    picture[:10, :20, 3] = 0
    patch = np.full((12, 10, 4), (10, 200, 30, 255), np.uint8)
    paint = np.zeros((40, 300, 4), np.uint8)
    paint[5:8, 3:9] = (250, 0, 0, 128)
    mask = np.zeros((40, 300), np.uint8)
    mask[20:, 260:] = np.arange(40, dtype=np.uint8) * 6 + 1
    layers = (
        layer(PICTURE, LayerKind.PICTURE, picture, name="Harbour"),
        layer("patch-1", LayerKind.PATCH, patch, 270, 4, name="Boat <&> “ß”", opacity=0.5),
        layer(PAINT, LayerKind.PAINT, paint),
        layer(MASK, LayerKind.MASK, mask),
    )
    return CanvasSnapshot(name="Harbour", source="x.png", state=CanvasState(size=SIZE, layers=layers))


def png(width: int, height: int, colour: tuple[int, ...] = (1, 2, 3, 255)) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (width, height), colour).save(out, "PNG")
    return out.getvalue()


def foreign(stack: str, *parts: tuple[str, bytes], size: str = 'w="20" h="10"') -> bytes:
    """An .ora as other programs write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        archive.writestr("stack.xml", f"<?xml version='1.0'?><image version='0.0.3' {size}>{stack}</image>")
        for name, data in parts:
            archive.writestr(name, data)
    return out.getvalue()


def load_bytes(folder: Path, data: bytes) -> tuple[CanvasSnapshot, tuple[str, ...]]:
    path = folder / "foreign.ora"
    path.write_bytes(data)
    return load_ora(path)


def rewritten(
    data: bytes, change: Callable[[str, bytes], bytes | None], extra: dict[str, bytes] | None = None
) -> bytes:
    """Each entry changed, or left out where the change gives None."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            content = change(info.filename, old.read(info))
            if content is not None:
                new.writestr(info.filename, content)
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return out.getvalue()

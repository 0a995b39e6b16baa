"""Draws the program's icon in all sizes: a picture on its way from noise (squares, left) to form (disc, right).

python packaging/bundle_icons.py FOLDER     PNGs of every size and an .ico for Windows
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

from PIL import Image, ImageDraw

SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
SCALE = 8
"""Drawn this much larger and then reduced: Pillow's shapes have hard edges."""
GROUND = (36, 36, 36, 255)  # the window's own grey
FORM = (141, 183, 238, 255)  # the window's accent
GRAIN = ((141, 183, 238, 255), (72, 120, 184, 255), (60, 107, 168, 255), (106, 148, 207, 255))
ROUNDING = 0.19
RADIUS = 0.31


def draw_icon(size: int) -> Image.Image:
    """The icon of `size` x `size` pixels, RGBA. Small ones have fewer squares, so that these stay whole pixels."""
    side = size * SCALE
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((0, 0, side - 1, side - 1), radius=side * ROUNDING, fill=GROUND)
    middle, radius = side / 2, side * RADIUS
    pen.pieslice((middle - radius, middle - radius, middle + radius, middle + radius), -90, 90, fill=FORM)
    _draw_grain(pen, middle, radius, 3 if size <= 24 else 4 if size <= 48 else 5)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _draw_grain(pen: ImageDraw.ImageDraw, middle: float, radius: float, columns: int) -> None:
    """Squares in the left half, whole where they lie in the disc, thinning out beyond it."""
    cell = radius / columns
    for column in range(-columns - 2, 0):
        for row in range(-columns, columns):
            left, top = middle + column * cell, middle + row * cell
            distance = math.hypot(column + 0.5, row + 0.5) / columns
            chance = _hash(column, row)
            if distance > 1.3 or (distance > 1.0 and chance % 3):
                continue
            gap = 0 if distance <= 0.55 else cell * 0.14
            pen.rectangle((left, top, left + cell - gap, top + cell - gap), fill=GRAIN[chance % len(GRAIN)])


def _hash(column: int, row: int) -> int:
    """The same squares at every build, without a random number."""
    value = (column * 73856093) ^ (row * 19349663)
    return ((value ^ (value >> 7)) * 2654435761 >> 9) & 0xFFFF


def write_pngs(folder: Path) -> list[Path]:
    """`FOLDER/SIZExSIZE.png` for every size."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for size in SIZES:
        path = folder / f"{size}x{size}.png"
        draw_icon(size).save(path)
        paths.append(path)
    return paths


def write_ico(path: Path) -> Path:
    """One file with all sizes that Windows asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [draw_icon(size) for size in ICO_SIZES]
    pictures[-1].save(path, sizes=[(size, size) for size in ICO_SIZES], append_images=pictures[:-1])
    return path


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write_pngs(target)
    write_ico(target / "sdstudio.ico")

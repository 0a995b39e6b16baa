"""Random moves on a canvas, for holding the document against the slow reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.canvas_state import CanvasSnapshot, CanvasState, LayerKind
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from tests.helpers.slow_canvas import SlowCanvas

sizes = st.builds(Size, st.integers(1, 540), st.integers(1, 300))
rects = st.builds(Rect, st.integers(-40, 520), st.integers(-40, 290), st.integers(0, 400), st.integers(0, 300))


def noise(seed: int, height: int, width: int, channels: int = 4) -> Pixels:
    """Random pixels, with many that are fully transparent (their RGB is not 0) or fully opaque."""
    random = np.random.default_rng(seed)
    if channels == 1:
        return random.integers(0, 256, (height, width), dtype=np.uint8)
    pixels = random.integers(0, 256, (height, width, 4), dtype=np.uint8)
    extreme = random.random((height, width))
    pixels[extreme < 0.3, 3] = 0
    pixels[extreme > 0.7, 3] = 255
    return pixels


def picture(seed: int, size: Size, *, opaque: bool = False) -> ImageBuffer:
    pixels = noise(seed, size.height, size.width)
    if opaque:
        pixels[..., 3] = 255
    return ImageBuffer(pixels)


@dataclass(frozen=True)
class Move:
    """A name and what it needs; `play` does it on either kind of canvas."""

    name: str
    values: tuple[Any, ...] = ()


@st.composite
def strokes(draw: st.DrawFn) -> Move:
    layers = st.sampled_from(["picture", "paint", "mask", "mask"])
    parts = draw(
        st.lists(st.tuples(layers, rects, st.sampled_from(["noise", "fill", "zero", "same"])), min_size=1, max_size=3)
    )
    return Move("stroke", (tuple(parts), draw(st.integers(0, 9)), draw(st.sampled_from([True, True, True, False]))))


moves = st.one_of(
    strokes(),
    strokes(),
    strokes(),
    st.builds(lambda seed, x, y, size: Move("patch", (seed, x, y, size)),
              st.integers(0, 9), st.integers(-50, 400), st.integers(-50, 200), sizes),
    st.builds(lambda index, change: Move("set", (index, change)), st.integers(0, 4), st.sampled_from(
        [("visible", False), ("visible", True), ("opacity", 0.5), ("opacity", 0.0), ("opacity", 1.0), ("name", "n")])),
    st.builds(lambda index: Move("remove", (index,)), st.integers(0, 2)),
    st.builds(lambda rect: Move("resize", (Rect(rect.x, rect.y, rect.width + 1, rect.height + 1),)), rects),
    st.builds(lambda size: Move("scale", (size,)), sizes),
    st.just(Move("undo")),
    st.just(Move("undo")),
    st.just(Move("redo")),
    st.builds(lambda share: Move("go to", (share,)), st.floats(0, 1)),
)  # fmt: skip


def play(canvas: CanvasDocument | SlowCanvas, move: Move) -> None:
    """Moves that make no sense on this canvas do nothing."""
    if move.name == "stroke":
        parts, seed, keep = move.values
        canvas.begin(f"stroke {seed}")
        edit(canvas, parts, seed)
        _ = canvas.commit() if keep else canvas.rollback()
    elif move.name == "patch":
        seed, x, y, size = move.values
        canvas.accept_patch(picture(seed, size), x, y, "p", None)
    elif move.name == "set":
        index, (name, value) = move.values
        seen = [info for info in canvas.layers if info.kind is not LayerKind.MASK]
        canvas.set_layer(seen[index % len(seen)].id, **{name: value})
    elif move.name == "remove":
        patches = [info.id for info in canvas.layers if info.kind is LayerKind.PATCH]
        if patches:
            canvas.remove_layer(patches[move.values[0] % len(patches)])
    elif move.name in ("resize", "scale"):
        getattr(canvas, {"resize": "resize_canvas", "scale": "scale"}[move.name])(*move.values)
    elif move.name == "go to":
        canvas.go_to(round(move.values[0] * item_count(canvas)))
    else:
        getattr(canvas, move.name)()


def edit(canvas: CanvasDocument | SlowCanvas, parts: tuple[tuple[str, Rect, str], ...], seed: int) -> None:
    """Inside a gesture."""
    for layer, rect, way in parts:
        grid = canvas.grid(layer)
        value = (seed, 20, 30, 40 * (seed % 7)) if grid.channels == 4 else 25 * seed
        if way == "noise":
            grid.write(rect, noise(seed, rect.height, rect.width, grid.channels))
        elif way == "fill":
            grid.fill(rect, value)
        elif way == "zero":
            for view, _part in grid.edit(rect):
                view[:] = 0
        else:
            for view, _part in grid.edit(rect):
                view[:] = view.copy()


def item_count(canvas: CanvasDocument | SlowCanvas) -> int:
    history = canvas.history if isinstance(canvas, CanvasDocument) else canvas
    return len(history.undo_labels) + len(history.redo_labels)


def pixels_of(document: CanvasDocument) -> dict[str, Pixels]:
    return {info.id: document.grid(info.id).read(document.rect) for info in document.layers}


def assert_equal(document: CanvasDocument, slow: SlowCanvas) -> None:
    assert document.size == slow.size
    assert document.layers == slow.layers
    for name, pixels in pixels_of(document).items():
        assert np.array_equal(pixels, slow.grid(name).pixels), name
    assert document.mask_bounds() == slow.mask_bounds()
    assert document.history.undo_labels == slow.undo_labels
    assert document.history.redo_labels == slow.redo_labels
    assert document.history.position == slow.position


def state_values(state: CanvasState) -> tuple[Any, ...]:
    """Comparable, tiles by their bytes."""
    layers = tuple(
        (layer.info, {key: tile.pixels.tobytes() for key, tile in layer.tiles.items()}, layer.record)
        for layer in state.layers
    )
    return state.size, layers


def snapshot_values(snapshot: CanvasSnapshot) -> tuple[Any, ...]:
    """Comparable, items by their numbers and tiles' serials."""
    pending = () if snapshot.pending is None else (snapshot.pending,)
    items = [
        (
            item.serial,
            item.label,
            item.rect,
            [(c.layer, c.key, c.before and c.before.serial, c.after and c.after.serial) for c in item.tiles],
            item.before and state_values(item.before),
            item.after and state_values(item.after),
        )
        for item in (*snapshot.undo, *snapshot.redo, *pending)
    ]
    counts = len(snapshot.undo), len(snapshot.redo), len(pending)
    return snapshot.name, snapshot.source, state_values(snapshot.state), counts, items, snapshot.saved_serial

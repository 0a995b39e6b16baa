"""Holds a canvas session against its slow model: pixels, history, display, journal, project file, memory."""

from __future__ import annotations

import gc
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QApplication

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.layers import LayerStack
from sdstudio.canvas.pyramid import Pyramid
from sdstudio.canvas.tiles import keys_of
from sdstudio.domain.canvas_state import MASK, CanvasSnapshot, CanvasState, LayerInfo, Tile
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from sdstudio.storage.canvas_journal import CanvasJournal
from sdstudio.storage.ora import load_ora, save_ora
from sdstudio.ui.canvas.editor_scene import EditorScene
from sdstudio.ui.canvas.editor_view import EditorView
from sdstudio.ui.theme import Theme
from tests.helpers.slow_canvas import Everything
from tests.helpers.slow_session import SlowSession

PATIENCE_S = 60.0
SMOOTH_TOLERANCE = 4
"""Steps of 255 by which the view may differ: what is scaled smoothly depends a little on where its parts begin. Qt goes
along a row by steps of 1/65536 pixel: at its end, a thousand pixels on, two steps between black and white, and its
weights are rounded too. 4 is the most that pure noise shows at any zoom."""
Layers = dict[str, Pixels]


class Different(AssertionError):
    """What is not as it should be."""


def require(condition: object, what: str) -> None:
    if not condition:
        raise Different(what)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        require(time.monotonic() < end, "the program did not come to rest")
        QApplication.processEvents()


def same_pixels(name: str, found: Pixels, expected: Pixels, tolerance: int = 0) -> None:
    require(found.shape == expected.shape, f"{name}: {found.shape} instead of {expected.shape}")
    if not np.array_equal(found, expected):
        apart = np.abs(found.astype(np.int16) - expected)
        differs = (apart > tolerance).reshape(*found.shape[:2], -1).any(axis=2)
        if not differs.any():
            return
        rows, columns = np.nonzero(differs)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        first = (rows[0], columns[0])
        raise Different(
            f"{name}: {differs.sum()} pixels differ in {tuple(int(edge) for edge in box)}, the first "
            f"{found[first]} instead of {expected[first]}"
        )


def check_pixels(model: SlowSession) -> None:
    """The document as it is now, also in the middle of a gesture or a preview."""
    session, slow = model.session, model.canvas
    document = session.document
    require((document is None) == (slow is None), "one has a document, the other has none")
    if document is None or slow is None:
        return
    model.follow_history()
    require(document.size == slow.size, f"size {document.size} instead of {slow.size}")
    require(document.layers == slow.layers, f"layers {document.layers} instead of {slow.layers}")
    for info in document.layers:
        expected = model.expected_mask if info.id == MASK else slow.grid(info.id).pixels
        same_pixels(info.id, document.grid(info.id).read(document.rect), expected)
    history = document.history
    require(history.undo_labels == slow.undo_labels, f"undo {history.undo_labels} instead of {slow.undo_labels}")
    require(history.redo_labels == slow.redo_labels, f"redo {history.redo_labels} instead of {slow.redo_labels}")
    kept = history.nbytes <= history.budget or history.position <= 1 or history.redo_labels  # undo drops nothing
    require(kept, f"history of {history.nbytes} bytes")
    require((model.tool is not None) == session.busy, f"busy is {session.busy}")
    same_pixels("composite", document.composite(document.rect), slow.composite(slow.rect))
    if not session.busy and not session.preview:
        require(session.mask_bounds == slow.mask_bounds(), f"mask bounds {session.mask_bounds}")
        share = np.count_nonzero(slow.mask.pixels) / slow.size.pixels
        require(abs(session.mask_coverage - share) < 1e-9, f"coverage {session.mask_coverage} instead of {share}")


def check_pyramid(session: CanvasSession) -> None:
    """What is shown equals what would be computed from the beginning."""
    document, pyramid = session.document, session.pyramid
    if document is None or pyramid is None:
        return
    fresh = Pyramid(CanvasDocument.from_snapshot(document.snapshot()))
    require(pyramid.levels == fresh.levels, f"{pyramid.levels} levels instead of {fresh.levels}")
    for level in range(fresh.levels):
        for key in keys_of(Rect.of(fresh.level_size(level))):
            for kind in ("picture_tile", "mask_tile"):
                found, expected = (getattr(one, kind)(level, key) for one in (pyramid, fresh))
                if found is None or expected is None:
                    empty = found is expected or not (found if expected is None else expected).any()
                    require(empty, f"{kind} {level} {key}: {found is None} {expected is None}")
                else:
                    same_pixels(f"{kind} {level} {key}", found, expected)


def check_view(view: EditorView, session: CanvasSession, theme: Theme) -> None:
    """What is on the screen equals what a new view would paint."""
    if session.document is None or not view.isVisible():
        return
    view.repaint()
    wait_until(lambda: view.scene.sharp)
    fresh = EditorScene(session, theme)
    fresh.look(view.map)
    fresh.set_mask_look(view.mask_look, view.devicePixelRatioF())
    fresh._overlay.move_dashes(view.scene._overlay._moved)
    found, expected = (painted(scene, view) for scene in (view.scene, fresh))
    try:
        same_pixels("the view", found, expected, SMOOTH_TOLERANCE)
    except Different as error:
        raise Different(f"{error}; {what_differs(view, fresh)}") from error
    finally:
        fresh.deleteLater()


def what_differs(view: EditorView, fresh: EditorScene) -> str:
    """For looking for the cause: how it is shown, which planes differ, and whether painting all anew mends it."""

    def planes(scene: EditorScene) -> dict[str, np.ndarray]:
        frame, overlay = scene._frame, scene._overlay
        return {"picture": frame._words.view(np.uint8), "tint": overlay._words, "edge codes": overlay._codes}

    tolerances = {"picture": SMOOTH_TOLERANCE, "tint": 0, "edge codes": 0}
    told = [f"{view.map}, levels {view.map.level} and {view.map.mask_level}, {view.mask_look}"]
    expected = planes(fresh)
    for moment in ("kept", "painted anew"):
        for name, plane in planes(view.scene).items():
            apart = np.abs(plane.astype(np.int64) - expected[name]) > tolerances[name]
            told.append(f"{name} {moment}: {np.count_nonzero(apart)} differ")
        view.scene._frame.invalidate()
        view.scene._overlay.invalidate()
        painted(view.scene, view)
    return ", ".join(told)


def painted(scene: EditorScene, view: EditorView) -> Pixels:
    bounds = QRect(0, 0, view.map.width, view.map.height)
    while True:
        image = QImage(bounds.size(), QImage.Format.Format_RGB32)
        with QPainter(image) as painter:
            scene.paint(painter, QRegion(bounds))
        if scene.sharp:
            rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
            return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., :3].copy()
        scene._work()


def check_journal(journal: Path, scratch: Path, model: SlowSession) -> None:
    """As after a kill at this moment: the file as it lies on the disk is read, and its whole history walked."""
    slow = model.canvas
    if slow is None:
        return
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    for path in journal.parent.glob(f"{journal.name}*"):
        shutil.copy(path, scratch / path.name)
    copy = CanvasJournal(scratch / journal.name)
    kept = copy.read()
    copy.close()
    require(not copy.note and kept is not None, f"the journal: {copy.note or 'empty'}")
    assert kept is not None
    busy = model.tool is not None or model.preview is not None
    document = CanvasDocument.from_snapshot(kept)
    require(document.history.undo_labels[: slow.position] == slow.undo_labels, "the journal's undo items")
    require(busy or len(document.history.undo_labels) == slow.position, "the journal's last undo items")
    require(busy or document.history.redo_labels == slow.redo_labels, "the journal's redo items")
    now = document.history.position
    for position in (0, slow.position // 2, slow.position):
        document.go_to(position)
        same_state("the journal", document, slow.state_at(position))
    document.go_to(now)
    same_pixels("the journal's mask", document.mask.read(document.rect), model.expected_mask)


def same_state(name: str, document: LayerStack, expected: Everything) -> None:
    require(document.layers == expected.infos, f"{name}: layers {document.layers} instead of {expected.infos}")
    for layer, pixels in expected.pixels.items():
        same_pixels(f"{name}, {layer}", document.grid(layer).read(document.rect), pixels)


def check_project(session: CanvasSession, scratch: Path) -> None:
    """Saved as .ora and read again it has the same layers, bit for bit."""
    document = session.document
    if document is None:
        return
    snapshot = document.snapshot()
    found, notes = load_ora(save_ora(snapshot, scratch.with_suffix(".ora"), overwrite=True))
    require(not notes, f"the project file: {notes}")
    same_layers("the project file", found.state, snapshot.state)


def same_layers(name: str, found: CanvasState, expected: CanvasState) -> None:
    require(found.size == expected.size, f"{name}: size {found.size}")
    infos = [[layer.info for layer in state.layers] for state in (found, expected)]
    require(named(infos[0]) == named(infos[1]), f"{name}: {infos[0]} instead of {infos[1]}")
    one, other = (LayerStack(state, lambda *_: None) for state in (found, expected))
    for info in infos[1]:
        same_pixels(f"{name}, {info.id}", one.grid(info.id).read(one.rect), other.grid(info.id).read(other.rect))


def named(infos: list[LayerInfo]) -> list[tuple[object, ...]]:
    return [(info.id, info.kind, info.name, info.visible, round(info.opacity, 6)) for info in infos]


def serials_alive() -> frozenset[int]:
    """Of all tiles, whoever keeps them."""
    return frozenset(tile.serial for tile in gc.get_objects() if isinstance(tile, Tile))


def tile_bytes(session: CanvasSession, earlier: frozenset[int] = frozenset()) -> tuple[int, int]:
    """Of all tiles that are alive, whoever keeps them: those that are not on the canvas, and what the history may
    keep. `earlier`: serials of tiles that somebody else had before."""
    gc.collect()
    document = session.document
    shown = earlier if document is None else earlier | shown_serials(document.snapshot())
    tiles = {tile.serial: tile for tile in gc.get_objects() if isinstance(tile, Tile)}
    others = sum(tile.nbytes for serial, tile in tiles.items() if serial not in shown)
    return others, 0 if document is None else document.history.nbytes


def shown_serials(snapshot: CanvasSnapshot) -> set[int]:
    return {tile.serial for layer in snapshot.state.layers for tile in layer.tiles.values()}

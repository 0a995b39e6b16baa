"""OpenRaster files: lossless for us, sensible for others, harmless whatever is in them."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

from sdstudio.domain.canvas_state import (
    MASK,
    PAINT,
    PICTURE,
    TILE,
    CanvasSnapshot,
    LayerKind,
)
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from sdstudio.storage.ora import load_ora, look_at_layers, read_record, save_ora
from sdstudio.storage.ora_merge import merged
from sdstudio.storage.tile_pixels import pixels_of
from tests.helpers.canvas_snapshots import same_state, snapshots
from tests.helpers.ora_files import SIZE, example, foreign, layer, load_bytes, png, rewritten

_numbers = itertools.count()


def whole(snapshot: CanvasSnapshot, layer_id: str) -> Pixels:
    found = snapshot.state.layer(layer_id)
    return pixels_of(found.tiles, Rect.of(snapshot.state.size), found.info.kind.channels)


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(snapshots())
def test_a_round_trip_loses_nothing(tmp_path: Path, snapshot: CanvasSnapshot) -> None:
    path = save_ora(snapshot, tmp_path / f"{next(_numbers)}.ora", {"seed": 7})
    found, notes = load_ora(path)
    assert same_state(found.state, snapshot.state)
    assert found.name == (snapshot.name or path.stem) and notes == ()
    assert (found.source, found.saved_serial, found.undo, found.redo) == (str(path), 0, (), ())
    assert read_record(path) == {"seed": 7}
    assert look_at_layers(path)[0] == snapshot.state.size


def test_the_file_is_laid_out_as_the_specification_says(tmp_path: Path) -> None:
    snapshot = example()
    data = save_ora(snapshot, tmp_path / "a.ora").read_bytes()
    assert data[30:54] == b"mimetypeimage/openraster"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert names[0] == "mimetype" and archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        image = ElementTree.fromstring(archive.read("stack.xml"))
        merged_picture = np.asarray(Image.open(archive.open("mergedimage.png")).convert("RGBA"))
        with Image.open(archive.open("Thumbnails/thumbnail.png")) as thumbnail:
            assert thumbnail.size == (256, 34)
        mask = np.asarray(Image.open(archive.open("sdstudio/mask.png")))
        patch = Image.open(archive.open("data/layer1.png"))
        magenta = np.asarray(Image.open(archive.open("data/layer3.png")))
        record = json.loads(archive.read("sdstudio/canvas.json"))
    assert (image.get("w"), image.get("h")) == ("300", "40") and image.get("version", "").startswith("0.0.")
    layers = image.findall("stack/layer")
    assert [one.get("name") for one in layers] == [
        "Mask (magenta = may change)",
        "Paint",
        "Boat <&> “ß”",
        "Harbour",
    ]
    assert {one.get("src") for one in layers} <= set(names)
    assert layers[0].get("visibility") == "hidden" and layers[2].get("opacity") == "0.5"
    # The patch is in the second tile alone: the first is not stored.
    assert patch.size == (44, 40) and (layers[2].get("x"), layers[2].get("y")) == ("256", "0")
    assert np.array_equal(merged_picture, merged(snapshot.state))
    assert np.array_equal(mask, whole(snapshot, MASK)[:, 256:])
    assert np.array_equal(magenta[..., 3], mask) and (magenta[..., :3] == (255, 0, 255)).all()
    assert record["schema"] == 1 and "x.png" not in json.dumps(record)


def test_the_merged_picture_is_what_is_seen() -> None:
    snapshot = example()
    seen = merged(snapshot.state)
    picture = whole(snapshot, PICTURE)
    touched = np.zeros((40, 300), bool)
    touched[5:8, 3:9] = touched[4:16, 270:280] = True
    assert np.array_equal(seen[~touched], picture[~touched])
    paint = np.array([250, 0, 0]) * (128 / 255) + picture[7, 3:9, :3] * (1 - 128 / 255)
    clear = picture[7, 3:9, 3] == 0
    assert clear.all() and (seen[7, 3:9] == (250, 0, 0, 128)).all()
    opaque = picture.copy()
    opaque[..., 3] = 255
    layers = (layer(PICTURE, LayerKind.PICTURE, opaque), *snapshot.state.layers[1:])
    again = merged(replace(snapshot.state, layers=layers))
    assert np.abs(again[7, 3:9, :3] - paint).max() <= 0.51
    hidden = replace(layers[2], info=layers[2].info.with_changes(visible=False))
    assert np.array_equal(merged(replace(snapshot.state, layers=(layers[0], hidden))), opaque)


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.ora"
    assert save_ora(example(), path) == path
    before = path.read_bytes()
    assert save_ora(example(), path).name == "a-2.ora"
    assert path.read_bytes() == before
    assert save_ora(replace(example(), name="new"), path, overwrite=True) == path
    assert load_ora(path)[0].name == "new"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a-2.ora", "a.ora"]


def test_an_independent_reader_sees_the_same(tmp_path: Path) -> None:
    pyora = pytest.importorskip("pyora")
    snapshot = example()
    project = pyora.Project.load(str(save_ora(snapshot, tmp_path / "a.ora")))
    assert project.dimensions == (300, 40)
    layers = list(project.children)
    assert [one.name for one in layers] == ["Mask (magenta = may change)", "Paint", "Boat <&> “ß”", "Harbour"]
    by_name = {one.name: one for one in layers}
    assert by_name["Harbour"].visible and not by_name["Mask (magenta = may change)"].visible
    assert by_name["Boat <&> “ß”"].opacity == 0.5
    boat = by_name["Boat <&> “ß”"]
    placed = np.asarray(boat.get_image_data(raw=False).convert("RGBA"))
    assert np.array_equal(placed, whole(snapshot, "patch-1"))
    assert np.array_equal(np.asarray(by_name["Harbour"].get_image_data(raw=True)), whole(snapshot, PICTURE))
    rendered = np.asarray(project.get_image_data(use_original=True).convert("RGBA"))
    assert np.array_equal(rendered, merged(snapshot.state))


def test_what_another_program_saved_again_keeps_mask_and_paint(tmp_path: Path) -> None:
    """Krita and GIMP write all anew and drop what is ours."""
    snapshot = example()
    data = save_ora(snapshot, tmp_path / "a.ora").read_bytes()
    found, notes = load_bytes(
        tmp_path, rewritten(data, lambda name, content: None if name.startswith("sdstudio/") else content)
    )
    assert notes == ()
    assert [one.info.kind for one in found.state.layers] == [one.info.kind for one in snapshot.state.layers]
    for layer_id in (PICTURE, "patch-1", PAINT, MASK):
        assert np.array_equal(whole(found, layer_id), whole(snapshot, layer_id))


def test_layers_changed_elsewhere_win_over_our_record(tmp_path: Path) -> None:
    data = save_ora(example(), tmp_path / "a.ora").read_bytes()

    def reorder(name: str, content: bytes) -> bytes:
        return (
            content.replace(b"layer1.png", b"layerX.png")
            .replace(b"layer2.png", b"layer1.png")
            .replace(b"layerX.png", b"layer2.png")
            if name == "stack.xml"
            else content
        )

    found, notes = load_bytes(tmp_path, rewritten(data, reorder))
    assert "changed in another program" in notes[0]
    assert len(found.state.layers) == 4


def test_foreign_files_are_read_as_well_as_can_be(tmp_path: Path) -> None:
    stack = """<stack>
      <layer name="top" src="data/top.png" x="15" y="-2" composite-op="svg:multiply"/>
      <stack name="group" opacity="0.5" x="99"><layer name="in" src="data/in.png" opacity="0.5"/>
        <stack visibility="hidden"><layer src="data/in.png" x="3"/></stack></stack>
      <layer name="drawing" src="data/hw.svg"/>
      <filter name="blur"/>
      <layer name="below" src="data/below.png" x="1" opacity="nan"/>
    </stack>"""
    parts = [("data/top.png", png(10, 5)), ("data/in.png", png(2, 2, (9, 9, 9, 9))), ("data/below.png", png(20, 10))]
    found, notes = load_bytes(tmp_path, foreign(stack, *parts, ("data/hw.svg", b"<svg/>")))
    infos = [one.info for one in found.state.layers]
    assert [info.name for info in infos] == ["below", "", "in", "top", "", ""]
    assert [info.id for info in infos] == [PICTURE, "patch-1", "patch-2", "patch-3", PAINT, MASK]
    assert [info.opacity for info in infos] == [1, 0.5, 0.25, 1, 1, 1]
    assert [info.visible for info in infos] == [True, False, True, True, True, True]
    top = whole(found, "patch-3")
    assert top[:3, 15:].all() and not top[3:].any() and not top[:, :15].any()
    assert not whole(found, PICTURE)[:, 0].any() and whole(found, PICTURE)[:, 1:].all()
    words = " ".join(notes)
    for part in ("“top” blends as “multiply”", "Groups", "“drawing” is not a PNG", "“blur”", "no number", "cut at the"):
        assert part in words
    assert found.name == "foreign"


def test_a_tile_is_a_tile() -> None:
    """The sizes in these tests are meant to be more than one tile wide."""
    assert TILE < SIZE.width < 2 * TILE

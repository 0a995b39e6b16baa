"""`sdstudio inpaint` and `sdstudio outpaint`."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.edits import FillMode
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.pictures import encode_png, load_picture, read_texts
from sdstudio.storage.source_chunks import source_chunks
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Run, desk, run
from tests.helpers.scripted_engine import plain_picture

__all__ = ["desk", "run"]


def draw(folder: Path, *, mask_size: tuple[int, int] = (80, 64), value: int = 255) -> tuple[Path, Path]:
    picture, mask = folder / "picture.png", folder / "mask.png"
    noise = np.random.default_rng(1).integers(0, 256, (64, 80, 3), np.uint8)
    picture.write_bytes(encode_png(ImageBuffer.from_rgb(noise)))
    grey = Image.new("L", mask_size, 0)
    grey.paste(value, (20, 20, 40, 44))
    grey.save(mask)
    return picture, mask


def test_inpaint_changes_what_is_masked_and_says_what_it_counted(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    picture, mask = draw(tmp_path)
    result = run("inpaint", picture, "--mask", mask, "--prompt", "a pear", "--seed", 3, "--out", tmp_path, "--json")
    assert (result.code, result.err) == (0, "")
    (made,) = result.json
    assert (made["task"], made["width"], made["height"], made["seed"]) == ("inpaint", 80, 64, 3)
    assert (made["pixels_outside"], made["changed_outside"]) == (80 * 64 - 20 * 24, 0)
    assert made["strength"] == 0.9 and made["seam"] >= 0
    x, y, width, height = made["crop"]
    assert x <= 20 and y <= 20 and x + width >= 40 and y + height >= 44
    before, after = load_picture(picture).pixels, load_picture(Path(made["image"])).pixels
    differs = (before != after).any(axis=2)
    assert differs[28:36, 26:34].any()
    differs[20:44, 20:40] = False
    assert not differs.any()
    record = read_metadata(read_texts(Path(made["image"]))).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    assert record.request.image is not None and record.request.inpaint is not None
    assert desk.services.images.load(record.request.image.sha256) == load_picture(picture)
    assert desk.services.images.load(record.request.inpaint.mask.sha256).pixels[30, 30, 0] == 255
    with Image.open(io.BytesIO(record.mask)) as kept, Image.open(mask) as given:
        assert np.array_equal(np.asarray(kept), np.asarray(given))


@pytest.mark.parametrize(("mode", "strength"), [("change", 0.6), ("fill", 0.9), ("replace", 1.0), ("remove", 0.9)])
def test_each_mode_has_its_strength(run: Run, tmp_path: Path, mode: str, strength: float) -> None:
    picture, mask = draw(tmp_path)
    result = run("inpaint", picture, "--mask", mask, "--mode", mode, "--out", tmp_path, "--json")
    (made,) = result.json
    record = read_metadata(read_texts(Path(made["image"]))).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    inpaint = record.request.inpaint
    assert inpaint is not None and (inpaint.mode, record.request.strength) == (FillMode(mode), strength)


@pytest.mark.parametrize(("given", "feather"), [((), 4), (("--feather", 16), 16), (("--feather", 0), 0)])
def test_the_feather_is_what_suits_the_model_or_what_was_given(
    run: Run, tmp_path: Path, given: tuple[object, ...], feather: int
) -> None:
    """The model here is made for 64 x 72 pixels."""
    picture, mask = draw(tmp_path)
    (made,) = run("inpaint", picture, "--mask", mask, *given, "--out", tmp_path, "--json").json
    record = read_metadata(read_texts(Path(made["image"]))).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    assert record.request.inpaint is not None and record.request.inpaint.feather == feather


def test_outpaint_adds_ground_and_leaves_the_picture(run: Run, tmp_path: Path) -> None:
    picture, _mask = draw(tmp_path)
    argv = ("--right", 30, "--top", 9, "--prompt", "a lake", "--count", 2, "--seed", 5, "--out", tmp_path)
    result = run("outpaint", picture, *argv, "--json")
    assert (result.code, result.err) == (0, "")
    first, second = result.json
    assert (first["task"], first["width"], first["height"]) == ("outpaint", 110, 73)
    assert (first["pixels_outside"], first["changed_outside"]) == (80 * 64, 0)
    assert (first["seed"], second["seed"]) == (5, 6)
    after = load_picture(Path(first["image"])).pixels
    assert np.array_equal(after[9:, :80], load_picture(picture).pixels)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("inpaint", "{picture}"), "--mask is missing"),
        (("inpaint", "no.png", "--mask", "{mask}"), "argument IMAGE"),
        (("inpaint", "{picture}", "--mask", "no.png"), "argument --mask"),
        (("inpaint", "{picture}", "--mask", "{small}"), "The mask has 40 x 50 pixels, the picture 80 x 64."),
        (("inpaint", "{picture}", "--mask", "{empty}"), "Nothing is masked."),
        (("inpaint", "{picture}", "--mask", "{mask}", "--mode", "magic"), "argument --mode"),
        (("inpaint", "{picture}", "--mask", "{mask}", "--mode", "replace", "--strength", "0.5"), "argument --strength"),
        (("inpaint", "{picture}", "--mask", "{mask}", "--feather", "-1"), "argument --feather: The feather -1"),
        (("inpaint", "{picture}", "--mask", "{mask}", "--grow", "few"), "“few” is not a whole number"),
        (("outpaint", "{picture}"), "Nothing is added to any side."),
        (("outpaint", "{picture}", "--left", "9000"), "argument --left: The left 9000"),
        (("outpaint", "{picture}", "--left", "-4"), "argument --left"),
    ],
)
def test_mistakes_are_named(run: Run, tmp_path: Path, argv: tuple[str, ...], words: str) -> None:
    picture, mask = draw(tmp_path)
    small, empty = tmp_path / "small.png", tmp_path / "empty.png"
    Image.new("L", (40, 50), 255).save(small)
    Image.new("L", (80, 64), 0).save(empty)
    names = {"picture": picture, "mask": mask, "small": small, "empty": empty}
    result = run(*(word.format(**names) for word in argv), "--out", tmp_path / "out")
    assert (result.code, result.out) == (2, "") and words in result.err and result.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_what_a_file_says_besides_its_pixels_goes_along(run: Run, tmp_path: Path) -> None:
    _picture, mask = draw(tmp_path)
    info = PngInfo()
    info.add_text("Author", "Anna Éluard")
    info.add_itxt("workflow", '{"nodes": []}')
    info.add_text("parameters", "an old story\nSteps: 4")
    exif = Image.Exif()
    exif[0x013B] = "Anna"
    exif[0x0112] = 3
    source = tmp_path / "source.png"
    Image.new("RGB", (80, 64), "red").save(source, pnginfo=info, exif=exif, dpi=(300, 300))
    (made,) = run("inpaint", source, "--mask", mask, "--prompt", "a pear", "--out", tmp_path, "--json").json
    texts = read_texts(Path(made["image"]))
    assert texts["Author"] == "Anna Éluard" and texts["workflow"] == '{"nodes": []}'
    assert texts["parameters"].startswith("a pear") and "an old story" not in str(texts)
    with Image.open(made["image"]) as image:
        assert round(image.info["dpi"][0]) == 300
        assert dict(image.getexif()) == {0x013B: "Anna"}


def test_damaged_chunks_stay_behind(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    data = encode_png(plain_picture(8, 8, 5))
    good = _chunk(b"tEXt", b"Title\0Good")
    bad = good[:-1] + bytes([good[-1] ^ 1])
    unsafe = _chunk(b"teST", b"not safe to copy")
    at = data.index(b"IDAT") - 4
    path.write_bytes(data[:at] + bad + unsafe + good + data[at:])
    assert source_chunks(path) == good
    path.write_bytes(data[:40])
    assert source_chunks(path) == b""


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

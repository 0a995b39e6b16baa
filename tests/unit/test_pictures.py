from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.metadata import PictureRecord, write_parameters
from sdstudio.domain.request import JobRequest, PromptSpec
from sdstudio.storage import png_chunks
from sdstudio.storage.picture_decode import srgb_profile
from sdstudio.storage.picture_texts import decode_comment
from sdstudio.storage.pictures import encode_png, load_picture, read_texts, save_png, thumbnail
from tests.helpers.requests import generation, job_requests

RNG = np.random.default_rng(1)
NOISE = ImageBuffer(RNG.integers(0, 256, (9, 7, 4), dtype=np.uint8))


def record(request: JobRequest) -> PictureRecord:
    return PictureRecord(request=request, seconds=1.25, app_version="0.1", device="CPU", threads=2)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(*extra: bytes) -> bytes:
    """A small PNG with chunks put before its pixels."""
    plain = encode_png(NOISE)
    head = len(png_chunks.SIGNATURE) + 25
    return plain[:head] + b"".join(extra) + plain[head:]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(job_requests)
def test_a_saved_picture_gives_its_request_and_pixels_back(tmp_path: Path, request_: JobRequest) -> None:
    path = save_png(NOISE, tmp_path / "picture.png", record(request_))
    found = read_metadata(read_texts(path))
    assert found.dialect == "sdstudio"
    assert found.record == record(request_)
    assert load_picture(path) == NOISE


def test_text_is_stored_as_others_expect(tmp_path: Path) -> None:
    for prompt, kind in (("café\nline", b"tEXt"), ("日本\nline 🍎", b"iTXt")):
        request = replace(generation(), prompt=PromptSpec(positive=prompt))
        path = save_png(NOISE, tmp_path / "a.png", record(request))
        kinds = [kind for kind, _, _ in png_chunks.chunks(path.read_bytes()) if kind in png_chunks.TEXT_KINDS]
        assert kinds == [kind, b"iTXt"]
        with Image.open(path) as image:
            assert image.info["parameters"] == write_parameters(record(request))
            assert "srgb" in ImageCms.getProfileDescription(io.BytesIO(image.info["icc_profile"])).lower()


def test_equal_pictures_are_equal_files() -> None:
    assert encode_png(NOISE, record(generation())) == encode_png(NOISE, record(generation()))


def test_opaque_pictures_have_no_alpha_channel(tmp_path: Path) -> None:
    path = save_png(ImageBuffer.from_rgb(NOISE.rgb.copy()), tmp_path / "a.png")
    with Image.open(path) as image:
        assert image.mode == "RGB"
    assert save_png(NOISE, tmp_path / "a.png").name == "a-2.png"


def test_texts_after_the_pixels_and_compressed_ones_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    info = PngInfo()
    info.add(b"tEXt", b"late\0after", after_idat=True)
    info.add_text("packed", "x" * 5000, zip=True)
    info.add_itxt("packed too", "ü" * 5000, zip=True)
    Image.new("RGB", (2, 2)).save(path, pnginfo=info)
    assert read_texts(path) == {"late": "after", "packed": "x" * 5000, "packed too": "ü" * 5000}


def test_text_bombs_are_left_out_and_the_picture_still_opens(tmp_path: Path) -> None:
    bomb = zlib.compress(bytes(png_chunks.TEXT_MAX + 2**20), 1)
    good = chunk(b"tEXt", b"parameters\0good")
    damaged = bytearray(chunk(b"tEXt", b"damaged\0text"))
    damaged[-1] ^= 1
    data = with_chunks(
        chunk(b"zTXt", b"a\0\0" + bomb),
        chunk(b"iTXt", b"b\0\1\0\0\0" + bomb),
        chunk(b"tEXt", b"no separator"),
        chunk(b"iTXt", b"c\0"),
        chunk(b"zTXt", b"d\0\0not zlib"),
        bytes(damaged),
        good,
    )
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert read_texts(path) == {"parameters": "good"}
    assert load_picture(path) == NOISE


def test_a_text_larger_than_pillow_allows_is_read(tmp_path: Path) -> None:
    """Large ComfyUI graphs exceed Pillow's limit of 1 MB, on which it refuses the whole picture."""
    path = tmp_path / "a.png"
    path.write_bytes(with_chunks(chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"w" * (3 * 2**20)))))
    assert len(read_texts(path)["workflow"]) == 3 * 2**20
    assert load_picture(path) == NOISE


@pytest.mark.parametrize("side", [(16385, 1), (1, 2**31 - 1), (100_000, 100_000)])
def test_huge_pictures_are_refused_by_their_header(tmp_path: Path, side: tuple[int, int]) -> None:
    path = tmp_path / "huge.png"
    header = struct.pack(">IIBBBBB", *side, 8, 6, 0, 0, 0)
    path.write_bytes(
        png_chunks.SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    with pytest.raises(UnreadableFile, match="sides up to 16,384"):
        load_picture(path)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_never_do_more_than_be_unreadable(tmp_path: Path, data: st.DataObject) -> None:
    formats = {"PNG": encode_png(NOISE, record(generation()))}
    for kind in ("JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        out = io.BytesIO()
        exif = Image.Exif()
        exif[0x9286] = b"UNICODE\0x"
        Image.fromarray(NOISE.rgb).save(out, kind, **({"exif": exif} if kind in ("JPEG", "WEBP") else {}))
        formats[kind] = out.getvalue()
    raw = bytearray(formats[data.draw(st.sampled_from(sorted(formats)))])
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for read in (load_picture, read_texts, lambda path: thumbnail(path, 4)):
        try:
            read(path)
        except UnreadableFile as error:
            assert "damaged" in str(error)


def test_unreadable_things_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes(encode_png(NOISE)[:-20])
    for name, words in (
        ("missing.png", "no such file"),
        ("words.png", "not a picture"),
        ("empty.png", "not a picture"),
        ("cut.png", "ends too early"),
        ("bad\0name.png", "could not be opened"),
        ("x" * 5000, "could not be opened"),
        (".", "folder"),
    ):
        for read in (load_picture, read_texts):
            with pytest.raises(UnreadableFile, match=words):
                read(tmp_path / name)


def test_every_kind_of_pixel_is_read_right(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    deep = np.array([[0, 257 * 100, 65535]], np.uint16)
    Image.fromarray(deep).save(path)
    assert load_picture(path).pixels[0, :, 0].tolist() == [0, 100, 255]
    grey = Image.new("LA", (1, 1), (80, 40))
    grey.save(path)
    assert load_picture(path).pixels[0, 0].tolist() == [80, 80, 80, 40]
    palette = Image.new("P", (1, 1), 3)
    palette.putpalette([9, 9, 9] * 3 + [10, 20, 30])
    palette.save(path, transparency=3)
    assert load_picture(path).pixels[0, 0].tolist() == [10, 20, 30, 0]
    Image.new("1", (1, 1), 1).save(path)
    assert load_picture(path).pixels[0, 0].tolist() == [255, 255, 255, 255]
    Image.new("RGB", (1, 1), (1, 2, 3)).save(path, transparency=(1, 2, 3))
    assert load_picture(path).pixels[0, 0].tolist() == [1, 2, 3, 0]
    Image.new("CMYK", (1, 1), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    red = load_picture(tmp_path / "a.jpg").pixels[0, 0]
    assert red[0] > 200 and red[1] < 60 and red[3] == 255


def test_orientation_and_profile_are_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    wide = Image.new("RGB", (4, 2), (255, 0, 0))
    wide.save(tmp_path / "a.jpg", exif=exif)
    assert load_picture(tmp_path / "a.jpg").size.width == 2
    assert thumbnail(tmp_path / "a.jpg", 2).size.height == 2
    lab_white = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    wide.save(tmp_path / "odd.png", icc_profile=lab_white)
    assert load_picture(tmp_path / "odd.png").size.width == 4
    wide.save(tmp_path / "broken.png", icc_profile=b"not a profile")
    assert load_picture(tmp_path / "broken.png").pixels[0, 0].tolist() == [255, 0, 0, 255]


def test_pixels_go_through_the_profile_of_the_file_and_alpha_does_not(tmp_path: Path) -> None:
    """A profile in which red and blue have changed places."""
    swapped = srgb_profile().replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))
    for mode, colour, expected in (
        ("RGB", (255, 0, 0), [0, 0, 255, 255]),
        ("RGBA", (255, 0, 0, 77), [0, 0, 255, 77]),
        ("LA", (255, 9), [255, 255, 255, 9]),
    ):
        Image.new(mode, (1, 1), colour).save(tmp_path / "a.png", icc_profile=swapped)
        got = load_picture(tmp_path / "a.png").pixels[0, 0].astype(int)
        assert np.abs(got - expected).max() <= 2


def test_thumbnails_fit_and_never_enlarge(tmp_path: Path) -> None:
    Image.new("RGB", (300, 100), (10, 200, 30)).save(tmp_path / "a.png")
    small = thumbnail(tmp_path / "a.png", 64)
    assert (small.size.width, small.size.height) == (64, 21)
    assert small.pixels[5, 5].tolist() == [10, 200, 30, 255]
    assert thumbnail(tmp_path / "a.png", 1000).size.width == 300


@pytest.mark.parametrize(
    "raw",
    [
        b"UNICODE\0" + "Steps: 20, ü 日本".encode("utf-16-be"),
        b"UNICODE\0" + "Steps: 20, ü 日本".encode("utf-16-le"),
        b"UNICODE\0" + "Steps: 20, ü 日本".encode("utf-16"),
        b"ASCII\0\0\0" + "Steps: 20, ü 日本".encode(),
        b"\0" * 8 + "Steps: 20, ü 日本".encode(),
        "Steps: 20, ü 日本".encode(),
        "Steps: 20, ü 日本",
    ],
)
def test_exif_comments_in_every_code(raw: bytes | str) -> None:
    assert decode_comment(raw) == "Steps: 20, ü 日本"


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
def test_settings_in_exif_are_read(tmp_path: Path, suffix: str) -> None:
    text = "a cat\nSteps: 20, Seed: 7, Size: 8x8"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (8, 8)).save(path, exif=exif.tobytes())
    assert read_metadata(read_texts(path)).request == {
        "prompt": "a cat",
        "steps": 20,
        "seed": 7,
        "width": 8,
        "height": 8,
    }
    main = Image.Exif()
    main[0x9286] = '{"base_model": "m", "seed": "3"}'
    main[0x927C] = "fooocus"
    Image.new("RGB", (8, 8)).save(path, exif=main.tobytes())
    assert read_metadata(read_texts(path)).dialect == "fooocus"

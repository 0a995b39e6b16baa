"""Any picture file: its pixels right to the last bit, or a clear word; its size known before its pixels."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, ImageOps, features

from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.geometry import Size
from sdstudio.storage import picture_files
from sdstudio.storage.open_picture import look_at, open_bytes, open_picture
from sdstudio.storage.picture_texts import read_texts
from tests.helpers.sources import ROOT

RNG = np.random.default_rng(11)
Deep = npt.NDArray[np.uint16]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(
    values: npt.NDArray[np.uint8] | Deep | list[bytes], depth: int, colour: int, width: int, clear: bytes = b""
) -> bytes:
    """A PNG of any depth and colour type; `clear` is the content of its tRNS chunk."""
    raw_rows = [row if isinstance(row, bytes) else row.astype(">u2").tobytes() for row in values]
    head = struct.pack(">IIBBBBB", width, len(raw_rows), depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"tRNS", clear) if clear else b""]
    parts += [chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in raw_rows))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(
    values: npt.NDArray[np.uint8] | Deep, photometric: int, extra: int = -1, order: str = "<", deflate: bool = False
) -> bytes:
    """A baseline TIFF in one strip; `extra` 1 = premultiplied alpha, 2 = straight."""
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if deflate else data
    fields = [(256, [width]), (257, [height]), (258, [values.dtype.itemsize * 8] * channels)]
    fields += [(259, [8 if deflate else 1]), (262, [photometric]), (273, [8]), (277, [channels]), (278, [height])]
    fields += [(279, [len(data)]), (284, [1]), *([(338, [extra])] if extra >= 0 else [])]
    table = struct.pack(f"{order}H", len(fields))
    pool, pool_at = b"", 8 + len(data) + 2 + 12 * len(fields) + 4
    for tag, numbers in fields:
        packed = struct.pack(f"{order}{len(numbers)}I", *numbers)
        place = packed if len(packed) == 4 else struct.pack(f"{order}I", pool_at + len(pool))
        pool += b"" if len(packed) == 4 else packed
        table += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + place
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8 + len(data))
    return head + data + table + bytes(4) + pool


def rounded(values: Deep) -> npt.NDArray[np.int64]:
    return (values.astype(np.int64) + 128) // 257


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def deep(*shape: int) -> Deep:
    return RNG.integers(0, 65536, shape, dtype=np.uint16)


def test_sixteen_bits_are_rounded_in_every_layout() -> None:
    for channels, colour in ((3, 2), (4, 6)):
        values = deep(5, 7, channels)
        opened = open_bytes(png(values, 16, colour, 7), "x")
        assert np.array_equal(opened.image.pixels[..., :channels], rounded(values))
        assert opened.image.opaque == (channels == 3)
        assert opened.notes == ("Its 16 bits a colour were rounded to 8.",)
    grey = deep(5, 7)
    assert np.array_equal(open_bytes(png(grey, 16, 0, 7), "x").image.pixels[..., 1], rounded(grey))
    with_alpha = deep(5, 7, 2)
    assert np.array_equal(open_bytes(png(with_alpha, 16, 4, 7), "x").image.pixels[..., 2:], rounded(with_alpha))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
def test_tiffs_of_sixteen_bits_and_premultiplied_ones(order: str, deflate: bool) -> None:
    values = deep(5, 7, 4)
    for pixels, photometric, extra in ((values[..., :3], 2, -1), (values, 2, 2)):
        channels = pixels.shape[2]
        opened = open_bytes(tiff(pixels, photometric, extra, order, deflate), "x")
        assert np.array_equal(opened.image.pixels[..., :channels], rounded(pixels))
    grey = open_bytes(tiff(values[..., 0], 1, -1, order, deflate), "x").image
    assert np.array_equal(grey.pixels[..., 0], rounded(values[..., 0]))
    values[..., :3] = np.minimum(values[..., :3], values[..., 3:])
    for pixels, top in ((values, 65535), ((values >> 8).astype(np.uint8), 255)):
        opened = open_bytes(tiff(pixels, 2, 1, order, deflate), "x")
        alpha = np.maximum(pixels[..., 3:].astype(float), 1)
        assert np.abs(opened.image.pixels[..., :3] - pixels[..., :3] * 255.0 / alpha).max() <= 0.5
        assert np.array_equal(opened.image.pixels[..., 3], np.rint(pixels[..., 3] * 255.0 / top))


def test_one_colour_may_be_transparent_at_every_depth_and_keeps_its_colour() -> None:
    cases = [
        (png([bytes([0b00011011])], 1, 0, 8, struct.pack(">H", 1)), [255, 255, 255, 0, 0, 255, 0, 0]),
        (png([bytes([0b00011011])], 2, 0, 4, struct.pack(">H", 2)), [255, 255, 0, 255]),
        (png([bytes([0x7F])], 4, 0, 2, struct.pack(">H", 7)), [0, 255]),
        (png([bytes([7, 8])], 8, 0, 2, struct.pack(">H", 7)), [0, 255]),
        (png([bytes([1, 2, 3, 1, 2, 4])], 8, 2, 2, struct.pack(">HHH", 1, 2, 3)), [0, 255]),
    ]
    for data, alpha in cases:
        pixels = open_bytes(data, "x").image.pixels
        assert pixels[0, :, 3].tolist() == alpha
    assert pixels[0, 0].tolist() == [1, 2, 3, 0]
    grey, colour = deep(3, 4), deep(3, 4, 3)
    colour[0, 0] = colour[1, 1] + np.array([1, 0, 0], np.uint16)  # the same in 8 bits, another in 16
    for values, kind, clear in ((grey, 0, grey[1, 1:2]), (colour, 2, colour[1, 1])):
        pixels = open_bytes(png(values, 16, kind, 4, clear.astype(">u2").tobytes()), "x").image.pixels
        expected = np.where((values.reshape(3, 4, -1) == clear).all(axis=2), 0, 255)
        assert np.array_equal(pixels[..., 3], expected)
        assert np.array_equal(pixels[..., 0], rounded(values.reshape(3, 4, -1)[..., 0]))


def test_transparent_pixels_keep_their_colour() -> None:
    pixels = RNG.integers(0, 256, (9, 5, 4), dtype=np.uint8)
    pixels[:4, :, 3] = 0
    for kind, how in (("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})):
        assert np.array_equal(open_bytes(saved(Image.fromarray(pixels), kind, **how), "x").image.pixels, pixels)
    palette = Image.new("P", (3, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    palette.putdata([0, 1, 2])
    opened = open_bytes(saved(palette, "PNG", transparency=bytes([0, 128, 255])), "x").image
    assert opened.pixels[0].tolist() == [[10, 20, 30, 0], [40, 50, 60, 128], [70, 80, 90, 255]]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_every_orientation_and_the_size_before_the_pixels(tmp_path: Path, kind: str) -> None:
    picture = Image.fromarray(RNG.integers(0, 256, (9, 5, 3), dtype=np.uint8))
    for turn in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        path = tmp_path / f"{turn}"
        path.write_bytes(saved(picture, kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {})))
        with Image.open(path) as image:
            expected = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
        opened = open_picture(path).image
        assert np.array_equal(opened.pixels, expected)
        facts = look_at(path)
        assert (facts.size, facts.format, facts.frames) == (opened.size, kind, 1)
        assert facts.bytes_needed == 9 * 5 * 4 * 7 // 3


def test_pictures_larger_than_a_strip_are_put_together_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdstudio.storage.picture_decode.STRIP_PIXELS", 40)
    values = deep(23, 17, 3)
    assert np.array_equal(open_bytes(png(values, 16, 2, 17), "x").image.rgb, rounded(values))
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = RNG.integers(0, 256, (23, 17, 3), dtype=np.uint8)
    turned = open_bytes(saved(Image.fromarray(plain), "PNG", exif=exif), "x").image
    assert np.array_equal(turned.rgb, np.rot90(plain, -1))


def test_unusual_colours_are_converted_and_said() -> None:
    cmyk = open_bytes(saved(Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF"), "x")
    assert cmyk.image.pixels[0, 0].tolist() == [255, 0, 0, 255]
    assert cmyk.notes == ("Converted from CMYK, without a colour profile: its colours are a guess.",)
    lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    blue = ImageCms.applyTransform(Image.new("RGB", (1, 1), (20, 60, 200)), lab)
    assert blue is not None
    opened = open_bytes(saved(blue, "TIFF"), "x")
    assert np.abs(opened.image.pixels[0, 0].astype(int) - [20, 60, 200, 255]).max() <= 3
    assert opened.notes == ("Converted from LAB.",)
    misfit = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    opened = open_bytes(saved(Image.new("L", (1, 1), 90), "PNG", icc_profile=misfit), "x")
    assert opened.image.pixels[0, 0].tolist() == [90, 90, 90, 255]
    assert "does not fit" in opened.notes[0]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GIF", "This is an animation: the first of its 3 pictures is shown."),
        ("WEBP", "This is an animation: the first of its 3 pictures is shown."),
        ("PNG", "This is an animation: the first of its 3 pictures is shown."),
        ("TIFF", "This file holds 3 pictures: the first is shown."),
    ],
)
def test_of_an_animation_the_first_picture_is_shown_and_said(tmp_path: Path, kind: str, words: str) -> None:
    pictures = [Image.new("RGB", (4, 4), colour) for colour in ("red", "lime", "blue")]
    data = saved(
        pictures[0], kind, save_all=True, append_images=pictures[1:], **({"lossless": True} if kind == "WEBP" else {})
    )
    opened = open_bytes(data, "x")
    assert opened.notes == (words,)
    assert opened.image.pixels[0, 0].tolist() == [255, 0, 0, 255]
    (tmp_path / "a").write_bytes(data)
    assert look_at(tmp_path / "a").frames == 3


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif() -> None:
    opened = open_bytes(saved(Image.new("RGBA", (20, 12), (200, 30, 90, 128)), "AVIF", quality=100), "x")
    assert opened.image.size == Size(20, 12)
    assert np.abs(opened.image.pixels[5, 5].astype(int) - [200, 30, 90, 128]).max() <= 3


def huge_webp() -> bytes:
    size = (39_999).to_bytes(3, "little")
    body = (
        b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + size + b"VP8L" + struct.pack("<I", 6) + b"/" + bytes(5)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def huge_avif() -> bytes:
    data = bytearray(saved(Image.new("RGB", (4, 4)), "AVIF"))
    at = data.find(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", 40_000, 40_000)
    return bytes(data)


HUGE: dict[str, Callable[[], bytes]] = {
    "png": lambda: png([b""], 8, 6, 30_000),
    "tiff": lambda: tiff(np.zeros((1, 1), np.uint8), 1).replace(
        struct.pack("<HHII", 256, 4, 1, 1), struct.pack("<HHII", 256, 4, 1, 40_000)
    ),
    "gif": lambda: saved(Image.new("P", (1, 1)), "GIF").replace(
        struct.pack("<HH", 1, 1), struct.pack("<HH", 40_000, 40_000), 1
    ),
    "bmp": lambda: saved(Image.new("RGB", (1, 1)), "BMP").replace(
        struct.pack("<ii", 1, 1), struct.pack("<ii", 40_000, 40_000), 1
    ),
    "jpeg": lambda: saved(Image.new("RGB", (1, 1)), "JPEG").replace(
        struct.pack(">BHH", 8, 1, 1), struct.pack(">BHH", 8, 40_000, 40_000), 1
    ),
    "webp": huge_webp,
    "avif": huge_avif,
}


@pytest.mark.parametrize("kind", HUGE)
def test_too_large_a_picture_is_refused_by_its_header_with_its_size(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "huge"
    path.write_bytes(HUGE[kind]())
    for read in (open_picture, look_at):
        with pytest.raises(UnreadableFile, match=r"(30000 × 1|40000 × \d+) pixels, and sides up to 16,384"):
            read(path)


def test_pillows_own_limit_is_raised_and_not_gone() -> None:
    assert picture_files.PICTURE_SIDE_MAX == 16384
    assert Image.MAX_IMAGE_PIXELS == 16384**2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty file"),
        (b"<html><body><img src='a.png'></body></html>", "web page"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><html>", "web page"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"8BPS\0\1", "Photoshop"),
        (b"gimp xcf v011\0", "GIMP"),
        (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
        (b"PK\3\4", "ZIP"),
        (b"words and no picture", "not a picture"),
        (saved(Image.new("RGB", (30, 30)), "PNG")[:-30], "ends too early"),
        (saved(Image.effect_noise((300, 300), 90), "JPEG")[:-9000], "damaged"),
    ],
)
def test_what_is_no_picture_is_called_by_its_name(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words) as caught:
        open_bytes(data, "clipboard")
    assert caught.value.message.startswith("“clipboard” could not be opened: ") and caught.value.hint


@pytest.mark.parametrize("read", [open_picture, look_at, read_texts])
def test_what_is_no_file_is_told_apart(tmp_path: Path, read: Callable[[Path], object]) -> None:
    special = [Path("/dev/zero"), tmp_path / "pipe"] if hasattr(os, "mkfifo") else []
    if special:
        os.mkfifo(special[1])
    for path, words in (
        *((one, "not a file") for one in special),
        (tmp_path, "folder"),
        (tmp_path / "gone.png", "no such file"),
    ):
        with pytest.raises(UnreadableFile, match=words):
            read(path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a refusal of the system, as the tests may run as one who may read everything."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableFile, match="not allowed to read it"):
        open_picture(tmp_path / "a.png")


MEMORY = """
import resource, sys
from pathlib import Path
from PIL import Image
from sdstudio.storage.open_picture import open_picture
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
open_picture(Path(sys.argv[1]))
before = peak()
decoded = open_picture(Path(sys.argv[2])).image.pixels.nbytes
print((peak() - before) / decoded)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_large_picture_takes_little_more_than_twice_its_pixels(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "small.png")
    stripes = np.tile(np.arange(3 * 4096).astype(np.uint8), (4096, 1))
    (tmp_path / "large.png").write_bytes(png([row.tobytes() for row in stripes], 8, 2, 4096))
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "small.png"), str(tmp_path / "large.png")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 2.2

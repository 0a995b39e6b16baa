"""`sdstudio img2img`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdstudio.cli.img2img import fitting_size
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.pictures import encode_png, load_picture, read_texts
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Run, desk, run
from tests.helpers.scripted_engine import plain_picture

__all__ = ["desk", "run"]


def test_img2img_begins_with_the_picture(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    source = tmp_path / "source.png"
    source.write_bytes(encode_png(plain_picture(70, 81, 5)))
    result = run("img2img", source, "--prompt", "a pear", "--strength", 0.5, "--seed", 3, "--out", tmp_path, "--json")
    assert (result.code, result.err) == (0, "")
    (made,) = result.json
    assert (made["task"], made["strength"], made["width"], made["height"]) == ("image", 0.5, 72, 80)
    record = read_metadata(read_texts(Path(made["image"]))).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    start = record.request.image
    assert start is not None and (start.width, start.height) == (70, 81)
    assert desk.services.images.load(start.sha256) == load_picture(source)
    (read,) = run("read", made["image"], "--json").json
    assert read["request"]["strength"] == 0.5 and read["request"]["image"] == start.sha256


def test_img2img_keeps_the_shape_and_not_a_size_that_the_model_cannot_fill() -> None:
    assert fitting_size(Size(128, 128), Size(128, 128)) == Size(128, 128)
    assert fitting_size(Size(4000, 2000), Size(128, 128)) == Size(184, 88)
    assert fitting_size(Size(10, 5000), Size(512, 512)) == Size(64, 4096)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("no.png", "--prompt", "x"), "argument IMAGE"),
        (("{picture}", "--strength", "1.5"), "argument --strength: The strength 1.5 is not possible"),
        (("{picture}", "--strength", "nan"), "argument --strength: The strength nan is not possible"),
        (("{picture}", "--strength", "much"), "“much” is not a number"),
    ],
)
def test_img2img_names_the_argument_at_fault(run: Run, tmp_path: Path, argv: tuple[str, ...], words: str) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(encode_png(plain_picture(64, 64, 5)))
    result = run("img2img", *(word.format(picture=picture) for word in argv), "--out", tmp_path / "out")
    assert (result.code, result.out) == (2, "") and words in result.err and result.err.count("\n") == 1

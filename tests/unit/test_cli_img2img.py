"""`sdstudio img2img`."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdstudio.cli.arguments import UsageError
from sdstudio.cli.img2img import fitting_size, usual_size
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.storage.pictures import encode_png, load_picture, read_texts
from tests.helpers import model_families as families
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Result, Run, desk, run
from tests.helpers.model_files import write_safetensors
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


# -- variations and mixtures ------------------------------------------------------------------------------------------


@pytest.fixture
def unclip(desk: CliDesk) -> Path:
    """A small file that is recognised as unCLIP L."""
    shapes = families.small_sd(2) | {f"{families.UNET}label_emb.0.0.weight": (32, 1536), "noise_augmentor.betas": (9,)}
    return write_safetensors(desk.paths.models / "unclip.safetensors", shapes)


def picture_file(folder: Path, name: str, seed: int) -> Path:
    path = folder / name
    path.write_bytes(encode_png(plain_picture(64, 64, seed)))
    return path


def request_of(result: Result) -> GenerationRequest:
    assert (result.code, result.err) == (0, ""), result.err
    record = read_metadata(read_texts(Path(result.json[-1]["image"]))).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    return record.request


def test_a_variation_is_mixed_of_several_pictures(run: Run, desk: CliDesk, tmp_path: Path, unclip: Path) -> None:
    first, second, third = (
        picture_file(tmp_path, name, seed) for seed, name in enumerate(("a.png", "b.png", "c:2.png"))
    )
    mix = ("--mix", f"{second}:0.5", "--mix", third, "--mix", f"{third}:-1e-1")
    made = request_of(
        run("img2img", first, *mix, "--model", "unclip", "--noise-level", 300, "--out", tmp_path, "--json")
    )
    assert (made.strength, made.noise_level, made.model.family) == (1.0, 300, "SD 2.1 unCLIP L")
    assert [each.weight for each in made.mix] == [0.5, 1.0, -0.1]
    for each, file in zip(made.mix, (second, third, third), strict=True):
        assert desk.services.images.load(each.image.sha256) == load_picture(file)


def test_a_variation_begins_with_the_picture_where_that_is_asked_for(run: Run, tmp_path: Path, unclip: Path) -> None:
    source = picture_file(tmp_path, "a.png", 1)
    made = request_of(run("img2img", source, "--model", unclip, "--strength", 0.4, "--out", tmp_path, "--json"))
    assert (made.strength, made.noise_level, made.mix) == (0.4, 0, ())


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--mix", "no.png"), "argument --mix: "),
        (("--mix", "{picture}:11"), "argument --mix: The weight of a mixed picture 11.0 is not possible."),
        (("--mix", "{picture}:nan"), "argument --mix: The weight of a mixed picture nan is not possible."),
        (("--noise-level", "1000"), "argument --noise-level: The noise level 1000 is not possible."),
        (("--mix", "{picture}", "--model", "Starter"), "argument --mix: Only unCLIP models mix pictures."),
    ],
)
def test_what_cannot_be_mixed_is_named(
    run: Run, tmp_path: Path, unclip: Path, argv: tuple[str, ...], words: str
) -> None:
    picture = picture_file(tmp_path, "a.png", 1)
    given = [word.format(picture=picture) for word in argv]
    result = run("img2img", picture, "--model", unclip, *given, "--out", tmp_path / "out")
    assert (result.code, result.out) == (2, "") and words in result.err and result.err.count("\n") == 1


def test_an_upscaler_makes_four_times_as_much_of_a_picture() -> None:
    info = ModelInfo(spec=ModelSpec(name="x4", path=""), family=ModelFamily.X4_UPSCALER)
    assert usual_size(Size(250, 64), info) == Size(1000, 256)
    with pytest.raises(UsageError, match="up to 1024x1024"):
        usual_size(Size(1025, 64), info)

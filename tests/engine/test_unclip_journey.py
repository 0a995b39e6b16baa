"""Variations and mixtures from the command line, with the real engine."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.embedding_stats import STATS_FILE
from sdstudio.storage.pictures import encode_png, load_picture, read_texts
from tests.engine.test_one_file_journey import RealDesk, runner_of
from tests.helpers.cli_fixtures import Result
from tests.helpers.unclip_desk import a_picture

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def file_of(folder: Path, name: str, image: ImageBuffer) -> Path:
    path = folder / name
    path.write_bytes(encode_png(image))
    return path


def made(result: Result) -> tuple[np.ndarray, GenerationRequest]:
    assert result.code == 0, result.err
    path = Path(result.json[-1]["image"])
    record = read_metadata(read_texts(path)).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    return load_picture(path).rgb, record.request


def test_from_files_on_the_disk_to_a_mixture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runner_of(desk := RealDesk(tmp_path, ModelFamily.UNCLIP_H), capsys)
    first, second = (file_of(tmp_path, f"{seed}.png", a_picture(seed)) for seed in (1, 2))
    always = ("--steps", 2, "--sampler", "Euler", "--seed", 7, "--out", tmp_path / "out", "--json")
    more = ("--noise-level", 200, "--mix", f"{second}:0.5")
    varied, _ = made(run("img2img", first, "--model", "tiny", *always))
    mixed, request = made(run("img2img", first, "--model", "tiny", *more, *always))
    again, _ = made(run("img2img", first, "--model", "tiny", *more, *always))
    assert (request.task, request.strength, request.noise_level) == ("image", 1.0, 200)
    assert [each.weight for each in request.mix] == [0.5]
    assert np.array_equal(mixed, again) and not np.array_equal(mixed, varied)
    folder = desk.paths.models / "the same"
    shutil.move(tmp_path / "made" / "model", folder)
    as_folder, request = made(run("img2img", first, "--model", folder, *more, *always))
    assert request.strength == 1.0 and np.array_equal(mixed, as_folder)


def test_noise_without_statistics_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runner_of(RealDesk(tmp_path, ModelFamily.UNCLIP_L), capsys)
    picture = file_of(tmp_path, "a.png", a_picture())
    always = ("--model", "tiny", "--steps", 1, "--seed", 7, "--out", tmp_path / "out")
    refused = run("img2img", picture, "--noise-level", 5, *always)
    assert refused.code != 0 and f"put the file “{STATS_FILE}” that belongs to the model beside it" in refused.err
    assert run("img2img", picture, *always).code == 0

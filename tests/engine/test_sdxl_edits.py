"""SDXL from pictures and behind masks, inpainting network and refiner too: against the stock pipelines, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sdstudio.domain.edits import FillMode
from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Failed
from sdstudio.engine.model import LoadedModel
from tests.engine.conftest import Run
from tests.engine.test_image_to_image import a_picture
from tests.engine.test_inpaint_equality import a_mask
from tests.engine.test_pipeline_equality import KINDS
from tests.helpers.tiny_models import make_request
from tests.helpers.xl_models import make_xl_folder
from tests.helpers.xl_pipelines import drawn, load_xl_pipeline, made_by, read_xl

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NAMES = ("sdxl", "sdxl-inpainting", "sdxl-refiner")
SOME = ("Euler a", "DPM++ 2M", "Heun")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("xl")
    return {name: make_xl_folder(folder / name, name) for name in NAMES}


@pytest.fixture(scope="module")
def models(folders: dict[str, Path]) -> dict[str, LoadedModel]:
    return {name: read_xl(folder) for name, folder in folders.items()}


@pytest.fixture(scope="module")
def behind_mask(folders: dict[str, Path]) -> dict[str, Any]:
    return {name: load_xl_pipeline(folder, "Inpaint") for name, folder in folders.items()}


@pytest.fixture(scope="module")
def from_picture(folders: dict[str, Path], behind_mask: dict[str, Any]) -> dict[str, Any]:
    return {
        name: load_xl_pipeline(folders[name], "Img2Img", like=behind_mask[name]) for name in ("sdxl", "sdxl-refiner")
    }


@pytest.mark.parametrize(
    ("name", "sampler"),
    [*(("sdxl", sampler) for sampler in KINDS), *(("sdxl-refiner", sampler) for sampler in SOME)],
)
def test_a_picture_from_a_picture_equals_the_pipeline(
    name: str, sampler: str, models: dict[str, LoadedModel], from_picture: dict[str, Any]
) -> None:
    ours = drawn(models[name], start=a_picture(), sampler=sampler, steps=6, strength=0.5, negative="blue")
    theirs = {"image": Image.fromarray(a_picture().rgb), "strength": 0.5, "num_inference_steps": 6}
    expected = made_by(from_picture[name], sampler, negative_prompt="blue", **theirs)
    assert np.array_equal(ours, expected)


@pytest.mark.parametrize(("strength", "guidance"), [(0.25, 5.0), (1.0, 5.0), (0.6, 1.0)])
@pytest.mark.parametrize("name", ["sdxl", "sdxl-refiner"])
def test_every_strength_equals_the_pipeline(
    name: str,
    strength: float,
    guidance: float,
    models: dict[str, LoadedModel],
    from_picture: dict[str, Any],
) -> None:
    """The refiner's empty negative prompt is read, not zeros: its card says so."""
    ours = {"strength": strength, "guidance_scale": guidance}
    expected = made_by(from_picture[name], "Euler", image=Image.fromarray(a_picture().rgb), **ours)
    assert np.array_equal(drawn(models[name], start=a_picture(), **ours), expected)


@pytest.mark.parametrize(("sampler", "strength"), [*((sampler, 0.6) for sampler in SOME), ("DPM++ 2M", 1.0)])
@pytest.mark.parametrize("name", NAMES)
def test_a_mask_equals_the_pipeline(
    name: str,
    sampler: str,
    strength: float,
    models: dict[str, LoadedModel],
    behind_mask: dict[str, Any],
) -> None:
    ours = drawn(models[name], start=a_picture(), mask=a_mask(), sampler=sampler, strength=strength)
    expected = made_by(
        behind_mask[name],
        sampler,
        image=Image.fromarray(a_picture().rgb),
        mask_image=Image.fromarray(a_mask()),
        strength=strength,
        width=64,
        height=64,
    )
    assert np.array_equal(ours, expected)


def test_the_inpainting_network_draws_without_a_mask(models: dict[str, LoadedModel]) -> None:
    assert models["sdxl-inpainting"].inpainting
    assert drawn(models["sdxl-inpainting"]).shape == (64, 64, 3)


def test_removing_avoids_the_prompt(models: dict[str, LoadedModel]) -> None:
    made = [
        drawn(models["sdxl"], start=a_picture(), mask=a_mask(), mode=mode) for mode in (FillMode.FILL, FillMode.REMOVE)
    ]
    assert not np.array_equal(*made)


def test_the_refiner_makes_nothing_of_a_prompt_alone(run: Run, folders: dict[str, Path]) -> None:
    failed = run(make_request(folders["sdxl-refiner"]))[-1]
    assert isinstance(failed, Failed) and (failed.kind, failed.field) == (ErrorKind.BAD_INPUT, "image")
    assert "needs a picture" in failed.message

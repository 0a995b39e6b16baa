"""The inpainting sibling: stored as a difference, read when somebody inpaints, and only then."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sdstudio.domain.edits import FillMode, InpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import ModelError
from sdstudio.domain.events import Failed, Finished
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.cache import ModelCache
from sdstudio.engine.devices import choose_device
from sdstudio.engine.libraries import UNet2DConditionModel
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sibling import DIFFERENCE, FOLDER, SCALE, add_difference, with_sibling
from tests.engine.conftest import Run
from tests.engine.test_image_to_image import a_picture
from tests.helpers.tiny_models import ImagesInMemory, make_request, make_tiny_model

sys.path.append(str(Path(__file__).resolve().parents[2] / "packaging" / "starter"))
difference = importlib.import_module("difference")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def tuned_unet(main: UNet2DConditionModel) -> UNet2DConditionModel:
    """As a sibling is: nine channels, the same weights but for a little, the new ones small."""
    config = {key: value for key, value in main.config.items() if not key.startswith("_")}
    tuned = UNet2DConditionModel.from_config({**config, "in_channels": 9})
    rng = torch.Generator().manual_seed(3)
    state = main.state_dict()
    for name, weight in tuned.state_dict().items():
        wide = torch.zeros_like(weight)
        wide[tuple(slice(0, size) for size in state[name].shape)] = state[name]
        state[name] = wide + 0.02 * torch.randn(wide.shape, generator=rng)
    tuned.load_state_dict(state)
    return tuned


@pytest.fixture(scope="module")
def with_difference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, UNet2DConditionModel]:
    """A model folder with a sibling in it, and the sibling's network as it was before it was stored."""
    folder = make_tiny_model(tmp_path_factory.mktemp("sibling"))
    tuned = tuned_unet(UNet2DConditionModel.from_pretrained(folder / "unet"))
    tuned.save_pretrained(folder / "tuned")
    difference.write_sibling(folder, folder / "tuned")
    return folder, tuned


def load(folder: Path) -> LoadedModel:
    return read_model(ModelSpec(name="Tiny", path=str(folder)), choose_device(1))


def test_the_sibling_comes_back_as_it_was_trained(with_difference: tuple[Path, UNet2DConditionModel]) -> None:
    folder, tuned = with_difference
    model = load(folder)
    sibling = with_sibling(model)
    assert sibling.inpainting and not model.inpainting
    assert sibling.vae is model.vae and sibling.conditioner is model.conditioner
    for name, weight in sibling.unet.state_dict().items():
        # Half a level of 127 of the row's largest change, some 4 to 5 times 0.02.
        assert torch.allclose(weight, tuned.state_dict()[name], atol=6e-4), name
    size = (folder / FOLDER / DIFFERENCE).stat().st_size
    assert size < 0.4 * (folder / "unet" / "diffusion_pytorch_model.safetensors").stat().st_size


def test_a_matrix_without_change_is_stored_without_change() -> None:
    main = {"a.weight": torch.randn(3, 4), "a.bias": torch.randn(3)}
    stored = difference.extract(main, main)
    assert not stored["a.weight"].any() and not stored["a.weight" + SCALE].any()
    assert all(torch.equal(again, main[name]) for name, again in add_difference(main, stored).items())


def test_a_model_without_sibling_is_itself(tiny_model: Path) -> None:
    model = load(tiny_model)
    assert with_sibling(model) is model


def test_a_model_that_reads_masks_is_its_own_sibling(
    with_difference: tuple[Path, UNet2DConditionModel], tmp_path: Path
) -> None:
    folder = make_tiny_model(tmp_path / "nine", channels=9)
    (with_difference[0] / FOLDER).rename(folder / FOLDER)
    try:
        model = load(folder)
        assert with_sibling(model) is model
    finally:
        (folder / FOLDER).rename(with_difference[0] / FOLDER)


@pytest.mark.parametrize("fault", ["missing", "garbage", "another model's", "no masks"])
def test_a_damaged_sibling_is_refused_in_words(
    fault: str, with_difference: tuple[Path, UNet2DConditionModel], tmp_path: Path
) -> None:
    folder = make_tiny_model(tmp_path / "model")
    (folder / FOLDER).mkdir()
    path, config = folder / FOLDER / DIFFERENCE, folder / FOLDER / "config.json"
    for part in (DIFFERENCE, "config.json"):
        (folder / FOLDER / part).write_bytes((with_difference[0] / FOLDER / part).read_bytes())
    if fault == "missing":
        path.unlink()
    elif fault == "garbage":
        path.write_bytes(b"no weights at all")
    elif fault == "another model's":
        difference.save_file({"conv_in.weight": torch.zeros(2, 2)}, path)
    else:
        config.write_bytes((folder / "unet" / "config.json").read_bytes())
        main = UNet2DConditionModel.from_pretrained(folder / "unet").state_dict()
        difference.save_file(difference.extract(main, main), path)
    with pytest.raises(ModelError, match="unet_inpaint"):
        with_sibling(load(folder))


def test_it_is_read_once_and_forgotten_with_its_model(tiny_model: Path) -> None:
    made: list[LoadedModel] = []

    def make(model: LoadedModel) -> LoadedModel:
        made.append(model)
        return model

    spec = ModelSpec(name="Tiny", path=str(tiny_model))
    cache = ModelCache(choose_device(1), read_model, make)
    cache.get(spec)
    assert not made
    assert cache.get_for_inpainting(spec) is cache.get_for_inpainting(spec)
    assert len(made) == 1
    cache.clear()
    cache.get_for_inpainting(spec)
    assert len(made) == 2


def test_only_masked_pictures_are_its_work(
    with_difference: tuple[Path, UNet2DConditionModel], run: Run, images: ImagesInMemory
) -> None:
    """A damaged sibling stands in nobody's way but of those who inpaint."""
    folder, _ = with_difference
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:48] = 255
    picture = images.add(ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2)))
    masked = {"image": images.add(a_picture()), "inpaint": InpaintSpec(mask=picture, mode=FillMode.FILL)}
    (folder / FOLDER / DIFFERENCE).rename(folder / "away")
    try:
        assert isinstance(run(make_request(folder))[-1], Finished)
        failed = run(make_request(folder, **masked))[-1]
        assert isinstance(failed, Failed) and FOLDER in failed.message
    finally:
        (folder / "away").rename(folder / FOLDER / DIFFERENCE)
    assert isinstance(run(make_request(folder, **masked), CancelToken())[-1], Finished)

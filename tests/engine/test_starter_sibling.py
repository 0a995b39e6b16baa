"""The inpainting sibling in the box: it belongs to the box's model, is used for masks, and looks at what is around."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from safetensors import safe_open

from sdstudio.domain.edits import FillMode, ImageInput, InpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import ImageReady
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.sibling import DIFFERENCE, FOLDER, with_sibling
from sdstudio.engine.tasks.generate import make_picture
from tests.engine.conftest import Run
from tests.helpers.tiny_models import STARTER, ImagesInMemory, make_request

pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
SIDE = 128
BYTES_MOST = 12_000_000
GROUNDS = ((70, 180, 90), (255, 255, 255), (240, 150, 190))
HOLE, INNER = slice(40, 88), slice(44, 84)
SETTINGS = {"positive": "", "steps": 10, "guidance_scale": 3.5, "sampler": "DPM++ 2M", "size": Size(SIDE, SIDE)}


@pytest.fixture(scope="module")
def main() -> LoadedModel:
    return read_model(ModelSpec(name="Starter", path=str(STARTER)), choose_device(1))


@pytest.fixture(scope="module")
def sibling(main: LoadedModel) -> LoadedModel:
    return with_sibling(main)


def hole() -> ImageBuffer:
    mask = np.zeros((SIDE, SIDE, 3), np.uint8)
    mask[HOLE, HOLE] = 255
    return ImageBuffer.from_rgb(mask)


def flat(colour: tuple[int, int, int]) -> ImageBuffer:
    return ImageBuffer.from_rgb(np.full((SIDE, SIDE, 3), colour, np.uint8))


def masked_request(
    image: ImageInput, mask: ImageInput, mode: FillMode = FillMode.FILL, **changes: object
) -> GenerationRequest:
    spec = InpaintSpec(mask=mask, mode=mode)
    return make_request(STARTER, image=image, inpaint=spec, strength=1.0, **(SETTINGS | changes))


def filled(model: LoadedModel, ground: ImageBuffer, seed: int) -> np.ndarray:
    """Without words, so that only what is around says what belongs there."""
    stored = ImageInput(sha256="0" * 64, width=SIDE, height=SIDE)
    request = masked_request(stored, stored, seed=seed)
    return make_picture(request, model, CancelToken(), start=ground, mask=hole()).rgb


def test_it_belongs_to_the_boxs_model_and_is_small(main: LoadedModel, sibling: LoadedModel) -> None:
    weights = STARTER / "unet" / "diffusion_pytorch_model.safetensors"
    with safe_open(STARTER / FOLDER / DIFFERENCE, "pt") as file:
        assert file.metadata()["base_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (STARTER / FOLDER / DIFFERENCE).stat().st_size < BYTES_MOST
    assert sibling.inpainting and sibling.puts_back and not main.inpainting


@pytest.mark.parametrize("mode", list(FillMode))
def test_it_is_asked_where_the_picture_goes_on_from_around(
    mode: FillMode, run: Run, images: ImagesInMemory, main: LoadedModel, sibling: LoadedModel
) -> None:
    ground = flat(GROUNDS[0])
    request = masked_request(images.add(ground), images.add(hole()), mode, seed=5, steps=2, positive="a pizza")
    (made,) = (event for event in run(request) if isinstance(event, ImageReady))
    ours, others = (sibling, main) if mode in (FillMode.FILL, FillMode.REMOVE) else (main, sibling)
    like, unlike = (make_picture(request, m, CancelToken(), start=ground, mask=hole()).rgb for m in (ours, others))
    assert np.array_equal(made.image.rgb, like) and not np.array_equal(made.image.rgb, unlike)


def test_it_takes_up_what_is_around_better_than_the_main_network(main: LoadedModel, sibling: LoadedModel) -> None:
    """At the rim of a hole in a plain ground (seen: less than half of what the untrained network is off)."""
    rim = np.zeros((SIDE, SIDE), bool)
    rim[HOLE, HOLE] = True
    rim[INNER, INNER] = False
    off = {"main": 0.0, "sibling": 0.0}
    for number, colour in enumerate(GROUNDS):
        for name, model in (("main", main), ("sibling", sibling)):
            made = filled(model, flat(colour), 402 + number)
            off[name] += float(np.abs(made.astype(int) - colour)[rim].mean())
    assert off["sibling"] < 0.7 * off["main"], off

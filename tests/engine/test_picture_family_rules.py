"""What depth, x4 upscaler and InstructPix2Pix do with a request, and what they refuse in words."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser, InvalidRequest, ModelError
from sdstudio.domain.events import ImageReady, Preview, Progress
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import FROM_NOISE_FAMILIES, PICTURE_FAMILIES, ModelFamily
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.denoise import denoise
from sdstudio.engine.depth_sight import DepthSight, Shown
from sdstudio.engine.devices import choose_device
from sdstudio.engine.encode import encode
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.generate import make_picture, run_generation
from tests.engine.test_image_to_image import a_picture
from tests.engine.test_inpaint_equality import a_mask, as_picture
from tests.helpers.midas_parts import PROCESSOR, tiny_depth_estimator
from tests.helpers.one_file import OneFile, make_one_file
from tests.helpers.tiny_models import ImagesInMemory, make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

DEPTH, X4, PIX2PIX = ModelFamily.SD2_DEPTH, ModelFamily.X4_UPSCALER, ModelFamily.PIX2PIX
FAMILIES = (DEPTH, X4, PIX2PIX)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[ModelFamily, OneFile]:
    return {family: make_one_file(tmp_path_factory.mktemp(family.name), family) for family in FAMILIES}


def read(one: OneFile, spec: ModelSpec) -> LoadedModel:
    return read_model(spec, choose_device(1), one.resources)


@pytest.fixture(scope="module")
def models(files: dict[ModelFamily, OneFile]) -> dict[ModelFamily, LoadedModel]:
    return {family: read(one, one.spec) for family, one in files.items()}


def a_request(model: LoadedModel, image: ImageBuffer | None = None, **changes: Any) -> GenerationRequest:
    given = {} if image is None else {"image": ImagesInMemory().add(image)}
    return replace(make_request(Path(model.spec.path), **given, **changes), model=model.spec)


def made(model: LoadedModel, image: ImageBuffer | None, mask: ImageBuffer | None = None, **changes: Any) -> np.ndarray:
    return make_picture(a_request(model, image, **changes), model, CancelToken(), start=image, mask=mask).rgb


def test_these_are_the_families_that_need_a_picture() -> None:
    assert set(FAMILIES) <= PICTURE_FAMILIES and FROM_NOISE_FAMILIES <= PICTURE_FAMILIES


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_words_alone_are_not_enough(family: ModelFamily, models: dict[ModelFamily, LoadedModel]) -> None:
    with pytest.raises(InvalidRequest, match="needs a picture") as refused:
        made(models[family], None)
    assert refused.value.field == "image"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_engine_can_warm_up_with_each(
    family: ModelFamily, files: dict[ModelFamily, OneFile], engine: TorchEngine
) -> None:
    engine.warm_up(files[family].folder_spec)


# -- depth ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(64, 64), (200, 96), (33, 500)])
def test_the_network_is_shown_what_the_published_processor_shows(size: tuple[int, int]) -> None:
    picture = a_picture(*size)
    half = (0.5, 0.5, 0.5)
    processor = DPTImageProcessorPil(size={"height": 384, "width": 384}, resample=2, image_mean=half, image_std=half)
    expected = processor(Image.fromarray(picture.rgb), return_tensors="pt").pixel_values
    shown = Shown(384, Image.Resampling.BILINEAR, half, half).values(picture.rgb)
    assert torch.equal(shown, expected)


def test_depth_goes_from_minus_one_to_one(models: dict[ModelFamily, LoadedModel]) -> None:
    depth = models[DEPTH].parts.sight.depth(a_picture(96, 64).rgb, (8, 12))
    assert depth.shape == (1, 1, 8, 12)
    assert (float(depth.min()), float(depth.max())) == (-1.0, 1.0)


def test_a_plain_wall_is_neither_near_nor_far(models: dict[ModelFamily, LoadedModel]) -> None:
    sight = models[DEPTH].parts.sight
    network = sight.network
    last = network.head.head[4].bias.clone()
    try:
        network.head.head[4].bias.fill_(-1000.0)  # what is negative is cut off
        depth = sight.depth(a_picture(64, 72).rgb, (8, 8))
    finally:
        network.head.head[4].bias.copy_(last)
    assert torch.equal(depth, torch.zeros(1, 1, 8, 8))


def test_the_depth_of_a_picture_is_estimated_once(models: dict[ModelFamily, LoadedModel]) -> None:
    model, calls = models[DEPTH], []
    handle = model.parts.sight.network.register_forward_hook(lambda *_: calls.append(1))
    try:
        first = made(model, a_picture(64, 64), seed=1)
        second = made(model, a_picture(64, 64), seed=2)
        made(model, a_picture(80, 64), size=Size(80, 64))
    finally:
        handle.remove()
    assert len(calls) == 2 and not np.array_equal(first, second)


def test_depth_decides_the_picture(models: dict[ModelFamily, LoadedModel]) -> None:
    model = models[DEPTH]
    seen = made(model, a_picture(), strength=1.0)
    sight = model.parts.sight
    sight._seen = (sight._seen[0], sight._seen[1].flip(2))
    assert not np.array_equal(made(model, a_picture(), strength=1.0), seen)
    sight._seen = None


def test_a_job_can_be_stopped_while_depth_is_estimated(models: dict[ModelFamily, LoadedModel]) -> None:
    model, cancel = models[DEPTH], CancelToken()
    network, later = model.parts.sight.network, []
    network_layers = network.dpt.encoder.layer
    handles = [
        network_layers[0].register_forward_hook(lambda *_: cancel.cancel()),
        network_layers[1].attention.register_forward_hook(lambda *_: later.append("a further layer")),
        model.unet.register_forward_hook(lambda *_: later.append("the UNet")),
    ]
    request = a_request(model, a_picture(72, 64), size=Size(72, 64))
    try:
        with pytest.raises(CancelledByUser):
            run_generation("job", request, lambda _: None, cancel, model=model, start=a_picture(72, 64))
    finally:
        for handle in handles:
            handle.remove()
    assert later == []


# -- behind a mask ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [DEPTH, PIX2PIX], ids=lambda family: family.name)
@pytest.mark.parametrize("sampler", ["Euler", "Euler a", "DDIM"])
def test_only_what_the_mask_allows_changes(
    sampler: str, family: ModelFamily, models: dict[ModelFamily, LoadedModel]
) -> None:
    model, picture = models[family], a_picture()
    request = a_request(model, picture, sampler=sampler, strength=1.0)
    with torch.inference_mode():
        generator = torch.Generator().manual_seed(7)
        context = model.begin(request, model, generator, picture, as_picture(a_mask()))
        latents = denoise(context)
        source = encode(model, picture.rgb, torch.Generator().manual_seed(7))
    hidden = torch.from_numpy(a_mask()[::8, ::8] > 0)
    kept = (latents == source).all(dim=1)[0]
    assert torch.equal(kept, ~hidden)


def test_the_upscaler_takes_no_mask(models: dict[ModelFamily, LoadedModel]) -> None:
    with pytest.raises(InvalidRequest, match="cannot change a part") as refused:
        made(models[X4], a_picture(), as_picture(a_mask()))
    assert refused.value.field == "mask"


# -- x4 upscaler ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [Size(128, 64), Size(72, 104), Size(64, 88)], ids=str)
def test_the_size_asked_for_is_that_of_the_result(size: Size, models: dict[ModelFamily, LoadedModel]) -> None:
    """Sides that are no multiples of what the network halves, too."""
    picture = made(models[X4], a_picture(20, 20), size=size, steps=1)
    assert picture.shape == (size.height, size.width, 3)


def test_the_usual_noise_is_twenty_and_the_most_350(models: dict[ModelFamily, LoadedModel]) -> None:
    model, small = models[X4], a_picture(16, 16)
    assert np.array_equal(made(model, small), made(model, small, noise_level=20))
    assert not np.array_equal(made(model, small), made(model, small, noise_level=21))
    with pytest.raises(InvalidRequest, match="noise level 351") as refused:
        made(model, small, noise_level=351)
    assert refused.value.field == "noise_level" and "0 to 350" in refused.value.hint


# -- strength ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [X4, PIX2PIX], ids=lambda family: family.name)
def test_every_strength_is_one_and_the_record_says_so(
    family: ModelFamily, models: dict[ModelFamily, LoadedModel]
) -> None:
    model, picture = models[family], a_picture()
    whole = made(model, picture, strength=1.0)
    for strength in (0.0, 0.3):
        assert np.array_equal(made(model, picture, strength=strength), whole)
    events: list[Any] = []
    request = a_request(model, picture, strength=0.3, count=2)
    run_generation("job", request, events.append, CancelToken(), model=model, start=picture)
    ready = [event for event in events if isinstance(event, ImageReady)]
    assert [event.request.strength for event in ready] == [1.0, 1.0]
    assert np.array_equal(ready[0].image.rgb, whole)
    progress = [event for event in events if isinstance(event, Progress)]
    assert {event.steps for event in progress} == {4} and max(event.step for event in progress) == 4
    previews = [event for event in events if isinstance(event, Preview)]
    assert previews and previews[0].image.size.width == 64 // model.pixels_per_latent


def test_guidance_by_the_picture_counts(models: dict[ModelFamily, LoadedModel]) -> None:
    model, picture = models[PIX2PIX], a_picture()
    some = [made(model, picture, image_guidance_scale=scale) for scale in (1.0, 1.5, 3.0)]
    rescaled = made(model, picture, image_guidance_scale=1.5, guidance_rescale=0.7)
    assert len({each.tobytes() for each in (*some, rescaled)}) == 4


# -- damaged ----------------------------------------------------------------------------------------------------------


def copied(one: OneFile, folder: Path) -> OneFile:
    shutil.copytree(one.path.parent, folder, dirs_exist_ok=True)
    return replace(one, path=folder / one.path.name, folder=folder / one.folder.name)


def without(path: Path, prefix: str) -> None:
    save_file({name: value for name, value in load_file(path).items() if not name.startswith(prefix)}, path)


@pytest.mark.parametrize(
    ("family", "prefix", "part"),
    [
        (DEPTH, "depth_model.", "depth_estimator"),
        (DEPTH, "depth_model.model.scratch.refinenet2", "depth_estimator"),
        (DEPTH, "depth_model.model.pretrained.model.pos_embed", "depth_estimator"),
        (X4, "model.diffusion_model.label_emb", "unet"),
        (PIX2PIX, "first_stage_model.encoder", "vae"),
    ],
)
def test_what_a_file_lacks_is_said(
    family: ModelFamily, prefix: str, part: str, files: dict[ModelFamily, OneFile], tmp_path: Path
) -> None:
    one = copied(files[family], tmp_path)
    without(one.path, prefix)
    with pytest.raises(ModelError, match=f"part “{part}” is incomplete or damaged"):
        read(one, one.spec)


@pytest.mark.parametrize(
    ("family", "name", "words"),
    [
        (DEPTH, "depth_estimator/config.json", "depth_estimator"),
        (DEPTH, "depth_estimator/model.safetensors", "depth_estimator"),
        (DEPTH, PROCESSOR, "feature_extractor"),
        (X4, "low_res_scheduler/scheduler_config.json", "low_res_scheduler"),
    ],
)
def test_what_a_folder_lacks_is_said(
    family: ModelFamily, name: str, words: str, files: dict[ModelFamily, OneFile], tmp_path: Path
) -> None:
    one = copied(files[family], tmp_path)
    (one.folder / name).unlink()
    with pytest.raises(ModelError, match=f"part “{words}” is incomplete or damaged"):
        read(one, one.folder_spec)


def test_a_description_that_makes_no_sense_is_said(files: dict[ModelFamily, OneFile], tmp_path: Path) -> None:
    one = copied(files[DEPTH], tmp_path)
    (one.folder / PROCESSOR).write_text('{"resample": 77, "image_mean": [0.5], "image_std": "x"}')
    with pytest.raises(ModelError, match="feature_extractor"):
        read(one, one.folder_spec)


def test_a_files_depth_network_is_its_folders(
    files: dict[ModelFamily, OneFile], models: dict[ModelFamily, LoadedModel]
) -> None:
    """What test_checkpoint shows of the other networks."""
    theirs = read(files[DEPTH], files[DEPTH].folder_spec).parts.sight.network.state_dict()
    ours = models[DEPTH].parts.sight.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_depth_in_half_precision_is_nearly_the_same(dtype: torch.dtype) -> None:
    """What CUDA devices compute in, here on the CPU."""
    device = choose_device(1)
    network = tiny_depth_estimator().requires_grad_(False)
    shown = Shown(32, Image.Resampling.BILINEAR, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    rgb = a_picture(96, 64).rgb
    with torch.inference_mode():
        single = DepthSight(network, shown, device).depth(rgb, (8, 12))
        half = DepthSight(network.to(dtype), shown, replace(device, dtype=dtype)).depth(rgb, (8, 12))
    assert half.dtype == dtype and float((single - half).abs().max()) < 0.1


def test_a_folder_says_itself_how_much_noise_it_knows(files: dict[ModelFamily, OneFile], tmp_path: Path) -> None:
    one = copied(files[X4], tmp_path)
    index = one.folder / "model_index.json"
    index.write_text(index.read_text().replace('"max_noise_level": 350', '"max_noise_level": 10'))
    model = read(one, one.folder_spec)
    assert np.array_equal(made(model, a_picture(16, 16)), made(model, a_picture(16, 16), noise_level=10))
    with pytest.raises(InvalidRequest, match="noise level 11"):
        made(model, a_picture(16, 16), noise_level=11)

"""unCLIP: variations and mixtures, bit for bit as StableUnCLIPImg2ImgPipeline makes them, and what goes beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.stable_unclip_image_normalizer import StableUnCLIPImageNormalizer
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from sdstudio.domain.additions import MixedImage
from sdstudio.domain.edits import InpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import Cancelled, ImageReady, Preview, Progress
from sdstudio.domain.image import ImageBuffer
from sdstudio.engine.engine import TorchEngine
from tests.engine.test_pipeline_equality import STOCK
from tests.helpers.one_file import UNCLIP, OneFile, make_one_file
from tests.helpers.tiny_models import ImagesInMemory
from tests.helpers.unclip_desk import STEPS, a_picture, a_request, pixels, run

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Make = Callable[..., np.ndarray]


@pytest.fixture(scope="module", params=UNCLIP, ids=lambda family: family.name)
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("unclip"), request.param)


@pytest.fixture(scope="module")
def pictures() -> ImagesInMemory:
    return ImagesInMemory()


@pytest.fixture(scope="module")
def engine(one: OneFile, pictures: ImagesInMemory) -> TorchEngine:
    return TorchEngine(images=pictures, upscaler=one.path.parent / "none", resources=one.resources, threads=1)


@pytest.fixture(scope="module")
def make(engine: TorchEngine, one: OneFile) -> Make:
    """make(**changes) -> the picture of the model's file; `folder`: of the same as a folder."""

    def make_(*, folder: bool = False, **changes: Any) -> np.ndarray:
        return pixels(run(engine, a_request(one.folder_spec if folder else one.spec, **changes)))

    return make_


@pytest.fixture(scope="module")
def pipeline(one: OneFile) -> Any:
    def part(kind: Any, name: str) -> Any:
        return kind.from_pretrained(one.folder / name)

    pipeline = diffusers.StableUnCLIPImg2ImgPipeline(
        feature_extractor=CLIPImageProcessorPil(),
        image_encoder=part(CLIPVisionModelWithProjection, "image_encoder"),
        image_normalizer=part(StableUnCLIPImageNormalizer, "image_normalizer"),
        image_noising_scheduler=part(diffusers.DDPMScheduler, "image_noising_scheduler"),
        tokenizer=part(CLIPTokenizer, "tokenizer"),
        text_encoder=part(CLIPTextModel, "text_encoder"),
        unet=part(diffusers.UNet2DConditionModel, "unet"),
        scheduler=part(diffusers.DDIMScheduler, "scheduler"),
        vae=part(diffusers.AutoencoderKL, "vae"),
    )
    pipeline.set_progress_bar_config(disable=True)
    for network in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.image_encoder):
        # As in use: torch multiplies by weights that could be trained in another order, with other last bits.
        network.requires_grad_(False)
    return pipeline


@pytest.fixture
def stock(pipeline: Any, one: OneFile) -> Make:
    """stock(image, …) -> what the pipeline makes."""
    config = json.loads((one.folder / "scheduler" / "scheduler_config.json").read_text())

    def stock_(image: ImageBuffer | None, *, sampler: str = "Euler", **more: Any) -> np.ndarray:
        kind, options = STOCK[sampler]
        # The spacing of the model's own class, which from_config would not take along.
        plain = {"timestep_spacing": "leading", "clip_sample": False}
        pipeline.scheduler = getattr(diffusers, kind).from_config(config, **plain, **options)
        arguments: dict[str, Any] = {"num_inference_steps": STEPS, "guidance_scale": 5.0, "noise_level": 0} | more
        result = pipeline(
            image=None if image is None else Image.fromarray(image.rgb),
            prompt="a red apple",
            negative_prompt="blue",
            height=64,
            width=64,
            generator=torch.Generator("cpu").manual_seed(7),
            output_type="np",
            **arguments,
        )
        return (result.images[0] * 255).round().astype(np.uint8)

    return stock_


def reference(pipeline: Any, *images: ImageBuffer) -> list[torch.Tensor]:
    """What CLIP sees in each, by the pipeline's own parts."""
    shown = [pipeline.feature_extractor(Image.fromarray(each.rgb), return_tensors="pt").pixel_values for each in images]
    with torch.no_grad():
        return [pipeline.image_encoder(values).image_embeds for values in shown]


# -- equal to the pipeline --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "guidance"), [(0, 10.0), (400, 10.0), (999, 10.0), (400, 1.0)])
def test_a_variation_equals_the_pipelines(
    make: Make, stock: Make, pictures: ImagesInMemory, level: int, guidance: float
) -> None:
    image = a_picture(side=96)
    ours = make(image=pictures.add(image), noise_level=level, guidance_scale=guidance)
    assert ours.std() > 0
    assert np.array_equal(ours, stock(image, noise_level=level, guidance_scale=guidance))


@pytest.mark.parametrize("sampler", ["DPM++ 2M", "Euler a", "UniPC"])
def test_other_samplers_equal_the_pipelines(make: Make, stock: Make, pictures: ImagesInMemory, sampler: str) -> None:
    image = a_picture()
    ours = make(image=pictures.add(image), sampler=sampler, steps=4, noise_level=100)
    assert np.array_equal(ours, stock(image, sampler=sampler, num_inference_steps=4, noise_level=100))


def mixed_by_hand(embeddings: list[torch.Tensor], weights: list[float]) -> torch.Tensor:
    """The rule, written down anew."""
    total = torch.stack([weight * each for each, weight in zip(embeddings, weights, strict=True)]).sum(dim=0)
    norms = [float(each.norm()) for each in embeddings]
    share = sum(abs(weight) * norm for weight, norm in zip(weights, norms, strict=True)) / sum(map(abs, weights))
    return total * (share / float(total.norm()))


@pytest.mark.parametrize(("weights", "level"), [([1.0, 1.0], 0), ([1.0, 0.3], 0), ([1.0, 2.0, -0.5], 250)])
def test_a_mixture_equals_the_pipelines(
    make: Make, stock: Make, pipeline: Any, pictures: ImagesInMemory, level: int, weights: list[float]
) -> None:
    images = [a_picture(number) for number in range(len(weights))]
    known = [pictures.add(image) for image in images]
    mix = tuple(MixedImage(image=each, weight=weight) for each, weight in zip(known[1:], weights[1:], strict=True))
    ours = make(image=known[0], mix=mix, noise_level=level)
    embedding = mixed_by_hand(reference(pipeline, *images), weights)
    assert np.array_equal(ours, stock(None, image_embeds=embedding, noise_level=level))


@pytest.mark.parametrize(
    "changes",
    [{}, {"noise_level": 300}, {"strength": 0.5, "steps": 4}, {"guidance_scale": 1.0}, {"image": None}],
    ids=["plain", "noise", "strength", "unguided", "text"],
)
def test_a_file_gives_the_pictures_of_its_folder(make: Make, pictures: ImagesInMemory, changes: dict[str, Any]) -> None:
    more = {"image": pictures.add(a_picture())} | changes
    assert np.array_equal(make(**more), make(folder=True, **more))


# -- beyond the pipeline ----------------------------------------------------------------------------------------------


def test_without_a_picture_the_network_is_told_nothing(make: Make, pictures: ImagesInMemory) -> None:
    """As the half without a prompt is: not even the level of noise."""
    ours = make()
    assert ours.std() > 0
    assert np.array_equal(ours, make(noise_level=500))
    assert not np.array_equal(ours, make(image=pictures.add(a_picture())))


def test_a_mixture_needs_no_picture_to_begin_with(make: Make, pictures: ImagesInMemory) -> None:
    first, second = (pictures.add(a_picture(seed)) for seed in (1, 2))
    both = (MixedImage(image=first, weight=1.0), MixedImage(image=second, weight=0.5))
    assert np.array_equal(make(mix=both), make(image=first, mix=both[1:]))


def test_the_start_picture_has_the_weight_that_the_mixture_gives_it(make: Make, pictures: ImagesInMemory) -> None:
    first, second = (pictures.add(a_picture(seed)) for seed in (1, 2))
    named = (MixedImage(image=first, weight=0.25), MixedImage(image=second, weight=1.0))
    assert np.array_equal(make(image=first, mix=named), make(mix=named))
    assert not np.array_equal(make(image=first, mix=named), make(image=first, mix=named[1:]))


def test_below_full_strength_the_picture_itself_is_begun_with(make: Make, pictures: ImagesInMemory) -> None:
    """The weaker, the nearer; and what CLIP sees counts at every strength."""
    image = a_picture()
    start, other = pictures.add(image), (MixedImage(image=pictures.add(a_picture(2)), weight=3.0),)
    near, far, free = (make(image=start, strength=strength, steps=10) for strength in (0.1, 0.6, 1.0))
    apart = [float(np.abs(each.astype(int) - image.rgb).mean()) for each in (near, far, free)]
    assert len(set(apart)) == 3
    assert not np.array_equal(far, make(image=start, strength=0.6, steps=10, mix=other))
    assert np.array_equal(make(image=start, strength=0.0), image.rgb)


def test_only_what_the_mask_allows_is_made_and_the_embedding_counts_there(make: Make, pictures: ImagesInMemory) -> None:
    image = a_picture()
    hole = np.zeros((64, 64, 3), np.uint8)
    hole[16:48, 16:48] = 255
    inpaint = InpaintSpec(mask=pictures.add(ImageBuffer.from_rgb(hole)))
    plain = make(image=pictures.add(image), inpaint=inpaint, strength=1.0)
    mixed = make(
        image=pictures.add(image),
        inpaint=inpaint,
        strength=1.0,
        mix=(MixedImage(image=pictures.add(a_picture(2)), weight=3.0),),
    )
    assert not np.array_equal(plain, mixed)


def test_previews_and_progress_come_as_for_others(engine: TorchEngine, one: OneFile, pictures: ImagesInMemory) -> None:
    events = run(engine, a_request(one.spec, image=pictures.add(a_picture()), count=2))
    assert [event.step for event in events if isinstance(event, Progress)] == [0, 1, 2, 0, 1, 2]
    assert {event.index for event in events if isinstance(event, Preview)} == {0, 1}
    first, second = [event for event in events if isinstance(event, ImageReady)]
    again = run(engine, a_request(one.spec, image=pictures.add(a_picture()), seed=8))
    assert first.image != second.image and np.array_equal(second.image.rgb, pixels(again))


def test_cancelled_while_the_picture_is_looked_at(engine: TorchEngine, one: OneFile, pictures: ImagesInMemory) -> None:
    request = a_request(one.spec, image=pictures.add(a_picture(5)))
    expected = pixels(run(engine, replace(request, image=pictures.add(a_picture(6)))))
    network = engine._models.get(one.spec).parts.encoder.network
    layers = [layer.layer_norm1 for layer in network.vision_model.encoder.layers]
    cancel, entered = CancelToken(), 0

    def count(_module: Any, _args: Any) -> None:
        nonlocal entered
        entered += 1
        cancel.cancel()

    handles = [layer.register_forward_pre_hook(count) for layer in layers]
    events = run(engine, request, cancel=cancel)
    for handle in handles:
        handle.remove()
    assert events[-1] == Cancelled(job_id="job")
    assert entered == 1 < len(layers)
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert np.array_equal(pixels(run(engine, replace(request, image=pictures.add(a_picture(6))))), expected)


def test_a_picture_is_looked_at_once(engine: TorchEngine, one: OneFile, pictures: ImagesInMemory) -> None:
    network = engine._models.get(one.spec).parts.encoder.network
    looks: list[int] = []
    handle = network.register_forward_pre_hook(lambda _module, _args: looks.append(1))
    run(engine, a_request(one.spec, image=pictures.add(a_picture(9)), count=3))
    handle.remove()
    assert len(looks) == 1

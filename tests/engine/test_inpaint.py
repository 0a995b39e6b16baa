"""Inpainting beyond what the stock pipeline knows: grey and thin masks, both kinds of network, cancelling."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdstudio.domain.edits import FillMode, InpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser, ErrorKind, ModelError
from sdstudio.domain.events import Cancelled, EngineEvent, Failed, ImageReady, Preview, Progress, Started
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.denoise import DenoiseContext, Hook, denoise
from sdstudio.engine.devices import choose_device
from sdstudio.engine.encode import encode
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.hooks.cancel import CancelHook, interruptible
from sdstudio.engine.hooks.mask import MaskHook, ShownHook
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.generate import make_picture
from sdstudio.engine.tasks.inpaint import first_steps, hidden_pixels, prepare_for_inpaint
from tests.engine.conftest import Run
from tests.engine.test_image_to_image import a_picture
from tests.helpers.tiny_models import ImagesInMemory, make_request, make_tiny_model

pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def mask_picture(mask: np.ndarray) -> ImageBuffer:
    return ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2))


def uniform(value: int) -> np.ndarray:
    return np.full((64, 64), value, np.uint8)


def a_soft_mask() -> np.ndarray:
    """A square that falls off to both sides, over more than a cell each."""
    ramp = np.clip(np.minimum(np.arange(64), np.arange(64)[::-1]) * 12 - 64, 0, 255)
    return np.minimum(ramp[:, None], ramp[None, :]).astype(np.uint8)


@pytest.fixture(scope="module")
def nine_channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny-nine"), channels=9)


@pytest.fixture(scope="module")
def loaded(tiny_model: Path, nine_channels: Path) -> dict[int, LoadedModel]:
    device = choose_device(1)
    return {
        channels: read_model(ModelSpec(name="Tiny", path=str(folder)), device)
        for channels, folder in ((4, tiny_model), (9, nine_channels))
    }


def inpaint_request(model: Path | str, images: ImagesInMemory, mask: np.ndarray, **changes: Any) -> GenerationRequest:
    spec = InpaintSpec(mask=images.add(mask_picture(mask)), mode=changes.pop("mode", FillMode.FILL))
    return make_request(Path(model), **({"image": images.add(a_picture()), "inpaint": spec} | changes))


def prepared(model: LoadedModel, mask: np.ndarray, **changes: Any) -> DenoiseContext:
    request = inpaint_request(model.spec.path, ImagesInMemory(), mask, **changes)
    generator = torch.Generator("cpu").manual_seed(request.sampling.seed)
    with torch.inference_mode():
        return prepare_for_inpaint(request, model, generator, a_picture(), mask_picture(mask))


def source_latents(model: LoadedModel) -> torch.Tensor:
    """As the task draws them: the first draw of the request's seed."""
    with torch.inference_mode():
        return encode(model, a_picture().rgb, torch.Generator("cpu").manual_seed(7))


def picture_of(events: list[EngineEvent]) -> np.ndarray:
    (made,) = [event for event in events if isinstance(event, ImageReady)] or pytest.fail(str(events[-1]))
    return made.image.rgb


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20, 255, 256, 1000])
def test_grey_is_the_share_of_the_steps_and_everything_above_0_changes(steps: int) -> None:
    begins = first_steps(torch.arange(256), steps).tolist()
    for value, begin in enumerate(begins):
        changing = [step for step in range(steps) if Fraction(value, 255) > 1 - Fraction(step + 1, steps)]
        assert changing == list(range(begin, steps))
    assert begins[255] == 0
    assert begins[0] == steps
    assert begins[1] < steps


@pytest.mark.parametrize("sampler", ["Euler", "DDIM", "Heun", "DPM2 Karras"])
@pytest.mark.parametrize("channels", [4, 9])
def test_a_mask_of_one_grey_is_image_to_image_that_begins_later(
    channels: int, sampler: str, run: Run, images: ImagesInMemory, loaded: dict[int, LoadedModel]
) -> None:
    """Of 8 steps, 3/8 grey makes the last 3. To one level: the latents lie in memory in another order."""
    model = loaded[channels].spec.path
    late = picture_of(
        run(inpaint_request(model, images, uniform(96), sampler=sampler, steps=8, strength=0.99, guidance_scale=2.0))
    )
    start = images.add(a_picture())
    request = make_request(
        Path(model), image=start, sampler=sampler, steps=8, strength=late_strength(96, 7), guidance_scale=2.0
    )
    plain = picture_of(run(request)).astype(int)
    assert np.abs(late - plain).max() <= 1
    assert np.abs(plain - picture_of(run(make_request(Path(model), image=start, steps=8, strength=0.99)))).max() > 1


def late_strength(value: int, made: int) -> float:
    """Of 8 steps, what is made of a cell of this grey where `made` are made of white."""
    return (made - int(first_steps(torch.tensor(value), made))) / 8


def test_a_stroke_of_3_pixels_changes_its_cells_and_the_rest_ends_as_the_source(loaded: dict[int, LoadedModel]) -> None:
    stroke = np.zeros((64, 64), np.uint8)
    stroke[9:12, 2:50] = 255
    with torch.inference_mode():
        latents = denoise(prepared(loaded[4], stroke, strength=0.9, sampler="Euler a"))
    changed = (latents != source_latents(loaded[4])).all(dim=1)[0]
    touched = torch.zeros(8, 8, dtype=torch.bool)
    touched[1, 0:7] = True
    assert torch.equal(changed, touched)
    assert torch.equal((latents != source_latents(loaded[4])).any(dim=1)[0], touched)


def test_the_source_is_put_back_at_the_noise_of_the_next_step_with_one_noise(loaded: dict[int, LoadedModel]) -> None:
    class Seen(Hook):
        def __init__(self) -> None:
            self.corners: list[torch.Tensor] = []

        def after_step(self, context: DenoiseContext) -> None:
            self.corners.append(context.latents[..., 0, 0].clone())

    mask = uniform(255)
    mask[:8, :8] = 0
    context, seen = prepared(loaded[4], mask, strength=1.0, sampler="Euler"), Seen()
    noise = context.latents / context.scheduler.init_noise_sigma
    with torch.inference_mode():
        denoise(context, [seen])
    source, corner = source_latents(loaded[4])[..., 0, 0], noise[..., 0, 0]
    for sigma, latents in zip(context.scheduler.sigmas[1:], seen.corners, strict=True):
        assert torch.allclose(latents, source + sigma * corner, atol=1e-5)


@pytest.mark.parametrize("channels", [4, 9])
def test_an_inpainting_network_is_held_to_the_source_by_grey_masks_only(
    channels: int, loaded: dict[int, LoadedModel]
) -> None:
    hard = np.where(a_soft_mask() > 0, 255, 0).astype(np.uint8)
    kinds = {
        name: [type(hook) for hook in prepared(loaded[channels], mask, strength=1.0).hooks]
        for name, mask in (("hard", hard), ("soft", a_soft_mask()))
    }
    if channels == 4:
        assert kinds == {"hard": [MaskHook], "soft": [MaskHook]}
    else:
        assert kinds == {"hard": [ShownHook], "soft": [MaskHook, ShownHook]}


def test_an_inpainting_network_reads_mask_and_surroundings(loaded: dict[int, LoadedModel]) -> None:
    class Input(Hook):
        def before_unet(self, context: DenoiseContext) -> None:
            self.seen = context.model_input

    mask = np.zeros((64, 64), np.uint8)
    mask[20:23, 40:43] = 255
    context, seen = prepared(loaded[9], mask), Input()
    with torch.inference_mode():
        denoise(context, [seen])
    assert seen.seen.shape == (2, 9, 8, 8)
    assert torch.equal(seen.seen[0, 4:], seen.seen[1, 4:])
    assert seen.seen[0, 4].nonzero().tolist() == [[2, 5]]


def test_what_such_a_network_is_not_shown() -> None:
    values = np.array([[0, 1, 127, 128, 255]], np.uint8)
    assert hidden_pixels(values).tolist() == [[0, 0, 0, 1, 1]]
    assert hidden_pixels(np.array([[0, 30, 50, 60]], np.uint8)).tolist() == [[0, 1, 1, 1]]
    assert hidden_pixels(uniform(0)).max() == 0


@pytest.mark.parametrize("channels", [4, 9])
def test_the_modes_strengths_start_from_different_latents(channels: int, loaded: dict[int, LoadedModel]) -> None:
    change, fill, replaced = (
        prepared(loaded[channels], a_soft_mask(), strength=strength, sampler="DDIM", steps=10).latents
        for strength in (0.6, 0.9, 1.0)
    )
    assert not torch.equal(change, fill)
    assert not torch.equal(fill, replaced)
    correlations = [
        float(torch.corrcoef(torch.stack([latents.flatten(), source_latents(loaded[channels]).flatten()]))[0, 1])
        for latents in (change, fill, replaced)
    ]
    assert correlations[0] > correlations[1] > correlations[2]


@pytest.mark.parametrize("channels", [4, 9])
def test_an_empty_mask_and_grey_ones_give_pictures_with_every_sampler_order(
    channels: int, run: Run, images: ImagesInMemory, loaded: dict[int, LoadedModel]
) -> None:
    for sampler in ("Euler a", "Heun", "PLMS", "DPM++ 2S", "DPM++ 2M SDE Karras"):
        for mask in (uniform(0), uniform(1), a_soft_mask()):
            picture_of(run(inpaint_request(loaded[channels].spec.path, images, mask, sampler=sampler, strength=0.9)))


def test_strength_0_leaves_every_pixel(run: Run, images: ImagesInMemory, tiny_model: Path) -> None:
    made = picture_of(run(inpaint_request(tiny_model, images, a_soft_mask(), strength=0.0)))
    assert np.array_equal(made, a_picture().rgb)


def test_a_mask_that_is_not_of_the_size_fails_in_words(run: Run, images: ImagesInMemory, tiny_model: Path) -> None:
    (failed,) = [
        event
        for event in run(inpaint_request(tiny_model, images, a_soft_mask(), size=Size(128, 64)))
        if isinstance(event, Failed)
    ]
    assert (failed.kind, failed.field) == (ErrorKind.BAD_INPUT, "mask")
    assert "64 x 64" in failed.message
    assert "128 x 64" in failed.message


@pytest.mark.parametrize("channels", [4, 9])
def test_progress_previews_and_a_batch_of_single_pictures(
    channels: int, run: Run, images: ImagesInMemory, loaded: dict[int, LoadedModel]
) -> None:
    request = inpaint_request(
        loaded[channels].spec.path, images, a_soft_mask(), sampler="Euler a", steps=8, strength=0.5, count=2
    )
    events = run(request)
    assert [event.steps for event in events if isinstance(event, Started)] == [4]
    steps = [(event.index, event.step) for event in events if isinstance(event, Progress)]
    assert steps == [(index, step) for index in (0, 1) for step in range(5)]
    assert {event.index for event in events if isinstance(event, Preview)} == {0, 1}
    first, second = (event for event in events if isinstance(event, ImageReady))
    assert first.image != second.image
    assert second.request.inpaint == request.inpaint
    assert np.array_equal(picture_of(run(second.request)), second.image.rgb)


Test = Callable[[EngineEvent], bool]


@pytest.mark.parametrize("channels", [4, 9])
@pytest.mark.parametrize(
    "moment",
    [
        lambda event: isinstance(event, Started),
        lambda event: isinstance(event, Progress) and event.step == 0,
        lambda event: isinstance(event, Preview),
        lambda event: isinstance(event, Progress) and event.step == event.steps,
        lambda event: isinstance(event, ImageReady),
    ],
    ids=["started", "step 0", "preview", "last step", "first picture"],
)
def test_cancel_at_any_event(
    moment: Test, channels: int, run: Run, images: ImagesInMemory, loaded: dict[int, LoadedModel]
) -> None:
    cancel = CancelToken()
    request = inpaint_request(loaded[channels].spec.path, images, a_soft_mask(), count=2)
    events = run(request, cancel, lambda event: cancel.cancel() if moment(event) else None)
    assert events[-1] == Cancelled(job_id="job")
    after = events[next(index for index, event in enumerate(events) if moment(event)) + 1 :]
    assert not [event for event in after if isinstance(event, ImageReady)]
    assert len([event for event in run(request) if isinstance(event, ImageReady)]) == 2


class CancelAt(Hook):
    """Sets the token in one of the loop's moments."""

    def __init__(self, moment: str, cancel: CancelToken) -> None:
        setattr(self, moment, lambda context: cancel.cancel())


MOMENTS = ["before_loop", "before_step", "before_unet", "after_noise", "after_step", "after_loop"]


@pytest.mark.parametrize("channels", [4, 9])
@pytest.mark.parametrize("moment", MOMENTS)
def test_cancel_at_each_hook(moment: str, channels: int, loaded: dict[int, LoadedModel]) -> None:
    cancel, model = CancelToken(), loaded[channels]
    request = inpaint_request(model.spec.path, ImagesInMemory(), a_soft_mask())
    hooks = (CancelAt(moment, cancel), CancelHook(cancel))
    with interruptible((model.unet, model.vae), cancel), pytest.raises(CancelledByUser):
        make_picture(request, model, cancel, hooks, a_picture(), mask_picture(a_soft_mask()))


@pytest.mark.parametrize("which", [1, 2])
def test_cancel_while_a_picture_is_encoded(which: int, loaded: dict[int, LoadedModel]) -> None:
    """The picture and what is shown of it: an inpainting network needs both."""
    cancel, model, seen = CancelToken(), loaded[9], [0]

    def count(*_: Any) -> None:
        seen[0] += 1
        if seen[0] == which:
            cancel.cancel()

    handle = model.vae.encoder.conv_in.register_forward_hook(count)
    request = inpaint_request(model.spec.path, ImagesInMemory(), a_soft_mask())
    try:
        with interruptible((model.unet, model.vae), cancel), pytest.raises(CancelledByUser):
            make_picture(request, model, cancel, (), a_picture(), mask_picture(a_soft_mask()))
    finally:
        handle.remove()
    assert seen == [which]


def test_models_say_whether_they_are_for_inpainting(loaded: dict[int, LoadedModel]) -> None:
    assert {channels: model.inpainting for channels, model in loaded.items()} == {4: False, 9: True}


def test_an_inpainting_model_warms_up(engine: TorchEngine, nine_channels: Path) -> None:
    engine.warm_up(ModelSpec(name="Tiny", path=str(nine_channels)))


def test_a_network_with_other_channels_is_refused_in_words(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "depth", channels=5)
    with pytest.raises(ModelError, match="reads 5 channels"):
        read_model(ModelSpec(name="Depth", path=str(folder)), choose_device(1))

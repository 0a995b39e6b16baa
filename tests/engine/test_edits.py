"""Edits through runner and engine together, with both kinds of network: no pixel outside what is allowed changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdstudio.domain.edits import MODE_STRENGTHS, FillMode, InpaintSpec, OutpaintSpec
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import JobEvent, PictureSaved
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.engine import TorchEngine
from sdstudio.jobs.edit_plan import planned_inpaint, planned_outpaint
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.image_store import ImageStore
from tests.helpers.tiny_models import make_request, make_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
NATIVE = 64


class Desk:
    """A runner on the real engine, and the two tiny models: what they read, by channels."""

    def __init__(self, folder: Path) -> None:
        self.store = ImageStore(folder / "images")
        images = JobImages(self.store)
        self.engine = TorchEngine(images=images, upscaler=folder / "none", threads=1)
        self.runner = JobRunner(
            journal=Journal(folder / "journal"),
            results=lambda: folder / "results",
            engine=lambda: self.engine,
            images=images,
            app_version="0",
        )
        self.models = {count: make_tiny_model(folder / f"model-{count}", channels=count) for count in (4, 9)}

    def run(self, request: GenerationRequest) -> PictureSaved:
        events: list[JobEvent] = []
        self.runner.run(self.runner.accept(request), events.append, CancelToken())
        (saved,) = (event for event in events if isinstance(event, PictureSaved))
        return saved


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("edits"))


def picture(size: tuple[int, int], alpha: bool) -> np.ndarray:
    pixels = np.random.default_rng(5).integers(0, 256, (size[1], size[0], 4), np.uint8)
    if not alpha:
        pixels[..., 3] = 255
    return pixels


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    channels=st.sampled_from([4, 9]),
    mode=st.sampled_from(list(FillMode)),
    size=st.tuples(st.integers(64, 90), st.integers(64, 90)),
    box=st.builds(Rect, st.integers(0, 60), st.integers(0, 60), st.integers(1, 30), st.integers(1, 30)),
    value=st.sampled_from([255, 255, 90, 1]),
    feather=st.sampled_from([0, 4, 16]),
    alpha=st.booleans(),
)
def test_inpainting_touches_nothing_else(
    desk: Desk,
    channels: int,
    mode: FillMode,
    size: tuple[int, int],
    box: Rect,
    value: int,
    feather: int,
    alpha: bool,
) -> None:
    before = picture(size, alpha)
    mask = np.zeros((size[1], size[0]), np.uint8)
    mask[box.slices] = value
    kept = desk.store.add(ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2)))
    spec, made = planned_inpaint(InpaintSpec(mask=kept, mode=mode, feather=feather), mask, NATIVE)
    saved = desk.run(
        make_request(
            desk.models[channels],
            steps=2,
            size=made,
            image=desk.store.add(ImageBuffer(before)),
            strength=MODE_STRENGTHS[mode],
            inpaint=spec,
        )
    )
    differs = (saved.image.pixels != before).any(axis=2)
    assert not differs[mask == 0].any()
    assert saved.edit is not None and saved.edit.changed_outside == 0
    assert saved.edit.pixels_outside == np.count_nonzero(mask == 0)


@pytest.mark.parametrize("channels", [4, 9])
def test_outpainting_leaves_the_picture_as_it_is(desk: Desk, channels: int) -> None:
    before = picture((70, 61), alpha=True)
    spec = OutpaintSpec(left=9, bottom=40, native=NATIVE)
    request = make_request(
        desk.models[channels],
        steps=2,
        size=planned_outpaint(spec, Size(70, 61)),
        image=desk.store.add(ImageBuffer(before)),
        strength=0.9,
        outpaint=spec,
    )
    saved = desk.run(request)
    assert saved.image.size == Size(79, 101)
    assert np.array_equal(saved.image.pixels[:61, 9:], before)
    assert saved.edit is not None and (saved.edit.pixels_outside, saved.edit.changed_outside) == (70 * 61, 0)

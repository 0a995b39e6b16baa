"""Enlarging: tiles join without seams, alpha is kept, cancelling is quick, the result is the same every time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser, InvalidRequest, ModelError
from sdstudio.domain.events import EngineEvent, ImageReady, Progress
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import UpscaleRequest
from sdstudio.engine.tasks.upscale import Upscaler, count_upscale_steps, enlarge_alpha, run_upscale, split_into_tiles
from sdstudio.engine.upscale_model import CONTEXT, SCALE, UpscaleNetwork, load_upscaler

REPOSITORY = Path(__file__).resolve().parents[2]
WEIGHTS = REPOSITORY / "resources/upscaler/realesr-animevideov3-x4.safetensors"
EXAMPLE = REPOSITORY / "resources/examples/1.png"
CPU = torch.device("cpu")


class OnePicture:
    """An ImageSource that holds one picture."""

    def __init__(self, picture: ImageBuffer) -> None:
        self.picture = picture
        self.input = ImageInput(sha256=picture.sha256(), width=picture.size.width, height=picture.size.height)

    def load(self, sha256: str) -> ImageBuffer:
        assert sha256 == self.input.sha256
        return self.picture


def noisy_picture(width: int, height: int, *, alpha: bool = False) -> ImageBuffer:
    pixels = np.random.default_rng(5).integers(0, 256, (height, width, 4), dtype=np.uint8)
    if not alpha:
        pixels[..., 3] = 255
    return ImageBuffer(pixels)


def upscale(
    picture: ImageBuffer,
    scale: int = 4,
    cancel: CancelToken | None = None,
    emit: Callable[[EngineEvent], None] | None = None,
) -> list[EngineEvent]:
    source = OnePicture(picture)
    events: list[EngineEvent] = []

    def keep(event: EngineEvent) -> None:
        events.append(event)
        if emit is not None:
            emit(event)

    request = UpscaleRequest(image=source.input, scale=scale)
    run_upscale("job", request, keep, cancel or CancelToken(), images=source, weights=WEIGHTS, device=CPU)
    return events


def result(events: list[EngineEvent]) -> ImageBuffer:
    (ready,) = [event for event in events if isinstance(event, ImageReady)]
    return ready.image


@pytest.fixture(scope="module")
def network() -> UpscaleNetwork:
    return load_upscaler(WEIGHTS, CPU)


def fill(network: UpscaleNetwork, picture: ImageBuffer, side: int, scale: int = 4) -> np.ndarray:
    pixels = np.zeros((picture.size.height * scale, picture.size.width * scale, 4), np.uint8)
    tiles = split_into_tiles(picture.size, side)
    done = list(Upscaler(network, CPU).fill(pixels, picture, scale, tiles, CancelToken()))
    assert done == list(range(1, len(tiles) + 1))
    return pixels


@pytest.mark.parametrize("scale", [2, 4])
def test_tiles_join_without_a_seam(network: UpscaleNetwork, scale: int) -> None:
    picture = noisy_picture(70, 45)
    whole = fill(network, picture, 256, scale)
    tiled = fill(network, picture, 24, scale)
    difference = np.abs(whole.astype(int) - tiled.astype(int))
    assert difference.max() <= 1  # one in the last place where float rounding falls on the other side of a half
    assert (difference > 0).mean() < 0.001


def test_the_context_is_as_far_as_the_network_sees() -> None:
    """What lies CONTEXT pixels away counts, what lies further does not."""
    rgb = torch.full((1, 3, 9, 2 * CONTEXT + 9), 0.5)
    changed = rgb.clone()
    changed[..., 4] = 1.0
    weights = UpscaleNetwork()
    for parameter in weights.parameters():
        torch.nn.init.constant_(parameter, 0.01)
    weights = weights.double()
    with torch.inference_mode():
        difference = (weights(changed.double()) - weights(rgb.double())).abs()[0, 0, 4]
    columns = difference.reshape(-1, SCALE).amax(1)
    assert columns[4 + CONTEXT] > 0
    assert (columns[4 + CONTEXT + 1 :] == 0).all()


def test_the_parts_of_a_picture_are_covered_once() -> None:
    covered = np.zeros((45, 70), int)
    for tile in split_into_tiles(Size(70, 45), 24):
        covered[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] += 1
    assert (covered == 1).all()


def test_events_tell_every_tile_and_the_request() -> None:
    picture = noisy_picture(200, 40)
    events = upscale(picture)
    progress = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in progress] == [0, 1, 2]
    assert {event.steps for event in progress} == {2}
    ready = events[-1]
    assert isinstance(ready, ImageReady)
    assert isinstance(ready.request, UpscaleRequest)
    assert count_upscale_steps(ready.request) == 2
    assert ready.seconds > 0


@pytest.mark.parametrize(("scale", "size"), [(2, Size(74, 38)), (4, Size(148, 76))])
def test_size_of_the_result(scale: int, size: Size) -> None:
    picture = result(upscale(noisy_picture(37, 19), scale))
    assert picture.size == size
    assert picture.opaque


def test_a_picture_of_one_pixel() -> None:
    picture = ImageBuffer.from_rgb(np.full((1, 1, 3), 200, np.uint8))
    enlarged = result(upscale(picture))
    assert enlarged.size == Size(4, 4)
    assert np.abs(enlarged.rgb.astype(int) - 200).max() < 12


def test_colours_are_kept() -> None:
    """Red stays red and blue blue: the order of the channels is the right one, and the range is 0 to 1."""
    colours = np.array([[230, 30, 40], [30, 60, 220], [250, 250, 250], [10, 10, 12]], np.uint8)
    picture = ImageBuffer.from_rgb(np.repeat(np.repeat(colours.reshape(2, 2, 3), 24, 0), 24, 1))
    enlarged = result(upscale(picture))
    small = enlarged.rgb.reshape(48, 4, 48, 4, 3).mean((1, 3))
    inner = np.s_[8:16, 8:16]
    assert np.abs(small[inner] - picture.rgb[inner]).max() < 12
    assert np.abs(small - picture.rgb).mean() < 4


def test_alpha_is_kept() -> None:
    pixels = np.full((32, 32, 4), 255, np.uint8)
    pixels[:, 16:, 3] = 0
    enlarged = result(upscale(ImageBuffer(pixels)))
    alpha = enlarged.pixels[..., 3]
    assert (alpha[:, :52] == 255).all()
    assert (alpha[:, 76:] == 0).all()
    assert (enlarged.pixels[:, :52, :3] > 240).all()


def test_alpha_of_an_opaque_picture_is_opaque() -> None:
    assert (enlarge_alpha(noisy_picture(5, 3), 4) == 255).all()


def test_twice_is_four_times_averaged() -> None:
    picture = noisy_picture(30, 30)
    four = result(upscale(picture, 4)).rgb.reshape(60, 2, 60, 2, 3).mean((1, 3))
    two = result(upscale(picture, 2)).rgb
    assert np.abs(four - two).max() <= 1


def test_the_same_picture_every_time() -> None:
    picture = noisy_picture(64, 64)
    assert result(upscale(picture)) == result(upscale(picture))


def test_cancel_before_the_first_tile() -> None:
    cancel = CancelToken()
    cancel.cancel()
    events: list[EngineEvent] = []
    with pytest.raises(CancelledByUser):
        upscale(noisy_picture(64, 64), cancel=cancel, emit=events.append)
    assert not [event for event in events if isinstance(event, ImageReady)]


def test_cancel_between_tiles() -> None:
    cancel = CancelToken()
    steps: list[int] = []

    def stop_after_the_first(event: EngineEvent) -> None:
        if isinstance(event, Progress):
            steps.append(event.step)
            if event.step == 1:
                cancel.cancel()

    with pytest.raises(CancelledByUser):
        upscale(noisy_picture(400, 200), cancel=cancel, emit=stop_after_the_first)
    assert steps == [0, 1]


def test_cancel_inside_a_tile(network: UpscaleNetwork) -> None:
    """The token is looked at before each of the 35 layers."""
    looks = 0

    def check() -> None:
        nonlocal looks
        looks += 1
        if looks == 10:
            raise CancelledByUser

    with pytest.raises(CancelledByUser), torch.inference_mode():
        network(torch.zeros(1, 3, 16, 16), check)
    assert looks == 10


def test_a_result_that_could_not_be_opened_again_is_refused() -> None:
    for width, scale, hint in ((4097, 4, "scale of 2"), (8193, 2, "at most 8192")):
        wide = ImageBuffer.from_rgb(np.zeros((1, width, 3), np.uint8))
        with pytest.raises(InvalidRequest) as caught:
            upscale(wide, scale)
        assert caught.value.field == "scale"
        assert hint in caught.value.hint


def test_missing_and_broken_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        load_upscaler(tmp_path / "none.safetensors", CPU)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(WEIGHTS.read_bytes()[:1000])
    with pytest.raises(ModelError, match="cannot be read"):
        load_upscaler(broken, CPU)
    other = tmp_path / "other.safetensors"
    other.write_bytes((REPOSITORY / "resources/models/starter/vae/diffusion_pytorch_model.safetensors").read_bytes())
    with pytest.raises(ModelError, match="cannot be read"):
        load_upscaler(other, CPU)


def test_a_starter_picture_becomes_crisp() -> None:
    """Sharper than bicubic (larger differences between neighbours), and the same picture when made small again."""
    small = Image.open(EXAMPLE).convert("RGB")
    enlarged = result(upscale(ImageBuffer.from_rgb(np.asarray(small))))
    assert enlarged.size == Size(512, 512)
    smooth = np.asarray(small.resize((512, 512), Image.Resampling.BICUBIC))

    def steepest(rgb: np.ndarray) -> float:
        return float(np.percentile(np.abs(np.diff(rgb.astype(int), axis=1)).max(2), 99))

    assert steepest(enlarged.rgb) > 1.3 * steepest(smooth)
    back = enlarged.rgb.reshape(128, 4, 128, 4, 3).mean((1, 3))
    assert np.abs(back - np.asarray(small)).mean() < 8

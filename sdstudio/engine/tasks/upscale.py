"""Makes a picture 2 or 4 times larger: the x4 network, tile by tile, so that memory stays small at any size.

Every tile is worked out with a margin as wide as the network can see, so tiles join exactly, without seams. Beyond
the picture's edges its outermost pixels are repeated. Twice the size is four times the size, averaged 2 x 2.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional

from sdstudio.domain.engine_api import CancelToken, Emit, ImageSource
from sdstudio.domain.errors import CancelledByUser, InvalidRequest, OutOfMemory
from sdstudio.domain.events import ImageReady, Progress
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.request import UpscaleRequest
from sdstudio.engine.upscale_model import CONTEXT, SCALE, UpscaleNetwork, load_upscaler

TILE = 192
"""Side of a tile in pixels of the small picture: with its margin 228, some 60 MB of features at a time."""

RESULT_SIDE_MAX = 16384
"""The largest side that SD Studio can open again."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the small picture, in pixels from its top left corner."""

    left: int
    top: int
    width: int
    height: int


def split_into_tiles(size: Size, side: int = TILE) -> tuple[Tile, ...]:
    """Tiles that cover a picture once, row by row; the last of a row or column may be smaller."""
    return tuple(
        Tile(left, top, min(side, size.width - left), min(side, size.height - top))
        for top in range(0, size.height, side)
        for left in range(0, size.width, side)
    )


def count_upscale_steps(request: UpscaleRequest) -> int:
    """How many tiles, the steps that Progress counts, the job has."""
    return len(split_into_tiles(Size(request.image.width, request.image.height)))


def run_upscale(
    job_id: str,
    request: UpscaleRequest,
    emit: Emit,
    cancel: CancelToken,
    *,
    images: ImageSource,
    weights: Path,
    device: torch.device,
) -> None:
    """Emits Progress for each tile, then ImageReady.

    Raises InvalidRequest, UnreadableFile, ModelError, OutOfMemory, and CancelledByUser within one layer of the network.
    """
    start = time.perf_counter()
    source = images.load(request.image.sha256)
    _check_result_size(source.size, request.scale)
    upscaler = Upscaler(load_upscaler(weights, device), device)
    tiles = split_into_tiles(source.size)
    emit(Progress(job_id=job_id, index=0, step=0, steps=len(tiles)))
    pixels = _empty_result(source.size, request.scale)
    for step in upscaler.fill(pixels, source, request.scale, tiles, cancel):
        seconds = (time.perf_counter() - start) / step
        emit(Progress(job_id=job_id, index=0, step=step, steps=len(tiles), seconds_per_step=seconds))
    pixels[..., 3] = enlarge_alpha(source, request.scale)
    pixels.setflags(write=False)
    seconds = time.perf_counter() - start
    emit(ImageReady(job_id=job_id, index=0, image=ImageBuffer(pixels), request=request, seconds=seconds))


class Upscaler:
    """The network on its device, at work on whole pictures."""

    def __init__(self, network: UpscaleNetwork, device: torch.device) -> None:
        self._network = network
        self._device = device

    def fill(
        self, pixels: Pixels, source: ImageBuffer, scale: int, tiles: tuple[Tile, ...], cancel: CancelToken
    ) -> Iterator[int]:
        """Writes the colours of the enlarged `source` into `pixels` tile by tile; yields the number of tiles done."""

        def check() -> None:
            if cancel.cancelled:
                raise CancelledByUser

        padded = np.pad(source.rgb, ((CONTEXT, CONTEXT), (CONTEXT, CONTEXT), (0, 0)), mode="edge")
        for done, tile in enumerate(tiles, 1):
            rows = slice(tile.top * scale, (tile.top + tile.height) * scale)
            columns = slice(tile.left * scale, (tile.left + tile.width) * scale)
            bottom, right = tile.top + tile.height + 2 * CONTEXT, tile.left + tile.width + 2 * CONTEXT
            cut = padded[tile.top : bottom, tile.left : right]
            with torch.inference_mode():
                enlarged = self._network(self._to_tensor(cut), check)
                pixels[rows, columns, :3] = _to_pixels(enlarged, scale)
            check()
            yield done

    def _to_tensor(self, rgb: Pixels) -> torch.Tensor:
        """H x W x 3 uint8 to 1 x 3 x H x W float32 in [0, 1] on the device."""
        tensor = torch.from_numpy(np.ascontiguousarray(rgb)).to(self._device).permute(2, 0, 1)[None]
        return (tensor.float() / 255).contiguous(memory_format=torch.channels_last)


def _to_pixels(enlarged: torch.Tensor, scale: int) -> Pixels:
    """The network's result without its margin, at `scale`, as H x W x 3 uint8."""
    margin = CONTEXT * SCALE
    inner = enlarged[:, :, margin:-margin, margin:-margin].clamp(0, 1)
    if scale < SCALE:
        inner = functional.avg_pool2d(inner, SCALE // scale)
    pixels: Pixels = (inner[0] * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return pixels


def enlarge_alpha(source: ImageBuffer, scale: int) -> npt.NDArray[np.uint8]:
    """H x W uint8, by Lanczos; the network knows colours only."""
    width, height = source.size.width * scale, source.size.height * scale
    if source.opaque:
        return np.full((height, width), 255, np.uint8)
    alpha = Image.fromarray(np.ascontiguousarray(source.pixels[..., 3]))
    return np.asarray(alpha.resize((width, height), Image.Resampling.LANCZOS))


def _check_result_size(size: Size, scale: int) -> None:
    longest = max(size.width, size.height)
    if longest * scale <= RESULT_SIDE_MAX:
        return
    if longest * 2 <= RESULT_SIDE_MAX:
        hint = "Choose a scale of 2, or a smaller picture."
    else:
        hint = f"Choose a picture whose sides are at most {RESULT_SIDE_MAX // 2} pixels long."
    result = Size(size.width * scale, size.height * scale)
    raise InvalidRequest(
        "scale", f"The picture would become {result}; sides of {RESULT_SIDE_MAX} pixels are the most.", hint=hint
    )


def _empty_result(size: Size, scale: int) -> Pixels:
    try:
        return np.empty((size.height * scale, size.width * scale, 4), np.uint8)
    except MemoryError as error:
        raise OutOfMemory(
            "There is too little memory for the enlarged picture.",
            meaning="The picture itself is unchanged.",
            hint="Choose a scale of 2, or close other programs.",
        ) from error

"""Accepted results for tests: random masks and what a model may have made of them, with a slow way to lay them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from sdstudio.domain.edits import ImageInput, InpaintSpec
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.patches import PatchRecord
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec

MASKS = ("hard", "soft", "thin", "islands", "edges")
ALPHAS = ("opaque", "holes", "any")


def mask_of(rng: np.random.Generator, height: int, width: int, kind: str) -> Pixels:
    """Never 0 all over."""
    mask = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[:height, :width]
    row, column = int(rng.integers(height)), int(rng.integers(width))
    radius = int(rng.integers(2, 30))
    distance = np.hypot(y - row, x - column)
    if kind == "hard":
        mask[distance <= radius] = 255
    elif kind == "soft":
        mask = np.clip(255 * (1 - distance / radius), 0, 255).astype(np.uint8)
    elif kind == "thin":
        mask[row : row + 1 + radius % 3] = 255
    elif kind == "islands":
        mask[rng.random((height, width)) < 0.01] = rng.integers(1, 256)
    elif kind == "edges":
        mask[:, column:] = 255
        mask[:row] = 9
    mask[row, column] = max(1, mask[row, column])
    return mask


def picture_of(rng: np.random.Generator, height: int, width: int, alpha: str = "opaque") -> Pixels:
    picture = rng.integers(0, 256, (height, width, 4), np.uint8)
    if alpha == "opaque":
        picture[..., 3] = 255
    elif alpha == "holes":
        picture[..., 3] = np.where(rng.random((height, width)) < 0.5, 0, 255)
    return picture


def inpainting(prompt: str = "a red apple", size: Size = Size(64, 64), **spec: object) -> GenerationRequest:  # noqa: B008
    return GenerationRequest(
        prompt=PromptSpec(positive=prompt),
        sampling=SamplingSpec(seed=7, steps=3, sampler="DDIM"),
        model=ModelSpec(name="Starter", path="/models/starter", hash="0123456789"),
        size=Size(64, 64),
        image=ImageInput(sha256="ab" * 32, width=size.width, height=size.height),
        inpaint=InpaintSpec(mask=ImageInput(sha256="cd" * 32, width=size.width, height=size.height), **spec),  # type: ignore[arg-type]
    )


def record_of(
    seed: int,
    frame: Rect,
    kind: str = "hard",
    *,
    feather: int = 16,
    grow: int = 0,
    match_colours: bool = True,
    made: Size | None = None,
    prompt: str = "a red apple",
) -> PatchRecord:
    """`made` None: as the frame, up to multiples of 8."""
    rng = np.random.default_rng(seed)
    made = made or Size(-(-frame.width // 8) * 8, -(-frame.height // 8) * 8)
    return PatchRecord(
        request=inpainting(prompt),
        frame=frame,
        made=ImageBuffer(picture_of(rng, made.height, made.width)),
        mask=mask_of(rng, frame.height, frame.width, kind),
        feather=feather,
        grow=grow,
        match_colours=match_colours,
    )


@st.composite
def records(draw: st.DrawFn, size: Size) -> PatchRecord:
    """Whose frame lies on a canvas of that size."""
    width, height = draw(st.integers(1, size.width)), draw(st.integers(1, size.height))
    frame = Rect(draw(st.integers(0, size.width - width)), draw(st.integers(0, size.height - height)), width, height)
    made = draw(st.one_of(st.none(), st.builds(Size, st.sampled_from([64, 96]), st.sampled_from([64, 128]))))
    return record_of(
        draw(st.integers(0, 9999)),
        frame,
        draw(st.sampled_from(MASKS)),
        feather=draw(st.sampled_from([0, 1, 2, 5, 16, 40, 128])),
        grow=draw(st.integers(0, 6)),
        match_colours=draw(st.booleans()),
        made=made,
    )


def slow_allowed(record: PatchRecord, size: Size) -> np.ndarray:
    """Canvas height x width: what is painted in the frame, grown by discs, never beyond the frame or the canvas."""
    assert record.mask is not None
    frame, grow = record.frame, record.grow
    canvas = Rect.of(size)
    allowed = np.zeros((size.height, size.width), np.bool_)
    for row, column in np.argwhere(record.mask > 0):
        y, x = int(row) + frame.y, int(column) + frame.x
        if not (0 <= x < size.width and 0 <= y < size.height):
            continue
        for down in range(-grow, grow + 1):
            reach = int((grow * grow - down * down) ** 0.5)
            part = Rect(x - reach, y + down, 2 * reach + 1, 1).intersected(canvas).intersected(frame)
            if not part.empty:
                allowed[part.slices] = True
    return allowed


def same_record(one: PatchRecord | None, other: PatchRecord | None) -> bool:
    if one is None or other is None:
        return one is other
    masks = one.mask is other.mask if one.mask is None or other.mask is None else np.array_equal(one.mask, other.mask)
    plain = [(r.request, r.frame, r.feather, r.grow, r.match_colours) for r in (one, other)]
    return masks and plain[0] == plain[1] and one.made == other.made

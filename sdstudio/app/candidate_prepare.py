"""A result made ready to be looked at and accepted: its layer, its look in place, its proof. Pure; runs in a worker.

The proof is counted over the whole document, from the state before and the very state that accepting would make: tiles
that both share are the same pixels, all others are compared byte by byte.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from sdstudio.app.candidate_ground import Ground, composite_of
from sdstudio.canvas import edits
from sdstudio.canvas.blend import OPAQUE
from sdstudio.canvas.patch_accept import accepted
from sdstudio.canvas.patch_edit import Blending, PatchLayer, ground_layer
from sdstudio.canvas.region_mask import Flags
from sdstudio.canvas.region_proof import Proof, prove_tiles
from sdstudio.canvas.region_seam import measured_part, seam_of
from sdstudio.canvas.tiles import keys_of
from sdstudio.domain.canvas_state import TILE, CanvasState, Tile, Tiles
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.events import PictureSaved
from sdstudio.domain.geometry import NO_PIXELS, Rect
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.patches import PatchRecord
from sdstudio.domain.request import GenerationRequest

THUMB_SIDE = 256
"""Pixels: enough for a thumbnail of 84 at three times the usual pixel density."""

DIFFERENCE_GAIN = 4
"""A change by one level of 255 would be black to any eye."""

GRID = 32
"""Halves and quarters of what is shown meet those of the canvas only where both begin at the same pixel."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CandidatePart:
    """One job's result. `layer` and `after` are in pixels of the canvas as accepting makes it, rectangles in those of
    the canvas as it was.

    `shown` lies at `shown_at`: the canvas after it where it may differ, else transparent. `thumb`: what the model saw,
    with it. `stray`: of `shown_at`'s size, what changed and must not have; None where nothing did. `changed_in_file`:
    the same, as it was counted for the saved file.
    """

    ground: Ground
    saved: PictureSaved
    layer: PatchLayer
    after: CanvasState
    shown: ImageBuffer
    shown_at: Rect
    thumb: ImageBuffer
    proof: Proof
    seam: float
    stray: Flags | None = None
    changed_in_file: int = 0
    softened: bool = False


def prepared(ground: Ground, saved: PictureSaved) -> CandidatePart:
    """From what a job has saved. Raises InvalidRequest where that is another size than was asked for."""
    place = ground.job.place
    if (saved.image.size.width, saved.image.size.height) != (place.width, place.height):
        raise InvalidRequest(
            "size", f"The picture has {saved.image.size} pixels, its place {place.width}x{place.height}."
        )
    seam = 0.0 if saved.edit is None else saved.edit.seam
    return _part(ground, saved, _layer(ground, saved), seam)


def soft(part: CandidatePart) -> CandidatePart | None:
    """The same result with an edge that shows less, without generating; None where nothing is better."""
    if part.layer.record.mask is None:
        return None
    layer = Blending(part.ground.before, part.layer.record, part.ground.job.replaces).softened()
    if layer is None:
        return None
    softer = _part(part.ground, part.saved, layer, part.seam)
    rect = measured_part(part.ground.region)
    seam = seam_of(composite_of(part.ground.before, rect), composite_of(softer.after, rect), part.ground.region, rect)
    return replace(softer, seam=seam.figure, softened=True)


def difference(part: CandidatePart) -> ImageBuffer:
    """What changed inside `shown_at`, times DIFFERENCE_GAIN; black = nothing."""
    place = part.shown_at.moved(*part.ground.shift)
    before = composite_of(part.ground.before, place).astype(np.int16)
    after = composite_of(part.after, place).astype(np.int16)
    steps = np.abs(after - before)
    colours = np.maximum(steps[..., :3], steps[..., 3:])  # a change of the alpha alone is one, too
    return ImageBuffer.from_rgb(np.minimum(colours * DIFFERENCE_GAIN, OPAQUE).astype(np.uint8))


def thumb_of(state: CanvasState, rect: Rect) -> ImageBuffer:
    """The canvas's pixels of `rect`, made smaller."""
    image = Image.fromarray(composite_of(state, rect)).convert("RGBa")
    image.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.BOX)
    return ImageBuffer(np.asarray(image.convert("RGBA")))


def _layer(ground: Ground, saved: PictureSaved) -> PatchLayer:
    job, request = ground.job, saved.request
    assert isinstance(request, GenerationRequest)
    pieces = () if saved.edit is None else saved.edit.pieces
    if job.margins is not None:
        kept = Rect.of(ground.size).intersected(job.place).moved(-job.place.x, -job.place.y)
        pixels = ground_layer(saved.image.pixels, kept)
        return _whole(ground, pixels, _record(request, job.place.moved(*ground.shift), saved.image, None))
    spec = request.inpaint
    if job.plan is None or job.mask is None or spec is None or len(pieces) != 1:
        mask = np.full((job.place.height, job.place.width), OPAQUE, np.uint8)
        return _whole(ground, saved.image, _record(request, job.place, saved.image, mask))
    frame = job.plan.frame
    record = PatchRecord(
        request=request,
        frame=frame,
        made=pieces[0].image,
        mask=_cut(job.mask, job.source, frame),
        feather=spec.feather,
        grow=spec.grow,
        match_colours=spec.match_colours,
    )
    return Blending(ground.before, record, job.replaces).layer()


def _cut(mask: Pixels, at: Rect, frame: Rect) -> Pixels:
    """The frame's part of a mask that lies at `at`; 0 beyond."""
    result = np.zeros((frame.height, frame.width), np.uint8)
    inside = at.intersected(frame)
    result[inside.moved(-frame.x, -frame.y).slices] = mask[inside.moved(-at.x, -at.y).slices]
    return result


def _record(request: GenerationRequest, frame: Rect, made: ImageBuffer, mask: Pixels | None) -> PatchRecord:
    """Of what has no edge to blend."""
    return PatchRecord(request=request, frame=frame, made=made, mask=mask, feather=0, grow=0, match_colours=False)


def _whole(ground: Ground, pixels: ImageBuffer, record: PatchRecord) -> PatchLayer:
    corner = ground.job.place.moved(*ground.shift)
    return PatchLayer(pixels, corner.x, corner.y, record)


def _part(ground: Ground, saved: PictureSaved, layer: PatchLayer, seam: float) -> CandidatePart:
    after, _id = accepted(ground.before, layer.pixels, layer.x, layer.y, "", layer.record, replaces=ground.job.replaces)
    proof, strayed_in = _proved(ground, after)
    shown_at = _on_grid(ground.bounds.united(strayed_in))
    result = composite_of(after, shown_at.moved(*ground.shift))
    seen, stray = ground.allowed_in(shown_at), None
    if proof.changed_outside:
        before = composite_of(ground.before, shown_at.moved(*ground.shift))
        stray = (before != result).any(axis=2) & ~seen
        seen = seen | stray
    return CandidatePart(
        ground=ground,
        saved=saved,
        layer=layer,
        after=after,
        shown=ImageBuffer(np.where(seen[..., None], result, np.uint8(0))),
        shown_at=shown_at,
        thumb=thumb_of(after, ground.seen.moved(*ground.shift)),
        proof=proof,
        seam=seam,
        stray=stray,
        changed_in_file=0 if saved.edit is None else saved.edit.changed_outside,
    )


def _proved(ground: Ground, after: CanvasState) -> tuple[Proof, Rect]:
    """And where something changed that must not have, in whole tiles of the canvas as it was."""
    before = ground.before
    rect = edits.differing_rect(before, after)
    proof = prove_tiles(_composites(before, rect), _composites(after, rect), before.size, [ground.region])
    if not proof.changed_outside:
        rect = NO_PIXELS
    # What is added to the canvas was never the original's.
    outside = min(proof.pixels_outside, ground.size.pixels)
    return replace(proof, pixels_outside=outside), rect.moved(-ground.shift[0], -ground.shift[1])


def _composites(state: CanvasState, rect: Rect) -> Tiles:
    return {key: Tile(composite_of(state, Rect(key[0] * TILE, key[1] * TILE, TILE, TILE))) for key in keys_of(rect)}


def _on_grid(rect: Rect) -> Rect:
    return Rect.between(
        rect.x // GRID * GRID, rect.y // GRID * GRID, -(-rect.right // GRID) * GRID, -(-rect.bottom // GRID) * GRID
    )

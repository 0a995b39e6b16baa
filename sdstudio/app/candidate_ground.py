"""What all results of one job share: what of the canvas may change, and the canvas as it was before. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sdstudio.app.edit_job import EditJob
from sdstudio.canvas import edits
from sdstudio.canvas.blend import OPAQUE
from sdstudio.canvas.patch_edit import seen_below
from sdstudio.canvas.region_feather import composite_weights
from sdstudio.canvas.region_mask import Flags, Region, region_at
from sdstudio.domain.canvas_state import CanvasState
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """`canvas`, `bounds` and `seen` are in pixels of the canvas as it was, as all of an EditJob's are; `region` and
    `before` in those of the canvas as it will be, which begins `shift` pixels further left and up.

    `canvas`: its edges as they will be. `before`: what it showed, on its larger ground where it is extended. `bounds`:
    around all that may change. `seen`: what the model saw. `veil`: black, its alpha how far a result will show at
    `bounds`; for previews.
    """

    job: EditJob
    canvas: Rect
    before: CanvasState
    region: Region
    bounds: Rect
    seen: Rect
    veil: ImageBuffer

    @property
    def size(self) -> Size:
        """Of the canvas as it was."""
        return self.job.snapshot.state.size

    @property
    def shift(self) -> tuple[int, int]:
        return -self.canvas.x, -self.canvas.y

    @property
    def resize(self) -> Rect | None:
        """None where the canvas stays as large as it is."""
        return None if self.canvas == Rect.of(self.size) else self.canvas

    def allowed_in(self, rect: Rect) -> Flags:
        """Of the canvas as it was."""
        return self.region.allowed_in(rect.moved(*self.shift))


def ground_of(job: EditJob) -> Ground:
    """Raises InvalidRequest("mask") where nothing is masked."""
    if job.margins is not None:
        return _extended(job)
    if job.plan is None or job.mask is None or job.request.inpaint is None:
        return _redrawn(job)
    frame, spec, size = job.plan.frame, job.request.inpaint, job.snapshot.state.size
    whole = region_at(job.mask, job.source, size, spec.grow)
    rect = whole.rect.intersected(frame)  # what the frame cuts off is not allowed
    region = Region(size, rect, np.array(whole.when_in(rect)), np.array(whole.allowed_in(rect)))
    weights = composite_weights(region, region.bounds, frame, spec.feather)
    return Ground(
        job=job,
        canvas=Rect.of(size),
        before=job.snapshot.state,
        region=region,
        bounds=region.bounds,
        seen=frame,
        veil=_veil(np.rint(weights * OPAQUE).astype(np.uint8)),
    )


def _redrawn(job: EditJob) -> Ground:
    """All of its place may change."""
    state = job.snapshot.state
    flags = np.ones((job.place.height, job.place.width), np.bool_)
    return _plain(job, Rect.of(state.size), state, flags)


def _extended(job: EditJob) -> Ground:
    """What was beyond the edge, and no pixel of the canvas."""
    old = Rect.of(job.snapshot.state.size)
    canvas = old.united(job.place)
    flags = np.ones((job.place.height, job.place.width), np.bool_)
    flags[old.intersected(job.place).moved(-job.place.x, -job.place.y).slices] = False
    return _plain(job, canvas, edits.resized(job.snapshot.state, canvas), flags)


def _plain(job: EditJob, canvas: Rect, before: CanvasState, allowed: Flags) -> Ground:
    """Without an edge to blend. `allowed`: of job.place, which is what was seen."""
    full = (allowed * OPAQUE).astype(np.uint8)
    region = Region(before.size, job.place.moved(-canvas.x, -canvas.y), full, allowed)
    bounds = region.bounds.moved(canvas.x, canvas.y)
    veil = full[bounds.moved(-job.place.x, -job.place.y).slices]
    return Ground(job=job, canvas=canvas, before=before, region=region, bounds=bounds, seen=job.place, veil=_veil(veil))


def _veil(alpha: Pixels) -> ImageBuffer:
    pixels = np.zeros((*alpha.shape, 4), np.uint8)
    pixels[..., 3] = alpha
    return ImageBuffer(pixels)


def composite_of(state: CanvasState, rect: Rect) -> Pixels:
    """All that is seen of a canvas, H x W x 4; 0 outside of it."""
    return seen_below(state, rect)

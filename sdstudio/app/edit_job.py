"""An edit that was handed to the queue, and what its results have to be laid back with."""

from __future__ import annotations

from dataclasses import dataclass

from sdstudio.app.edit_tasks import EditTask
from sdstudio.canvas.region_frame import Plan
from sdstudio.canvas.region_outpaint import Margins
from sdstudio.domain.canvas_state import CanvasSnapshot
from sdstudio.domain.edits import FillMode
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from sdstudio.domain.request import GenerationRequest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditJob:
    """All rectangles are in pixels of the canvas as it was when Generate was pressed.

    `task` is what the person asked for; the request may do it in another way (a picture that is larger than the model's
    own size is redrawn as an inpainting of all of it). `source` is what request.image shows ("text": the frame).
    `place` is what PictureSaved.image shows, pixel for pixel: `source`, with the margins where it was extended. `plan`
    is in the canvas's pixels, too; None for an extension, which has several. `mask`: source.height x source.width,
    what may change, not yet grown; None where no mask goes along: all of `place` is new then, or what was added to it.
    `snapshot` is the canvas before, without its history. `replaces`: the patch that is made again.
    """

    job_id: str
    request: GenerationRequest
    task: EditTask
    source: Rect
    place: Rect
    plan: Plan | None
    margins: Margins | None
    mask: Pixels | None
    mode: FillMode | None
    snapshot: CanvasSnapshot
    replaces: str | None = None

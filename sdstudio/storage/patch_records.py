"""What an accepted result was made from, as plain values of JSON beside its two pictures, and back with every check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sdstudio.domain.canvas_state import MAX_SIDE
from sdstudio.domain.edits import FEATHER_MAX, GROW_MAX
from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.geometry import SIDE_STEP, Rect
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.domain.metadata import without_path
from sdstudio.domain.patches import PatchRecord
from sdstudio.domain.request import GenerationRequest
from sdstudio.domain.request_json import request_from_dict, request_to_dict

PLACE_MAX = 1_000_000
"""Pixels that a frame may lie away from the canvas, which may have been cropped since."""


def record_to_dict(record: PatchRecord, *, shared: bool) -> dict[str, Any]:
    """Without the pictures. `shared`: for a file that may be given away, which does not tell where the model lies."""
    request = request_to_dict(record.request)
    frame = record.frame
    return {
        "request": without_path(request) if shared else request,
        "frame": [frame.x, frame.y, frame.width, frame.height],
        "feather": record.feather,
        "grow": record.grow,
        "match_colours": record.match_colours,
    }


def record_from_dict(data: Mapping[str, Any], made: ImageBuffer, mask: Pixels | None) -> PatchRecord:
    """Raises InvalidRequest for anything that is not a whole record with pictures that fit."""
    frame = frame_from_list(data.get("frame"))
    request, matched = data.get("request"), data.get("match_colours")
    if not isinstance(request, dict) or not isinstance(matched, bool):
        raise _damaged("a part of it is missing")
    known = request_from_dict(request)
    if not isinstance(known, GenerationRequest):
        raise _damaged("it is of another kind")
    if mask is not None and mask.shape != (frame.height, frame.width):
        raise _damaged("its mask has not the size of its frame")
    if mask is not None and not mask.any():
        raise _damaged("its mask is empty")
    if matched and (made.size.width % SIDE_STEP or made.size.height % SIDE_STEP):
        raise _damaged("its picture has a size that no model makes")
    return PatchRecord(
        request=known,
        frame=frame,
        made=made,
        mask=mask,
        feather=_whole(data.get("feather"), FEATHER_MAX),
        grow=_whole(data.get("grow"), GROW_MAX),
        match_colours=matched,
    )


def frame_from_list(value: object) -> Rect:
    """Raises InvalidRequest for what no record of ours holds."""
    if not isinstance(value, list) or len(value) != 4 or not all(type(number) is int for number in value):
        raise _damaged("its frame is none")
    frame = Rect(*value)
    sides = min(frame.width, frame.height), max(frame.width, frame.height)
    if sides[0] < 1 or sides[1] > MAX_SIDE or max(abs(frame.x), abs(frame.y)) > PLACE_MAX:
        raise _damaged("its frame lies nowhere")
    return frame


def _whole(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise _damaged(f"a number of it is not from 0 to {most}")
    return value


def _damaged(why: str) -> InvalidRequest:
    return InvalidRequest("record", f"The record of this result is damaged: {why}.")

"""What accepted results in an OpenRaster file were made from: read with every check, never at the layer's cost."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import replace

import numpy as np

from sdstudio.domain.canvas_state import LayerKind, LayerState
from sdstudio.domain.errors import InvalidRequest, UnreadableFile
from sdstudio.domain.patches import PatchRecord
from sdstudio.storage.ora_archive import OraArchive
from sdstudio.storage.ora_write import RECORDS_FOLDER
from sdstudio.storage.patch_records import frame_from_list, record_from_dict


def result_names(archive: OraArchive) -> tuple[str, ...]:
    """The pictures that are read beside the layers."""
    return archive.names(RECORDS_FOLDER)


def with_result(archive: OraArchive, layer: LayerState, data: object) -> tuple[LayerState, str]:
    """The layer with the record that was saved with it, and "" or what is wrong with that: then it has none."""
    if data is None:
        return layer, ""
    try:
        return replace(layer, record=_record(archive, layer, data)), ""
    except (InvalidRequest, UnreadableFile) as error:
        why = error.message
    except (zipfile.BadZipFile, zlib.error) as error:
        why = f"what it was made from is damaged ({error})."
    return layer, f"“{layer.info.name or layer.info.id}” looks as it did, but its edge can no longer be changed: {why}"


def _record(archive: OraArchive, layer: LayerState, data: object) -> PatchRecord:
    if not isinstance(data, dict) or layer.info.kind is not LayerKind.PATCH:
        raise InvalidRequest("record", "The record of this result is damaged.")
    frame = frame_from_list(data.get("frame"))  # before any pixels are read
    made = archive.picture(_name(archive, data.get("made")))
    mask = None
    if data.get("mask") is not None:
        picture = archive.picture(_name(archive, data["mask"]), (frame.width, frame.height))
        mask = np.ascontiguousarray(picture.pixels[..., 0])
    return record_from_dict(data, made, mask)


def _name(archive: OraArchive, value: object) -> str:
    """Only what lies in our own folder."""
    if not isinstance(value, str) or not value.startswith(RECORDS_FOLDER):
        raise archive.refused("a result refers to something outside its folder")
    return value

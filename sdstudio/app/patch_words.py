"""Words for accepted results: what a layer is called, and how it was made."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from sdstudio.canvas.patch_edit import can_reblend
from sdstudio.domain.edits import FillMode
from sdstudio.domain.lora_prompt import without_tags
from sdstudio.domain.patches import PatchRecord
from sdstudio.domain.request import GenerationRequest

NAME_MAX = 28
"""Letters of a layer's name: as many as its row shows."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("PatchWords", text)


def name_of(request: GenerationRequest) -> str:
    """The first words of the prompt; "" where there is none."""
    words = without_tags(request.prompt.positive).replace(",", " , ").split()
    name = ""
    for word in words:
        longer = f"{name} {word}" if name and word != "," else f"{name}{word}"
        if len(longer) > NAME_MAX:
            break
        name = longer
    return (name or "".join(words[:1])[:NAME_MAX]).strip(" ,")


def how_made(record: PatchRecord) -> str:
    """`keep shape`"""
    request = record.request
    if request.outpaint is not None:
        return _tr("extended")
    if request.inpaint is None:
        return _tr("redrawn") if request.image is not None else _tr("new")
    return {
        FillMode.CHANGE: _tr("keep shape"),
        FillMode.FILL: _tr("fill"),
        FillMode.REPLACE: _tr("replace"),
        FillMode.REMOVE: _tr("remove"),
    }[request.inpaint.mode]


def second_line(record: PatchRecord, visible: bool) -> str:
    """`keep shape · edge 16 px`; what is hidden says so first."""
    parts = [] if visible else [_tr("hidden")]
    parts.append(how_made(record))
    if can_reblend(record):
        parts.append(_tr("edge {pixels} px").format(pixels=record.feather))
    return " · ".join(parts)

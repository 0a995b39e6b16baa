"""The layer stack of an OpenRaster file (stack.xml), written and read.

After the OpenRaster baseline specification: the first layer is the uppermost; x and y are a layer's own, those of
stacks do not count; without `isolation="auto"` a stack is composed on its own first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from xml.etree import ElementTree
from xml.parsers import expat

from sdstudio.domain.canvas_state import MAX_SIDE
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.geometry import Size

VERSION = "0.0.5"
NORMAL = "svg:src-over"
DEPTH_MAX = 64
ELEMENTS_MAX = 2000
OFFSET_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLayer:
    """One layer. `opacity` and `visible` include those of the stacks around it; `mode` is how it blends."""

    name: str
    src: str
    x: int = 0
    y: int = 0
    opacity: float = 1.0
    visible: bool = True
    mode: str = NORMAL


@dataclass(frozen=True, slots=True)
class LayerStack:
    """`layers` from the uppermost down. `notes`: what could not be kept, in words."""

    size: Size
    layers: tuple[StackLayer, ...]
    notes: tuple[str, ...] = ()


def write_stack(stack: LayerStack) -> bytes:
    image = ElementTree.Element("image", version=VERSION, w=str(stack.size.width), h=str(stack.size.height))
    root = ElementTree.SubElement(image, "stack")
    for layer in stack.layers:
        attributes = {
            "name": _xml_text(layer.name),
            "src": layer.src,
            "x": str(layer.x),
            "y": str(layer.y),
            "opacity": repr(float(layer.opacity)),
            "visibility": "visible" if layer.visible else "hidden",
            "composite-op": layer.mode,
        }
        ElementTree.SubElement(root, "layer", attributes)
    return b"<?xml version='1.0' encoding='UTF-8'?>\n" + ElementTree.tostring(image, encoding="unicode").encode()


def _xml_text(text: str) -> str:
    """Without what XML cannot hold: control characters, halves of surrogate pairs."""
    good = (c for c in text if c in "\t\n" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff")
    return "".join(good)


@dataclass(slots=True)
class _Node:
    tag: str
    attributes: dict[str, str]
    children: list[_Node] = field(default_factory=list)


def read_stack(data: bytes) -> LayerStack:
    """Raises UnreadableFile, without the file's name."""
    image = _parse(data)
    size = Size(_side(image.attributes.get("w")), _side(image.attributes.get("h")))
    roots = [child for child in image.children if child.tag == "stack"]
    if image.tag != "image" or len(roots) != 1:
        raise UnreadableFile("Its list of layers has not the form of OpenRaster.")
    layers: list[StackLayer] = []
    notes: list[str] = []
    _collect(roots[0].children, 1.0, True, layers, notes)
    return LayerStack(size, tuple(layers), tuple(dict.fromkeys(notes)))


def _collect(nodes: Sequence[_Node], opacity: float, visible: bool, layers: list[StackLayer], notes: list[str]) -> None:
    for node in nodes:
        name = node.attributes.get("name", "")
        own_opacity = opacity * _opacity(node, notes)
        own_visible = visible and node.attributes.get("visibility", "visible") != "hidden"
        mode = node.attributes.get("composite-op", NORMAL)
        if mode != NORMAL and (node.tag != "stack" or node.attributes.get("isolation") != "auto"):
            kind = mode.removeprefix("svg:").removeprefix("krita:")
            notes.append(f"“{name or node.tag}” blends as “{kind}”, which SD Studio shows as normal.")
        if node.tag == "stack":
            notes.append("Groups of layers were taken apart into their layers.")
            _collect(node.children, own_opacity, own_visible, layers, notes)
        elif node.tag == "layer":
            x, y = _offset(node.attributes.get("x")), _offset(node.attributes.get("y"))
            src = node.attributes.get("src", "")
            layers.append(StackLayer(name=name, src=src, x=x, y=y, opacity=own_opacity, visible=own_visible, mode=mode))
        else:
            notes.append(f"“{name or node.tag}” is of a kind that SD Studio does not know and was left out.")


def _parse(data: bytes) -> _Node:
    """A tree of limited depth and size, without the document types and entities by which a few bytes become many."""
    parser = expat.ParserCreate()
    top = _Node("", {})
    open_nodes = [top]
    count = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > ELEMENTS_MAX or len(open_nodes) > DEPTH_MAX:
            raise UnreadableFile("It has more layers than SD Studio reads.")
        node = _Node(tag, attributes)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def refuse(*_: object) -> NoReturn:
        raise UnreadableFile("Its list of layers has a document type, which OpenRaster does not have.")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_nodes.pop()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableFile(f"Its list of layers is damaged ({error}).") from error
    return top.children[0]


def _side(text: str | None) -> int:
    value = _number(text)
    if value is None or not 1 <= value <= MAX_SIDE or value != int(value):
        shown = "none" if text is None else f"“{text[:20]}”"
        raise UnreadableFile(f"Its size is {shown}; sides from 1 to {MAX_SIDE:,} are read.")
    return int(value)


def _offset(text: str | None) -> int:
    value = 0.0 if text is None else _number(text)
    if value is None or abs(value) > OFFSET_MAX:
        raise UnreadableFile(f"A layer lies at “{(text or '')[:20]}”, which is no place on a picture.")
    return round(value)


def _opacity(node: _Node, notes: list[str]) -> float:
    text = node.attributes.get("opacity", "1")
    value = _number(text)
    if value is None:
        notes.append(f"The opacity of “{node.attributes.get('name', '')}” is no number; it is shown opaque.")
        return 1.0
    return min(max(value, 0.0), 1.0)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None

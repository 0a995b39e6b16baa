"""ComfyUI keeps the graph that made a picture: the settings are found by walking it up from the picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from sdstudio.domain.a1111 import real_number, whole_number
from sdstudio.domain.loose_json import loads_object, section, text_of
from sdstudio.domain.sampler_names import our_sampler

Node = dict[str, Any]
_OUTPUTS = ("SaveImage", "PreviewImage")
_TEXT_INPUTS = ("text", "text_g", "prompt", "clip_l", "t5xxl", "string", "value", "populated_text")
_NUMBER_INPUTS = ("value", "seed", "noise_seed", "int", "float", "number")
_MODEL_INPUTS = ("ckpt_name", "unet_name", "model_name")
_NODES_SHOWN = 50
_LORAS_MAX = 100
# The window's own graph lists the values of a node without their names: their order in the nodes that matter.
_WIDGETS: dict[str, tuple[str, ...]] = {
    "KSampler": ("seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": ("", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"),
    "CLIPTextEncode": ("text",),
    "EmptyLatentImage": ("width", "height", "batch_size"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "CLIPSetLastLayer": ("stop_at_clip_layer",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "VAELoader": ("vae_name",),
}


def read_comfyui(texts: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """(request under the contract's names, what else) or None where no ComfyUI graph is found."""
    prompt, workflow = _graph_text(texts, "prompt"), _graph_text(texts, "workflow")
    nodes = _api_nodes(loads_object(prompt)) or _window_nodes(loads_object(workflow))
    if not nodes:
        return None
    graph = _Graph(nodes)
    names = sorted({_kind(node) for node in nodes.values()})
    return graph.request(), {"nodes": names[:_NODES_SHOWN]}


def _graph_text(texts: Mapping[str, str], key: str) -> str | None:
    """PNG: a text of that name. JPEG and WebP: some EXIF text that begins with the name and a colon."""
    if key in texts:
        return texts[key]
    for text in texts.values():
        if text.startswith(f"{key}:"):
            return text[len(key) + 1 :]
    return None


def _api_nodes(data: dict[str, Any] | None) -> dict[str, Node]:
    nodes = {key: value for key, value in (data or {}).items() if isinstance(value, dict)}
    return {key: value for key, value in nodes.items() if isinstance(value.get("class_type"), str)}


def _window_nodes(data: dict[str, Any] | None) -> dict[str, Node]:
    """The window's graph in the shape of the other one."""
    if data is None or not isinstance(data.get("nodes"), list) or not isinstance(data.get("links"), list):
        return {}
    links = [link for link in data["links"] if isinstance(link, list) and len(link) > 2]
    sources = {_key(link[0]): [_key(link[1]), link[2]] for link in links}
    nodes: dict[str, Node] = {}
    for node in data["nodes"]:
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            continue
        values = node.get("widgets_values")
        names = _WIDGETS.get(node["type"], ())
        inputs = dict(zip(names, values, strict=False)) if isinstance(values, list) else {}
        slots = node.get("inputs")
        for slot in slots if isinstance(slots, list) else []:
            source = sources.get(_key(section(slot).get("link")))
            if source is not None and isinstance(slot.get("name"), str):
                inputs[slot["name"]] = source
        nodes[_key(node.get("id"))] = {"class_type": node["type"], "inputs": inputs}
    return nodes


def _key(value: object) -> str:
    return str(value) if isinstance(value, int | str) else ""


def _kind(node: Node) -> str:
    return str(node.get("class_type", ""))


def _inputs(node: Node) -> dict[str, Any]:
    return section(node.get("inputs"))


def _is_sampler(node: Node) -> bool:
    inputs = _inputs(node)
    if "seed" in inputs or "noise_seed" in inputs:
        return "positive" in inputs and ("steps" in inputs or "sigmas" in inputs)
    return "guider" in inputs and "sigmas" in inputs


class _Graph:
    """Nodes by name; a link to one is a list of its name and the number of its output."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self._nodes = nodes

    def request(self) -> dict[str, Any]:
        sampler = self._first_pass()
        if sampler is None:
            return {}
        inputs = self._joined_inputs(sampler)
        request: dict[str, Any] = {
            "prompt": self._text(inputs.get("positive", inputs.get("conditioning")), "positive"),
            "negative_prompt": self._text(inputs.get("negative"), "negative"),
            "steps": whole_number(self._value(inputs.get("steps"))),
            "guidance_scale": real_number(self._value(inputs.get("cfg"))),
            "sampler": self._sampler_name(inputs),
            "seed": whole_number(self._value(inputs.get("seed", inputs.get("noise_seed")))),
            "width": self._size(inputs, "width"),
            "height": self._size(inputs, "height"),
            "model": self._first_text(inputs.get("model"), _MODEL_INPUTS),
            "clip_skip": self._clip_skip(inputs),
        }
        strength = real_number(self._value(inputs.get("denoise")))
        if strength is not None and strength < 1:
            request["strength"] = strength
        request["loras"] = self._loras(inputs.get("model")) or None
        return {name: value for name, value in request.items() if value is not None}

    def _above(self, start: Iterable[object], side: str = "") -> Iterable[Node]:
        """All nodes that feed these values, nearest first. `side`: of nodes with both a positive and a negative
        input, only that one is followed."""
        waiting = deque(start)
        seen: set[str] = set()
        while waiting:
            link = waiting.popleft()
            if not isinstance(link, list) or not link or _key(link[0]) in seen:
                continue
            seen.add(_key(link[0]))
            node = self._nodes.get(_key(link[0]))
            if node is None:
                continue
            yield node
            inputs = _inputs(node)
            if side and "positive" in inputs and "negative" in inputs:
                waiting.append(inputs[side])
            else:
                waiting.extend(inputs.values())

    def _first_pass(self) -> Node | None:
        """The sampler that began the picture: from an output up to a sampler, and on along its latents."""
        outputs = [node for node in self._nodes.values() if _kind(node).startswith(_OUTPUTS)]
        samplers = [node for output in outputs for node in self._above(_inputs(output).values()) if _is_sampler(node)]
        samplers = samplers or [node for node in self._nodes.values() if _is_sampler(node)]
        current = samplers[0] if samplers else None
        passed: list[Node] = []
        while current is not None and all(node is not current for node in passed) and len(passed) < _NODES_SHOWN:
            passed.append(current)
            above = self._above([_inputs(current).get("latent_image")])
            current = next((node for node in above if _is_sampler(node)), None)
        return passed[-1] if passed else None

    def _joined_inputs(self, sampler: Node) -> dict[str, Any]:
        """Of a sampler built from parts (guider, noise, sampler, sigmas), the inputs of all of them."""
        joined: dict[str, Any] = {}
        for part in ("noise", "guider", "sampler", "sigmas"):
            link = _inputs(sampler).get(part)
            node = self._nodes.get(_key(link[0])) if isinstance(link, list) and link else None
            joined |= _inputs(node) if node is not None else {}
        return joined | _inputs(sampler)

    def _value(self, value: object) -> object:
        """A plain value, or the one that the linked node holds."""
        if not isinstance(value, list):
            return value
        for node in self._above([value]):
            for name in _NUMBER_INPUTS:
                held = _inputs(node).get(name)
                if isinstance(held, int | float | str):
                    return held
        return None

    def _first_text(self, link: object, names: Iterable[str], side: str = "") -> str | None:
        for node in self._above([link], side):
            for name in names:
                text = _inputs(node).get(name)
                if isinstance(text, str):
                    return text
        return None

    def _text(self, link: object, side: str) -> str | None:
        nearest = next(iter(self._above([link], side)), None)
        if nearest is not None and _kind(nearest) == "ConditioningZeroOut":
            return ""
        return self._first_text(link, _TEXT_INPUTS, side)

    def _sampler_name(self, inputs: dict[str, Any]) -> str | None:
        name = text_of(inputs.get("sampler_name"))
        return our_sampler(name, text_of(inputs.get("scheduler")) or "") if name else None

    def _size(self, inputs: dict[str, Any], side: str) -> int | None:
        for node in self._above([inputs.get("latent_image")]):
            if "width" in _inputs(node) and "height" in _inputs(node):
                return whole_number(self._value(_inputs(node)[side]))
        return None

    def _loras(self, link: object) -> list[dict[str, Any]]:
        """Along the model's link from the checkpoint on; names come with folders and suffix."""
        rows: list[dict[str, Any]] = []
        for node in self._above([link], "positive"):
            inputs = _inputs(node)
            name, weight = text_of(inputs.get("lora_name")), real_number(self._value(inputs.get("strength_model")))
            if name is None or weight is None or len(rows) == _LORAS_MAX:
                continue
            row: dict[str, Any] = {"name": PurePosixPath(name.replace("\\", "/")).stem, "weight": weight}
            text = real_number(self._value(inputs.get("strength_clip")))
            rows.append(row if text in (None, weight) else row | {"text_weight": text})
        return rows[::-1]

    def _clip_skip(self, inputs: dict[str, Any]) -> int | None:
        for node in self._above([inputs.get("positive")], "positive"):
            layer = whole_number(_inputs(node).get("stop_at_clip_layer"))
            if layer is not None:
                return -layer
        return None

"""A checkpoint of Stable Diffusion 1.5's real size with random weights, for measurements: nobody need download one.

Names as in the original code, github.com/CompVis/stable-diffusion (openaimodel.py, model.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from sdstudio.engine.libraries import CLIPTextModel, empty_text_encoder

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]
_POOL = 2**22
"""Random numbers; each tensor takes them from another place on."""


def _both(name: str, *shape: int) -> Named:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _resnet(name: str, source: int, width: int, time: int) -> Named:
    yield from _both(f"{name}.in_layers.0", source)
    yield from _both(f"{name}.in_layers.2", width, source, 3, 3)
    yield from _both(f"{name}.emb_layers.1", width, time)
    yield from _both(f"{name}.out_layers.0", width)
    yield from _both(f"{name}.out_layers.3", width, width, 3, 3)
    if source != width:
        yield from _both(f"{name}.skip_connection", width, source, 1, 1)


def _transformer(name: str, width: int, context: int) -> Named:
    block = f"{name}.transformer_blocks.0"
    yield from _both(f"{name}.norm", width)
    yield from _both(f"{name}.proj_in", width, width, 1, 1)
    for attention, source in (("attn1", width), ("attn2", context)):
        for part, inner in (("q", width), ("k", source), ("v", source)):
            yield f"{block}.{attention}.to_{part}.weight", (width, inner)
        yield from _both(f"{block}.{attention}.to_out.0", width, width)
    yield from _both(f"{block}.ff.net.0.proj", 8 * width, width)
    yield from _both(f"{block}.ff.net.2", width, 4 * width)
    for norm in ("norm1", "norm2", "norm3"):
        yield from _both(f"{block}.{norm}", width)
    yield from _both(f"{name}.proj_out", width, width, 1, 1)


def unet_shapes(widths: Sequence[int], context: int) -> Named:
    """`widths` of the four levels; all but the last have attention."""
    first, last = widths[0], len(widths) - 1
    time, sides, source, number = 4 * first, [first], first, 1
    yield from _both("time_embed.0", time, first)
    yield from _both("time_embed.2", time, time)
    yield from _both("input_blocks.0.0", first, 4, 3, 3)
    for level, width in enumerate(widths):
        for _ in range(2):
            yield from _resnet(f"input_blocks.{number}.0", source, width, time)
            if level < last:
                yield from _transformer(f"input_blocks.{number}.1", width, context)
            source, number = width, number + 1
            sides.append(width)
        if level < last:
            yield from _both(f"input_blocks.{number}.0.op", width, width, 3, 3)
            sides.append(width)
            number += 1
    yield from _resnet("middle_block.0", source, source, time)
    yield from _transformer("middle_block.1", source, context)
    yield from _resnet("middle_block.2", source, source, time)
    for number in range(3 * len(widths)):
        level = last - number // 3
        yield from _resnet(f"output_blocks.{number}.0", source + sides.pop(), widths[level], time)
        source = widths[level]
        if level < last:
            yield from _transformer(f"output_blocks.{number}.1", source, context)
        if number % 3 == 2 and level:
            yield from _both(f"output_blocks.{number}.{2 if level < last else 1}.conv", source, source, 3, 3)
    yield from _both("out.0", first)
    yield from _both("out.2", 4, first, 3, 3)


def _vae_block(name: str, source: int, width: int) -> Named:
    yield from _both(f"{name}.norm1", source)
    yield from _both(f"{name}.conv1", width, source, 3, 3)
    yield from _both(f"{name}.norm2", width)
    yield from _both(f"{name}.conv2", width, width, 3, 3)
    if source != width:
        yield from _both(f"{name}.nin_shortcut", width, source, 1, 1)


def _vae_middle(name: str, width: int) -> Named:
    yield from _vae_block(f"{name}.block_1", width, width)
    yield from _both(f"{name}.attn_1.norm", width)
    for part in ("q", "k", "v", "proj_out"):
        yield from _both(f"{name}.attn_1.{part}", width, width, 1, 1)
    yield from _vae_block(f"{name}.block_2", width, width)


def vae_shapes(widths: Sequence[int]) -> Named:
    last, source = len(widths) - 1, widths[0]
    yield from _both("encoder.conv_in", source, 3, 3, 3)
    for level, width in enumerate(widths):
        for number in range(2):
            yield from _vae_block(f"encoder.down.{level}.block.{number}", source, width)
            source = width
        if level < last:
            yield from _both(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    yield from _vae_middle("encoder.mid", source)
    yield from _both("encoder.norm_out", source)
    yield from _both("encoder.conv_out", 8, source, 3, 3)
    yield from _both("quant_conv", 8, 8, 1, 1)
    yield from _both("post_quant_conv", 4, 4, 1, 1)
    yield from _both("decoder.conv_in", source, 4, 3, 3)
    yield from _vae_middle("decoder.mid", source)
    for level in range(last, -1, -1):
        for number in range(3):
            yield from _vae_block(f"decoder.up.{level}.block.{number}", source, widths[level])
            source = widths[level]
        if level:
            yield from _both(f"decoder.up.{level}.upsample.conv", source, source, 3, 3)
    yield from _both("decoder.norm_out", source)
    yield from _both("decoder.conv_out", 3, source, 3, 3)


def checkpoint_shapes(described: Path) -> dict[str, Shape]:
    """Of a model like Stable Diffusion 1, by the configurations in a folder."""
    unet = json.loads((described / "unet" / "config.json").read_text("utf-8"))
    vae = json.loads((described / "vae" / "config.json").read_text("utf-8"))
    text = empty_text_encoder(CLIPTextModel, described, "text_encoder").state_dict()
    shapes = {
        f"model.diffusion_model.{name}": shape
        for name, shape in unet_shapes(unet["block_out_channels"], unet["cross_attention_dim"])
    }
    shapes |= {f"first_stage_model.{name}": shape for name, shape in vae_shapes(vae["block_out_channels"])}
    before = "cond_stage_model.transformer.text_model."
    return shapes | {before + name.removeprefix("text_model."): tuple(value.shape) for name, value in text.items()}


def write_random_checkpoint(path: Path, described: Path, seed: int = 0) -> int:
    """Half precision, tensor by tensor, so that it takes no memory worth mentioning. The size in bytes."""
    shapes = checkpoint_shapes(described)
    header, place = dict[str, Any](), 0
    for name, shape in shapes.items():
        end = place + 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, end]}
        place = end
    listed = json.dumps(header).encode()
    listed += b" " * (-len(listed) % 8)
    pool = torch.randn(_POOL, generator=torch.Generator().manual_seed(seed)).mul_(0.02).half().numpy().tobytes()
    with path.open("wb") as file:
        file.write(len(listed).to_bytes(8, "little") + listed)
        for number, shape in enumerate(shapes.values()):
            _write(file, pool, 2 * (number * 7919 % _POOL), 2 * math.prod(shape))
    return 8 + len(listed) + place


def _write(file: Any, pool: bytes, start: int, count: int) -> None:
    while count:
        piece = pool[start : start + count]
        file.write(piece)
        count -= len(piece)
        start = 0

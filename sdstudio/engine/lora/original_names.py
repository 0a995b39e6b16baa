"""The names that a UNet's layers have in the original code: `input_blocks.4.1…` for `down_blocks.1.attentions.0…`.

From github.com/CompVis/stable-diffusion, ldm/modules/diffusionmodules/openaimodel.py: blocks are numbered through, the
first is the first convolution, and in each the residual part comes before the attention, that before the resampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "class_embedding.linear_1": "label_emb.0.0",
    "class_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}


def original_fronts(unet: Any) -> dict[str, str]:
    """How the paths of diffusers' layers begin, and how those of the original code do; what follows is the same."""
    return dict(_ENDS) | dict(_down(unet.down_blocks)) | dict(_middle(unet.mid_block)) | dict(_up(unet.up_blocks))


def original_path(path: str, fronts: dict[str, str]) -> str:
    """ "" for a layer that the original code has not."""
    front = path
    while front:
        if front in fronts:
            return fronts[front] + path[len(front) :]
        front = front.rpartition(".")[0]
    return ""


def _layer(block: str, index: int, residual: str, attention: str) -> Iterator[tuple[str, str]]:
    """The residual part and the attention after it; that it may be missing does no harm."""
    for own, theirs in _RESNET.items():
        yield f"{block}.resnets.{index}.{own}", f"{residual}.{theirs}"
    yield f"{block}.attentions.{index}", attention


def _down(blocks: Any) -> Iterator[tuple[str, str]]:
    place = 1
    for number, block in enumerate(blocks):
        for index in range(len(block.resnets)):
            yield from _layer(f"down_blocks.{number}", index, f"input_blocks.{place}.0", f"input_blocks.{place}.1")
            place += 1
        if block.downsamplers:
            yield f"down_blocks.{number}.downsamplers.0.conv", f"input_blocks.{place}.0.op"
            place += 1


def _middle(block: Any) -> Iterator[tuple[str, str]]:
    for index in range(len(block.resnets) if block is not None else 0):
        yield from _layer("mid_block", index, f"middle_block.{2 * index}", f"middle_block.{2 * index + 1}")


def _up(blocks: Any) -> Iterator[tuple[str, str]]:
    place = 0
    for number, block in enumerate(blocks):
        for index in range(len(block.resnets)):
            yield from _layer(f"up_blocks.{number}", index, f"output_blocks.{place}.0", f"output_blocks.{place}.1")
            place += 1
        if block.upsamplers:
            after = 2 if getattr(block, "attentions", None) else 1
            yield f"up_blocks.{number}.upsamplers.0.conv", f"output_blocks.{place - 1}.{after}.conv"

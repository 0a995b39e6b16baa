"""Takes up weights of an earlier, perhaps smaller model: by name, by token text, into the corner of wider weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer


def copy_unet(unet: UNet2DConditionModel, earlier: UNet2DConditionModel) -> int:
    """Copies what fits by name; returns how many tensors were filled wholly.

    Where the UNet is wider, the earlier weights take the first channels. Inputs that come from joined tensors (up
    blocks: the hidden states, then the skipped ones) are found by `_columns`.
    """
    whole = 0
    source = earlier.state_dict()
    channels = tuple(unet.config.block_out_channels), tuple(earlier.config.block_out_channels)
    with torch.no_grad():
        for name, target in unet.state_dict().items():
            if name not in source:
                continue
            value = source[name]
            if value.shape == target.shape:
                target.copy_(value)
                whole += 1
                continue
            if value.ndim != target.ndim or any(a > b for a, b in zip(value.shape, target.shape, strict=True)):
                continue
            _fill(name, target, value, channels)
    return whole


def _fill(name: str, target: torch.Tensor, value: torch.Tensor, channels: tuple[tuple[int, ...], ...]) -> None:
    rows = torch.arange(value.shape[0])
    if "ff.net.0" in name:  # GEGLU: the values, then their gates
        half, wide = value.shape[0] // 2, target.shape[0] // 2
        rows = torch.cat([torch.arange(half), wide + torch.arange(value.shape[0] - half)])
    if target.ndim == 1:
        if "up_blocks" in name and "norm1" in name and "resnets" in name:
            rows = _columns(name, value.shape[0], channels)
        target[rows] = value
        return
    columns = torch.arange(value.shape[1])
    if "up_blocks" in name and "resnets" in name and ("conv1" in name or "conv_shortcut" in name):
        columns = _columns(name, value.shape[1], channels)
    if value.shape[1] < target.shape[1]:
        # New inputs begin small, so that the earlier function is not drowned in them.
        target[rows] *= 0.3
    target[rows[:, None], columns[None, :]] = value


def _columns(name: str, narrow: int, channels: tuple[tuple[int, ...], ...]) -> torch.Tensor:
    """Where the earlier inputs of an up block's resnet lie in the wider one: hidden states first, then skipped."""
    block, resnet = int(name.split(".")[1]), int(name.split("resnets.")[1].split(".")[0])
    new, old = (tuple(reversed(counts)) for counts in channels)
    index = block if resnet or block == 0 else block - 1
    return torch.cat([torch.arange(old[index]), new[index] + torch.arange(narrow - old[index])])


def copy_text_encoder(
    encoder: CLIPTextModel, tokenizer: CLIPTokenizer, earlier: CLIPTextModel, earlier_tokenizer: CLIPTokenizer
) -> tuple[int, int]:
    """Copies all but the token table by name, tokens by their text; returns (tokens found, tokens in all).

    A token that the earlier tokenizer cut up begins as the mean of its pieces.
    """
    source = earlier.state_dict()
    table = next(name for name in source if name.endswith("token_embedding.weight"))
    with torch.no_grad():
        for name, target in encoder.state_dict().items():
            if name != table and name in source and source[name].shape == target.shape:
                target.copy_(source[name])
        old_numbers = earlier_tokenizer.get_vocab()
        target, value = encoder.state_dict()[table], source[table]
        found = 0
        for token, number in tokenizer.get_vocab().items():
            if token in old_numbers:
                target[number] = value[old_numbers[token]]
                found += 1
                continue
            text = token.removesuffix("</w>")
            pieces = earlier_tokenizer(text, add_special_tokens=False).input_ids if text.isalpha() else []
            if pieces:
                target[number] = value[torch.tensor(pieces)].mean(0)
    return found, len(tokenizer)


def warm_start(folder: Path, unet: UNet2DConditionModel, encoder: CLIPTextModel, tokenizer: CLIPTokenizer) -> str:
    """Fills both networks from a model folder in diffusers layout, of float16 or float32; says in words how far."""
    earlier_unet: Any = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
    whole = copy_unet(unet, earlier_unet)
    earlier_encoder = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    found = (0, len(tokenizer))
    if earlier_encoder.config.hidden_size == encoder.config.hidden_size:
        earlier_tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        found = copy_text_encoder(encoder, tokenizer, earlier_encoder, earlier_tokenizer)
    return f"warm start: {whole} of {len(unet.state_dict())} tensors whole, {found[0]} of {found[1]} tokens"

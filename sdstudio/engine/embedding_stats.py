"""The mean and spread of CLIP's embeddings, by which unCLIP measures its noise: in a folder, a file, or beside it.

The original code kept them out of its checkpoints: unCLIP H has none (mean 0, spread 1), and those of unCLIP L are a
file of their own, ViT-L-14_stats.th, made for Karlo.
"""

from __future__ import annotations

from pathlib import Path

import torch

from sdstudio.domain.model_file import ModelFamily
from sdstudio.engine.faults import damaged
from sdstudio.engine.safe_pickles import read_pickle
from sdstudio.engine.sources.source import ModelSource

STATS_FILE = "ViT-L-14_stats.th"
_PLACES = (".", "karlo_models", "karlo", "../karlo")
"""Beside the model, as the original code has it, and as A1111 has it."""
_PART = "image_normalizer"
Pair = tuple[torch.Tensor, torch.Tensor]


def find_stats(source: ModelSource, width: int) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """Mean and spread, 1 x width each, and whether they are the model's own. Raises ModelError for damaged ones and
    for a file that wants to run something."""
    known = source.weights(_PART) or source.tensors("noise_augmentor.data_")
    pair = (known["mean"], known["std"]) if known.keys() >= {"mean", "std"} else _beside(source)
    if pair is None:
        return torch.zeros(1, width), torch.ones(1, width), source.family is not ModelFamily.UNCLIP_L
    mean, std = (value.float().reshape(1, -1) for value in pair)
    if mean.shape[1] != width or std.shape[1] != width:
        raise damaged(_PART, "it belongs to another model")
    return mean, std, True


def _beside(source: ModelSource) -> Pair | None:
    if source.family is not ModelFamily.UNCLIP_L:
        return None
    folder = Path(source.spec.path).parent
    path = next((file for place in _PLACES if (file := folder / place / STATS_FILE).is_file()), None)
    if path is None:
        return None
    try:
        found = read_pickle(path)
    except (OSError, ValueError) as error:
        raise damaged(_PART, f"the file {STATS_FILE} cannot be read") from error
    match found:
        case torch.Tensor() as mean, torch.Tensor() as std:
            return mean, std
    raise damaged(_PART, f"the file {STATS_FILE} cannot be read")

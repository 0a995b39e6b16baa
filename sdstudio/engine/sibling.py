"""The inpainting sibling of a model: a network of nine channels, stored as a difference from the model's own.

Beside the model's parts lies `unet_inpaint/`: config.json of the sibling's network, and difference.safetensors. There,
a matrix NAME is int8, to be multiplied with NAME:scale (float32, one value for each output); all else is float16. The
main network's first layer reads fewer channels; what it lacks counts as zero. Text encoder and VAE are the model's.
Its training weighs errors outside the mask little: the source is put back there after each step.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch.nn.functional import pad

from sdstudio.domain.edits import FillMode
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.faults import damaged, read_json
from sdstudio.engine.libraries import UNet2DConditionModel
from sdstudio.engine.memory.layers import whole_state
from sdstudio.engine.model import LoadedModel, to_device

FOLDER = "unet_inpaint"
DIFFERENCE = "difference.safetensors"
SCALE = ":scale"
State = dict[str, torch.Tensor]


def goes_on_from_around(request: GenerationRequest) -> bool:
    """Whether the sibling is asked: where what is made goes on from what is around. A thing that takes another's place,
    and one that keeps its shape, are the main network's work: the sibling would take up what is left of the old one
    at the mask's edge (seen with the starter, on grounds of all kinds)."""
    return request.inpaint is not None and request.inpaint.mode in (FillMode.FILL, FillMode.REMOVE)


def with_sibling(model: LoadedModel) -> LoadedModel:
    """The model with its sibling's network, read now; the model itself where it has none or reads masks already.

    Raises ModelError in words when the sibling is damaged or belongs to another model.
    """
    folder = Path(model.spec.path) / FOLDER
    if model.inpainting or not (folder / "config.json").is_file():
        return model
    config = read_json(folder / "config.json", FOLDER)
    try:
        difference = load_file(folder / DIFFERENCE)
        unet = UNet2DConditionModel.from_config(config)
        unet.load_state_dict(add_difference(whole_state(model.unet), difference))
    except FileNotFoundError as error:
        raise damaged(FOLDER, f"the file {DIFFERENCE} is missing") from error
    except (OSError, SafetensorError) as error:
        raise damaged(FOLDER, f"the file {DIFFERENCE} cannot be read") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise damaged(FOLDER, "it does not belong to this model") from error
    sibling = replace(model, unet=to_device(unet.to(model.unet.dtype), model.device), puts_back=True)
    if not sibling.inpainting:
        raise damaged(FOLDER, "its network reads no mask")
    return sibling


def add_difference(main: State, difference: State) -> State:
    """The sibling's weights in float32. Raises KeyError or RuntimeError when the two do not belong together."""
    return {name: _add(weight.float().cpu(), name, difference) for name, weight in main.items()}


def _add(weight: torch.Tensor, name: str, difference: State) -> torch.Tensor:
    change = difference[name].float()
    if name + SCALE in difference:
        change = change * difference[name + SCALE].reshape(-1, *(1,) * (change.ndim - 1))
    missing = change.shape[1] - weight.shape[1] if weight.ndim > 1 else 0
    return pad(weight, (0, 0) * (weight.ndim - 2) + (0, missing)) + change if missing else weight + change

"""Another VAE in place of the model's own: from a file of either naming, or from a folder."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.errors import InvalidRequest, ModelError
from sdstudio.engine.added_files import SAFETENSORS, Stamp, State, check_finite, read_added, refused, stamp_of
from sdstudio.engine.faults import read_json
from sdstudio.engine.latents import SDXL_SCALE
from sdstudio.engine.libraries import AutoencoderKL, AutoencoderTiny
from sdstudio.engine.memory.keeper import ModelMemory
from sdstudio.engine.model import LoadedModel, to_device

_log = logging.getLogger(__name__)

FIELD = "vae"
_PARTS = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
_PREFIXES = ("first_stage_model.", "vae.", "")
_CLASSES = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}
_OLD_ATTENTION = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
"""As diffusers called them before its version 0.18."""
_SIDE, _BLOCK = 64, 16
_SOUND, _STRANGE = 0.05, 0.15
"""Mean square error, of values in [-1, 1], of a decoder that understands what it is given, and of one that does not."""


def words_for(name: str) -> str:
    return f"The VAE “{name}”"


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """`own`: the VAE of the model that it was judged beside, whose `memory` looks after it."""

    path: str
    stamp: Stamp
    own: weakref.ref[Any]
    vae: Any
    memory: ModelMemory | None


class VaeChoice:
    """Keeps the VAE that was chosen last, for as long as the file and the model stay the same."""

    def __init__(self) -> None:
        self._held: _Held | None = None

    def get(self, file: AddedFile, model: LoadedModel, tell: Callable[[str], None]) -> Any:
        """On the model's device. Raises InvalidRequest("vae") in words for what cannot be read or does not belong to
        the model's latents."""
        stamp, held = stamp_of(Path(file.path)), self._held
        if held is not None and (held.path, held.stamp) == (file.path, stamp) and held.own() is model.vae:
            return held.vae
        self.clear()
        tell(f"Reading the VAE “{file.name}”")
        vae = read_vae(Path(file.path), file.name, model)
        check_latents(vae, file.name, model)
        if model.memory is not None:
            model.memory.add(vae)
        self._held = _Held(file.path, stamp, weakref.ref(model.vae), vae, model.memory)
        return vae

    def clear(self) -> None:
        held, self._held = self._held, None
        if held is not None and held.memory is not None:
            held.memory.drop(held.vae)


def read_vae(path: Path, name: str, model: LoadedModel) -> Any:
    """Of the model's own structure, or of what a folder's config.json says. Raises InvalidRequest("vae")."""
    what = words_for(name)
    if path.is_dir():
        folder = path if (path / "config.json").is_file() else path / "vae"
        config = _config(folder, what)
        _check_scale(config, model, what)
        weights = next(
            (one for one in _weights(folder) if one.is_file()), folder / "diffusion_pytorch_model.safetensors"
        )
    else:
        config, weights = dict(model.vae.config), path
        if not isinstance(model.vae, AutoencoderKL):
            raise refused(FIELD, what, f"“{model.spec.name}” has a decoder of another kind")
    kind = _CLASSES.get(str(config.get("_class_name", "AutoencoderKL")))
    if kind is None:
        raise refused(FIELD, what, f"it is of the kind {config['_class_name']}")
    state = _state(weights, what)
    check_finite(state.items(), FIELD, what)
    _check_channels(state, model, what)
    network = _filled(kind, config, _own_names(state, config), what)
    return to_device(network.to(model.device.dtype), model.device)


def _config(folder: Path, what: str) -> dict[str, Any]:
    try:
        return read_json(folder / "config.json", "vae")
    except ModelError as error:
        raise refused(FIELD, what, "its config.json is missing or cannot be read") from error


def _weights(folder: Path) -> list[Path]:
    return [folder / f"diffusion_pytorch_model{ending}.safetensors" for ending in ("", ".fp16")]


def _state(path: Path, what: str) -> State:
    """The VAE's tensors alone, without their prefix, also of a whole checkpoint."""
    if path.suffix.lower() in SAFETENSORS and path.is_file():
        try:
            with safe_open(path, "pt") as file:
                names = _chosen(list(file.keys()))
                # Copies: what happens to the file later harms nobody.
                state = {own: file.get_tensor(name).clone() for name, own in names.items()}
        except (OSError, SafetensorError, ValueError) as error:
            raise refused(FIELD, what, "the file is incomplete or damaged") from error
    else:
        found = read_added(path, FIELD, what)
        found = found.get("state_dict", found) if isinstance(found, dict) else {}
        names = _chosen([str(name) for name in found])
        state = {own: found[name] for name, own in names.items() if isinstance(found[name], torch.Tensor)}
    if not any(name.startswith("decoder.") for name in state):
        raise refused(FIELD, what, "the file holds no VAE")
    return state


def _chosen(names: list[str]) -> dict[str, str]:
    for prefix in _PREFIXES:
        fronts = tuple(prefix + part for part in _PARTS)
        found = {name: name.removeprefix(prefix) for name in names if name.startswith(fronts)}
        if found:
            return found
    return {}


def _own_names(state: State, config: dict[str, Any]) -> State:
    """As diffusers names them now."""
    if not any(name.startswith(("decoder.up_blocks.", "decoder.layers.")) for name in state):
        # Imported late: few ever choose a VAE.
        from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

        try:
            return convert_ldm_vae_checkpoint(state, config)
        except (KeyError, IndexError, ValueError, RuntimeError) as error:
            _log.info("The names of a VAE's weights are not the original code's: %s", error)
            return {}
    renamed: State = {}
    for name, value in state.items():
        for old, new in _OLD_ATTENTION.items():
            name = name.replace(old, new)
        renamed[name] = value[:, :, 0, 0] if ".attentions." in name and value.ndim == 4 else value
    return renamed


def _filled(kind: Any, config: dict[str, Any], state: State, what: str) -> Any:
    with torch.device("meta"):
        network = kind.from_config(config)
    needed = network.state_dict()
    missing = [name for name in needed if name not in state]
    if missing:
        raise refused(FIELD, what, f"{len(missing)} of its {len(needed)} weights are missing ({missing[0]})")
    wrong = [name for name in needed if needed[name].shape != state[name].shape]
    if wrong:
        raise refused(FIELD, what, f"its weights do not have the shapes of this model's VAE ({wrong[0]})")
    network.load_state_dict({name: state[name] for name in needed}, assign=True)
    return network


def _check_channels(state: State, model: LoadedModel, what: str) -> None:
    first = state.get("decoder.conv_in.weight", state.get("decoder.layers.0.weight"))
    if first is not None and first.ndim > 1 and first.shape[1] != model.latents.channels:
        channels = f"it decodes {first.shape[1]} channels, the model makes {model.latents.channels}"
        raise refused(FIELD, what, f"it is for another kind of model: {channels}")


def _check_scale(config: dict[str, Any], model: LoadedModel, what: str) -> None:
    theirs, own = config.get("scaling_factor"), model.latents.scale
    if not isinstance(theirs, int | float) or abs(theirs - own) < 1e-4 * own or theirs == 1.0:
        return
    kinds = ["SDXL" if abs(scale - SDXL_SCALE) < 1e-4 else "SD 1.5 or 2" for scale in (theirs, own)]
    if kinds[0] != kinds[1]:
        raise _of_another(what, f"is for {kinds[0]}, the model is {kinds[1]}")


def _of_another(what: str, why: str) -> InvalidRequest:
    return InvalidRequest(FIELD, f"{what} {why}.", hint="Choose a VAE for this model, or its own.")


# -- whether two VAEs speak the same language -------------------------------------------------------------------------


@torch.inference_mode()
def check_latents(vae: Any, name: str, model: LoadedModel) -> None:
    """The VAEs of SD 1.5 and SDXL have the same names and shapes, and only trying tells them apart: soft colours that
    the model's own VAE encoded are decoded by both. Raises InvalidRequest("vae") where the own one understands them
    and the other does not."""
    generator = torch.Generator("cpu").manual_seed(0)
    blocks = torch.rand(1, 3, _SIDE // _BLOCK, _SIDE // _BLOCK, generator=generator) * 2 - 1
    picture = torch.nn.functional.interpolate(blocks, size=(_SIDE, _SIDE), mode="bilinear")
    given = picture.to(device=model.device.torch_device, dtype=model.vae.dtype)
    answer = model.vae.encode(given)
    raw = answer.latent_dist.mode() if hasattr(answer, "latent_dist") else answer.latents
    own, other = (_error(one, raw, picture) for one in (model.vae, vae))
    _log.info("%s: error %.4f, the model's own %.4f", words_for(name), other, own)
    if own < _SOUND and other > _STRANGE:
        raise _of_another(
            words_for(name), f"is for another kind of model: it does not understand what “{model.spec.name}” makes"
        )


def _error(vae: Any, raw: torch.Tensor, picture: torch.Tensor) -> float:
    """Infinity counts as not understood, as do numbers that are none: half precision that overflows is found here too,
    in the model's own VAE as well."""
    decoded = vae.decode(raw.to(vae.dtype), return_dict=False)[0].float().cpu()
    return float(torch.nan_to_num((decoded - picture).square().mean(), nan=0.0, posinf=0.0))

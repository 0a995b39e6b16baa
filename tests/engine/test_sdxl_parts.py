"""What SDXL is read from: configurations of the published sizes, marker keys of files, precision, damaged parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import init_empty_weights
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from sdstudio.domain.errors import ModelError
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import Device, choose_device
from sdstudio.engine.encode import encode, most_likely
from sdstudio.engine.layouts import CONFIGS, LAYOUTS
from sdstudio.engine.load import read_model
from sdstudio.storage.catalog_files import entry_of
from sdstudio.storage.recognise.recogniser import recognise
from tests.engine.test_image_to_image import a_picture
from tests.helpers import model_families
from tests.helpers.one_file import RESOURCES, OneFile, make_one_file
from tests.helpers.xl_models import XL_FAMILIES, make_xl_parts, write_json, write_xl_folder
from tests.helpers.xl_pipelines import drawn, read_xl

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PUBLISHED = {
    ModelFamily.SDXL: model_families.sdxl,
    ModelFamily.SDXL_INPAINTING: lambda: model_families.sdxl(9),
    ModelFamily.SDXL_REFINER: model_families.refiner,
}


@pytest.mark.parametrize("family", XL_FAMILIES, ids=lambda family: family.name)
def test_the_networks_in_the_box_have_the_published_names_and_shapes(family: ModelFamily) -> None:
    config = json.loads((RESOURCES / CONFIGS / LAYOUTS[family].folder / "unet/config.json").read_text())
    with init_empty_weights():
        ours = {
            name: tuple(value.shape) for name, value in UNet2DConditionModel.from_config(config).state_dict().items()
        }
    state = {name: torch.empty(shape, device="meta") for name, shape in PUBLISHED[family]().items()}
    theirs = convert_ldm_unet_checkpoint(state, config)
    assert {name: tuple(value.shape) for name, value in theirs.items()} == ours


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("one"), ModelFamily.SDXL)


def test_marker_keys_of_a_file_reach_the_sampler(one: OneFile, tmp_path: Path) -> None:
    path = tmp_path / "marked.safetensors"
    save_file(load_file(one.path) | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}, path)
    spec = entry_of(recognise(path), "").spec
    assert (spec.prediction, spec.zero_snr) == ("v", True)
    config = read_model(spec, choose_device(1), one.resources).scheduler_config
    told = [config[key] for key in ("prediction_type", "rescale_betas_zero_snr", "timestep_spacing")]
    assert told == ["v_prediction", True, "trailing"]


def test_zero_snr_makes_no_sense_of_a_network_that_predicts_the_noise(one: OneFile) -> None:
    config = read_model(replace(one.spec, zero_snr=True), choose_device(1), one.resources).scheduler_config
    assert "rescale_betas_zero_snr" not in config


def test_stable_diffusion_2_ends_in_noise_alone_too(tmp_path: Path) -> None:
    made = make_one_file(tmp_path, ModelFamily.SD2_V)
    spec = ModelSpec(name="Two", path=str(made.path), family=ModelFamily.SD2.value, prediction="v", zero_snr=True)
    assert read_model(spec, choose_device(1), made.resources).scheduler_config["rescale_betas_zero_snr"]


def in_half(device: Device) -> Device:
    """A device that computes in half precision, as CUDA's do; nothing is computed here."""
    return replace(device, dtype=torch.float16)


def test_the_published_decoder_stays_single_and_the_fixed_one_does_not(one: OneFile, tmp_path: Path) -> None:
    device = in_half(choose_device(1))
    from_file = read_model(one.spec, device, one.resources)
    assert (from_file.unet.dtype, from_file.vae.dtype) == (torch.float16, torch.float32)
    for upcast, wanted in ((True, torch.float32), (False, torch.float16)):
        folder = write_xl_folder(tmp_path / str(upcast), "sdxl", make_xl_parts("sdxl"))
        config = folder / "vae" / "config.json"
        write_json(config, json.loads(config.read_text()) | {"force_upcast": upcast})
        read = read_model(ModelSpec(name="Tiny", path=str(folder)), device)
        assert (read.unet.dtype, read.vae.dtype) == (torch.float16, wanted)


def test_a_picture_that_overflows_on_its_way_in_is_read_again_in_single_precision(one: OneFile) -> None:
    model = read_model(one.spec, choose_device(1), one.resources)
    rgb = a_picture().rgb
    expected = most_likely(model, rgb)
    drawn_before = encode(model, rgb, torch.Generator("cpu").manual_seed(7))
    model.vae.to(torch.bfloat16)

    def overflow(_module: torch.nn.Module, _args: object, output: torch.Tensor) -> torch.Tensor:
        return output if output.dtype == torch.float32 else output * float("inf")

    handle = model.vae.encoder.register_forward_hook(overflow)
    again = encode(model, rgb, torch.Generator("cpu").manual_seed(7))
    handle.remove()
    assert model.vae.dtype == torch.float32
    # The weights have lost bits on their way through 16 of them; what is drawn is the same noise.
    assert torch.allclose(again, drawn_before, atol=0.02)
    assert torch.allclose(most_likely(model, rgb), expected, atol=0.2)


def take_out(path: Path, *names: str) -> None:
    save_file({name: value for name, value in load_file(path).items() if not name.startswith(names)}, path)


DAMAGED: dict[str, tuple[Callable[[OneFile], object], str]] = {
    "no second text encoder": (lambda one: take_out(one.path, "conditioner.embedders.1."), "text_encoder_2"),
    "no first text encoder": (lambda one: take_out(one.path, "conditioner.embedders.0."), "text_encoder"),
    "no projection": (
        lambda one: take_out(one.path, "conditioner.embedders.1.model.text_projection"),
        "text_encoder_2",
    ),
    "no size": (lambda one: take_out(one.path, "model.diffusion_model.label_emb."), "unet"),
    "no decoder": (lambda one: take_out(one.path, "first_stage_model.decoder."), "vae"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_file_without_a_part_is_refused_in_words(case: str, tmp_path: Path) -> None:
    made = make_one_file(tmp_path, ModelFamily.SDXL)
    break_it, part = DAMAGED[case]
    break_it(made)
    with pytest.raises(ModelError, match=f"“{part}” is incomplete or damaged"):
        read_model(made.spec, choose_device(1), made.resources)


def test_text_encoders_of_another_model_are_refused_in_words(tmp_path: Path) -> None:
    folder = write_xl_folder(tmp_path / "model", "sdxl", make_xl_parts("sdxl"))
    index = folder / "model_index.json"
    write_json(index, json.loads(index.read_text()) | {"text_encoder": [None, None]})
    with pytest.raises(ModelError, match="do not fit together"):
        read_xl(folder)


def test_a_folder_without_its_second_tokenizer_is_refused_in_words(tmp_path: Path) -> None:
    folder = write_xl_folder(tmp_path / "model", "sdxl", make_xl_parts("sdxl"))
    (folder / "tokenizer_2" / "vocab.json").unlink()
    with pytest.raises(ModelError, match="“tokenizer_2” is incomplete"):
        read_xl(folder)


def test_the_measures_are_those_of_the_size_that_is_made(one: OneFile) -> None:
    small = read_model(one.spec, choose_device(1), one.resources)
    assert not np.array_equal(drawn(small), drawn(replace(small, conditioner=_of_another_size(small.conditioner))))


def _of_another_size(conditioner: object) -> object:
    class Twice:
        def condition(self, request: object, guided: bool) -> object:
            told = conditioner.condition(request, guided)  # type: ignore[attr-defined]
            told.unet_options["added_cond_kwargs"]["time_ids"] *= 2
            return told

    return Twice()

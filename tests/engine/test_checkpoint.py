"""Models in one file: each family loads offline to the very pictures of the same model as a folder."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import ModelError
from sdstudio.domain.family_tasks import tasks_of
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.layouts import LAYOUTS, VOCABULARY
from sdstudio.engine.libraries import CLIPTokenizer
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.tasks.generate import make_picture
from sdstudio.engine.tokens import ModelTokenCounter
from tests.helpers.one_file import RESOURCES, OneFile, make_one_file


def read(one: OneFile, spec: ModelSpec) -> LoadedModel:
    return read_model(spec, choose_device(1), one.resources)


def picture(model: LoadedModel) -> np.ndarray:
    request = GenerationRequest(
        prompt=PromptSpec(positive="a red apple, (shiny:1.2)", negative="blurry"),
        sampling=SamplingSpec(steps=2, guidance_scale=5.0, sampler="Euler", seed=7),
        model=model.spec,
        size=Size(64, 64),
    )
    # Some families make nothing of a prompt alone.
    start = None if tasks_of(model.family).text else noise_picture()
    if start is not None:
        request = replace(request, image=ImageInput(sha256=start.sha256(), width=64, height=64))
    return make_picture(request, model, CancelToken(), start=start).pixels


def noise_picture() -> ImageBuffer:
    return ImageBuffer.from_rgb(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8))


FORMS = [(family, ".safetensors") for family in LAYOUTS]
FORMS += [(family, ".ckpt") for family in (ModelFamily.SD1, ModelFamily.SD2_V, ModelFamily.SDXL, ModelFamily.UNCLIP_H)]


@pytest.mark.parametrize(("family", "ending"), FORMS, ids=[family.name + ending for family, ending in FORMS])
def test_a_file_gives_the_pictures_of_its_folder(tmp_path: Path, family: ModelFamily, ending: str) -> None:
    one = make_one_file(tmp_path, family, ending)
    from_file, from_folder = read(one, one.spec), read(one, one.folder_spec)
    for part in ("unet", "vae"):
        ours, theirs = getattr(from_file, part).state_dict(), getattr(from_folder, part).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert from_file.scheduler_config["prediction_type"] == from_folder.scheduler_config["prediction_type"]
    assert from_file.inpainting is from_folder.inpainting is ("INPAINTING" in family.name)
    assert np.array_equal(picture(from_file), picture(from_folder))


def test_a_half_precision_file_is_read_in_the_devices_precision(tmp_path: Path) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1, half=True)
    model = read(one, one.spec)
    assert model.unet.dtype == model.vae.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.bfloat16], ids=str)
def test_other_precisions_are_read_too(tmp_path: Path, dtype: torch.dtype) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1)
    save_file({name: value.to(dtype) for name, value in load_file(one.path).items()}, one.path)
    model = read(one, one.spec)
    assert model.unet.dtype == model.vae.dtype == torch.float32
    assert np.isfinite(picture(model)).all()


def test_what_was_found_out_of_the_file_goes_before_what_is_usual(tmp_path: Path) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD2_BASE)
    spec = ModelSpec(name="Tiny", path=str(one.path), family=ModelFamily.SD2_BASE.value, prediction="v")
    assert read(one, spec).scheduler_config["prediction_type"] == "v_prediction"


def test_the_vocabulary_in_the_box_is_clips_own() -> None:
    tokenizer = CLIPTokenizer.from_pretrained(str(RESOURCES / VOCABULARY), local_files_only=True)
    ids = tokenizer("a photo of a cat").input_ids
    assert list(ids) == [49406, 320, 1125, 539, 320, 2368, 49407] and len(tokenizer) == 49408


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_weights_that_are_no_numbers_are_named(tmp_path: Path, number: str, half: bool) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1, half=half)
    state = load_file(one.path)
    name = "model.diffusion_model.out.2.weight"
    state[name][0, 0, 0, 0] = float(number)
    save_file(state, one.path)
    with pytest.raises(ModelError, match=r"no numbers: model\.diffusion_model\.out\.2\.weight"):
        read(one, one.spec)


@pytest.mark.parametrize("prefix", ["model.diffusion_model.", "first_stage_model.", "cond_stage_model."])
def test_a_part_that_is_missing_is_said(tmp_path: Path, prefix: str) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1)
    save_file({name: value for name, value in load_file(one.path).items() if not name.startswith(prefix)}, one.path)
    with pytest.raises(ModelError, match="incomplete or damaged"):
        read(one, one.spec)


def test_a_file_that_is_cut_off_or_gone_is_said(tmp_path: Path) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1)
    whole = one.path.read_bytes()
    one.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cannot be read"):
        read(one, one.spec)


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.marker),)  # type: ignore[return-value]

    def __init__(self, marker: str) -> None:
        self.marker = marker


def test_a_pickle_that_wants_more_than_tensors_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1, ".ckpt")
    marker = tmp_path / "ran"
    one.path.write_bytes(pickle.dumps({"state_dict": Harmful(str(marker))}))
    with pytest.raises(ModelError, match=r"cannot be read|more than hold weights"):
        read(one, one.spec)
    assert not marker.exists()


def test_the_harmless_rest_of_old_training_code_is_let_in(tmp_path: Path) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1, ".ckpt")
    data = torch.load(one.path, weights_only=True)
    torch.save(data | {"best": np.float64(0.5), "epoch": 3}, one.path)
    assert read(one, one.spec).unet is not None


def test_a_family_that_cannot_be_used_yet_is_named(tmp_path: Path) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1)
    spec = ModelSpec(name="Big", path=str(one.path), family="Flux")
    with pytest.raises(ModelError, match="Flux"):
        read(one, spec)


def test_words_are_counted_for_a_model_that_brings_no_vocabulary(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.touch()
    counted = ModelTokenCounter(RESOURCES / VOCABULARY).count(ModelSpec(name="One", path=str(path)), "a photo of a cat")
    assert (counted.used, counted.room) == (5, 75)

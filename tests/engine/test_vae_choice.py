"""Another VAE in place of the model's own: every form of file, and in words what does not belong to the model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import Failed, ImageReady, Loading
from sdstudio.domain.image import Pixels
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.libraries import AutoencoderKL
from tests.engine.conftest import Run
from tests.engine.test_image_to_image import a_picture
from tests.helpers.ldm_export import ldm_vae
from tests.helpers.tiny_models import STARTER, ImagesInMemory, make_request, make_tiny_model

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WEIGHTS = "diffusion_pytorch_model.safetensors"


def chosen(model: Path, path: Path, **changes: Any) -> GenerationRequest:
    return replace(make_request(model, **changes), vae=AddedFile(name=path.stem, path=str(path)))


def pixels(events: list[Any]) -> Pixels:
    pictures = [event.image for event in events if isinstance(event, ImageReady)]
    assert len(pictures) == 1, events[-1]
    return pictures[0].rgb


@pytest.fixture(scope="module")
def other(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> AutoencoderKL:
    torch.manual_seed(9)
    own = AutoencoderKL.from_pretrained(tiny_model / "vae")
    return AutoencoderKL.from_config(dict(own.config)).eval()


@pytest.fixture(scope="module")
def forms(other: AutoencoderKL, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("vaes")
    original = ldm_vae(other)
    bare = {name.removeprefix("first_stage_model."): value for name, value in original.items()}
    own = {name: value.contiguous() for name, value in other.state_dict().items()}
    old_names = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    old = dict(own)
    for new, before in old_names.items():
        old = {name.replace(f".{new}.", f".{before}."): value for name, value in old.items()}
    assert set(old) != set(own)
    save_file(original, folder / "prefixed.safetensors")
    save_file(bare, folder / "bare.safetensors")
    save_file(own, folder / "diffusers.safetensors")
    save_file(old, folder / "old.safetensors")
    torch.save({"state_dict": bare | {"loss.logvar": torch.zeros(())}, "epoch": 3}, folder / "bare.ckpt")
    save_file(original | {"model.diffusion_model.out.2.bias": torch.zeros(4)}, folder / "whole.safetensors")
    other.save_pretrained(folder / "folder")
    other.save_pretrained(folder / "model" / "vae")
    names = ("prefixed.safetensors", "bare.safetensors", "diffusers.safetensors", "old.safetensors", "bare.ckpt")
    return {name: folder / name for name in (*names, "whole.safetensors", "folder", "model")}


FORMS = (
    "prefixed.safetensors",
    "bare.safetensors",
    "diffusers.safetensors",
    "old.safetensors",
    "bare.ckpt",
    "whole.safetensors",
    "folder",
    "model",
)


@pytest.fixture(scope="module")
def with_it(tiny_model: Path, forms: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model whose own VAE is the other."""
    model = shutil.copytree(tiny_model, tmp_path_factory.mktemp("with") / "model")
    shutil.rmtree(model / "vae")
    shutil.copytree(forms["folder"], model / "vae")
    return model


@pytest.fixture(scope="module")
def expected_and_base(
    kept: tuple[TorchEngine, ImagesInMemory], tiny_model: Path, with_it: Path
) -> tuple[Pixels, Pixels]:
    made = []
    for model in (with_it, tiny_model):
        events: list[Any] = []
        kept[0].run("job", make_request(model), events.append, CancelToken())
        made.append(pixels(events))
    return made[0], made[1]


@pytest.mark.keeps_engine
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_picture_of_a_model_with_that_vae(
    form: str, run: Run, tiny_model: Path, forms: dict[str, Path], expected_and_base: tuple[Pixels, Pixels]
) -> None:
    assert set(forms) == set(FORMS)
    expected, base = expected_and_base
    assert not np.array_equal(base, expected)
    assert np.array_equal(pixels(run(chosen(tiny_model, forms[form]))), expected)
    assert np.array_equal(pixels(run(make_request(tiny_model))), base)


def test_pictures_are_encoded_with_it_too(
    run: Run, images: ImagesInMemory, tiny_model: Path, forms: dict[str, Path], with_it: Path
) -> None:
    changes = {"image": images.add(a_picture()), "strength": 0.5}
    expected = pixels(run(make_request(with_it, **changes)))
    assert np.array_equal(pixels(run(chosen(tiny_model, forms["bare.ckpt"], **changes))), expected)


def test_it_is_read_once_and_the_previews_colours_stay(
    run: Run, engine: TorchEngine, tiny_model: Path, forms: dict[str, Path]
) -> None:
    request = chosen(tiny_model, forms["bare.safetensors"])
    told = [[event.what for event in run(request) if isinstance(event, Loading)] for _ in range(2)]
    assert [what for what in told[0] if "model" not in what] == ["Reading the VAE “bare”"]
    assert told[1] == []
    model = engine._models.get(request.model)
    with engine._additions.put_on(request, model, lambda _what: None) as worn:
        assert worn.vae is not model.vae
        assert worn.colours is model.colours
        assert worn.latents is model.latents


# -- what is refused ---------------------------------------------------------------------------------------------------


def refusal(run: Run, model: Path, path: Path) -> str:
    end = run(chosen(model, path))[-1]
    assert isinstance(end, Failed), end
    assert (end.field, bool(end.hint)) == ("vae", True), end
    return end.message


def test_strange_files_are_refused_in_words(run: Run, tiny_model: Path, forms: dict[str, Path], tmp_path: Path) -> None:
    state = load_file(forms["diffusers.safetensors"])
    first = "decoder.conv_in.weight"

    def saved(name: str, **changes: torch.Tensor | None) -> Path:
        changed = {key: value for key, value in (state | {first: state[first]} | changes).items() if value is not None}
        save_file(changed, tmp_path / name)
        return tmp_path / name

    whole = forms["diffusers.safetensors"].read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pt").write_bytes(b"<html>")
    torch.save({"x": Path("/")}, tmp_path / "global.ckpt")
    torch.save([1], tmp_path / "list.ckpt")
    save_file({"model.diffusion_model.out.2.bias": torch.zeros(4)}, tmp_path / "unet.safetensors")
    (tmp_path / "empty").mkdir()
    config = json.loads((forms["folder"] / "config.json").read_text())
    for name, changes in (("other_class", {"_class_name": "VQModel"}), ("sdxl", {"scaling_factor": 0.13025})):
        folder = shutil.copytree(forms["folder"], tmp_path / name)
        (folder / "config.json").write_text(json.dumps(config | changes))
    shutil.copytree(forms["folder"], tmp_path / "no_weights", ignore=shutil.ignore_patterns("*.safetensors"))
    sixteen = torch.zeros(state[first].shape[0], 16, 3, 3)
    for path, words in (
        (tmp_path / "cut.safetensors", "incomplete or damaged"),
        (tmp_path / "text.pt", "incomplete or damaged"),
        (tmp_path / "global.ckpt", "wants to do more"),
        (tmp_path / "list.ckpt", "holds no VAE"),
        (tmp_path / "gone.safetensors", "it is not at"),
        (tmp_path / "unet.safetensors", "holds no VAE"),
        (tmp_path / "empty", "config.json is missing"),
        (tmp_path / "other_class", "it is of the kind VQModel"),
        (tmp_path / "sdxl", "The VAE “sdxl” is for SDXL, the model is SD 1.5 or 2."),
        (tmp_path / "no_weights", "it is not at"),
        (saved("part.safetensors", **{"decoder.conv_out.bias": None}), "1 of its"),
        (saved("shape.safetensors", **{"decoder.conv_out.bias": torch.zeros(5)}), "do not have the shapes"),
        (saved("flux.safetensors", **{first: sixteen}), "it decodes 16 channels, the model makes 4"),
        (saved("nan.safetensors", **{first: torch.full_like(state[first], torch.nan)}), "no numbers"),
    ):
        assert words in refusal(run, tiny_model, path), path.name


def test_a_file_for_a_model_with_a_decoder_of_another_kind(
    run: Run, zero_snr_model: Path, forms: dict[str, Path]
) -> None:
    assert "has a decoder of another kind" in refusal(run, zero_snr_model, forms["bare.safetensors"])


@pytest.fixture(scope="module")
def starter_vae(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(STARTER / "vae", tmp_path_factory.mktemp("starter") / "vae")


def test_a_vae_of_another_latent_space_is_found_out_by_trying(run: Run, starter_vae: Path, tmp_path: Path) -> None:
    """With trained weights: the starter's own decoder understands its latents, one whose channels are exchanged does
    not, though it has the same names and shapes, as SDXL's has beside that of SD 1.5."""
    state = load_file(starter_vae / WEIGHTS)
    near, far = (shutil.copytree(starter_vae, tmp_path / name) for name in ("near", "far"))
    save_file({name: value * 1.01 for name, value in state.items()}, near / WEIGHTS)
    first = "decoder.layers.0.weight"
    save_file(state | {first: state[first][:, [1, 2, 3, 0]].contiguous()}, far / WEIGHTS)
    base = pixels(run(make_request(STARTER)))
    changed = pixels(run(chosen(STARTER, near)))
    assert not np.array_equal(changed, base)
    assert float(np.abs(changed.astype(float) - base).mean()) < 20
    assert "is for another kind of model: it does not understand what “Tiny” makes" in refusal(run, STARTER, far)


def test_a_changed_file_is_read_again(run: Run, tiny_model: Path, forms: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(forms["bare.safetensors"], tmp_path))
    first = pixels(run(chosen(tiny_model, path)))
    state = {name: value * 1.05 for name, value in load_file(path).items()}
    save_file(state, path)
    assert not np.array_equal(pixels(run(chosen(tiny_model, path))), first)


def test_another_model_gets_it_anew(run: Run, tiny_model: Path, forms: dict[str, Path], tmp_path: Path) -> None:
    """It was judged beside the first model's own VAE."""
    second = make_tiny_model(tmp_path / "second", channels=9)
    told: list[str] = []
    for model in (tiny_model, second):
        events = run(chosen(model, forms["bare.safetensors"]))
        assert len(pixels(events))
        told += [event.what for event in events if isinstance(event, Loading)]
    assert told.count("Reading the VAE “bare”") == 2

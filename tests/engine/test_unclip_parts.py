"""unCLIP's parts: how pictures are mixed, by what noise is measured, and what a damaged model says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sdstudio.domain.additions import MixedImage
from sdstudio.domain.errors import InvalidRequest, ModelError
from sdstudio.domain.events import Failed
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.embedding_stats import STATS_FILE
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.libraries import UNet2DConditionModel, empty_network, renamed
from sdstudio.engine.load import read_model
from sdstudio.engine.picture_embedding import mixed_embedding
from tests.helpers import model_families as families
from tests.helpers.one_file import UNCLIP, OneFile, make_one_file
from tests.helpers.tiny_models import ImagesInMemory, make_tiny_model
from tests.helpers.unclip_desk import a_picture, a_request, pixels, run
from tests.helpers.unclip_parts import SHIPPED

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Make = Callable[[ModelFamily], OneFile]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[ModelFamily, OneFile]:
    return {family: make_one_file(tmp_path_factory.mktemp("made"), family) for family in UNCLIP}


@pytest.fixture
def make(originals: dict[ModelFamily, OneFile], tmp_path: Path) -> Make:
    """make(family) -> a copy that may be damaged."""

    def make_(family: ModelFamily) -> OneFile:
        original, place = originals[family], tmp_path / "models" / family.name
        shutil.copytree(original.path.parent, place)
        return replace(original, path=place / original.path.name, folder=place / original.folder.name)

    return make_


@pytest.fixture
def pictures() -> ImagesInMemory:
    return ImagesInMemory()


# -- mixing -----------------------------------------------------------------------------------------------------------


def embedding(seed: int, norm: float = 10.0) -> torch.Tensor:
    drawn = torch.randn(1, 768, generator=torch.Generator().manual_seed(seed))
    return drawn * (norm / drawn.norm())


def test_a_mixture_is_as_strong_as_the_pictures_it_is_made_of() -> None:
    mixed = mixed_embedding([embedding(1, 10.0), embedding(2, 20.0)], [1.0, 3.0])
    assert float(mixed.norm()) == pytest.approx(17.5, rel=1e-5)
    plain_mean = (embedding(1, 10.0) + 3 * embedding(2, 20.0)) / 4
    assert float(plain_mean.norm()) < 16


def test_weights_count_against_each_other_alone() -> None:
    pair = [embedding(1), embedding(2)]
    torch.testing.assert_close(mixed_embedding(pair, [1.0, 0.5]), mixed_embedding(pair, [4.0, 2.0]))
    assert torch.equal(mixed_embedding(pair, [0.0, 0.5]), pair[1])
    assert torch.equal(mixed_embedding(pair[:1], [3.0]), pair[0])
    torch.testing.assert_close(mixed_embedding(pair[:1], [-1.0]), -pair[0])


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -1.0]])
def test_weights_that_cancel_out_are_refused(weights: list[float]) -> None:
    with pytest.raises(InvalidRequest, match="cancel each other out") as told:
        mixed_embedding([embedding(1), embedding(1)], weights)
    assert told.value.field == "mix"


# -- real size --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["L", "H"])
def test_the_published_network_is_the_one_that_is_described(kind: str) -> None:
    """Names and shapes of the published checkpoints against those of the shipped configuration; no weights."""
    published = {name: torch.empty(shape, device="meta") for name, shape in families.unclip(kind).items()}
    network, config = empty_network(UNet2DConditionModel, SHIPPED / f"unclip-{kind.lower()}", "unet")
    found = renamed(UNet2DConditionModel, network, config, published)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert {name: tuple(found[name].shape) for name in expected} == expected
    assert expected["class_embedding.linear_1.weight"] == (1280, {"L": 1536, "H": 2048}[kind])


# -- what cannot be ---------------------------------------------------------------------------------------------------


def test_other_models_say_that_they_cannot_mix(tmp_path: Path, pictures: ImagesInMemory) -> None:
    engine = TorchEngine(images=pictures, upscaler=tmp_path / "none", threads=1)
    spec = ModelSpec(name="Plain", path=str(make_tiny_model(tmp_path / "plain")))
    mix = (MixedImage(image=pictures.add(a_picture())),)
    failed = run(engine, a_request(spec, image=pictures.add(a_picture(2)), mix=mix))[-1]
    assert isinstance(failed, Failed) and failed.field == "mix" and "“Plain” cannot mix pictures" in failed.message


def read(one: OneFile, spec: ModelSpec | None = None) -> Any:
    return read_model(spec or one.spec, choose_device(1), one.resources)


@pytest.mark.parametrize("place", [None, ".", "karlo_models", "karlo", "../karlo"])
def test_the_statistics_of_l_are_found_beside_the_file(make: Make, place: str | None) -> None:
    made = make(ModelFamily.UNCLIP_L)
    stats = made.path.parent / STATS_FILE
    mean, std = torch.load(stats, weights_only=True)
    if place is None:
        stats.unlink()
    else:
        target = made.path.parent / place / STATS_FILE
        target.parent.mkdir(exist_ok=True)
        stats.rename(target)
    noise = read(made).parts.noise
    assert noise.measured is (place is not None)
    assert torch.equal(noise.mean, torch.zeros(1, 768) if place is None else mean[None])
    assert torch.equal(noise.std, torch.ones(1, 768) if place is None else std[None])


def test_statistics_within_the_file_are_read_too(make: Make) -> None:
    made = make(ModelFamily.UNCLIP_L)
    (made.path.parent / STATS_FILE).unlink()
    mean, std = torch.randn(1, 768), torch.rand(1, 768)
    more = {"noise_augmentor.data_mean": mean, "noise_augmentor.data_std": std}
    save_file(load_file(made.path) | more, made.path)
    noise = read(made).parts.noise
    assert noise.measured and torch.equal(noise.mean, mean) and torch.equal(noise.std, std)


def test_without_them_noise_is_refused_in_words_and_none_is_not(
    tmp_path: Path, make: Make, pictures: ImagesInMemory
) -> None:
    made = make(ModelFamily.UNCLIP_L)
    (made.path.parent / STATS_FILE).unlink()
    engine = TorchEngine(images=pictures, upscaler=tmp_path / "none", resources=made.resources, threads=1)
    image = pictures.add(a_picture())
    failed = run(engine, a_request(made.spec, image=image, noise_level=1))[-1]
    assert isinstance(failed, Failed) and failed.field == "noise_level" and STATS_FILE in failed.hint
    assert pixels(run(engine, a_request(made.spec, image=image))).std() > 0


def test_h_never_had_any(make: Make) -> None:
    noise = read(make(ModelFamily.UNCLIP_H)).parts.noise
    assert noise.measured and not noise.mean.any() and bool((noise.std == 1).all())


@pytest.mark.parametrize("content", [b"", b"no tensors", "three", "text"])
def test_damaged_statistics_are_said(make: Make, content: bytes | str) -> None:
    made = make(ModelFamily.UNCLIP_L)
    if isinstance(content, bytes):
        (made.path.parent / STATS_FILE).write_bytes(content)
    else:
        three = (torch.zeros(768),) * 3
        torch.save(three if content == "three" else ("a", "b"), made.path.parent / STATS_FILE)
    with pytest.raises(ModelError, match=f"the file {STATS_FILE} cannot be read"):
        read(made)


class Harmful:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("zipped", [True, False])
def test_statistics_that_want_to_run_something_do_not(tmp_path: Path, make: Make, zipped: bool) -> None:
    made, marker = make(ModelFamily.UNCLIP_L), tmp_path / "ran"
    pair = (Harmful(marker), torch.zeros(768))
    torch.save(pair, made.path.parent / STATS_FILE, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ModelError, match=r"wants to do more than hold weights|cannot be read"):
        read(made)
    assert not marker.exists()


def test_statistics_of_another_model_are_said(make: Make) -> None:
    made = make(ModelFamily.UNCLIP_L)
    torch.save((torch.zeros(1024), torch.ones(1024)), made.path.parent / STATS_FILE)
    with pytest.raises(ModelError, match="it belongs to another model"):
        read(made)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda name, value: None if name.startswith("embedder.") else value, "“image_encoder”.*some of its weights"),
        (lambda name, value: None if name.endswith("visual.proj") else value, "“image_encoder”.*some of its weights"),
        (
            lambda name, value: value[:5] if name.endswith("visual.proj") else value,
            "“image_encoder”.*the shapes of its kind",
        ),
        (lambda name, value: None if "label_emb" in name else value, "“unet”.*some of its weights are missing"),
    ],
    ids=["no encoder", "no projection", "cut", "no labels"],
)
def test_a_damaged_part_is_said(make: Make, change: Callable[..., Any], words: str) -> None:
    made = make(ModelFamily.UNCLIP_H)
    state = {name: change(name, value) for name, value in load_file(made.path).items()}
    save_file({name: value.contiguous() for name, value in state.items() if value is not None}, made.path)
    with pytest.raises(ModelError, match=words):
        read(made)


def test_weights_of_another_encoder_are_said(make: Make) -> None:
    made = make(ModelFamily.UNCLIP_H)
    more = {"embedder.model.visual.transformer.resblocks.0.ls_1.gamma": torch.ones(32)}
    save_file(load_file(made.path) | more, made.path)
    with pytest.raises(ModelError, match="“image_encoder” is incomplete or damaged"):
        read(made)


@pytest.mark.parametrize("part", ["image_encoder", "image_normalizer", "image_noising_scheduler"])
def test_a_part_that_a_folder_lacks_is_said(make: Make, part: str) -> None:
    made = make(ModelFamily.UNCLIP_H)
    for file in (made.folder / part).iterdir():
        if file.suffix == ".safetensors" or part == "image_noising_scheduler":
            file.unlink()
    with pytest.raises(ModelError, match=f"“{part}” is incomplete"):
        read(made, made.folder_spec)


def test_a_model_that_needs_a_prior_instead_of_a_picture_is_said(make: Make) -> None:
    """As diffusers' StableUnCLIPPipeline is stored, which draws from a prompt alone."""
    made = make(ModelFamily.UNCLIP_L)
    index = json.loads((made.folder / "model_index.json").read_text())
    del index["image_encoder"]
    prior = {"_class_name": "StableUnCLIPPipeline", "prior": ["diffusers", "PriorTransformer"]}
    (made.folder / "model_index.json").write_text(json.dumps(index | prior))
    shutil.rmtree(made.folder / "image_encoder")
    with pytest.raises(ModelError, match="“image_encoder” is incomplete"):
        read(made, made.folder_spec)


def test_an_encoder_of_the_other_kind_does_not_fit(tmp_path: Path, make: Make) -> None:
    large, small = (make(family) for family in UNCLIP)
    (small.folder / "image_encoder").rename(tmp_path / "aside")
    (large.folder / "image_encoder").rename(small.folder / "image_encoder")
    with pytest.raises(ModelError, match="do not fit together"):
        read(small, small.folder_spec)


@pytest.mark.parametrize("family", UNCLIP)
def test_a_folder_is_known_as_what_it_is(make: Make, family: ModelFamily) -> None:
    made = make(family)
    assert read(made, made.folder_spec).family is read(made).family is family

"""A picture's words find its model: by hashes of every kind, by names as other programs write them, by likeness."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.model_match import find_model, guessed_family, nearest, plain_digest, plain_name
from sdstudio.app.model_missing import MissingModel
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import FileHashes, ModelFamily, ModelFile, SideCar
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import FolderKind, FoundFolder
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.storage import catalog as catalog_module
from sdstudio.storage.model_hashes import old_hash
from sdstudio.storage.model_shelf import found_model
from tests.helpers import model_families as families
from tests.helpers.app_fixtures import make_request
from tests.helpers.model_files import write_safetensors

SHA = "0123456789abcdef" * 4


def info(name: str, family: ModelFamily | None = ModelFamily.SD1, digest: str = "") -> ModelInfo:
    return ModelInfo(spec=ModelSpec(name=name, path=f"/m/{name}.safetensors", hash=digest), family=family)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("0123ABCDEF", "0123abcdef"),
        ("81761151", "81761151"),
        (f"sha256:{SHA}", SHA),
        ("0x0123456789", ""),
        ("blake3:0123456789", ""),
        ("", ""),
        ("012345678", ""),
    ],
)
def test_hashes_of_every_kind(text: str, digest: str) -> None:
    assert plain_digest(text) == digest


@pytest.mark.parametrize(
    "text", ["Fine.v2", "fine.v2.safetensors", "sub\\Fine.v2.ckpt", "a/b/FINE.v2.safetensors [0123456789]"]
)
def test_names_as_other_programs_write_them(text: str) -> None:
    assert plain_name(text) == "fine.v2"
    assert find_model(ModelSpec(name=text, path=""), [info("other"), info("Fine.v2")]) == info("Fine.v2")


@pytest.mark.parametrize("digest", [SHA[:10], SHA[:12], SHA, f"sha256:{SHA}", "81761151"])
def test_any_hash_finds_it_wherever_it_lies_and_whatever_it_is_called(digest: str) -> None:
    right, wrong = info("right", digest=SHA[:10]), info("called so", digest="ffffffffff")
    file = ModelFile(path=right.spec.path, name="right", hashes=FileHashes(SHA, "81761151"))
    folders = [FoundFolder(path=Path("/m"), kind=FolderKind.OWN, connected=True, models=(found_model(file, right),))]
    assert find_model(ModelSpec(name="called so", path="", hash=digest), [wrong, right], folders) == right


def test_of_several_copies_the_one_at_the_same_place() -> None:
    first, second = info("first", digest=SHA[:10]), info("second", digest=SHA[:10])
    assert find_model(second.spec, [first, second]) == second
    assert find_model(replace(second.spec, path="/elsewhere"), [first, second]) == first


def test_the_title_beside_a_file_counts_as_its_name() -> None:
    entry = info("wc3")
    file = ModelFile(path=entry.spec.path, name="wc3", side_car=SideCar(title="Watercolour 3"))
    folders = [FoundFolder(path=Path("/m"), kind=FolderKind.OWN, connected=True, models=(found_model(file, entry),))]
    assert find_model(ModelSpec(name="watercolour 3", path=""), [entry], folders) == entry


def test_the_nearest_is_of_the_same_family_and_called_alike() -> None:
    starter = info("Starter", None)
    models = [starter, info("ink"), info("water v2"), info("fill", ModelFamily.SD1_INPAINTING)]
    models += [info("giant", ModelFamily.SDXL), info("polish", ModelFamily.SDXL_REFINER)]
    assert nearest(ModelFamily.SD1, "water v3", models, starter) == models[2]
    assert nearest(ModelFamily.SD1, "water v3", models, models[1]) is models[1], "the chosen one will do"
    assert nearest(ModelFamily.PIX2PIX, "water v3", models, starter) == models[2], "a relative"
    assert nearest(ModelFamily.SDXL, "polisher", models, starter) == models[4], "a refiner draws nothing alone"
    assert nearest(ModelFamily.SD2, "x", models, starter) is None


def test_where_nothing_is_said_name_and_size_tell() -> None:
    small, large = Size(512, 768), Size(1024, 1024)
    assert guessed_family("dream", small) is ModelFamily.SD1
    assert guessed_family("dream", large) is guessed_family("dreamXL", small) is ModelFamily.SDXL
    assert guessed_family("v2-1_768-ema-pruned", small) is ModelFamily.SD2_V
    assert guessed_family("v2-base", small) is ModelFamily.SD2


# -- restored ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def stocked(context: AppContext, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> AppContext:
    monkeypatch.setattr(catalog_module, "HASHED_AT_ONCE", 0)
    write_safetensors(context.paths.models / "ink.safetensors", families.small_sd(1))
    two = write_safetensors(context.paths.models / "two.safetensors", families.small_sd(2))
    with two.open("r+b") as file:
        file.seek(0x100000)
        file.write(b"weights of its own")
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()
    return context


def made_with(model: ModelSpec) -> GenerationRequest:
    return replace(make_request(seed=5), model=model)


def test_a_model_that_is_here_is_chosen_without_a_word(stocked: AppContext, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(stocked.models.missing.missing):
        stocked.models.missing.restore(made_with(ModelSpec(name="old/Ink.ckpt", path="")))
    assert stocked.session.model.name == "ink" and stocked.session.state.seed == 5


def test_an_old_hash_is_looked_for_in_the_files(stocked: AppContext, qtbot: QtBot) -> None:
    path = stocked.paths.models / "two.safetensors"
    digest = old_hash(path)
    assert digest == hashlib.sha256(path.read_bytes()[0x100000:0x110000]).hexdigest()[:8]
    stocked.models.missing.restore(made_with(ModelSpec(name="Renamed since", path="", hash=digest)))
    qtbot.waitUntil(lambda: stocked.session.model.name == "two")
    assert stocked.session.state.seed == 5


@pytest.mark.parametrize("digest", ["", "ffffffff", "ffffffffff"])
def test_of_one_that_is_not_here_the_nearest_is_told(stocked: AppContext, qtbot: QtBot, digest: str) -> None:
    model = ModelSpec(name="Gone", path="/gone", hash=digest, family=ModelFamily.SD1.value)
    with qtbot.waitSignal(stocked.models.missing.missing) as told:
        stocked.models.missing.restore(made_with(model))
    missing: MissingModel = told.args[0]
    assert missing.other is not None
    assert (missing.name, missing.chosen.name, missing.other.name) == ("Gone", "Starter", "ink")
    assert missing.kin == "SD 1.5"
    assert stocked.session.model.name == "Starter" and stocked.session.state.seed == 5


def test_what_is_only_guessed_is_not_called_kin(stocked: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(stocked.models.missing.missing) as told:
        stocked.models.missing.restore(made_with(ModelSpec(name="Gone", path="")))
    assert told.args[0].other.name == "ink" and told.args[0].kin == ""

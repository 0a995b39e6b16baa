"""Folders added and taken off, the model for the start, and what a model predicts said by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from sdstudio.app.context import AppContext
from sdstudio.app.model_list import ModelListModel, ModelListRole, ModelRow
from sdstudio.domain.model_file import ModelFile, ModelRole, Prediction, Verdict
from sdstudio.domain.models_found import FolderKind, FoundFolder
from sdstudio.storage.model_shelf import found_model
from tests.helpers import model_families as families
from tests.helpers.app_fixtures import MakeContext
from tests.helpers.model_files import write_safetensors


def refresh(context: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()


def test_a_folder_is_added_once_and_taken_off_with_its_files_left(
    context: AppContext, tmp_path: Path, qtbot: QtBot
) -> None:
    file = write_safetensors(tmp_path / "mine" / "a.safetensors", families.small_sd(1))
    with qtbot.waitSignal(context.catalog.refreshed):
        context.models.add_folder(file.parent)
    context.models.add_folder(file.parent)
    context.models.add_folder(context.paths.models)
    assert context.settings.settings.model_folders == (str(file.parent),)
    assert [folder.kind for folder in context.models.folders] == list(FolderKind)
    with qtbot.waitSignal(context.catalog.refreshed):
        context.models.remove_folder(file.parent)
    assert context.settings.settings.model_folders == () and file.exists()
    assert [info.name for info in context.catalog.infos] == ["Starter"]


def test_the_chosen_start_goes_before_the_last_session(make_context: MakeContext, qtbot: QtBot) -> None:
    first = make_context()
    a = write_safetensors(first.paths.models / "a.safetensors", families.small_sd(1))
    write_safetensors(first.paths.models / "b.safetensors", families.small_sd(2), metadata={"prediction_type": "v"})
    refresh(first, qtbot)
    infos = {info.name: info for info in first.catalog.infos}
    first.models.use(infos["b"])
    first.models.set_default(str(a))
    first.close()
    second = make_context()
    refresh(second, qtbot)
    state = second.session.state
    assert (second.session.model.name, state.width, state.height) == ("a", 512, 512)
    second.models.use(infos["b"])
    second.session.update(width=640)
    second.models.set_default("")
    second.close()
    third = make_context()
    refresh(third, qtbot)
    assert (third.session.model.name, third.session.state.width) == ("b", 640)


def test_a_start_that_is_gone_leaves_the_last_sessions_model(make_context: MakeContext, qtbot: QtBot) -> None:
    first = make_context()
    path = write_safetensors(first.paths.models / "a.safetensors", families.small_sd(1))
    refresh(first, qtbot)
    first.models.use(first.catalog.infos[1])
    first.models.set_default(str(path.with_name("gone.safetensors")))
    first.close()
    second = make_context()
    refresh(second, qtbot)
    assert second.session.model.name == "a"


def test_the_same_model_at_the_start_keeps_its_settings(make_context: MakeContext, qtbot: QtBot) -> None:
    first = make_context()
    path = write_safetensors(first.paths.models / "a.safetensors", families.small_sd(1))
    refresh(first, qtbot)
    first.models.use(first.catalog.infos[1])
    first.session.update(width=640, steps=11)
    first.models.set_default(str(path))
    first.close()
    second = make_context()
    refresh(second, qtbot)
    assert (second.session.model.name, second.session.state.width, second.session.state.steps) == ("a", 640, 11)


def test_another_model_that_was_chosen_meanwhile_stays(make_context: MakeContext, qtbot: QtBot) -> None:
    first = make_context()
    path = write_safetensors(first.paths.models / "a.safetensors", families.small_sd(1))
    first.models.set_default(str(path))
    first.close()
    second = make_context()
    second.models.use(second.catalog.infos[0])
    refresh(second, qtbot)
    assert second.session.model.name == "Starter"


def test_what_a_model_predicts_can_be_said(context: AppContext, qtbot: QtBot) -> None:
    path = write_safetensors(context.paths.models / "two.safetensors", families.small_sd(2))
    refresh(context, qtbot)
    context.models.use(context.catalog.infos[1])
    assert context.session.model.spec.prediction == "unknown"
    with qtbot.waitSignal(context.session.model_changed):
        context.models.choose_prediction(str(path), Prediction.V)
    assert (context.session.model.badge, context.session.model.spec.prediction) == ("SD 2 v", "v")


def test_a_hash_that_is_asked_for_becomes_known(context: AppContext, qtbot: QtBot) -> None:
    path = write_safetensors(context.paths.models / "ink.safetensors", families.lora(768))
    refresh(context, qtbot)
    assert context.models.folders[1].models[0].file.hashes is None
    with qtbot.waitSignal(context.catalog.folders_changed):
        context.models.ask_hash(str(path))
    assert context.models.folders[1].models[0].file.hashes is not None


# -- the list ---------------------------------------------------------------------------------------------------------


def folder(name: str, *files: ModelFile) -> FoundFolder:
    models = tuple(found_model(file, None) for file in files)
    return FoundFolder(path=Path(f"/{name}"), kind=FolderKind.ADDED, connected=True, models=models)


def file(name: str, **more: object) -> ModelFile:
    return ModelFile(path=f"/x/{name}.safetensors", name=name, role=ModelRole.LORA, **more)  # type: ignore[arg-type]


EVIL = file("evil", verdict=Verdict.UNSAFE, reason="a pickle that wants os.system, builtins.eval: refused")


def titles(model: ModelListModel) -> list[str]:
    return [str(model.index(row).data()) for row in range(model.rowCount())]


def test_the_list_shows_folders_filters_and_keeps_order(qapp: object, qtmodeltester: ModelTester) -> None:
    model = ModelListModel()
    model.set_folders((folder("one", file("Ink wash", kind="kohya"), EVIL), folder("two", file("neon", kind="LoHa"))))
    qtmodeltester.check(model)
    assert titles(model) == ["Ink wash", "neon", "evil.safetensors"], "what is refused comes last"
    assert [model.is_tall(row) for row in range(3)] == [False, False, True]
    model.set_filter("  lora KOHYA ")
    assert (titles(model), model.filtered, model.whole) == (["Ink wash"], True, 3)
    model.set_filter("refused")
    assert titles(model) == ["evil.safetensors"]
    model.set_filter("")
    model.set_folder("/two")
    assert titles(model) == ["neon"] and model.row_of("/x/neon.safetensors") == 0
    assert model.row_of("/x/evil.safetensors") == -1


def test_a_refused_row_says_what_it_wants_and_what_to_do(qapp: object) -> None:
    model = ModelListModel()
    model.set_folders((folder("one", EVIL),))
    row: ModelRow = model.index(0).data(ModelListRole.ROW)
    assert row.reason is not None and not row.can_use
    assert row.reason.title == "Refused: this file would run a program when opened."
    assert row.reason.text.startswith("It asks for os.system, builtins.eval. Nothing in it was run. Get the same model")


def test_ten_thousand_rows_are_filtered_without_making_their_words(qapp: object) -> None:
    model = ModelListModel()
    model.set_folders((folder("one", *(file(f"model {number:05}") for number in range(10_000))),))
    assert model.rowCount() == 10_000
    model.set_filter("model 0999")
    assert len(titles(model)) == 11
    assert len(model._rows) == 0, "words are made for rows that are looked at"


@pytest.mark.parametrize(
    ("reason", "title", "says"),
    [
        ("a link to /d/gone.sft, which is not there", "This link leads nowhere.", "/d/gone.sft is not there. Look"),
        (
            "a link to /d/far/x.sft: add the folder /d/far",
            "Not followed: this is a link to elsewhere.",
            "It leads to x.sft, out of the folders in this list. To use it, add the folder /d/far.",
        ),
        ("a link that leads in a circle", "This link leads in a circle.", "It leads to itself"),
    ],
)
def test_a_link_that_is_not_followed_says_why(qapp: object, reason: str, title: str, says: str) -> None:
    model = ModelListModel()
    link = file("link", verdict=Verdict.UNREACHABLE, reason=reason)
    part = replace(link, name="turbo 1.5", path="/x/4f2a.c0", reason=f"unet/a.safetensors: {reason}")
    shut = file("shut", verdict=Verdict.UNREACHABLE, reason="cannot be opened: Permission denied")
    model.set_folders((folder("one", link, part, shut),))
    rows: list[ModelRow] = [model.index(model.row_of(path.path)).data(ModelListRole.ROW) for path in (link, part, shut)]
    assert [row.title for row in rows] == ["link.safetensors", "turbo 1.5", "shut.safetensors"]
    assert [row.second for row in rows] == ["link", "", ""], "nothing of them is known to be empty"
    told = rows[0].reason
    assert told is not None and told.title == title and told.text.startswith(says)
    assert rows[1].reason is not None and "part of it is a link" in rows[1].reason.title
    assert rows[2].reason is not None and rows[2].reason.title == "This file cannot be read."

"""Single files in the list of models, and what becomes known of the chosen one while it is in use."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from sdstudio.app.catalog_model import CatalogModel, CatalogRole
from sdstudio.app.context import AppContext
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.model_file import Prediction
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import ModelsFound
from sdstudio.storage import catalog as catalog_module
from sdstudio.storage import model_hashes
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_predictions import ModelPredictions
from tests.helpers import model_families as families
from tests.helpers.app_fixtures import MakeContext, make_request, write_model
from tests.helpers.model_files import write_safetensors


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "HASHED_AT_ONCE", 0)


def refresh(context: AppContext, qtbot: QtBot) -> None:
    with qtbot.waitSignal(context.catalog.refreshed):
        context.catalog.refresh()


def info_of(context: AppContext, name: str) -> ModelInfo:
    return next(info for info in context.catalog.infos if info.name == name)


def test_models_of_a_kind_come_together(context: AppContext, qtbot: QtBot) -> None:
    models = context.paths.models
    write_safetensors(models / "a.safetensors", families.sd2(), metadata={"modelspec.prediction_type": "v"})
    write_safetensors(models / "b.safetensors", families.sd1())
    write_safetensors(models / "c.safetensors", families.sd2(9))
    write_safetensors(models / "xl.safetensors", families.sdxl())
    write_safetensors(models / "flux.safetensors", {"double_blocks.0.img_attn.qkv.weight": (8, 8)})
    write_model(models / "d", "Dreamy")
    refresh(context, qtbot)
    rows = [context.catalog.index(row) for row in range(context.catalog.rowCount())]
    assert [(row.data(CatalogRole.NAME), row.data(CatalogRole.BADGE)) for row in rows] == [
        ("Starter", "built in"),
        ("b", "SD 1.5"),
        ("Dreamy", "SD 1.5"),
        ("c", "SD 2 inpaint"),
        ("a", "SD 2 v"),
        ("xl", "SDXL"),
    ]


def test_choosing_a_file_brings_the_sizes_of_its_family(context: AppContext, qtbot: QtBot) -> None:
    path = context.paths.models / "a.safetensors"
    write_safetensors(path, families.sd2(), metadata={"modelspec.prediction_type": "v"})
    refresh(context, qtbot)
    context.session.choose_model(info_of(context, "a"))
    state = context.session.state
    assert (state.width, state.height, state.steps, state.guidance_scale) == (768, 768, 25, 7.5)
    model = context.session.draft_request().model
    assert (model.path, model.family, model.prediction) == (str(path), "SD 2.x 768-v", "v")


@pytest.mark.usefixtures("everything_is_large")
def test_the_chosen_model_gets_its_hash_and_no_other(context: AppContext, qtbot: QtBot) -> None:
    path = write_safetensors(context.paths.models / "a.safetensors", families.small_sd(1))
    write_safetensors(context.paths.models / "b.safetensors", families.small_sd(2))
    refresh(context, qtbot)
    assert info_of(context, "a").spec.hash == ""
    context.session.choose_model(info_of(context, "a"))
    context.session.update(steps=31)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    qtbot.waitUntil(lambda: context.session.state.model.hash == digest)
    assert context.session.model.spec.hash == digest and context.session.state.steps == 31
    assert info_of(context, "b").spec.hash == ""


@pytest.mark.usefixtures("everything_is_large")
def test_a_file_that_was_replaced_is_hashed_again(context: AppContext, qtbot: QtBot) -> None:
    path = context.paths.models / "a.safetensors"
    for count in (1, 2):
        write_safetensors(path, families.small_sd(count))
        refresh(context, qtbot)
        context.session.choose_model(info_of(context, "a"))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
        qtbot.waitUntil(lambda digest=digest: context.session.state.model.hash == digest)


@pytest.mark.usefixtures("everything_is_large")
def test_nothing_waits_for_the_hash(context: AppContext, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, threads = threading.Event(), []
    real = model_hashes.hash_file

    def held(*args: object) -> object:
        threads.append(threading.current_thread().name)
        assert gate.wait(20)
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(model_hashes, "hash_file", held)
    write_safetensors(context.paths.models / "a.safetensors", families.small_sd(1))
    refresh(context, qtbot)
    context.session.choose_model(info_of(context, "a"))
    qtbot.waitUntil(lambda: bool(threads))
    refresh(context, qtbot)
    assert context.session.draft_request().model.hash == ""
    gate.set()
    qtbot.waitUntil(lambda: context.session.state.model.hash != "")
    assert threads == ["model hashes"]


def test_what_the_engine_found_out_reaches_the_list(ready_context: AppContext, qtbot: QtBot) -> None:
    context = ready_context
    path = write_safetensors(context.paths.models / "a.safetensors", families.sd2())
    refresh(context, qtbot)
    context.session.choose_model(info_of(context, "a"))
    context.session.update(width=640)
    assert (context.session.model.badge, context.session.model.spec.prediction) == ("SD 2", "unknown")
    ModelPredictions(ModelIndex(context.paths.model_index)).keep(str(path), Prediction.V)
    with qtbot.waitSignals([context.queue.job_ended, context.session.model_changed]):
        context.queue.add(make_request())
    assert (context.session.model.badge, context.session.model.spec.prediction) == ("SD 2 v", "v")
    assert context.session.state.width == 640


def test_a_model_of_the_last_session_is_still_awaited(make_context: MakeContext, tmp_path: Path, qtbot: QtBot) -> None:
    context = make_context()
    gone = {"name": "Gone", "path": str(tmp_path / "gone.safetensors")}
    context.session.from_dict({"state": context.session.to_dict()["state"] | {"model": gone}})
    context.session.follow_model()
    assert context.session.to_dict()["state"]["model"]["name"] == "Gone"


def test_a_chosen_file_that_was_replaced_stays_chosen_though_its_old_weights_are_elsewhere(
    context: AppContext, qtbot: QtBot
) -> None:
    models = context.paths.models
    chosen = write_safetensors(models / "merge.safetensors", families.small_sd(1))
    shutil.copyfile(chosen, models / "backup.safetensors")
    refresh(context, qtbot)
    context.session.choose_model(info_of(context, "merge"))
    before = context.session.to_dict()
    assert context.session.state.model.hash
    write_safetensors(chosen, families.small_sd(2), metadata={"modelspec.prediction_type": "v"})
    refresh(context, qtbot)
    assert (context.session.model.name, context.session.model.badge) == ("merge", "SD 2 v")
    context.session.from_dict(before)
    assert context.session.model.name == "merge"
    chosen.unlink()
    refresh(context, qtbot)
    context.session.from_dict(before)
    assert context.session.model.name == "backup"


def test_the_look_is_not_in_the_windows_thread(qapp: object, io: IoWorker, qtbot: QtBot) -> None:
    threads: list[bool] = []

    def look() -> ModelsFound:
        threads.append(QThread.currentThread() is catalog.thread())
        return ModelsFound()

    catalog = CatalogModel([], look, io)
    with qtbot.waitSignal(catalog.refreshed):
        catalog.refresh()
    assert threads == [False]

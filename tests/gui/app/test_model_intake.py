"""Copies and conversions of models: in another thread, with progress, and stopped without a trace."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from sdstudio.app import model_intake
from sdstudio.app.model_intake import IntakeProgress, ModelIntake
from sdstudio.domain.errors import StorageError, UnreadableFile
from sdstudio.storage.recognise.recogniser import recognise
from tests.helpers import model_families as families
from tests.helpers.model_files import write_checkpoint, write_safetensors


@pytest.fixture
def intake(qapp: object, tmp_path: Path) -> Iterator[ModelIntake]:
    intake = ModelIntake(tmp_path / "models")
    yield intake
    assert intake.close(5000)


def test_a_copy_tells_how_far_it_is_and_where_it_went(intake: ModelIntake, tmp_path: Path, qtbot: QtBot) -> None:
    source = write_safetensors(tmp_path / "down" / "fine.safetensors", families.small_sd(1))
    seen: list[IntakeProgress] = []
    intake.progress.connect(seen.append)
    with qtbot.waitSignal(intake.made) as made:
        intake.copy([source])
        assert intake.busy
    assert made.args == [(tmp_path / "models" / "fine.safetensors",)]
    assert not intake.busy
    assert seen[0] == IntakeProgress(words="Copying “fine.safetensors”")
    assert seen[-1].done == seen[-1].whole == source.stat().st_size


def test_the_work_is_not_in_the_windows_thread_and_one_at_a_time(
    intake: ModelIntake, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, threads = threading.Event(), []

    def held(sources: object, target: object, progress: object) -> list[Path]:
        threads.append(QThread.currentThread() is intake.thread())
        assert gate.wait(20)
        return []

    monkeypatch.setattr(model_intake, "copy_models", held)
    with qtbot.waitSignal(intake.made):
        intake.copy([tmp_path / "a.safetensors"])
        intake.copy([tmp_path / "b.safetensors"])
        gate.set()
    assert threads == [False]


def test_a_copy_can_be_stopped(intake: ModelIntake, tmp_path: Path, qtbot: QtBot) -> None:
    source = write_safetensors(tmp_path / "down" / "large.safetensors", families.sd1())
    with qtbot.waitSignal(intake.stopped):
        intake.copy([source])
        intake.cancel()
    assert list((tmp_path / "models").iterdir()) == [] if (tmp_path / "models").exists() else True
    assert not intake.busy


def test_what_goes_wrong_is_said(intake: ModelIntake, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "models").write_text("in the way")
    source = write_safetensors(tmp_path / "down" / "fine.safetensors", families.lora(768))
    with qtbot.waitSignal(intake.problem) as told:
        intake.copy([source])
    assert isinstance(told.args[0], StorageError)


def test_a_harmless_checkpoint_is_converted_beside_itself(intake: ModelIntake, tmp_path: Path, qtbot: QtBot) -> None:
    source = write_checkpoint(tmp_path / "old.ckpt", {"a.lora_down.weight": (2, 2), "a.lora_up.weight": (2, 2)})
    with qtbot.waitSignal(intake.made) as made:
        intake.convert(source)
    assert made.args == [(tmp_path / "old.safetensors",)]
    assert recognise(tmp_path / "old.safetensors").layout == "safetensors"
    with qtbot.waitSignal(intake.made) as made:
        intake.convert(source)
    assert made.args == [(tmp_path / "old-2.safetensors",)], "nothing is replaced"


def test_a_conversion_that_is_refused_says_why(intake: ModelIntake, tmp_path: Path, qtbot: QtBot) -> None:
    evil = tmp_path / "evil.ckpt"
    evil.write_bytes(b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00hi\x85R.")
    with qtbot.waitSignal(intake.problem) as told:
        intake.convert(evil)
    assert isinstance(told.args[0], UnreadableFile) and "posix.system" in told.args[0].message

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sdstudio.storage import settings as module
from sdstudio.storage.paths import AppPaths
from sdstudio.storage.settings import Settings, load_settings, save_settings


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "config" / "settings.toml"
    settings = Settings(
        results_folder="C:\\Bilder ü", theme="system", threads=3, model_folders=("/a b", "c"), notify_when_done=False,
        undo_megabytes=1024, mask_colour="#ffd400", mask_opacity=50, keys=(("save", ("F2",)), ("tool_brush", ())),
        pressure_curve=((0.0, 0.1), (0.5, 0.5), (1.0, 1.0)),
    )  # fmt: skip
    save_settings(path, settings)
    assert load_settings(path) == (settings, [])


def test_no_file_means_the_usual_settings(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.toml") == (Settings(), [])


@pytest.mark.parametrize("content", [b"theme = ", b"\xff\xfe\x00", b"a = 1\na = 2"])
def test_a_damaged_file_is_kept_beside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    settings, notes = load_settings(path)
    assert settings == Settings()
    assert len(notes) == 1 and "damaged" in notes[0]
    assert (tmp_path / "settings.toml.bad").read_bytes() == content
    save_settings(path, Settings(threads=2))
    assert load_settings(path) == (Settings(threads=2), [])


@pytest.mark.parametrize(
    "line",
    [
        'theme = "pink"',
        "threads = -1",
        "threads = true",
        'model_folders = "x"',
        "reduce_motion = 1",
        "results_folder = 3",
        "undo_megabytes = 1",
        'mask_colour = "pink"',
        "mask_opacity = 0",
        "pressure_curve = [[0.0, 0.5], [1.0, 0.2]]",
        "pressure_curve = [[0.1, 0.0], [1.0, 1.0]]",
        "pressure_curve = [[0.0, 0.0], [1.0, 2.0]]",
    ],
)
def test_one_bad_value_costs_only_itself(tmp_path: Path, line: str) -> None:
    path = tmp_path / "settings.toml"
    good = "notify_when_done = false\n"
    path.write_text(good + line)
    settings, notes = load_settings(path)
    assert settings == Settings(notify_when_done=False)
    assert line.split(" ")[0] in notes[0]
    assert (tmp_path / "settings.toml.bad").read_text() == good + line


def test_keys_of_a_later_version_survive_saving(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('later = "kept"\n[table]\nx = 1\n')
    settings, notes = load_settings(path)
    assert (settings, notes) == (Settings(), [])
    save_settings(path, Settings(theme="light"))
    text = path.read_text()
    assert 'later = "kept"' in text and "[table]" in text and 'theme = "light"' in text


def test_every_setting_has_a_reader() -> None:
    assert set(module._READERS) | {"schema"} == {field.name for field in fields(Settings)}


def test_one_variable_moves_everything(tmp_path: Path) -> None:
    paths = AppPaths.find({"SDSTUDIO_HOME": str(tmp_path)})
    places = [paths.results, paths.settings_file, paths.session_file, paths.journal, paths.images, paths.models]
    places += [paths.thumbnails, paths.hashes_file, paths.logs]
    assert all(place.is_relative_to(tmp_path) for place in places)
    assert list(tmp_path.iterdir()) == []


def test_a_portable_program_keeps_to_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "environ", {}, raising=True)
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / "sdstudio.exe"))
    (tmp_path / "portable").write_bytes(b"")
    assert AppPaths.find({}).results == tmp_path / "data" / "Pictures"


def test_the_platforms_own_places_are_used_otherwise() -> None:
    paths = AppPaths.find({})
    assert paths.results.name == "SD Studio"
    assert paths.results_folder("") == paths.results
    assert paths.results_folder("/elsewhere") == Path("/elsewhere")

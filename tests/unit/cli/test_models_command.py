"""`sdstudio models`, `models inspect`, `models add`, `convert`, and `generate` with a file that is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from sdstudio.storage.settings import load_settings
from tests.helpers import model_families as families
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Run, desk, run
from tests.helpers.hostile_files import payload
from tests.helpers.model_files import pickled, table, tensor, write_archive, write_folder, write_safetensors

__all__ = ["desk", "run"]

CONTRACT = ("name", "path", "hash", "family", "role", "prediction", "precision", "channels", "refused", "reason")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A LoRA, a checkpoint, a folder and a file that would run a program."""
    place = tmp_path / "my models"
    write_safetensors(place / "lora.safetensors", families.lora(768))
    write_safetensors(place / "big.safetensors", families.sd1())
    epsilon = {"prediction_type": "epsilon"}
    write_folder(place / "diff", config={"in_channels": 9, "cross_attention_dim": 768}, scheduler=epsilon)
    (place / "evil.ckpt").write_bytes(payload(tmp_path / "marker"))
    return place


def test_the_list_holds_the_contract(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("models", "--json", "--folder", folder)
    assert result.code == 0 and result.err == ""
    rows = {row["name"]: row for row in result.json}
    assert sorted(rows) == ["big", "diff", "evil", "lora"]
    assert all(key in row for row in rows.values() for key in CONTRACT)
    assert {key: rows["big"][key] for key in CONTRACT} == {
        "name": "big",
        "path": str(folder / "big.safetensors"),
        "hash": None,
        "family": "SD 1.x",
        "role": "checkpoint",
        "prediction": "epsilon",
        "precision": "fp16",
        "channels": 4,
        "refused": False,
        "reason": None,
    }
    assert (rows["diff"]["family"], rows["diff"]["channels"]) == ("SD 1.x inpainting", 9)
    assert rows["evil"]["refused"] and rows["evil"]["reason"] == "a pickle that wants os.mkdir: refused"
    assert not (tmp_path / "marker").exists()


def test_several_folders_and_none(run: Run, folder: Path, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "more" / "x.safetensors", families.lora(2048))
    rows = run("models", "--folder", folder, tmp_path / "more", "--json").json
    assert len(rows) == 5 and rows[-1]["family"] == "SDXL"
    result = run("models", "--folder", tmp_path / "none")
    assert result.code == 2 and "--folder" in result.err and "none" in result.err


def test_the_list_of_the_added_folders(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    write_safetensors(desk.paths.models / "lora.safetensors", families.lora(768))
    first, second = run("models", "--json").json
    assert (first["name"], first["built_in"], first["steps"]) == ("Starter", True, 4) and len(first["hash"]) == 10
    assert (second["name"], second["role"], second["built_in"], second["steps"]) == ("lora", "lora", False, None)
    assert first.keys() == second.keys()
    text = run("models").out
    assert "a LoRA for SD 1.x (kohya)" in text and "Starter" in text


def test_inspect_answers_before_anything_is_hashed(run: Run, folder: Path) -> None:
    path = folder / "lora.safetensors"
    (row,) = run("models", "inspect", path, "--json").json
    assert (row["hash"], row["sha256"], row["role"], row["kind"]) == (None, None, "lora", "kohya")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    (row,) = run("models", "inspect", path, "--json", "--hash").json
    assert (row["hash"], row["sha256"]) == (sha256[:10], sha256)
    (row,) = run("models", "--json", "inspect", path).json
    assert row["sha256"] == sha256
    assert sha256 in run("models", "inspect", path).out


def test_inspect_says_how_it_knows(run: Run, folder: Path) -> None:
    (row,) = run("models", "inspect", folder / "big.safetensors", "--json").json
    assert (row["evidence"], row["resolution"], row["ema"]) == ("usual for the family", 512, False)
    assert row["parameters"] == 1_066_236_384 and row["parts"] == ["unet", "vae", "text encoder"]
    text = run("models", "inspect", folder / "big.safetensors").out
    assert "prediction: epsilon (usual for the family)" in text and "1,066,236,384" in text
    (row,) = run("models", "inspect", folder / "diff", "--json").json
    assert (row["layout"], row["evidence"]) == ("diffusers", "scheduler config")


def test_a_refused_file_is_an_answer_not_an_error(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("models", "inspect", folder / "evil.ckpt", "--json", "--hash")
    assert result.code == 0
    assert (result.json[0]["refused"], result.json[0]["verdict"]) == (True, "unsafe")
    assert result.json[0]["reason"] == "a pickle that wants os.mkdir: refused"
    assert "refused: a pickle that wants os.mkdir" in run("models", "inspect", folder / "evil.ckpt").out
    missing = run("models", "inspect", tmp_path / "missing.ckpt", "--json")
    assert missing.code == 2 and missing.out == "" and "missing.ckpt" in missing.err
    assert not (tmp_path / "marker").exists()


def test_add_keeps_the_folder_in_the_settings(run: Run, desk: CliDesk, folder: Path) -> None:
    (row,) = run("models", "add", folder, "--json").json
    assert row == {"folder": str(folder), "usable": 3, "refused": 1}
    assert run("models", "add", folder).code == 0
    settings, notes = load_settings(desk.paths.settings_file)
    assert settings.model_folders == (str(folder),) and notes == []
    wrong = run("models", "add", folder / "lora.safetensors")
    assert wrong.code == 2 and "There is no folder" in wrong.err


def test_generate_says_that_a_file_is_not_there(run: Run, tmp_path: Path) -> None:
    result = run("generate", "a", "--model", tmp_path / "none.safetensors")
    assert result.code == 2 and f"--model: There is no such file: “{tmp_path / 'none.safetensors'}”." in result.err
    assert "There are" not in result.err and "There are: Starter" in run("generate", "a", "--model", "none").err


@pytest.mark.parametrize("by", ["path", "name", "file"])
def test_generate_refuses_with_the_reason(run: Run, desk: CliDesk, tmp_path: Path, by: str) -> None:
    path = desk.paths.models / "evil.ckpt"
    path.parent.mkdir(parents=True)
    path.write_bytes(payload(tmp_path / "marker"))
    result = run("generate", "a", "--model", {"path": path, "name": "Evil", "file": "evil.ckpt"}[by])
    assert result.code == 2 and result.out == "" and desk.made == 0
    assert "a pickle that wants os.mkdir" in result.err and "Nothing in it was run." in result.err
    assert not (tmp_path / "marker").exists()


def test_generate_says_what_a_part_is(run: Run, folder: Path) -> None:
    result = run("generate", "a", "--model", folder / "lora.safetensors")
    assert result.code == 2 and "a LoRA for SD 1.x (kohya), which draws nothing alone" in result.err


def checkpoint(path: Path) -> Path:
    weights = tensor("0", 768, (1, 768), (768, 1), "F16")
    return write_archive(path, pickled(table({"string_to_param": table({"*": weights})})), {"0": bytes(1536)})


def test_convert(run: Run, tmp_path: Path) -> None:
    source, target = checkpoint(tmp_path / "old.pt"), tmp_path / "new.safetensors"
    (row,) = run("convert", source, "--out", target, "--json").json
    assert row == {
        "file": str(source),
        "out": str(target),
        "tensors": 1,
        "bytes": target.stat().st_size,
        "family": "SD 1.x",
        "role": "textual inversion",
    }
    assert run("convert", source, "--out", target).out.startswith(str(tmp_path / "new-2.safetensors"))


def test_convert_refuses(run: Run, folder: Path, tmp_path: Path) -> None:
    result = run("convert", folder / "evil.ckpt", "--out", tmp_path / "a.safetensors", "--json")
    assert result.code == 2 and result.out == "" and "os.mkdir" in result.err
    result = run("convert", checkpoint(tmp_path / "old.pt"), "--out", tmp_path / "a.ckpt")
    assert result.code == 2 and "--out" in result.err and not (tmp_path / "a.ckpt").exists()
    assert run("convert", tmp_path / "old.pt").code == 2
    assert not (tmp_path / "marker").exists()


def test_a_row_with_an_odd_name_is_json(run: Run, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "m" / "naïve “モデル”.safetensors", families.lora(768))
    (row,) = run("models", "--folder", tmp_path / "m", "--json").json
    assert json.dumps(row) and row["name"] == "naïve “モデル”"

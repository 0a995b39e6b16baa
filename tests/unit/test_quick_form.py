"""A model's own form for few steps: read from its card, asked for on the command line, kept in the picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.models import QuickPreset
from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.hashes import sha256_of
from sdstudio.storage.model_card import read_quick
from sdstudio.storage.pictures import read_texts
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Run, desk, run
from tests.helpers.model_files import write_safetensors

__all__ = ["desk", "run"]

TABLE = {"steps": 4, "guidance_scale": 1, "sampler": "ddim", "lora": "few_steps.safetensors"}
SHAPES = {"lora_unet_conv_in.lora_down.weight": (2, 4, 3, 3), "lora_unet_conv_in.lora_up.weight": (8, 2, 1, 1)}
CARD = """---
sdstudio:
  {name: Starter, steps: 20, guidance_scale: 3.5, sampler: UniPC, size: 64x72,
   quick: {steps: 4, guidance_scale: 1, sampler: DDIM, lora: few_steps.safetensors}}
---
"""


def with_quick(desk: CliDesk) -> Path:
    """Gives the desk's model a form for few steps; returns its LoRA."""
    desk.services  # noqa: B018 (makes the model's folder)
    lora = desk.folder / "starter" / "few_steps.safetensors"
    return write_safetensors(lora, SHAPES)


@pytest.fixture
def lora(desk: CliDesk, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tests.helpers.cli_desk.CARD", CARD)
    return with_quick(desk)


def request_of(picture: str) -> GenerationRequest:
    record = read_metadata(read_texts(Path(picture))).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    return record.request


def test_the_card_tells_of_it(tmp_path: Path) -> None:
    (tmp_path / "few_steps.safetensors").touch()
    quick = read_quick({"quick": TABLE}, tmp_path)
    path = str(tmp_path / "few_steps.safetensors")
    lora = LoraUse(name="few_steps", path=path)
    assert quick == QuickPreset(steps=4, guidance_scale=1.0, sampler="DDIM", lora=lora)
    assert quick is not None and quick.lora.path == path


@pytest.mark.parametrize(
    "table",
    [
        None,
        {},
        "four",
        TABLE | {"steps": 0},
        TABLE | {"sampler": "best"},
        TABLE | {"lora": 4},
        TABLE | {"lora": "gone.safetensors"},
        TABLE | {"lora": "../outside.safetensors"},
        TABLE | {"lora": "few_steps.ckpt"},
        {key: value for key, value in TABLE.items() if key != "guidance_scale"},
    ],
)
def test_half_a_table_and_files_elsewhere_count_for_nothing(table: object, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (folder / "few_steps.safetensors", folder / "few_steps.ckpt", tmp_path / "outside.safetensors"):
        path.touch()
    assert read_quick({"quick": table}, folder) is None


def test_it_is_found_among_a_requests_loras() -> None:
    own = LoraUse(name="few", path="/here/few.safetensors", hash="0123456789")
    quick = QuickPreset(steps=4, guidance_scale=1.0, sampler="DDIM", lora=own)
    elsewhere = LoraUse(name="few", path="/there/few.safetensors", hash="0123456789")
    unknown = LoraUse(name="few", path="")
    assert quick.find_in([LoraUse(name="glow", path="/glow"), elsewhere]) is elsewhere
    assert quick.find_in([unknown]) is unknown
    others = [LoraUse(name="few", path="", hash="abcdefabcd"), LoraUse(name="few", path="", weight=0.5)]
    assert quick.find_in(others) is None


def test_quick_takes_its_settings_and_wears_its_lora(run: Run, desk: CliDesk, lora: Path, tmp_path: Path) -> None:
    (quick,) = run("generate", "an apple", "--quick", "--seed", 3, "--out", tmp_path / "out", "--json").json
    request = request_of(quick["image"])
    assert quick["steps"] == 4
    assert (request.sampling.guidance_scale, request.sampling.sampler) == (1.0, "DDIM")
    assert request.loras == (LoraUse(name="few_steps", path="", hash=sha256_of(lora)[:10]),)
    (asked,) = (job for job in desk.engine.requests if isinstance(job, GenerationRequest))
    assert Path(asked.loras[0].path).samefile(lora)
    assert request.prompt.positive == "an apple"


def test_without_it_nothing_changes_and_what_is_said_counts_more(run: Run, lora: Path, tmp_path: Path) -> None:
    (plain,) = run("generate", "an apple", "--out", tmp_path / "out", "--json").json
    assert plain["steps"] == 20 and request_of(plain["image"]).loras == ()
    (longer,) = run("generate", "an apple", "--quick", "--steps", 8, "--out", tmp_path / "out", "--json").json
    request = request_of(longer["image"])
    assert longer["steps"] == 8 and request.sampling.sampler == "DDIM" and len(request.loras) == 1


@pytest.mark.parametrize(("words", "said"), [((), False), (("--steps", 4), False), (("--steps", 30), True)])
def test_other_steps_than_it_was_made_for_are_said_and_done(
    run: Run, lora: Path, tmp_path: Path, words: tuple[object, ...], said: bool
) -> None:
    result = run("generate", "an apple", "--quick", *words, "--out", tmp_path / "out")
    assert result.code == 0 and ("was trained for 4 steps: with 30," in result.err) == said


def test_a_users_lora_is_worn_beside_it_and_its_own_never_twice(run: Run, lora: Path, tmp_path: Path) -> None:
    glow = write_safetensors(tmp_path / "glow.safetensors", SHAPES)
    words = ("generate", "an apple", "--quick", "--lora", f"{glow}:0.5", "--lora", lora)
    (picture,) = run(*words, "--out", tmp_path / "out", "--json").json
    assert [(use.name, use.weight) for use in request_of(picture["image"]).loras] == [("few_steps", 1), ("glow", 0.5)]


def test_a_model_without_it_says_so(run: Run, tmp_path: Path) -> None:
    result = run("generate", "an apple", "--quick", "--out", tmp_path / "out")
    assert result.code == 2 and "argument --quick: “Starter” has no form for few steps." in result.err
    assert not (tmp_path / "out").exists()

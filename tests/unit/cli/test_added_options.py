"""LoRAs, embeddings, VAE and refiner on the command line; what a family cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdstudio.domain.request import GenerationRequest
from sdstudio.storage.pictures import read_texts
from tests.helpers import model_families as families
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Run, desk, run
from tests.helpers.model_files import write_safetensors
from tests.helpers.model_shapes import vae

__all__ = ["desk", "run"]


@pytest.fixture
def models(desk: CliDesk) -> Path:
    """Two SD 1 checkpoints and what can be added to them, and not."""
    folder = desk.paths.models
    write_safetensors(folder / "dreamy.safetensors", families.small_sd(1))
    write_safetensors(folder / "sketchy.safetensors", families.small_sd(2), metadata={"modelspec.prediction_type": "v"})
    for name, shapes in {
        "ink_v2": families.lora(768),
        "glow": families.lora(768, kind="LoHa"),
        "crystal": families.lora(2048),
    }.items():
        write_safetensors(folder / "loras" / f"{name}.safetensors", shapes)
    (folder / "loras" / "ink_v2.civitai.info").write_text(json.dumps({"model": {"name": "Ink & brush"}}))
    write_safetensors(folder / "embeddings" / "badhands.safetensors", {"emb_params": (2, 768)}, "F32")
    write_safetensors(folder / "VAE" / "clear.safetensors", vae(width=8))
    (folder / "loras" / "half.safetensors").write_bytes(b"\x20\x00\x00\x00\x00\x00\x00\x00{")
    return folder


def asked(desk: CliDesk) -> GenerationRequest:
    request = desk.engine.requests[-1]
    assert isinstance(request, GenerationRequest)
    return request


def generate(run: Run, desk: CliDesk, *more: object, prompt: str = "a cat") -> object:
    return run(
        "generate", prompt, "--model", "dreamy", "--size", "64x64", "--out", desk.folder / "out", "--json", *more
    )


def test_loras_by_name_title_and_file(run: Run, desk: CliDesk, models: Path) -> None:
    file = models / "loras" / "glow.safetensors"
    result = generate(run, desk, "--lora", "Ink & Brush:0.8", "--lora", f"{file}:-0.5:0.25")
    assert result.code == 0, result.err
    first, second = asked(desk).loras
    assert (first.name, first.weight, first.text_weight) == ("ink_v2", 0.8, None)
    assert (second.path, second.weight, second.text_weight) == (str(file), -0.5, 0.25)
    assert all(len(lora.hash) == 10 for lora in (first, second))


def test_the_prompt_names_a_lora_and_wins(run: Run, desk: CliDesk, models: Path) -> None:
    prompt = "a cat <lora:ink_v2:0.4> sits"
    result = generate(run, desk, "--lora", "ink_v2:0.9", "--lora", "glow", prompt=prompt)
    assert result.code == 0, result.err
    assert [(lora.name, lora.weight) for lora in asked(desk).loras] == [("ink_v2", 0.4), ("glow", 1.0)]
    assert asked(desk).prompt.positive == prompt
    assert "“ink_v2” is in the prompt too" in result.err


def test_the_picture_tells_of_all_without_places(run: Run, desk: CliDesk, models: Path) -> None:
    result = generate(run, desk, "--lora", "ink_v2:0.8", "--vae", "clear", prompt="a cat, badhands")
    picture = Path(result.json[0]["image"])
    texts = read_texts(picture)
    assert all(str(desk.folder) not in text for text in texts.values())
    assert "<lora:ink_v2:0.8>" in texts["parameters"] and "Lora hashes" in texts["parameters"]
    (told,) = run("read", picture, "--json").json
    (lora,) = told["request"]["loras"]
    assert (lora["name"], lora["weight"], len(lora["hash"])) == ("ink_v2", 0.8, 10)
    assert told["request"]["vae"] == "clear"
    assert [file["name"] for file in told["request"]["embeddings"]] == ["badhands"]


def test_embeddings_are_found_by_themselves_and_by_file(run: Run, desk: CliDesk, models: Path, tmp_path: Path) -> None:
    assert generate(run, desk, "--negative", "BadHands", prompt="a cat").code == 0
    assert [file.name for file in asked(desk).embeddings] == ["badhands"]
    other = write_safetensors(tmp_path / "elsewhere" / "goodlight.safetensors", {"emb_params": (1, 768)}, "F32")
    assert generate(run, desk, "--embedding", other, prompt="a cat in goodlight").code == 0
    assert [file.path for file in asked(desk).embeddings] == [str(other)]
    result = generate(run, desk, "--embedding", other, prompt="a cat")
    assert result.code == 2 and "Neither prompt names “goodlight”" in result.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--lora", "ink_v3"], "argument --lora: There is no LoRA “ink_v3”. The nearest name is “ink_v2”."),
        (["--lora", "zebra"], "There is no LoRA “zebra”. There are: glow, ink_v2."),
        (["--lora", "crystal"], "argument --lora: “crystal” is for SDXL, and this model is SD 1.x."),
        (["--lora", "ink_v2:99"], "argument --lora: “ink_v2:99”: Choose a number from -10 to 10."),
        (["--lora", "half"], "There is no LoRA “half”."),
        (["--vae", "nothing"], "argument --vae: There is no VAE “nothing”."),
        (["--refiner", "dreamy"], "argument --refiner: Only SDXL models take a refiner."),
        (["--vae", "/gone/vae.safetensors"], "--vae: There is no such file: “/gone/vae.safetensors”. Look at its name"),
        (["--lora", "/gone/ink_v2.safetensors:0.5"], "--lora: There is no such file: “/gone/ink_v2.safetensors”."),
        (["--lora", "zebra.safetensors"], "--lora: There is no such file: “"),
        (["--embedding", "none"], "argument --embedding: There is no embedding “none”."),
    ],
)
def test_what_is_unknown_or_unfit_is_one_clear_line(
    run: Run, desk: CliDesk, models: Path, words: list[str], told: str
) -> None:
    result = generate(run, desk, *words)
    assert (result.code, result.out) == (2, "") and told in result.err
    assert len(result.err.strip().splitlines()) == 1 and desk.made == 0


def test_files_of_another_kind_are_named(run: Run, desk: CliDesk, models: Path) -> None:
    result = generate(run, desk, "--lora", models / "VAE" / "clear.safetensors")
    assert result.code == 2 and "“clear” is a VAE, not a LoRA." in result.err
    result = generate(run, desk, "--lora", models / "loras" / "half.safetensors")
    assert result.code == 2 and "cannot be used" in result.err


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("<lora:ink_v3>", "argument PROMPT: There is no LoRA “ink_v3”; the nearest name is “ink_v2”."),
        ("<lora:crystal:0.5>", "argument PROMPT: The LoRA “crystal” is for SDXL"),
        ("<lora:glow:much>", "argument PROMPT: The LoRA “glow” in the prompt: “much” is not a weight"),
    ],
)
def test_a_lora_of_the_prompt_that_cannot_be(run: Run, desk: CliDesk, models: Path, prompt: str, told: str) -> None:
    result = generate(run, desk, prompt=prompt)
    assert result.code == 2 and told in result.err and desk.made == 0


def test_the_model_in_the_box_is_not_looked_around_for(run: Run, desk: CliDesk) -> None:
    result = run("generate", "a cat <lora:ink>", "--out", desk.folder / "out")
    assert result.code == 2 and "There is no LoRA “ink”" in result.err
    assert run("generate", "a cat", "--out", desk.folder / "out").code == 0
    assert asked(desk).loras == () and asked(desk).vae is None and asked(desk).noise_level is None


def test_a_family_that_needs_a_picture_says_so(run: Run, desk: CliDesk, models: Path) -> None:
    write_safetensors(models / "edit.safetensors", families.small_sd(1, 8))
    result = run("generate", "a cat", "--model", "edit", "--out", desk.folder / "out")
    assert result.code == 2
    assert "argument --model: This model needs a picture. Give it one: “sdstudio img2img PICTURE”." in result.err


def test_settings_of_families_on_others(run: Run, desk: CliDesk, models: Path) -> None:
    picture = generate(run, desk).json[0]["image"]
    for option, words in (("--noise-level", "Only the x4 upscaler"), ("--image-guidance", "Only models that take")):
        result = run("img2img", picture, "--model", "dreamy", option, "3", "--out", desk.folder / "out")
        assert result.code == 2 and words in result.err


def test_help_names_the_options(run: Run) -> None:
    for command in ("generate", "img2img", "inpaint", "outpaint"):
        shown = run(command, "--help").out
        assert all(option in shown for option in ("--lora", "--embedding", "--vae", "--refiner"))

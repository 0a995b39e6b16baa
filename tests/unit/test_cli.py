from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sdstudio.cli import COMMANDS
from sdstudio.cli import main as cli_main_module
from sdstudio.cli.console import Console
from sdstudio.cli.main import main
from sdstudio.domain.checks import CheckResult
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.image import ImageBuffer
from sdstudio.storage import files
from sdstudio.storage.pictures import encode_png, load_picture, read_texts
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Run, desk, run
from tests.helpers.scripted_engine import plain_picture

__all__ = ["desk", "run"]


def test_the_commands_are_the_modules() -> None:
    assert tuple(cli_main_module._MODULES) == COMMANDS


def test_generate_with_json(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    result = run("generate", "a red apple", "--seed", 2**64 - 1, "--count", 2, "--out", tmp_path / "out", "--json")
    assert (result.code, result.err) == (0, "")
    first, second = result.json
    assert first == {
        "image": first["image"],
        "seed": 2**64 - 1,
        "seconds": 0.25,
        "steps": 4,
        "width": 64,
        "height": 72,
        "model": "Starter",
        "task": "text",
    }
    assert second["seed"] == 0
    assert Path(first["image"]).parent == tmp_path / "out" and os.path.isabs(first["image"])
    record = read_metadata(read_texts(Path(first["image"]))).record
    assert record is not None
    assert record.request.sampling.sampler == "DDIM" and record.request.sampling.guidance_scale == 3.5
    assert list(desk.paths.journal.iterdir()) == []
    assert desk.engine.log[-1] == "close"


def test_generate_for_people_goes_to_the_results_folder_and_tells_the_seed(run: Run, desk: CliDesk) -> None:
    result = run("generate", "")
    assert result.code == 0 and result.err == ""
    (picture,) = desk.paths.results.iterdir()
    record = read_metadata(read_texts(picture)).record
    assert record is not None and record.request.prompt.positive == ""
    assert str(picture) in result.out and str(record.request.sampling.seed) in result.out


def test_words_that_a_small_model_has_not_learnt_are_said_on_stderr(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    desk.services  # noqa: B018 (makes the model's folder)
    table = {"schema": 1, "nouns": [{"name": "apple"}], "other": ["a"]}
    (tmp_path / "starter" / "words.json").write_text(json.dumps(table))
    result = run("generate", "a samurai", "--out", tmp_path / "out", "--json")
    assert result.code == 0 and len(result.json) == 1
    assert result.err == (
        "The Starter model knows about 1 things and has not learnt “samurai”. Full-size models know far more.\n"
    )
    assert run("generate", "a samurai with an apple", "--out", tmp_path / "out").err == ""


def test_a_device_of_the_settings_that_is_gone_is_said_on_stderr(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    desk.engine.missing_device = "cuda:1"
    result = run("generate", "a cat", "--out", tmp_path / "out", "--json")
    assert result.code == 0 and len(result.json) == 1
    assert result.err == "The device “cuda:1” of the settings is not there; using the processor.\n"


def test_lora_tags_in_the_negative_prompt_are_told_and_left_out(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    result = run("generate", "a cat", "--negative", "blur <lora:nobody:0.8>", "--out", tmp_path / "out", "--json")
    assert result.code == 0 and len(result.json) == 1
    assert result.err == "LoRA tags work in the prompt, not in the negative prompt: left out there.\n"


def test_everything_given_arrives(run: Run, tmp_path: Path) -> None:
    argv = ["a\nb", "--negative", "n", "--steps", "3", "--guidance", "0", "--size", "512X768", "--seed", "1"]
    argv += ["--sampler", "euler A", "--model", "STARTER", "--out", str(tmp_path / "out"), "--json"]
    (picture,) = run("generate", *argv).json
    record = read_metadata(read_texts(Path(picture["image"]))).record
    assert record is not None
    request = record.request
    assert (request.prompt.positive, request.prompt.negative) == ("a\nb", "n")
    assert (request.sampling.steps, request.sampling.guidance_scale, request.sampling.sampler) == (3, 0.0, "Euler a")
    assert (request.size.width, request.size.height) == (512, 768)


BAD = [
    (["--steps", "0"], "--steps", "1 to 1000"),
    (["--steps", "1001"], "--steps", "1 to 1000"),
    (["--steps", "2.5"], "--steps", "whole number"),
    (["--steps", "9" * 5000], "--steps", "whole number"),
    (["--steps"], "--steps", "missing"),
    (["--guidance", "nan"], "--guidance", "0 to 100"),
    (["--guidance", "inf"], "--guidance", "0 to 100"),
    (["--guidance", "-1"], "--guidance", "0 to 100"),
    (["--guidance", "x"], "--guidance", "not a number"),
    (["--size", "512by512"], "--size", "512x512"),
    (["--size", "0x0"], "--size", "no pixels"),
    (["--size", "100x100"], "--size", "nearest is 104"),
    (["--size", "99999x64"], "--size", "64 to 4096"),
    (["--seed", "-1"], "--seed", "0 to 18446744073709551615"),
    (["--seed", str(2**64)], "--seed", "0 to 18446744073709551615"),
    (["--seed", "abc"], "--seed", "whole number"),
    (["--count", "0"], "--count", "1 to 1000"),
    (["--sampler", "Euler Z"], "--sampler", "Euler a"),
    (["--model", "nothing"], "--model", "Starter"),
    (["--model", ""], "--model", "Starter"),
    (["--out", ""], "--out", "folder"),
    (["--out", __file__], "--out", "is a file"),
    (["--out", __file__ + "/below"], "--out", "in its way"),
    (["--colour", "red"], "--colour", "unrecognized"),
    (["second"], "second", "unrecognized"),
]


@pytest.mark.parametrize(("extra", "names", "right"), BAD)
def test_bad_input_is_one_clear_line(run: Run, desk: CliDesk, extra: list[str], names: str, right: str) -> None:
    result = run("generate", "a prompt", *extra, "--json")
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert names in result.err and right in result.err
    assert desk.made == 0


@pytest.mark.parametrize("argv", [[], ["dance"], ["generate"], ["--colour"], ["read"], ["upscale"], ["bench"]])
def test_incomplete_lines_say_what_is_missing(run: Run, argv: list[str]) -> None:
    result = run(*argv)
    assert result.code == 2 and result.out == "" and result.err.count("\n") == 1
    assert "--help" in result.err


@pytest.mark.parametrize("argv", [["--help"], ["-h"], *([name, "--help"] for name in COMMANDS)])
def test_help_is_a_result(run: Run, argv: list[str]) -> None:
    result = run(*argv)
    assert result.code == 0 and result.err == ""
    assert "usage: sdstudio" in result.out and "--help" in result.out


def test_version(run: Run) -> None:
    assert run("--version").out == "sdstudio 0.1\n"


def test_a_failed_job_is_exit_1(run: Run, desk: CliDesk) -> None:
    desk.engine.fail_with = "Too little memory."
    result = run("generate", "a", "--json")
    assert (result.code, result.out, result.err) == (1, "", "Too little memory. Try it smaller.\n")


def test_a_full_disk_is_exit_1_in_words(run: Run, desk: CliDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(_index: int, _step: int) -> None:
        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(files.os, "fsync", full)

    desk.engine.before_step = fill
    result = run("generate", "a")
    assert result.code == 1 and "is full" in result.err and str(desk.paths.results) in result.err


def test_what_libraries_print_stays_out_of_the_results(run: Run, desk: CliDesk) -> None:
    desk.engine.before_step = lambda index, step: print("chatter")
    result = run("generate", "a", "--json")
    assert len(result.json) == 1 and "chatter" in result.err


def test_read_tries_all_files(run: Run, tmp_path: Path) -> None:
    (made,) = run("generate", "ünï 日本 🍎", "--seed", 3, "--out", tmp_path, "--json").json
    plain, broken = tmp_path / "plain.png", tmp_path / "broken.png"
    plain.write_bytes(encode_png(plain_picture(8, 8, 1)))
    broken.write_bytes(b"no picture")
    result = run("read", broken, made["image"], tmp_path / "missing.png", plain, "--json")
    assert result.code == 2
    first, second, third, fourth = result.json
    assert first["file"] == str(broken) and "not a picture" in first["error"]
    assert second["dialect"] == "sdstudio" and second["request"]["prompt"] == "ünï 日本 🍎"
    assert "ünï 日本 🍎" in result.out
    assert set(third) == {"file", "error"}
    assert fourth == {"file": str(plain), "dialect": None, "request": {}, "unknown": {}}
    assert result.err.count("\n") == 2
    assert run("read", plain, "--json").code == 0


def test_read_for_people(run: Run, tmp_path: Path) -> None:
    (made,) = run("generate", "a cat", "--out", tmp_path, "--json").json
    text = run("read", made["image"]).out
    assert "prompt: a cat" in text and "written by: sdstudio" in text


def test_upscale(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "small.png"
    source.write_bytes(encode_png(plain_picture(10, 6, 1)))
    (made,) = run("upscale", source, "--scale", 2, "--out", tmp_path / "out", "--json").json
    assert (made["width"], made["height"], made["task"], made["scale"]) == (20, 12, "upscale", 2)
    assert Path(made["image"]).name.endswith("_small_2x.png")
    assert load_picture(Path(made["image"])).size.width == 20
    (read,) = run("read", made["image"], "--json").json
    assert read["dialect"] == "sdstudio" and read["request"]["scale"] == 2


def test_upscale_refuses_what_it_cannot_do(run: Run, desk: CliDesk, tmp_path: Path) -> None:
    big = tmp_path / "big.png"
    big.write_bytes(encode_png(plain_picture(5000, 2, 1)))
    for argv, words in (
        ([tmp_path / "missing.png"], "no such file"),
        ([big, "--scale", "3"], "--scale"),
        ([big, "--scale", "4"], "16384"),
    ):
        result = run("upscale", *argv, "--out", tmp_path, "--json")
        assert result.code == 2 and words in result.err and result.out == ""
    assert desk.made == 0


def test_models(run: Run, desk: CliDesk) -> None:
    (model,) = run("models", "--json").json
    assert model["name"] == "Starter" and model["path"] == str(desk.folder / "starter") and len(model["hash"]) == 10
    assert "Starter" in run("models").out


def test_selftest_passes_and_says_so(run: Run, desk: CliDesk) -> None:
    result = run("selftest", "--json")
    failed = [check for check in result.json if not check["ok"]]
    assert (result.code, failed) == (0, [])
    names = [check["check"] for check in result.json]
    assert {"resources", "libraries", "PNG round trip", "tiny generation", "results folder"} <= set(names)
    assert list(desk.paths.journal.iterdir()) == [] and list(desk.paths.results.iterdir()) == []


@pytest.mark.expects_log("hashes of models could not be kept")
def test_selftest_names_what_is_wrong(run: Run, desk: CliDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.engine.fail_with = "Too little memory."
    desk.checks = (CheckResult(name="libraries", ok=False, words="torch is missing"),)
    desk.paths.cache.write_bytes(b"a file")
    monkeypatch.setattr("sdstudio.cli.selftest.load_picture", lambda _: ImageBuffer(plain_picture(1, 1, 1).pixels))
    result = run("selftest", "--json")
    wrong = {check["check"]: check["words"] for check in result.json if not check["ok"]}
    assert result.code == 1
    assert set(wrong) == {"libraries", "cache folder", "PNG round trip", "tiny generation"}
    assert "Too little memory" in wrong["tiny generation"] and "pixels" in wrong["PNG round trip"]


def test_a_progress_bar_is_for_terminals_only(run: Run, capsys: pytest.CaptureFixture[str], desk: CliDesk) -> None:
    assert run("generate", "a", "--count", 2, "--json").err == ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr.isatty", lambda: True, raising=False)
        result = run("generate", "a", "--count", 2, "--json")
    assert "Getting ready" in result.err and "/8 [" in result.err and len(result.json) == 2


def test_no_console_at_all_is_no_error(desk: CliDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frozen Windows program without a console has neither stream."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["generate", "a"], desk.services) == 0
    assert main(["generate"], desk.services) == 2


def test_odd_file_names_do_not_break_json(capfd: pytest.CaptureFixture[str]) -> None:
    Console(sys.stdout, sys.stderr, json_lines=True).result({"file": "bad\udcff"}, "")
    assert json.loads(capfd.readouterr().out) == {"file": "bad\udcff"}


def program(*argv: object) -> list[str]:
    return [sys.executable, "-m", "tests.helpers.cli_desk", *map(str, argv)]


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX here")
@pytest.mark.parametrize("where", ["loading", "step"])
def test_ctrl_c_drops_the_job_and_keeps_nothing_half_done(tmp_path: Path, where: str) -> None:
    import signal

    argv = program(tmp_path, where, "generate", "a", "--out", tmp_path / "out", "--json")
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    assert child.stderr.readline() == f"{where}\n"
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "")
    assert list((tmp_path / "data" / "journal").iterdir()) == []
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="/bin/sh")
def test_a_reader_that_goes_away_does_not_stop_the_work(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    argv = program(tmp_path, "never", "read", *[tmp_path / "missing.png"] * 3, "--json")
    child = subprocess.run(argv, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert child.returncode == 2
    assert "BrokenPipe" not in child.stderr and "Traceback" not in child.stderr


def test_no_command_needs_qt_or_torch(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.helpers.block_imports import install;"
        "install(['torch', 'diffusers', 'transformers', 'PySide6', 'shiboken6']);"
        "from sdstudio.cli.main import main; from tests.helpers.cli_desk import CliDesk;"
        "sys.exit(main(['generate', 'a'], CliDesk(Path(sys.argv[1])).services))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")

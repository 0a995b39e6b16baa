"""The starter's training scripts, at the smallest sizes: they resume exactly, widen, distil, split and join."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from transformers import CLIPTokenizer

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.lora.file import read_lora
from sdstudio.engine.lora.wear import plan_loras, worn

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "resources" / "models" / "starter"
sys.path.append(str(ROOT / "packaging" / "starter"))

# The scripts lie in one flat folder and import each other by their plain names.
low_rank = importlib.import_module("low_rank")
model_parts = importlib.import_module("model_parts")
profiles = importlib.import_module("profiles")
shards = importlib.import_module("shards")
teach_fewstep = importlib.import_module("teach_fewstep")
train_fewstep = importlib.import_module("train_fewstep")
train_inpaint = importlib.import_module("train_inpaint")
train_unet = importlib.import_module("train_unet")
train_vae = importlib.import_module("train_vae")
trainer = importlib.import_module("trainer")
warm_start = importlib.import_module("warm_start")

TINY = replace(profiles.PROFILES["cpu128"], side=64, channels=(32, 32, 32), text_width=32, text_layers=1, text_heads=2)
NOUNS = ("apple", "cat", "house", "star")
HELD = 8


@pytest.fixture(autouse=True)
def tiny_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(profiles.PROFILES, "cpu128", TINY)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 pictures of noise with captions, nouns and latents."""
    stem = tmp_path_factory.mktemp("data") / "tiny"
    rng = np.random.default_rng(0)
    nouns = [[NOUNS[index % len(NOUNS)]] for index in range(24)]
    np.save(f"{stem}.npy", rng.integers(0, 256, (24, 64, 64, 3), np.uint8))
    Path(f"{stem}.json").write_text(json.dumps([f"a {noun} on the grass" for (noun,) in nouns]), "utf-8")
    Path(f"{stem}.noun.json").write_text(json.dumps(nouns), "utf-8")
    torch.save(torch.randn(24, 4, 8, 8, generator=torch.Generator().manual_seed(0)).half(), f"{stem}.lat.pt")
    return stem


def options_of(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *words: str) -> argparse.Namespace:
    monkeypatch.setattr(sys, "argv", ["script", *words])
    options: argparse.Namespace = module.read_options()
    return options


def unet_words(data: Path, out: Path, samples: int) -> list[str]:
    lat, vae, tok = f"{data}.lat.pt", str(STARTER / "vae"), str(STARTER / "tokenizer")
    sizes = ["--samples", str(samples), "--batch", "4", "--world", "1", "--held", str(HELD), "--device", "cpu"]
    return [str(data), lat, vae, tok, str(out), *sizes]


def train_unet_for(data: Path, out: Path, samples: int, monkeypatch: pytest.MonkeyPatch, *more: str) -> Any:
    options = options_of(train_unet, monkeypatch, *unet_words(data, out, samples), "--cooldown", "0", *more)
    run = train_unet.UNetTraining(options, 0)
    train_unet.train(run, options)
    return run.trainer


def test_a_stopped_run_goes_on_exactly(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train_unet_for(data, tmp_path / "whole", 16, monkeypatch)
    train_unet_for(data, tmp_path / "parts", 8, monkeypatch)
    parts = train_unet_for(data, tmp_path / "parts", 16, monkeypatch)
    assert (parts.step, parts.samples) == (whole.step, whole.samples) == (4, 16)
    for one, other in zip(whole.parameters, parts.parameters, strict=True):
        assert torch.equal(one, other)
    for one, other in zip(whole.average.values, parts.average.values, strict=True):
        assert torch.equal(one, other)
    log = json.loads((tmp_path / "parts.log.json").read_text("utf-8"))
    assert log["samples"] == 16 and log["cpu"] >= 0 and {"right", "swapped", "told"} <= log["log"][-1].keys()


def test_a_run_goes_on_from_exported_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_unet_for(data, tmp_path / "first", 4, monkeypatch)
    more = ("--start", str(tmp_path / "first"), "--after", str(tmp_path / "first.log.json"))
    second = train_unet_for(data, tmp_path / "second", 8, monkeypatch, *more)
    assert second.samples == 8 and second.step == 1
    assert len(second.log) == 2


def test_every_picture_once_and_none_twice_between_processes() -> None:
    class Stub:
        options = argparse.Namespace(batch=5, world=2, seed=3)
        samples, rank = 0, 0

    stub, seen = Stub(), []
    for stub.samples in range(0, 60, 10):
        for stub.rank in (0, 1):
            seen.extend(trainer.Trainer.draw_indices(stub, 20).tolist())
    assert sorted(seen[:20]) == sorted(seen[20:40]) == list(range(20))
    assert seen[:20] != seen[20:40]


def test_the_average_has_the_width_asked_for() -> None:
    assert trainer.power_exponent(0.1) == pytest.approx(6.94, abs=0.01)


def test_warm_start_keeps_the_function_at_equal_size() -> None:
    tokenizer = CLIPTokenizer.from_pretrained(STARTER / "tokenizer")
    torch.manual_seed(1)
    first = model_parts.make_unet(TINY), model_parts.make_text_encoder(tokenizer, TINY)
    torch.nn.init.normal_(first[0].conv_out.weight)
    second = model_parts.make_unet(TINY), model_parts.make_text_encoder(tokenizer, TINY)
    warm_start.copy_unet(second[0], first[0])
    found, total = warm_start.copy_text_encoder(second[1], tokenizer, first[1], tokenizer)
    assert found == total == len(tokenizer)
    noisy, ids = torch.randn(1, 4, 8, 8), model_parts.tokenize(tokenizer, ["a red apple"])
    outputs = [unet(noisy, 7, encoder.eval()(ids)[0], return_dict=False)[0] for unet, encoder in (first, second)]
    assert torch.allclose(*outputs, atol=1e-6) and outputs[0].abs().max() > 0


def test_warm_start_puts_skipped_channels_behind_wider_ones() -> None:
    narrow, wide = model_parts.make_unet(TINY), model_parts.make_unet(replace(TINY, channels=(32, 64, 96)))
    warm_start.copy_unet(wide, narrow)
    name = "up_blocks.1.resnets.0.conv1.weight"
    value, target = narrow.state_dict()[name], wide.state_dict()[name]
    assert torch.equal(target[:32, :32], value[:, :32])
    assert torch.equal(target[:32, 96:128], value[:, 32:])


def test_the_sibling_begins_as_the_main_model() -> None:
    main = model_parts.make_unet(TINY)
    torch.nn.init.normal_(main.conv_out.weight)
    sibling = train_inpaint.widen_input(main)
    noisy, hidden = torch.randn(1, 4, 8, 8), torch.randn(1, 77, 32)
    wide = torch.cat([noisy, torch.randn(1, 5, 8, 8)], 1)
    one, other = main(noisy, 500, hidden)[0], sibling(wide, 500, hidden)[0]
    assert torch.allclose(one, other, atol=1e-5)


def test_the_sibling_trains(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_unet_for(data, tmp_path / "main", 4, monkeypatch)
    words = [
        str(data),
        f"{data}.lat.pt",
        str(tmp_path / "main"),
        str(tmp_path / "sibling"),
        "--samples",
        "8",
        "--masks",
        "9",
    ]
    sizes = ["--batch", "4", "--world", "1", "--held", str(HELD), "--device", "cpu"]
    options = options_of(train_inpaint, monkeypatch, *words, *sizes)
    run = train_inpaint.InpaintTraining(options, 0)
    train_unet.train(run, options)
    assert run.unet.conv_in.weight[:, 4:].abs().max() > 0
    assert (tmp_path / "sibling" / "unet" / "diffusion_pytorch_model.safetensors").is_file()


def test_masks_are_of_all_kinds() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([train_inpaint.draw_mask(rng, 64).mean() for _ in range(200)])
    assert 0.15 < (shares == 1).mean() < 0.35
    assert ((shares > 0) & (shares < 0.9)).mean() > 0.5


def test_one_step_leads_where_the_teacher_went() -> None:
    noisy, velocity = torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    for signal, following in ((0.0, 0.3), (0.4, 1.0)):
        levels = torch.tensor(signal), torch.tensor(following)
        reached = teach_fewstep.ddim_step(noisy, velocity, *levels)
        assert torch.allclose(train_fewstep.velocity_between(noisy, reached, *levels), velocity, atol=1e-4)


def ways_for(data: Path, model: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> Any:
    """Two parts of ways; returns the teacher."""
    options = options_of(teach_fewstep, monkeypatch, str(data), str(model), str(out), "--segments", "2", *more)
    teacher = teach_fewstep.Teacher(options)
    out.mkdir()
    for number in (0, 1):
        torch.save(teacher.part(number), out / f"{number:05d}.pt")
    return teacher


def few_step_run(data: Path, ways: Path, model: Path, out: Path, monkeypatch: pytest.MonkeyPatch, samples: int) -> Any:
    sizes = ["--batch", "4", "--world", "1", "--samples", str(samples), "--device", "cpu", "--rank", "4"]
    options = options_of(train_fewstep, monkeypatch, str(data), str(ways), str(model), str(out), *sizes)
    return train_fewstep.FewStepTraining(options, 0)


def test_ways_are_those_of_ddim_and_the_same_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_unet_for(data, tmp_path / "main", 8, monkeypatch)
    teacher = ways_for(data, tmp_path / "main", tmp_path / "ways", monkeypatch, "--substeps", "2", "--guidance", "2")
    chosen, ways = train_fewstep.read_ways(tmp_path / "ways")
    assert ways.shape == (32, 3, 4, 8, 8) and torch.equal(teacher.part(1)["ways"], ways[16:])
    scheduler = model_parts.make_scheduler()
    scheduler.set_timesteps(4)
    captions = json.loads(Path(f"{data}.json").read_text("utf-8"))
    ids = model_parts.tokenize(teacher.tokenizer, ["", captions[int(chosen[0])]])
    hidden, noisy = teacher.text_encoder(ids)[0].detach(), ways[:1, 0]
    for count, timestep in enumerate(scheduler.timesteps, start=1):
        with torch.no_grad():
            plain, prompted = teacher.unet(torch.cat([noisy, noisy]), timestep, hidden)[0].chunk(2)
        noisy = scheduler.step(plain + 2 * (prompted - plain), timestep, noisy)[0]
        if count % 2 == 0:
            assert torch.allclose(noisy, ways[:1, count // 2], atol=1e-4)


def test_distilling_one_unguided_step_teaches_nothing_new(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_unet_for(data, tmp_path / "main", 8, monkeypatch)
    ways_for(data, tmp_path / "main", tmp_path / "same", monkeypatch, "--substeps", "1", "--guidance", "1")
    same = few_step_run(data, tmp_path / "same", tmp_path / "main", tmp_path / "few", monkeypatch, 4)
    assert same.measure()["val"] < 1e-6
    ways_for(data, tmp_path / "main", tmp_path / "ways", monkeypatch, "--substeps", "2", "--guidance", "4")
    run = few_step_run(data, tmp_path / "ways", tmp_path / "main", tmp_path / "few", monkeypatch, 8)
    assert run.measure()["val"] > 1e-6
    train_unet.train(run, run.options)
    assert (tmp_path / "few" / train_fewstep.FILE).is_file()


def test_the_students_file_is_a_lora_that_makes_the_student_of_the_model(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_unet_for(data, tmp_path / "main", 4, monkeypatch)
    ways_for(data, tmp_path / "main", tmp_path / "ways", monkeypatch, "--substeps", "2")
    run = few_step_run(data, tmp_path / "ways", tmp_path / "main", tmp_path / "few", monkeypatch, 4)
    for change in run.changes.values():
        torch.nn.init.normal_(change.up, std=0.05)
    stored = train_fewstep.kohya_state(run.changes, run.kernels)
    spec = ModelSpec(name="Tiny", path=str(tmp_path / "main"))
    model = read_model(spec, choose_device(1))
    noisy, hidden = torch.randn(1, 4, 8, 8), torch.randn(1, 77, 32)
    with torch.no_grad():
        before = model.unet(noisy, 749, hidden)[0]
        student = run.student.eval()(noisy, 749, hidden)[0]
    low_rank.save_file(stored, tmp_path / "few.safetensors")
    use = LoraUse(name="few", path=str(tmp_path / "few.safetensors"))
    file = read_lora(Path(use.path), use.name, torch.float32)
    assert file.unknown == 0 and len(file.layers) == len(run.changes)
    with worn(plan_loras([(use, file)], model)), torch.no_grad():
        after = model.unet(noisy, 749, hidden)[0]
    assert (after - before).abs().max() > 0.05
    assert torch.allclose(after, student, atol=5e-3)


def test_a_difference_of_full_rank_comes_back() -> None:
    main, tuned = model_parts.make_unet(TINY).state_dict(), model_parts.make_unet(TINY).state_dict()
    for name, value in tuned.items():
        if value.ndim < 2:
            tuned[name] = main[name]
    stored, kept = low_rank.extract(main, tuned, 1000)
    again = low_rank.apply(main, stored)
    assert kept == pytest.approx(1, abs=1e-4)
    assert all(torch.allclose(again[name], value, atol=5e-3) for name, value in tuned.items())


def test_a_changed_bias_cannot_be_stored_as_a_difference() -> None:
    main = model_parts.make_unet(TINY).state_dict()
    tuned = {name: value + (1 if value.ndim == 1 else 0) for name, value in main.items()}
    with pytest.raises(SystemExit, match="no matrix"):
        low_rank.extract(main, tuned, 2)


@pytest.mark.parametrize("kind", ["tiny", "kl"])
def test_both_autoencoders_learn(kind: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channels = (8, 8) if kind == "tiny" else (16, 16, 16, 16)
    monkeypatch.setitem(profiles.PROFILES, "cpu128", replace(TINY, vae=kind, vae_channels=channels))
    words = [str(data), str(tmp_path / "vae"), "--samples", "8", "--batch", "2", "--crop", "32", "--device", "cpu"]
    options = options_of(train_vae, monkeypatch, *words, "--held", str(HELD))
    run = train_vae.VaeTraining(options)
    before = [parameter.clone() for parameter in run.trainer.parameters]
    train_unet.train(run, options)
    assert any(not torch.equal(a, b) for a, b in zip(before, run.trainer.parameters, strict=True))
    again = train_vae.load_vae(tmp_path / "vae")
    pictures = torch.rand(1, 3, 32, 32) * 2 - 1
    latents = model_parts.encode(again, pictures)
    assert latents.shape == (1, 4, 4, 4) and model_parts.decode(again, latents).shape == pictures.shape
    if kind == "kl":
        assert again.encode(pictures).latent_dist.logvar.max() < -5


def test_a_frozen_encoder_stays(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = model_parts.make_vae(replace(TINY, vae_channels=(8, 8)))
    start.save_pretrained(tmp_path / "start")
    words = [str(data), str(tmp_path / "vae"), "--samples", "4", "--batch", "2", "--crop", "32", "--device", "cpu"]
    more = ["--held", str(HELD), "--start", str(tmp_path / "start"), "--freeze", "encoder"]
    options = options_of(train_vae, monkeypatch, *words, *more)
    run = train_vae.VaeTraining(options)
    train_unet.train(run, options)
    before, after = start.state_dict(), train_vae.load_vae(tmp_path / "vae").state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("encoder"))
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("decoder"))


def test_parts_join_to_what_was_split(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(bytes(range(256)) * 100)
    parts = shards.split(tmp_path / "out" / "model", [folder], 10_000)
    assert len(parts) > 1 and max(part.stat().st_size for part in parts) <= 10_000
    shards.join(tmp_path / "out" / "model", tmp_path / "again")
    assert (tmp_path / "again" / "model" / "weights").read_bytes() == (folder / "weights").read_bytes()
    parts[0].write_bytes(b"damaged" + parts[0].read_bytes()[7:])
    with pytest.raises(SystemExit, match="do not make up"):
        shards.join(tmp_path / "out" / "model", tmp_path / "third")

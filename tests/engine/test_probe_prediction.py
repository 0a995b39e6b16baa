"""What an SD 2.x file predicts, found out by one call of its UNet; and what the cache of models makes of it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch
from safetensors.torch import load_file, save_file

from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.domain.request import ModelSpec
from sdstudio.engine.cache import ModelCache
from sdstudio.engine.devices import choose_device
from sdstudio.engine.layouts import CONFIGS, LAYOUTS
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from tests.helpers.one_file import RESOURCES, OneFile, make_one_file

EMBEDDINGS = torch.zeros(1, 77, 32)


class Forced:
    """A network of the tiny sort that answers what an ideal one of its kind would, to a picture that is `picture`."""

    def __init__(self, kind: Prediction, picture: float = 0.3) -> None:
        self.config = SimpleNamespace(in_channels=4)
        self.dtype = torch.float32
        self.kind = kind
        self.picture = picture
        self.calls: list[int] = []

    def __call__(self, x: torch.Tensor, timestep: torch.Tensor, **_: Any) -> tuple[torch.Tensor]:
        self.calls.append(int(timestep))
        share = 0.0047  # alpha_bar of the last timestep in Stable Diffusion's schedule
        noise = (x - share**0.5 * self.picture) / (1 - share) ** 0.5
        v = share**0.5 * noise - (1 - share) ** 0.5 * self.picture * torch.ones_like(x).tril()
        answers = {Prediction.EPSILON: noise, Prediction.V: v, Prediction.UNKNOWN: x * float("nan")}
        return (answers[self.kind],)


@pytest.mark.parametrize("kind", [Prediction.EPSILON, Prediction.V, Prediction.UNKNOWN])
def test_the_answer_follows_from_one_call_at_the_last_timestep(tmp_path: Path, kind: Prediction) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    told: list[tuple[str, Prediction]] = []
    probe, unet = PredictionProbe(lambda *answer: told.append(answer)), Forced(kind)
    assert [probe.ask(str(path), unet, EMBEDDINGS) for _ in range(2)] == [kind, kind]
    assert unet.calls == [999]
    assert told == ([] if kind is Prediction.UNKNOWN else [(str(path), kind)])
    path.write_bytes(b"other weights")
    probe.ask(str(path), unet, EMBEDDINGS)
    assert unet.calls == [999, 999], "another file is asked anew"


def make_predicting(folder: Path, kind: Prediction) -> OneFile:
    """A tiny SD 2.x whose UNet hands the noise through to its end (epsilon) or gives nothing of it (v)."""
    one = make_one_file(folder, ModelFamily.SD2_BASE)
    state = load_file(one.path)
    out, first = "model.diffusion_model.out.2.weight", "model.diffusion_model.input_blocks.0.0.weight"
    state[out].zero_()
    state[f"{out.removesuffix('weight')}bias"].zero_()
    if kind is Prediction.EPSILON:
        _hand_through(state, first, out)
    save_file(state, one.path)
    return one


def _hand_through(state: dict[str, torch.Tensor], first: str, out: str) -> None:
    """The last block's shortcut takes the first convolution's channels, and these are the latents themselves."""
    prefix = "model.diffusion_model."
    state[first].zero_()
    for channel in range(4):
        state[first][channel, channel, 1, 1] = 1.0
        state[out][channel, channel, 1, 1] = 1.0
    blocks = {
        int(name.removeprefix(prefix).split(".")[1]) for name in state if name.startswith(f"{prefix}output_blocks.")
    }
    last = f"{prefix}output_blocks.{max(blocks)}."
    for name, value in state.items():
        quiet = (f"{last}0.out_layers.3.", f"{last}1.proj_out.", f"{last}0.skip_connection.", f"{first[:-6]}bias")
        if name.startswith(quiet):
            value.zero_()
    skip = state[f"{last}0.skip_connection.weight"]
    width = state[first].shape[0]
    for channel in range(width):
        skip[channel, skip.shape[1] - width + channel, 0, 0] = 1.0
    state[f"{prefix}out.0.weight"].fill_(1.0)
    state[f"{prefix}out.0.bias"].fill_(0.0)


@pytest.mark.parametrize(("kind", "told"), [(Prediction.EPSILON, "epsilon"), (Prediction.V, "v_prediction")])
def test_a_file_that_does_not_tell_is_read_as_what_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: Prediction, told: str
) -> None:
    one = make_predicting(tmp_path, kind)
    for family in (ModelFamily.SD2_BASE, ModelFamily.SD2_V):
        _copy_description(one, family)
    spec = ModelSpec(name="Tiny", path=str(one.path), family=ModelFamily.SD2.value, prediction="unknown")
    with caplog.at_level(logging.INFO, "sdstudio.engine.probe_prediction"):
        model = read_model(spec, choose_device(1), one.resources)
    assert model.scheduler_config["prediction_type"] == told
    assert f"predicts {kind.value}" in caplog.text


def _copy_description(one: OneFile, family: ModelFamily) -> None:
    """Base and 768-v have one description of their networks, and a scheduler each."""
    target = one.resources / CONFIGS / LAYOUTS[family].folder
    if not target.exists():
        shutil.copytree(one.resources / CONFIGS / LAYOUTS[one.family].folder, target)
    source = RESOURCES / CONFIGS / LAYOUTS[family].folder / "scheduler" / "scheduler_config.json"
    shutil.copyfile(source, target / "scheduler" / "scheduler_config.json")


def test_what_is_known_is_not_asked(tmp_path: Path) -> None:
    one = make_predicting(tmp_path, Prediction.V)
    told: list[object] = []
    probe = PredictionProbe(lambda *answer: told.append(answer))
    read_model(one.spec, choose_device(1), one.resources, probe)
    assert told == []


def loaded(spec: ModelSpec) -> LoadedModel:
    return SimpleNamespace(spec=spec, memory=None, networks=())  # type: ignore[return-value]


def test_a_hash_or_prediction_that_becomes_known_reads_nothing_anew(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights")
    read: list[ModelSpec] = []

    def load(spec: ModelSpec, _device: object, **_: object) -> LoadedModel:
        read.append(spec)
        return loaded(spec)

    cache = ModelCache(choose_device(1), load)

    def get(digest: str, prediction: str = "unknown") -> int:
        cache.get(ModelSpec(name="A", path=str(path), hash=digest, prediction=prediction))
        return len(read)

    assert get("") == get("aaaa") == get("", "v") == 1
    path.write_bytes(b"other weights")
    assert get("aaaa") == 2
    assert get("bbbb") == 3
    assert get("bbbb", "v") == 3

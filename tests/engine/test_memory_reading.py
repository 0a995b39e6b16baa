"""What is tried while a model is read runs where and as its pictures will, whatever plan its memory follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sdstudio.engine  # noqa: F401 - sets the environment before torch is loaded

# isort: split
import torch

from sdstudio.domain.model_file import ModelFamily, Prediction
from sdstudio.engine import latents
from sdstudio.engine.devices import choose_device
from sdstudio.engine.libraries import UNet2DConditionModel
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.placement import Placed
from sdstudio.engine.memory.plan import Place, Plan
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.sources.reading import Reading
from tests.helpers.one_file import OneFile, make_one_file

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SMALLER = [Plan(Place.PARTS), Plan(Place.LAYERS, True)]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> OneFile:
    return make_one_file(tmp_path_factory.mktemp("sd2"), ModelFamily.SD2_BASE, half=True)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bool, torch.dtype]]]:
    """Of each call of a UNet: its class, whether it had been brought in for it, and the precision of its input."""
    seen: list[tuple[str, bool, torch.dtype]] = []
    brought: list[object] = []
    bring_in = Placed.bring_in

    def note(placed: Placed) -> None:
        brought.append(placed._network)
        bring_in(placed)

    monkeypatch.setattr(Placed, "bring_in", note)

    def call(module: torch.nn.Module, args: Any, _output: Any) -> None:
        if isinstance(module, UNet2DConditionModel):
            seen.append((type(module).__name__, bool(brought) and brought[-1] is module, args[0].dtype))

    handle = torch.nn.modules.module.register_module_forward_hook(call)
    yield seen
    handle.remove()


class Asked(PredictionProbe):
    """What it is told does not count: these networks have learnt nothing."""

    def ask(self, path: str, unet: Any, embeddings: torch.Tensor) -> Prediction:
        super().ask(path, unet, embeddings)
        return Prediction.EPSILON


def read(one: OneFile, plan: Plan, *, folder: bool = False) -> LoadedModel:
    device = choose_device(1, "cpu")
    spec = replace(one.spec, family=ModelFamily.SD2.value, prediction=Prediction.UNKNOWN.value)
    if folder:
        spec = one.folder_spec
    return read_model(spec, device, one.resources, Asked(), Reading(device, plan=plan))


@pytest.mark.parametrize("plan", SMALLER, ids=lambda plan: plan.place.value)
def test_the_probing_call_is_made_as_a_pictures(
    one: OneFile, plan: Plan, called: list[tuple[str, bool, torch.dtype]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a card half precision runs on the card, and not on the processor, which takes minutes for it."""
    told: list[Any] = []
    from sdstudio.engine import probe_prediction

    ask = probe_prediction.correlation_with_noise
    monkeypatch.setattr(probe_prediction, "correlation_with_noise", lambda *args: told.append(ask(*args)) or told[-1])
    whole = read(one, Plan())
    called.clear()
    small = read(one, plan)
    assert [name for name, _, _ in called] == ["UNet2DConditionModel"]
    assert all(kind is torch.float32 for _, _, kind in called)
    assert plan.place is not Place.PARTS or all(there for _, there, _ in called)
    assert told[0] == told[1] and small.scheduler_config == whole.scheduler_config
    assert small.memory is not None and small.memory.plan == plan


@pytest.mark.parametrize("plan", SMALLER, ids=lambda plan: plan.place.value)
def test_the_colours_of_an_unknown_vae_are_measured_as_a_picture_is_read(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_one_file(tmp_path, ModelFamily.SD1, half=True)
    path = one.folder / "vae" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"scaling_factor": 0.5}))
    guarded: list[bool] = []
    fit = latents.fit_latent_spec

    def note(vae: Any, *args: Any) -> Any:
        guarded.append("encode" in vae.__dict__)
        return fit(vae, *args)

    monkeypatch.setattr(latents, "fit_latent_spec", note)
    whole, small = (read(one, each, folder=True) for each in (Plan(), plan))
    assert guarded == [True, True]
    np.testing.assert_allclose(small.latents.rgb_factors, whole.latents.rgb_factors, rtol=1e-3, atol=1e-3)

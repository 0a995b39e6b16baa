"""LoRAs of every kind and naming, against the weights merged by hand in float64; off, they change not one bit."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sdstudio.domain.additions import LoraUse
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import Cancelled, EngineEvent, Failed, ImageReady, Loading, Progress
from sdstudio.domain.image import Pixels
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.load import read_model
from sdstudio.engine.lora.file import read_lora
from sdstudio.engine.lora.keys import plain_name
from sdstudio.engine.lora.layers import layers_of as model_layers
from sdstudio.engine.lora.wear import plan_loras, worn
from sdstudio.engine.model import LoadedModel
from tests.engine.conftest import Run
from tests.helpers.lora_files import KINDS, NAMES, LoraFileMade, write_lora
from tests.helpers.tiny_models import make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

EPSILON = torch.finfo(torch.float32).eps
PARTS = {"unet": "unet", "te": "text encoder"}


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LoadedModel:
    return read_model(ModelSpec(name="Tiny", path=str(tiny_model)), choose_device(1))


def use(path: Path, weight: float = 1.0, **more: Any) -> LoraUse:
    return LoraUse(name=path.stem, path=str(path), weight=weight, **more)


def with_loras(model: Path, *loras: LoraUse, **changes: Any) -> GenerationRequest:
    return replace(make_request(model, **changes), loras=loras)


def pixels(events: list[EngineEvent]) -> Pixels:
    pictures = [event.image for event in events if isinstance(event, ImageReady)]
    assert len(pictures) == 1, events[-1]
    return pictures[0].rgb


# -- each kind against the merged weights -----------------------------------------------------------------------------


def example_for(layer: nn.Module, rng: torch.Generator) -> torch.Tensor:
    if isinstance(layer, nn.Conv2d | nn.GroupNorm):
        channels = layer.in_channels if isinstance(layer, nn.Conv2d) else layer.num_channels
        return torch.randn(2, channels, 6, 6, generator=rng)
    return torch.randn(2, 5, layer.weight.shape[-1], generator=rng)


def merged(layer: Any, x: torch.Tensor, change: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """What the layer answers in float64 with its weights changed."""
    x, weight = x.double(), layer.weight.double() + change
    offset = None if layer.bias is None else layer.bias.double() + (0 if bias is None else bias)
    if isinstance(layer, nn.GroupNorm):
        return functional.group_norm(x, layer.num_groups, weight, offset, layer.eps)
    if isinstance(layer, nn.LayerNorm):
        return functional.layer_norm(x, layer.normalized_shape, weight, offset, layer.eps)
    if isinstance(layer, nn.Linear):
        return functional.linear(x, weight, offset)
    return functional.conv2d(x, weight, offset, layer.stride, layer.padding)


def tolerance(layer: Any, x: torch.Tensor, change: torch.Tensor) -> float:
    """The error of a sum of n products in float32 is at most n epsilon times the sum of their sizes. n: the inputs, and
    some for the steps through the small matrices. Of the change's own terms, up to rank^2 = 4 can cancel out."""
    inputs = layer.weight[0].numel()
    largest = float(layer.weight.abs().max()) + 4 * float(change.abs().max())
    offset = 0.0 if layer.bias is None else float(layer.bias.abs().max())
    return (inputs + 32) * EPSILON * (inputs * float(x.abs().max()) * largest + offset + 1)


def check(made: LoraFileMade, model: LoadedModel, weight: float) -> None:
    file = read_lora(made.path, "x", torch.float32)
    assert file.unknown == 0
    assert len(file.layers) == len(made.changes)
    plan = plan_loras([(use(made.path, weight), file)], model)
    assert len(plan) == len(made.changes)
    places = model_layers(model)
    rng = torch.Generator().manual_seed(5)
    with worn(plan), torch.inference_mode():
        for (part, path), change in made.changes.items():
            layer = places[PARTS[part]][plain_name(path)].module
            x = example_for(layer, rng)
            bias = made.bias_changes.get((part, path))
            expected = merged(layer, x, weight * change, None if bias is None else weight * bias)
            error = float((layer(x).double() - expected).abs().max())
            plain = float((merged(layer, x, torch.zeros_like(change), None) - expected).abs().max())
            limit = tolerance(layer, x, weight * change)
            assert error <= limit < plain / 20, (part, path, error, limit, plain)


@pytest.mark.parametrize("weight", [1.0, -0.7])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_equals_the_merged_weights(kind: str, weight: float, model: LoadedModel, tmp_path: Path) -> None:
    check(write_lora(tmp_path / "x.safetensors", Path(model.spec.path), kind=kind), model, weight)


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
@pytest.mark.parametrize("names", NAMES)
def test_every_naming_reaches_the_same_layers(names: str, ending: str, model: LoadedModel, tmp_path: Path) -> None:
    check(write_lora(tmp_path / f"x{ending}", Path(model.spec.path), names=names), model, 0.8)


def test_half_precision_files_are_read(model: LoadedModel, tmp_path: Path) -> None:
    made = write_lora(tmp_path / "x.pt", Path(model.spec.path))
    halves = {name: value.half() for name, value in torch.load(made.path).items()}
    torch.save(halves, made.path)
    file = read_lora(made.path, "x", torch.float32)
    assert {value.dtype for held in file.layers.values() for role, value in held.items() if role != "alpha"} == {
        torch.float32
    }
    assert plan_loras([(use(made.path), file)], model)


def test_two_at_once_add_up(model: LoadedModel, tmp_path: Path) -> None:
    folder = Path(model.spec.path)
    one = write_lora(tmp_path / "one.safetensors", folder, seed=1)
    two = write_lora(tmp_path / "two.safetensors", folder, kind="LoHa", seed=2)
    files = [
        (use(made.path, weight), read_lora(made.path, "x", torch.float32)) for made, weight in ((one, 0.6), (two, -0.4))
    ]
    places, rng = model_layers(model), torch.Generator().manual_seed(5)
    with worn(plan_loras(files, model)), torch.inference_mode():
        for (part, path), change in one.changes.items():
            change = 0.6 * change - 0.4 * two.changes[part, path]
            layer = places[PARTS[part]][plain_name(path)].module
            x = example_for(layer, rng)
            error = (layer(x).double() - merged(layer, x, change, None)).abs().max()
            assert float(error) <= tolerance(layer, x, change)


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_near_single(kind: str, model: LoadedModel, tmp_path: Path) -> None:
    """As on a graphics card. Sums of at most 300 products, each rounded to 11 bits; 4 for the steps of a branch."""
    made = write_lora(tmp_path / "x.safetensors", Path(model.spec.path), kind=kind)
    plans = {
        kind: plan_loras([(use(made.path), read_lora(made.path, "x", kind))], model)
        for kind in (torch.float16, torch.float32)
    }
    rng = torch.Generator().manual_seed(5)
    with torch.inference_mode():
        for layer, terms in plans[torch.float32].items():
            halves = copy.deepcopy(layer).half()
            x = example_for(layer, rng)
            (half,) = plans[torch.float16][layer]
            gained = terms[0].branch.answer(layer, x, layer(x), 1.0)
            near = half.branch.answer(halves, x.half(), halves(x.half()), 1.0)
            assert near.dtype == torch.float16
            size = float(gained.abs().max())
            assert float((near.float() - gained).abs().max()) <= 300**0.5 * 2**-11 * 4 * size


# -- pictures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lora(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lora(tmp_path_factory.mktemp("lora") / "style.safetensors", tiny_model).path


@pytest.fixture(scope="module")
def others(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("others")
    kinds = ("LoKr", "DoRA by outputs")
    return [
        write_lora(folder / f"{n}.safetensors", tiny_model, kind=k, seed=n, size=0.3).path for n, k in enumerate(kinds)
    ]


def test_none_and_weight_zero_are_the_base_bit_for_bit(run: Run, tiny_model: Path, lora: Path) -> None:
    base = pixels(run(make_request(tiny_model)))
    changed = pixels(run(with_loras(tiny_model, use(lora))))
    assert not np.array_equal(base, changed)
    assert np.array_equal(pixels(run(with_loras(tiny_model, use(lora, 0.0)))), base)
    assert np.array_equal(pixels(run(with_loras(tiny_model, use(lora, 0.0, text_weight=0.0)))), base)
    assert np.array_equal(pixels(run(make_request(tiny_model))), base)
    assert np.array_equal(pixels(run(with_loras(tiny_model, use(lora)))), changed)


def test_the_order_does_not_count(run: Run, tiny_model: Path, lora: Path, others: list[Path]) -> None:
    uses = [use(lora, 0.5), *(use(path, weight) for path, weight in zip(others, (0.3, -0.2), strict=True))]
    one = pixels(run(with_loras(tiny_model, *uses)))
    for order in ((2, 1, 0), (1, 2, 0)):
        assert np.array_equal(pixels(run(with_loras(tiny_model, *(uses[index] for index in order)))), one)
    assert not np.array_equal(pixels(run(with_loras(tiny_model, *uses[:2]))), one)


def test_the_text_encoder_has_a_weight_of_its_own(run: Run, tiny_model: Path, lora: Path) -> None:
    kinds = {
        "base": make_request(tiny_model),
        "all": with_loras(tiny_model, use(lora)),
        "network": with_loras(tiny_model, use(lora, text_weight=0.0)),
        "text": with_loras(tiny_model, use(lora, 0.0, text_weight=1.0)),
        "half": with_loras(tiny_model, use(lora, text_weight=0.5)),
    }
    made = {name: pixels(run(request)).tobytes() for name, request in kinds.items()}
    assert len(set(made.values())) == len(made)
    again = {name: pixels(run(request)).tobytes() for name, request in reversed(kinds.items())}
    assert again == made


def test_a_change_of_weight_reads_nothing_again(run: Run, tiny_model: Path, lora: Path) -> None:
    def told(weight: float) -> list[str]:
        return [event.what for event in run(with_loras(tiny_model, use(lora, weight))) if isinstance(event, Loading)]

    assert [what for what in told(1.0) if "model" not in what] == ["Reading the LoRA “style”"]
    assert told(0.3) == []


def test_a_file_that_has_changed_is_read_again(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_lora(path, tiny_model, seed=1)
    first = pixels(run(with_loras(tiny_model, use(path))))
    write_lora(path, tiny_model, seed=2, kind="LoHa")
    assert not np.array_equal(pixels(run(with_loras(tiny_model, use(path)))), first)


def test_prompts_are_forgotten_exactly_when_the_text_encoder_changes(
    engine: TorchEngine, run: Run, tiny_model: Path, lora: Path, tmp_path: Path
) -> None:
    no_text = write_lora(tmp_path / "no_text.safetensors", tiny_model, text=False).path
    run(make_request(tiny_model))
    text = engine._models.get(make_request(tiny_model).model).conditioner
    read: list[int] = []
    handle = text.encoders[0].register_forward_hook(lambda *_: read.append(1))

    def reads(*loras: LoraUse) -> int:
        read.clear()
        run(with_loras(tiny_model, *loras))
        return len(read)

    assert reads() == 0
    assert reads(use(no_text)) == 0
    assert reads(use(lora)) == 2
    assert reads(use(lora, 0.2, text_weight=1.0)) == 0
    assert reads(use(lora, 0.5)) == 2
    assert reads(use(lora, 0.5), use(no_text, 0.1)) == 0
    assert reads() == 2
    handle.remove()


@pytest.mark.parametrize("step", [0, 2])
def test_a_cancelled_job_leaves_the_model_clean(step: int, run: Run, tiny_model: Path, lora: Path) -> None:
    base = pixels(run(make_request(tiny_model)))
    cancel = CancelToken()

    def stop(event: EngineEvent) -> None:
        if isinstance(event, Progress) and event.step == step:
            cancel.cancel()

    assert isinstance(run(with_loras(tiny_model, use(lora)), cancel, stop)[-1], Cancelled)
    assert np.array_equal(pixels(run(make_request(tiny_model))), base)


def test_a_failed_job_leaves_the_model_clean(run: Run, engine: TorchEngine, tiny_model: Path, lora: Path) -> None:
    base = pixels(run(make_request(tiny_model)))
    assert isinstance(run(with_loras(tiny_model, use(lora), clip_skip=12))[-1], Failed)
    network = engine._models.get(make_request(tiny_model).model).unet
    assert not any(module._forward_hooks for module in network.modules())
    assert np.array_equal(pixels(run(make_request(tiny_model))), base)

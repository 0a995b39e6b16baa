"""Previews by a tiny decoder: found for the model's latents, by time on a CPU, and the rough colours when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.events import Cancelled, EngineEvent, Finished, ImageReady, Preview
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.latents import SDXL_SCALE, LatentColours
from sdstudio.engine.libraries import AutoencoderTiny
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.preview_decoder import SHARE, PreviewDecoders, TinyColours, read_decoder
from tests.helpers.tiny_models import ImagesInMemory, make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def network() -> AutoencoderTiny:
    torch.manual_seed(2)
    return AutoencoderTiny().eval()


def published(network: AutoencoderTiny) -> dict[str, torch.Tensor]:
    """The file as its makers publish it: its first step, without weights, is counted."""
    names = network.decoder.state_dict()
    return {
        f"{int(name.split('.')[1]) + 1}.{name.split('.', 2)[2]}": value.contiguous() for name, value in names.items()
    }


@pytest.fixture(scope="module")
def files(network: AutoencoderTiny, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("taesd")
    save_file(published(network), folder / "taesd_decoder.safetensors")
    torch.save(published(network), folder / "taesd_decoder.pth")
    save_file(published(network), folder / "taesdxl_decoder.safetensors")
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "both.safetensors")
    network.save_pretrained(folder / "taesd")
    return {path.name: path for path in folder.iterdir()}


def as_added(*paths: Path) -> tuple[AddedFile, ...]:
    return tuple(AddedFile(name=path.stem, path=str(path)) for path in paths)


@pytest.mark.parametrize("name", ["taesd_decoder.safetensors", "taesd_decoder.pth", "both.safetensors", "taesd"])
def test_every_form_is_read(name: str, files: dict[str, Path], network: AutoencoderTiny) -> None:
    decoder = read_decoder(files[name], name)
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(decoder(latents), network.decoder(latents))


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LoadedModel:
    return read_model(ModelSpec(name="Tiny", path=str(tiny_model)), choose_device(1))


def test_the_one_for_the_models_latents_is_taken(model: LoadedModel, files: dict[str, Path]) -> None:
    asked = as_added(files["taesdxl_decoder.safetensors"], files["taesd_decoder.safetensors"])
    decoders = PreviewDecoders(lambda: asked)
    assert decoders.decoder(model) is decoders.decoder(model) is not None
    xl = replace(model, latents=replace(model.latents, scale=SDXL_SCALE))
    assert decoders.decoder(xl) not in (None, decoders.decoder(model))
    assert PreviewDecoders(lambda: asked[:1]).decoder(model) is None
    assert PreviewDecoders(lambda: asked).decoder(replace(model, latents=replace(model.latents, scale=0.9))) is None
    assert PreviewDecoders(tuple).decoder(model) is None


@pytest.mark.expects_log("The previews are the rough ones")
def test_a_file_that_is_none_is_passed_over(model: LoadedModel, files: dict[str, Path], tmp_path: Path) -> None:
    save_file({"1.weight": torch.zeros(64, 4, 3, 3)}, tmp_path / "part.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 20)
    bad = as_added(tmp_path / "part.safetensors", tmp_path / "cut.safetensors", tmp_path / "gone.safetensors")
    assert PreviewDecoders(lambda: bad).decoder(model) is None
    assert PreviewDecoders(lambda: (*bad, *as_added(files["taesd"]))).decoder(model) is not None


# -- when -------------------------------------------------------------------------------------------------------------


class Clock:
    """Each decoding takes `cost` seconds."""

    def __init__(self, cost: float) -> None:
        self.now, self.cost = 0.0, cost

    def __call__(self) -> float:
        return self.now


def slow_colours(network: AutoencoderTiny, model: LoadedModel, clock: Clock, on_cpu: bool = True) -> TinyColours:
    def decode(latents: torch.Tensor) -> torch.Tensor:
        clock.now += clock.cost
        return network.decoder(latents)

    decoder = type("Decoder", (), {"__call__": lambda _self, x: decode(x), "parameters": network.parameters})()
    return TinyColours(decoder, model.colours, on_cpu, clock)


LATENTS = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_on_a_cpu_previews_take_no_more_than_their_share(network: AutoencoderTiny, model: LoadedModel) -> None:
    clock = Clock(cost=2.0)
    colours, step = slow_colours(network, model, clock), 3.0
    sizes, spent = [], 0.0
    for _ in range(40):
        clock.now += step
        if colours.ready():
            begin = clock.now
            sizes.append(tuple(colours.to_rgb(LATENTS).shape))
            spent += clock.now - begin
    assert sizes[0] == (8, 8, 3)
    assert set(sizes[1:]) == {(64, 64, 3)}
    # The first, whose cost nobody knew, came early.
    assert spent - clock.cost <= SHARE * clock.now < spent + 2 * clock.cost


@torch.inference_mode()
def test_on_a_gpu_every_preview_is_decoded(network: AutoencoderTiny, model: LoadedModel) -> None:
    colours = slow_colours(network, model, Clock(cost=2.0), on_cpu=False)
    for _ in range(3):
        assert colours.ready()
        assert tuple(colours.to_rgb(LATENTS).shape) == (64, 64, 3)


@torch.inference_mode()
@pytest.mark.expects_log("the tiny decoder failed: out of memory")
def test_when_it_fails_the_rough_colours_are_shown(model: LoadedModel) -> None:
    def fail(_self: object, _latents: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")

    decoder = type("Decoder", (), {"__call__": fail, "parameters": model.vae.parameters})()
    colours = TinyColours(decoder, model.colours, on_cpu=False)
    for _ in range(3):
        assert torch.equal(colours.to_rgb(LATENTS), model.colours.to_rgb(LATENTS))
        assert colours.ready()


# -- in a job ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_decoder(tmp_path: Path, images: ImagesInMemory, files: dict[str, Path]) -> Iterator[TorchEngine]:
    decoders = as_added(files["taesd"])
    engine = TorchEngine(images=images, upscaler=tmp_path / "none", threads=1, preview_decoders=lambda: decoders)
    yield engine
    engine.close()


def events_of(engine: TorchEngine, request: GenerationRequest, cancel: CancelToken | None = None) -> list[EngineEvent]:
    events: list[EngineEvent] = []
    engine.run("job", request, events.append, cancel or CancelToken())
    return events


def test_the_last_preview_of_a_job_is_decoded(with_decoder: TorchEngine, engine: TorchEngine, tiny_model: Path) -> None:
    events = events_of(with_decoder, make_request(tiny_model))
    assert isinstance(events[-1], Finished)
    previews = [event for event in events if isinstance(event, Preview)]
    assert previews[0].image.size.width == 8
    assert (previews[-1].step, previews[-1].image.size.width) == (4, 64)
    assert (previews[-1].width, previews[-1].height) == (64, 64)
    (picture,) = (event.image for event in events if isinstance(event, ImageReady))
    (plain,) = (event.image for event in events_of(engine, make_request(tiny_model)) if isinstance(event, ImageReady))
    assert np.array_equal(picture.rgb, plain.rgb)


def test_a_decoding_stops_when_the_job_is_cancelled(with_decoder: TorchEngine, tiny_model: Path) -> None:
    request = make_request(tiny_model)
    model = with_decoder._models.get(request.model)
    decoder = with_decoder._additions._decoders.decoder(model)
    cancel, entered = CancelToken(), []

    def stop(module: Any, _args: Any) -> None:
        entered.append(module)
        cancel.cancel()

    blocks = [module for module in decoder.modules() if type(module).__name__ == "AutoencoderTinyBlock"]
    handles = [block.register_forward_pre_hook(stop) for block in blocks]
    assert isinstance(events_of(with_decoder, request, cancel)[-1], Cancelled)
    assert 1 <= len(entered) <= 2
    for handle in handles:
        handle.remove()


def test_what_cancels_is_no_failure(model: LoadedModel) -> None:
    def cancelled(_self: object, _latents: torch.Tensor) -> torch.Tensor:
        raise CancelledByUser

    decoder = type("Decoder", (), {"__call__": cancelled, "parameters": model.vae.parameters})()
    with pytest.raises(CancelledByUser):
        TinyColours(decoder, LatentColours(model.latents, torch.device("cpu")), on_cpu=False).to_rgb(LATENTS)

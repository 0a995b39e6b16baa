"""What goes wrong becomes one Failed event in words, and the next run is as good as ever."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sdstudio.domain.errors import ErrorKind, ModelError
from sdstudio.domain.events import EngineEvent, Failed, Finished, ImageReady, Loading, Preview, Started
from sdstudio.engine.decode import decode
from sdstudio.engine.devices import choose_device
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.load import read_model
from sdstudio.engine.memory.plan import ROUNDED_LADDER
from tests.engine.conftest import Run
from tests.helpers.tiny_models import STARTER, make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def the_failure(events: list[EngineEvent]) -> Failed:
    assert isinstance(events[0], Started)
    assert sum(isinstance(event, Failed | Finished) for event in events) == 1
    assert isinstance(events[-1], Failed), events[-1]
    return events[-1]


def pixels(events: list[EngineEvent]) -> list[bytes]:
    return [event.image.pixels.tobytes() for event in events if isinstance(event, ImageReady)]


def sabotage(module: nn.Module, error: Exception, times: int = 1) -> Any:
    """Raises `error` in the first `times` calls of the module."""
    left = [times]

    def fail(_module: nn.Module, _args: Any) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise error

    return module.register_forward_pre_hook(fail)


TRIES = len(ROUNDED_LADDER)
"""As many plans as there are for weights of single precision on a CPU."""
OUT_OF_MEMORY = [
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: not enough memory: you tried to allocate"),
    MemoryError(),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["cuda", "cpu", "python"])
def test_running_out_of_memory_is_said_plainly(
    error: Exception, engine: TorchEngine, run: Run, tiny_model: Path
) -> None:
    request = make_request(tiny_model)
    expected = pixels(run(request))
    handle = sabotage(engine._models.get(request.model).unet, error, times=TRIES)
    failed = the_failure(run(request))
    handle.remove()
    assert failed.kind == ErrorKind.OUT_OF_MEMORY
    assert "memory" in failed.message
    assert "smaller size" in failed.hint.lower()
    assert type(error).__name__ in failed.details
    engine.close()
    assert pixels(run(request)) == expected


def test_a_decode_that_runs_out_of_memory_is_tried_once_more_in_tiles(
    engine: TorchEngine, run: Run, tiny_model: Path, zero_snr_model: Path
) -> None:
    for folder in (tiny_model, zero_snr_model):
        request = make_request(folder)
        expected = pixels(run(request))
        vae = engine._models.get(request.model).vae
        handle = sabotage(vae.decoder, OUT_OF_MEMORY[0])
        assert pixels(run(request)) == expected
        handle.remove()
        assert vae.use_tiling
        handle = sabotage(vae.decoder, OUT_OF_MEMORY[0], times=2 * TRIES)
        assert the_failure(run(request)).kind == ErrorKind.OUT_OF_MEMORY
        handle.remove()


def test_a_large_picture_can_be_decoded_in_tiles(tiny_model: Path) -> None:
    """Tiles are blended, so not equal: but the same picture."""
    model = read_model(make_request(tiny_model).model, choose_device(1))
    latents = torch.randn(1, 4, 72, 64, generator=torch.Generator("cpu").manual_seed(1))
    with torch.inference_mode():
        whole = decode(model, latents)
        handle = sabotage(model.vae.decoder, OUT_OF_MEMORY[1])
        tiled = decode(model, latents)
        handle.remove()
    assert tiled.shape == whole.shape == (1, 3, 576, 512)
    assert torch.isfinite(tiled).all()


def test_values_that_are_no_colours_are_said_in_words(engine: TorchEngine, run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model)
    expected = pixels(run(request))
    unet = engine._models.get(request.model).unet
    handle = unet.register_forward_hook(lambda _module, _args, output: (output[0] * float("nan"),))
    events = run(request)
    handle.remove()
    failed = the_failure(events)
    assert failed.kind == ErrorKind.MODEL
    assert "fell apart" in failed.message
    assert "another sampler" in failed.hint
    assert any(isinstance(event, Preview) for event in events)
    assert pixels(run(request)) == expected


def test_a_decoder_that_answers_nonsense_is_said_in_words(engine: TorchEngine, run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model)
    run(request)
    decoder = engine._models.get(request.model).vae.decoder
    handle = decoder.register_forward_hook(lambda _module, _args, output: output / 0)
    failed = the_failure(run(request))
    handle.remove()
    assert failed.kind == ErrorKind.MODEL
    assert "decoder" in failed.message


def test_any_other_fault_keeps_the_engine_alive(engine: TorchEngine, run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model)
    expected = pixels(run(request))
    handle = sabotage(engine._models.get(request.model).unet, ZeroDivisionError("a fault of ours"))
    failed = the_failure(run(request))
    handle.remove()
    assert failed.kind == ErrorKind.INTERNAL
    assert "a fault of ours" in failed.details
    assert "Traceback" in failed.details
    assert "report" in failed.hint
    assert pixels(run(request)) == expected


def test_a_clip_skip_that_the_model_cannot_do_names_its_field(run: Run, tiny_model: Path) -> None:
    failed = the_failure(run(make_request(tiny_model, clip_skip=9)))
    assert (failed.kind, failed.field) == (ErrorKind.BAD_INPUT, "clip_skip")


def write_index(folder: Path, **changes: Any) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def to_pickle(folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "diffusion_pytorch_model.bin")


def take_weights_out(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    save_file(dict(list(weights.items())[2:]), path)


UNET = "unet/diffusion_pytorch_model.safetensors"
DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (shutil.rmtree, "is not at"),
    "no index": (lambda folder: (folder / "model_index.json").unlink(), "holds no model"),
    "broken index": (lambda folder: (folder / "model_index.json").write_text("{"), "model_index.json cannot be read"),
    "index of a list": (lambda folder: (folder / "model_index.json").write_text("[]"), "cannot be read"),
    "SDXL": (lambda folder: write_index(folder, text_encoder_2=["transformers", "X"]), "SDXL"),
    "other unet": (lambda folder: write_index(folder, unet=["diffusers", "Transformer2D"]), "cannot use yet"),
    "other vae": (lambda folder: write_index(folder, vae=["diffusers", "AutoencoderDC"]), "cannot use yet"),
    "no vae": (lambda folder: write_index(folder, vae=None), "missing"),
    "no unet config": (lambda folder: (folder / "unet" / "config.json").unlink(), "config.json is missing"),
    "no unet weights": (lambda folder: (folder / UNET).unlink(), "“unet” is incomplete"),
    "pickle": (to_pickle, "pickle"),
    "truncated unet": (lambda folder: truncate(folder / UNET), "weights cannot be read"),
    "unet lacks weights": (lambda folder: take_weights_out(folder / UNET), "weights"),
    "vae lacks weights": (
        lambda folder: take_weights_out(folder / "vae" / "diffusion_pytorch_model.safetensors"),
        "“vae” is incomplete",
    ),
    "text encoder lacks weights": (
        lambda folder: take_weights_out(folder / "text_encoder" / "model.safetensors"),
        "“text_encoder” is incomplete",
    ),
    "truncated text encoder": (
        lambda folder: truncate(folder / "text_encoder" / "model.safetensors"),
        "“text_encoder” is incomplete",
    ),
    "no tokenizer": (lambda folder: shutil.rmtree(folder / "tokenizer"), "vocabulary is missing"),
    "broken tokenizer": (lambda folder: (folder / "tokenizer" / "tokenizer.json").write_text("{}"), "“tokenizer”"),
    "empty vocabulary": (lambda folder: empty_vocabulary(folder / "tokenizer"), "vocabulary is empty"),
    "no scheduler": (lambda folder: shutil.rmtree(folder / "scheduler"), "scheduler_config.json is missing"),
    "broken preview": (
        lambda folder: (folder / "latent_preview.json").write_text('{"rgb_factors": 1}'),
        "latent_preview",
    ),
}


def empty_vocabulary(tokenizer: Path) -> None:
    (tokenizer / "tokenizer.json").unlink()
    (tokenizer / "vocab.json").write_text("{}")
    (tokenizer / "merges.txt").write_text("#version: 0.2\n")


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_model_is_refused_in_words(case: str, run: Run, tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    break_it, words = DAMAGE[case]
    break_it(folder)
    events = run(make_request(folder))
    failed = the_failure(events)
    assert failed.kind == ErrorKind.MODEL, failed.details
    assert words in failed.message
    assert failed.meaning
    assert failed.hint
    assert isinstance(events[1], Loading)


def test_half_size_weights_are_found(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    network = "diffusion_pytorch_model"
    for part, stem in (("unet", network), ("vae", network), ("text_encoder", "model")):
        (folder / part / f"{stem}.safetensors").rename(folder / part / f"{stem}.fp16.safetensors")
    assert pixels(run(make_request(folder))) == pixels(run(make_request(tiny_model)))


def test_warm_up_raises_in_words(engine: TorchEngine, tmp_path: Path, tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="is not at"):
        engine.warm_up(make_request(tmp_path / "nowhere").model)
    engine.warm_up(make_request(tiny_model).model)


def test_half_precision_is_undone_on_the_cpu() -> None:
    """The starter's weights are float16 on disk; the CPU computes in float32."""
    model = read_model(make_request(STARTER).model, choose_device(1))
    wanted = torch.float32 if model.device.torch_device.type == "cpu" else torch.float16
    assert {model.unet.dtype, model.vae.dtype} == {wanted}

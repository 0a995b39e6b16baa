"""LoRAs that are refused, in words: damaged and strange files, other families, kinds that are not worked with."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.events import Failed
from sdstudio.domain.model_file import ModelRole
from sdstudio.domain.request import GenerationRequest, ModelSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.load import read_model
from sdstudio.engine.lora.file import read_lora
from sdstudio.engine.lora.wear import _check_family
from sdstudio.engine.model import LoadedModel
from sdstudio.storage.recognise.recogniser import recognise
from tests.engine.conftest import Run
from tests.engine.test_lora import pixels, use, with_loras
from tests.helpers.lora_files import KINDS, NAMES, write_lora
from tests.helpers.tiny_models import make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> LoadedModel:
    return read_model(ModelSpec(name="Tiny", path=str(tiny_model)), choose_device(1))


def failure(run: Run, request: GenerationRequest) -> Failed:
    end = run(request)[-1]
    assert isinstance(end, Failed), end
    assert end.field == "lora"
    assert "Traceback" not in end.message
    return end


def hostile(folder: Path, model: Path) -> Iterator[tuple[str, Path, str]]:
    def of(name: str, state: dict[str, torch.Tensor]) -> Path:
        torch.save(state, folder / name)
        return folder / name

    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    pair = {f"{stem}.lora_down.weight": torch.ones(2, 16), f"{stem}.lora_up.weight": torch.ones(16, 2)}
    good = write_lora(folder / "good.safetensors", model).path.read_bytes()
    for name, data in (
        ("cut.safetensors", good[: len(good) // 2]),
        ("empty.safetensors", b""),
        ("long_header.safetensors", b"\xff" * 8 + b"{}"),
        ("text.safetensors", b"<!DOCTYPE html><html></html>"),
        ("text.pt", b"<!DOCTYPE html><html></html>"),
        ("cut.pt", of("whole.pt", pair).read_bytes()[:300]),
    ):
        (folder / name).write_bytes(data)
        yield name, folder / name, "incomplete or damaged"
    yield "gone", folder / "gone.safetensors", "not at"
    yield "no numbers", of("nan.pt", pair | {f"{stem}.lora_up.weight": torch.full((16, 2), torch.nan)}), "no numbers"
    yield "no pair", of("no_pair.pt", {f"{stem}.lora_down.weight": torch.ones(2, 16)}), "missing"
    yield "no shape", of("no_shape.pt", pair | {f"{stem}.lora_down.weight": torch.ones(())}), "does not fit"
    yield "rank", of("rank.pt", pair | {f"{stem}.lora_down.weight": torch.ones(3, 16)}), "does not fit"
    yield "no rank", of("no_rank.pt", {name: value[:0] for name, value in pair.items()}), "does not fit"
    yield "alpha", of("alpha.pt", pair | {f"{stem}.alpha": torch.ones(3)}), "alpha is no number"
    yield "width", of("width.pt", pair | {f"{stem}.lora_down.weight": torch.ones(2, 20)}), "does not fit"
    yield "LoKr", of("lokr.pt", {f"{stem}.lokr_w1": torch.ones(5, 5), f"{stem}.lokr_w2": torch.ones(2, 2)}), "divide"
    yield "DoRA", of("dora.pt", pair | {f"{stem}.dora_scale": torch.ones(7)}), "7 lengths"
    yield "IA3", of("ia3.pt", {f"{stem}.weight": torch.ones(1, 7), f"{stem}.on_input": torch.tensor(True)}), "scales 7"
    norm = "lora_unet_down_blocks_0_resnets_0_norm1"
    yield "norm", of("norm.pt", {f"{norm}.lora_down.weight": torch.ones(2, 16)}), "a norm has no such weights"
    yield "OFT", of("oft.pt", {f"{stem}.oft_blocks": torch.ones(2, 8, 8)}), "of the kind OFT"
    yield "GLoRA", of("glora.pt", {f"{stem}.a1.weight": torch.ones(2, 2)}), "of the kind GLoRA"
    yield "another", of("flux.pt", {"transformer.x.lora_A.weight": torch.ones(2, 2)}), "holds no LoRA"
    unlike = {name.replace("down_blocks_0", "double_blocks_0"): value for name, value in pair.items()}
    yield "no layer", of("unlike.pt", unlike), "none of its 1 layers"
    yield "a list", of("list.pt", [torch.ones(2)]), "holds no LoRA"  # type: ignore[arg-type]
    yield "global", of("global.pt", {"x": Path("/")}), "wants to do more"  # type: ignore[dict-item]


def test_damaged_and_strange_files_are_refused_in_words(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    base = pixels(run(make_request(tiny_model)))
    seen = 0
    for name, path, words in hostile(tmp_path, tiny_model):
        for weight in (1.0, 0.0):
            told = failure(run, with_loras(tiny_model, use(path, weight)))
            assert words in told.message, (name, told)
            assert told.hint
        seen += 1
    assert seen > 20
    assert np.array_equal(pixels(run(make_request(tiny_model))), base)


def as_wide(unet: Any, width: int) -> Any:
    return type("Unet", (), {"config": type("Config", (), {"cross_attention_dim": width})()})()


@pytest.mark.parametrize(
    ("theirs", "own", "words"),
    [
        (2048, 768, "The LoRA “x” is for SDXL, the model is SD 1.5."),
        (768, 2048, "The LoRA “x” is for SD 1.5, the model is SDXL."),
        (1024, 768, "The LoRA “x” is for SD 2, the model is SD 1.5."),
        (64, 32, "The LoRA “x” is for another kind of model: it reads text of width 64, “Tiny” of width 32."),
    ],
)
@pytest.mark.parametrize("kind", ["LoRA", "LoHa", "LoKr", "diff"])
def test_a_lora_of_another_family_is_refused_by_name(
    kind: str, theirs: int, own: int, words: str, model: LoadedModel, tmp_path: Path
) -> None:
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    state = {
        "LoRA": {"lora_down.weight": torch.ones(2, theirs), "lora_up.weight": torch.ones(8, 2)},
        "LoHa": {f"hada_w{n}_{s}": torch.ones(*((8, 2) if s == "a" else (2, theirs))) for n in "12" for s in "ab"},
        "LoKr": {"lokr_w1": torch.ones(4, 4), "lokr_w2_a": torch.ones(2, 2), "lokr_w2_b": torch.ones(2, theirs // 4)},
        "diff": {"diff": torch.ones(8, theirs)},
    }[kind]
    torch.save({f"{stem}.{ending}": value for ending, value in state.items()}, tmp_path / "x.pt")
    file = read_lora(tmp_path / "x.pt", "x", torch.float32)
    with pytest.raises(InvalidRequest) as refused:
        _check_family(file, replace(model, unet=as_wide(model.unet, own)))
    assert refused.value.message == words
    assert refused.value.hint


@pytest.mark.expects_log("are not in the model")
def test_layers_that_the_model_lacks_are_counted_in_the_log(
    run: Run, tiny_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = write_lora(tmp_path / "x.pt", tiny_model)
    state = torch.load(made.path) | {
        "lora_unet_down_blocks_7_attentions_0_proj_in.lora_down.weight": torch.ones(2, 2),
        "lora_unet_down_blocks_7_attentions_0_proj_in.lora_up.weight": torch.ones(2, 2),
        "bundle_emb.word.emb_params": torch.ones(1, 32),
    }
    torch.save(state, made.path)
    with caplog.at_level(logging.WARNING, "sdstudio.engine.lora.wear"):
        pixels(run(with_loras(tiny_model, use(made.path))))
    assert [record.getMessage() for record in caplog.records] == [
        f"The LoRA “x”: 1 of {len(made.changes) + 1} layers are not in the model, 1 further tensors are of no known use"
    ]


LISTED = [("LoRA", names) for names in NAMES] + [(kind, names) for kind in KINDS for names in NAMES[:2]][2:]
"""The kinds of LyCORIS have kohya's names."""


@pytest.mark.parametrize(("kind", "names"), LISTED)
def test_what_can_be_used_is_not_refused_beforehand(kind: str, names: str, tiny_model: Path, tmp_path: Path) -> None:
    """What the list of files says of them by their headers."""
    found = recognise(write_lora(tmp_path / "x.safetensors", tiny_model, kind=kind, names=names).path)
    assert (found.role, found.refused) == (ModelRole.LORA, False), found.reason

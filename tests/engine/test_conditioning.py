"""Prompts to embeddings: equal to the pipeline's where nothing is weighted, and the A1111 rules where it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sdstudio.domain.errors import InvalidRequest
from sdstudio.domain.request import ModelSpec, PromptSpec
from sdstudio.engine.conditioning import Conditioner
from sdstudio.engine.devices import choose_device
from sdstudio.engine.libraries import CLIPTextModel, CLIPTokenizer
from sdstudio.engine.tokens import ModelTokenCounter

LONG = "a red apple on a blue plate, " * 12


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> CLIPTextModel:
    choose_device(1)
    return CLIPTextModel.from_pretrained(tiny_model / "text_encoder").eval()


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(tiny_model / "tokenizer")


@pytest.fixture
def conditioner(encoder: CLIPTextModel, tokenizer: CLIPTokenizer) -> Conditioner:
    return Conditioner(tokenizer, encoder, torch.float32)


def encode(
    conditioner: Conditioner, positive: str, negative: str = "", skip: int = 1, guided: bool = False
) -> torch.Tensor:
    with torch.inference_mode():
        return conditioner.encode(PromptSpec(positive=positive, negative=negative, clip_skip=skip), guided)


@pytest.mark.parametrize("prompt", ["", "a red apple", "ünïcode 苹果, 12:30 don't!", r"an \(odd\) one"])
def test_an_unweighted_prompt_equals_the_pipelines(
    prompt: str, conditioner: Conditioner, encoder: CLIPTextModel, tokenizer: CLIPTokenizer
) -> None:
    plain = prompt.replace("\\", "")
    ids = tokenizer(plain, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    with torch.inference_mode():
        expected = encoder(ids)[0]
    assert torch.equal(encode(conditioner, prompt), expected)


def test_guidance_puts_the_negative_prompt_first(conditioner: Conditioner) -> None:
    both = encode(conditioner, "a cat", "a dog", guided=True)
    assert torch.equal(both[:1], encode(conditioner, "a dog"))
    assert torch.equal(both[1:], encode(conditioner, "a cat"))


def test_clip_skip_takes_an_earlier_layer_and_normalises_it(
    conditioner: Conditioner, encoder: CLIPTextModel, tokenizer: CLIPTokenizer
) -> None:
    ids = tokenizer("a cat", padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.inference_mode():
        hidden = encoder(ids, output_hidden_states=True).hidden_states
        assert torch.equal(encoder.final_layer_norm(hidden[-1]), encode(conditioner, "a cat"))
        assert torch.equal(encoder.final_layer_norm(hidden[-2]), encode(conditioner, "a cat", skip=2))
    assert not torch.equal(encode(conditioner, "a cat"), encode(conditioner, "a cat", skip=2))


def test_clip_skip_beyond_the_layers_is_refused_beside_its_field(conditioner: Conditioner) -> None:
    with pytest.raises(InvalidRequest, match="has 3 layers") as caught:
        encode(conditioner, "a cat", skip=4)
    assert caught.value.field == "clip_skip"


def test_a_weight_scales_its_word_and_keeps_the_mean(conditioner: Conditioner) -> None:
    plain, weighted = encode(conditioner, "a red apple"), encode(conditioner, "a (red:1.5) apple")
    assert weighted.mean().item() == pytest.approx(plain.mean().item(), rel=1e-3)
    ratio = (weighted / plain).mean(dim=2)[0]
    assert ratio[2] / ratio[1] == pytest.approx(1.5, rel=1e-3)
    assert ratio[3] / ratio[1] == pytest.approx(1.0, rel=1e-3)


def test_weights_that_cancel_out_stay_finite(conditioner: Conditioner) -> None:
    assert torch.isfinite(encode(conditioner, "(a red apple:0)")).all()


def test_a_long_prompt_is_read_to_its_end(conditioner: Conditioner) -> None:
    long, other = encode(conditioner, LONG + "cat"), encode(conditioner, LONG + "dog")
    assert long.shape[1] % 77 == 0
    assert long.shape[1] >= 2 * 77
    assert torch.equal(long[:, :77], other[:, :77])
    assert not torch.equal(long, other)


def test_the_shorter_prompt_is_filled_up_with_empty_chunks(conditioner: Conditioner) -> None:
    empty = encode(conditioner, "")
    for positive, negative in ((LONG, "blue"), ("blue", LONG)):
        both = encode(conditioner, positive, negative, guided=True)
        short = both[0] if negative == "blue" else both[1]
        assert torch.equal(short[77:154], empty[0])


def test_break_begins_a_new_chunk(conditioner: Conditioner) -> None:
    parted = encode(conditioner, "a cat BREAK a dog")
    assert torch.equal(parted, torch.cat([encode(conditioner, "a cat"), encode(conditioner, "a dog")], dim=1))


def test_a_prompt_is_encoded_once(conditioner: Conditioner) -> None:
    assert encode(conditioner, "a cat").data_ptr() == encode(conditioner, "a cat").data_ptr()


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "a red apple",
        "(a red:1.3) [apple]",
        LONG,
        "a BREAK b",
        "BREAK BREAK",
        "ünïcode 苹果 🐻 don't",
        r"\(x\)",
        "  a\n b ",
    ],
)
def test_the_token_counter_agrees_with_the_conditioning(
    prompt: str, conditioner: Conditioner, tokenizer: CLIPTokenizer, tiny_model: Path
) -> None:
    counted = ModelTokenCounter().count(ModelSpec(name="Tiny", path=str(tiny_model)), prompt)
    assert counted.room == encode(conditioner, prompt).shape[1] // 77 * 75
    if prompt in ("", "a red apple", LONG, "ünïcode 苹果 🐻 don't"):
        assert counted.used == len(tokenizer(prompt, add_special_tokens=False, truncation=False).input_ids)

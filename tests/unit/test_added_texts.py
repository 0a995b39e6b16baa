"""What pictures tell of LoRAs, VAE and the rest: our record, A1111's text, ComfyUI's graph."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.domain.a1111 import A1111Text
from sdstudio.domain.added_texts import hash_pairs, loras_of
from sdstudio.domain.additions import AddedFile, LoraUse, MixedImage
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.metadata import PictureRecord, record_from_text, record_to_text, request_summary, write_parameters
from sdstudio.domain.request import GenerationRequest, ModelSpec, RefinerSpec
from sdstudio.jobs.outputs import file_stems
from tests.helpers.requests import generation

INK = LoraUse(name="ink_v2", path="/models/ink_v2.safetensors", hash="0123456789", weight=0.8)
GLOW = LoraUse(name="glow", path="/models/glow.safetensors", weight=1.0, text_weight=0.5)
BADHANDS = AddedFile(name="badhands", path="/models/badhands.pt", hash="abcdefabcd")
VAE = AddedFile(name="clear", path="/models/clear.safetensors", hash="fedcba9876")


def added(prompt: str = "a cat") -> GenerationRequest:
    refiner = RefinerSpec(model=ModelSpec(name="polish", path="/models/polish", hash="1111111111"), begin=0.7)
    request = replace(
        generation(prompt), loras=(INK, GLOW), embeddings=(BADHANDS,), vae=VAE, refiner=refiner, noise_level=40
    )
    return replace(request, sampling=replace(request.sampling, image_guidance_scale=1.8))


def record(request: GenerationRequest) -> PictureRecord:
    return PictureRecord(request=request, seconds=1.0, app_version="0.1")


def test_the_record_brings_all_back_without_places() -> None:
    text = record_to_text(record(added()))
    assert "/models" not in text
    assert record_from_text(text).request == added()


def test_the_summary_has_the_contracts_names() -> None:
    summary = request_summary(added())
    assert summary["loras"] == [
        {"name": "ink_v2", "weight": 0.8, "hash": "0123456789"},
        {"name": "glow", "weight": 1.0, "hash": "", "text_weight": 0.5},
    ]
    assert (summary["vae"], summary["vae_hash"], summary["noise_level"]) == ("clear", "fedcba9876", 40)
    assert summary["embeddings"] == [{"name": "badhands", "hash": "abcdefabcd"}]
    assert summary["refiner"] == {"name": "polish", "hash": "1111111111", "begin": 0.7}
    assert summary["image_guidance_scale"] == 1.8
    plain = request_summary(generation())
    assert not plain.keys() & {"loras", "vae", "embeddings", "refiner", "noise_level", "image_guidance_scale"}


def test_the_summary_lists_the_mixed_pictures() -> None:
    one, other = (ImageInput(sha256=digit * 64, width=64, height=64) for digit in "ab")
    request = replace(
        generation(),
        image=one,
        mix=(MixedImage(image=one, weight=0.5), MixedImage(image=other, weight=2)),
        strength=1.0,
    )
    assert request_summary(request)["mix"] == [{"image": "a" * 64, "weight": 0.5}, {"image": "b" * 64, "weight": 2.0}]
    assert "mix" not in request_summary(generation())


def test_others_read_the_loras_in_the_prompt_and_their_hashes() -> None:
    parts = A1111Text.parse(write_parameters(record(added())))
    assert parts.prompt == "a cat <lora:ink_v2:0.8> <lora:glow:unet=1:te=0.5>"
    pairs = dict(parts.pairs)
    assert (pairs["Lora hashes"], pairs["TI hashes"]) == ("ink_v2: 0123456789", "badhands: abcdefabcd")
    assert (pairs["VAE"], pairs["VAE hash"]) == ("clear", "fedcba9876")
    assert (pairs["Refiner"], pairs["Refiner switch at"]) == ("polish [1111111111]", "0.7")
    assert pairs["Image CFG scale"] == "1.8"
    assert "/models" not in write_parameters(record(added()))


def test_what_the_prompt_names_is_not_written_twice() -> None:
    parts = A1111Text.parse(write_parameters(record(added("<lora:styles/INK_v2:0.8> a <lora:Soft Glow:0.5:1> cat"))))
    assert parts.prompt == "<lora:styles/INK_v2:0.8> a <lora:glow:0.5:1> cat"


def test_a_prompt_without_loras_stays_to_the_letter() -> None:
    assert A1111Text.parse(write_parameters(record(generation("a (cat:1.2) < b")))).prompt == "a (cat:1.2) < b"


def test_a_picture_of_a1111_tells_its_loras() -> None:
    text = (
        "a cat <lora:ink_v2:0.5:0.8> <lora:glow:0.4>\nNegative prompt: bad\n"
        "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64, VAE hash: aabbccddee, VAE: clear.pt, "
        'Lora hashes: "ink_v2: 0123456789AB, glow: fedcba987654", Version: v1.9'
    )
    found = read_metadata({"parameters": text})
    assert found.request["prompt"] == "a cat <lora:ink_v2:0.5:0.8> <lora:glow:0.4>"
    # A1111 names the text encoder's weight first.
    assert found.request["loras"] == [
        {"name": "ink_v2", "weight": 0.8, "text_weight": 0.5, "hash": "0123456789ab"},
        {"name": "glow", "weight": 0.4, "hash": "fedcba987654"},
    ]
    assert (found.request["vae"], found.request["vae_hash"]) == ("clear.pt", "aabbccddee")
    assert "Lora hashes" not in found.unknown


def test_comfyuis_graph_tells_its_loras() -> None:
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "m.safetensors"}},
        "2": {
            "class_type": "LoraLoader",
            "inputs": {
                "model": ["1", 0], "clip": ["1", 1], "lora_name": "styles\\ink_v2.safetensors",
                "strength_model": 0.8, "strength_clip": 0.5,
            },
        },
        "3": {
            "class_type": "LoraLoaderModelOnly",
            "inputs": {"model": ["2", 0], "lora_name": "glow.safetensors", "strength_model": 1.0},
        },
        "4": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["2", 1]}},
        "5": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["2", 1]}},
        "6": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64}},
        "7": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["3", 0], "positive": ["4", 0], "negative": ["5", 0], "latent_image": ["6", 0],
                "seed": 1, "steps": 20, "cfg": 7, "sampler_name": "euler", "scheduler": "normal", "denoise": 1,
            },
        },
        "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0]}},
    }  # fmt: skip
    found = read_metadata({"prompt": json.dumps(graph)})
    assert found.request["loras"] == [
        {"name": "ink_v2", "weight": 0.8, "text_weight": 0.5},
        {"name": "glow", "weight": 1.0},
    ]
    del graph["3"]
    graph["7"]["inputs"]["model"] = ["1", 0]  # type: ignore[index]
    assert "loras" not in read_metadata({"prompt": json.dumps(graph)}).request


@pytest.mark.parametrize("value", [None, 3, "", "no hashes", "a: xyz", ["a: 0123456789"]])
def test_hashes_that_are_none(value: object) -> None:
    assert hash_pairs(value) == {}


@given(st.recursive(st.none() | st.floats() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "weight", "text_weight", "hash"]), inner)))  # fmt: skip # noqa: E501
def test_any_rows_are_read(rows: object) -> None:
    for lora in loras_of(rows):
        assert lora.path == "" and -10 <= lora.weight <= 10


def test_files_are_called_after_the_words_and_not_after_the_loras() -> None:
    (stem,) = file_stems(generation("a cat <lora:ink_v2:0.8>, sitting"), datetime(2026, 1, 2, 3, 4, 5))
    assert stem == "2026-01-02_030405_a-cat-sitting_7"

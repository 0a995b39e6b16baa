"""What lies in the box: the starter model's card, its preview factors, its examples, the upscaler, the notices."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import yaml
from PIL import Image

from sdstudio.domain.geometry import Size, check_generated_size
from sdstudio.domain.request import SamplingSpec

REPOSITORY = Path(__file__).resolve().parents[2]
RESOURCES = REPOSITORY / "resources"
STARTER = RESOURCES / "models/starter"
UPSCALER = RESOURCES / "upscaler/realesr-animevideov3-x4.safetensors"


def front_matter() -> dict:
    _, front, _ = (STARTER / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(front)


def read_header(path: Path) -> dict:
    """The JSON header of a safetensors file; also checks that the file is as long as it says."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
    assert path.stat().st_size == 8 + length + end
    return header


def test_the_card_has_presets_that_can_be_run() -> None:
    card = front_matter()
    assert card["license"] == "mit"
    presets = card["sdstudio"]
    assert presets["name"] == "Starter"
    sampling = SamplingSpec(
        steps=presets["steps"], guidance_scale=presets["guidance_scale"], sampler=presets["sampler"]
    )
    assert sampling.sampler == presets["sampler"]
    sizes = [Size.parse(text) for text in presets["sizes"]]
    assert Size.parse(presets["size"]) == sizes[0] == Size(128, 128)
    for size in sizes:
        check_generated_size(size)


def test_the_form_for_few_steps_is_beside_the_card_and_can_be_run() -> None:
    quick = front_matter()["sdstudio"]["quick"]
    lora = quick.pop("lora")
    assert SamplingSpec(**quick).steps == 4
    layers = {name for name in read_header(STARTER / lora) if name != "__metadata__"}
    assert all(name.startswith("lora_unet_") for name in layers)
    assert {name.partition(".")[2] for name in layers} == {"lora_down.weight", "lora_up.weight", "alpha"}


def test_the_first_example_is_ready_to_run() -> None:
    assert front_matter()["sdstudio"]["examples"][0] == "a red apple on a blue background"


def test_every_example_has_its_picture() -> None:
    examples = front_matter()["sdstudio"]["examples"]
    pictures = sorted((RESOURCES / "examples").glob("*.png"))
    assert [path.name for path in pictures] == [f"{number}.png" for number in range(1, len(examples) + 1)]
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (128, 128)
        assert path.stat().st_size < 40_000


def test_the_apple_is_red_and_its_ground_blue() -> None:
    with Image.open(RESOURCES / "examples/1.png") as picture:
        rgb = picture.convert("RGB")
    red, _, blue = rgb.crop((48, 48, 80, 80)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert red > 2 * blue
    red, _, blue = rgb.crop((0, 100, 12, 128)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert blue > 2 * red


def test_words_of_the_examples_are_words_of_the_model() -> None:
    vocabulary = json.loads((STARTER / "tokenizer/vocab.json").read_text("utf-8"))
    for example in front_matter()["sdstudio"]["examples"]:
        assert all(f"{word}</w>" in vocabulary for word in example.split())


def test_preview_factors_fit_the_latents() -> None:
    preview = json.loads((STARTER / "latent_preview.json").read_text("utf-8"))
    channels = json.loads((STARTER / "unet/config.json").read_text("utf-8"))["in_channels"]
    assert [len(row) for row in preview["rgb_factors"]] == [3] * channels
    assert len(preview["rgb_bias"]) == 3
    assert all(abs(value) < 2 for row in [*preview["rgb_factors"], preview["rgb_bias"]] for value in row)


@pytest.mark.parametrize(
    "part",
    [
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    ],
)
def test_weights_are_whole_and_float16(part: str) -> None:
    header = read_header(STARTER / part)
    kinds = {entry["dtype"] for name, entry in header.items() if name != "__metadata__"}
    assert kinds <= {"F16", "I64"}


def test_the_upscaler_is_whole_and_says_whose_it_is() -> None:
    header = read_header(UPSCALER)
    assert header["__metadata__"]["license"] == "BSD-3-Clause"
    assert "Xintao Wang" in header["__metadata__"]["copyright"]
    weights = [entry for name, entry in header.items() if name != "__metadata__" and len(entry["shape"]) == 4]
    assert len(weights) == 18
    assert {entry["dtype"] for entry in weights} == {"F16"}


def test_the_notices_are_kept() -> None:
    notice = (REPOSITORY / "NOTICE").read_text("utf-8")
    owed = (
        "Copyright (c) Microsoft Corporation",
        "Copyright (c) 2023 LobeHub",
        "Copyright (c) 2017-2019 Miles Johnson",
        "UNICODE LICENSE V3",
        "Copyright (c) 2021, Xintao Wang",
        "Copyright (c) 2023, 喵小吉",
        "SIL OPEN FONT LICENSE Version 1.1",
    )
    for line in owed:
        assert line in notice
    upscaler = (UPSCALER.parent / "LICENSE").read_text("utf-8")
    assert "Xintao Wang" in upscaler
    assert "喵小吉" in upscaler


def test_the_models_card_names_its_sources() -> None:
    card = (STARTER / "README.md").read_text("utf-8")
    for source in ("Fluent Emoji", "Microsoft Corporation", "emojibase-data", "Unicode CLDR"):
        assert source in card

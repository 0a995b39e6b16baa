from __future__ import annotations

import json
from typing import Any

import pytest

from sdstudio.domain.dialects import read_metadata

A1111 = (
    "a cat, (fluffy:1.2)\nsecond line\nNegative prompt: dog,\n blurry\n"
    "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 4294967297, Size: 512x768, "
    'Model hash: 6ce0161689, Model: v1-5, Clip skip: 2, Lora hashes: "a: 1, b: 2", Version: v1.9.0'
)


def test_a1111() -> None:
    found = read_metadata({"parameters": A1111})
    assert found.dialect == "a1111"
    assert found.request == {
        "prompt": "a cat, (fluffy:1.2)\nsecond line",
        "negative_prompt": "dog,\n blurry",
        "steps": 20,
        "sampler": "DPM++ 2M Karras",
        "guidance_scale": 7.0,
        "seed": 4294967297,
        "width": 512,
        "height": 768,
        "model": "v1-5",
        "model_hash": "6ce0161689",
        "clip_skip": 2,
    }
    assert found.unknown == {"Lora hashes": "a: 1, b: 2", "Version": "v1.9.0"}


def test_a1111_says_only_what_is_there() -> None:
    found = read_metadata({"UserComment": "x\nSteps: 5, Seed: 1, Size: huge, Denoising strength: 0.4"})
    assert found.request == {"prompt": "x", "steps": 5, "seed": 1, "strength": 0.4}
    assert found.unknown == {"Size": "huge"}


def test_the_strength_of_a_second_pass_is_not_that_of_the_picture() -> None:
    found = read_metadata({"parameters": "x\nSteps: 5, Seed: 1, Denoising strength: 0.4, Hires upscale: 2"})
    assert "strength" not in found.request and found.unknown["Denoising strength"] == "0.4"


def test_a_text_without_settings_line_is_all_prompt() -> None:
    found = read_metadata({"parameters": "just a prompt: with, colons\nand lines"})
    assert (found.dialect, found.request) == ("a1111", {"prompt": "just a prompt: with, colons\nand lines"})


def test_krita() -> None:
    text = (
        "A cat <lora:x:0.7>\nNegative prompt: dog\nSteps: 20, Sampler: Euler - euler_a (20 / 7.5), CFG scale: 7.5, "
        "Seed: 12345, Size: 512x768, Model hash: unknown, Model: m.ckpt, Denoising strength: 0.8"
    )
    found = read_metadata({"parameters": text})
    assert found.dialect == "krita"
    assert found.request["sampler"] == "Euler a"
    assert found.request["strength"] == 0.8
    assert "model_hash" not in found.request


def graph(**changes: Any) -> dict[str, Any]:
    nodes = {
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 156680208700286,
                "steps": 20,
                "cfg": 8,
                "sampler_name": "dpmpp_2m",
                "scheduler": "karras",
                "denoise": 1,
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["7", 0],
                "latent_image": ["5", 0],
            },
        },
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "odd": float("nan")}},
    }
    return nodes | changes


COMFY = {
    "prompt": "a cat",
    "negative_prompt": "bad",
    "steps": 20,
    "guidance_scale": 8.0,
    "sampler": "DPM++ 2M Karras",
    "seed": 156680208700286,
    "width": 512,
    "height": 768,
    "model": "v1-5.safetensors",
}


@pytest.mark.parametrize("texts", [{"prompt": "{}"}, {"Make": "prompt:{}"}])
def test_comfyui(texts: dict[str, str]) -> None:
    filled = {key: text.replace("{}", json.dumps(graph())) for key, text in texts.items()}
    found = read_metadata(filled)
    assert (found.dialect, found.request) == ("comfyui", COMFY)
    json.dumps(found.unknown, allow_nan=False)


def test_comfyui_through_links_controlnet_and_a_second_pass() -> None:
    first = graph()["3"]["inputs"]
    nodes = graph(
        **{
            "3": {"class_type": "KSampler", "inputs": first | {"positive": ["10", 0], "negative": ["10", 1]}},
            "10": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0], "negative": ["7", 0]}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["11", 0], "clip": ["13", 0]}},
            "11": {"class_type": "PrimitiveString", "inputs": {"value": "from a link"}},
            "13": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["4", 1]}},
            "20": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "width": 1024, "height": 1536}},
            "21": {
                "class_type": "KSampler",
                "inputs": first | {"denoise": 0.5, "seed": 1, "latent_image": ["20", 0]},
            },
            "8": {"class_type": "VAEDecode", "inputs": {"samples": ["21", 0]}},
        }
    )
    request = read_metadata({"prompt": json.dumps(nodes)}).request
    assert request == COMFY | {"prompt": "from a link", "clip_skip": 2}


def test_comfyui_sampler_in_parts() -> None:
    nodes = {
        "1": {
            "class_type": "SamplerCustomAdvanced",
            "inputs": {
                "noise": ["2", 0],
                "guider": ["3", 0],
                "sampler": ["4", 0],
                "sigmas": ["5", 0],
                "latent_image": ["6", 0],
            },
        },
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 9}},
        "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 4, "denoise": 1}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": 1024, "height": 1024}},
        "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "u.safetensors"}},
        "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "parts"}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    }
    request = read_metadata({"prompt": json.dumps(nodes)}).request
    assert request["prompt"] == "parts" and request["seed"] == 9 and request["steps"] == 4
    assert request["sampler"] == "Euler" and request["model"] == "u.safetensors" and request["width"] == 1024


def test_comfyui_window_graph_alone() -> None:
    workflow = {
        "nodes": [
            {"id": 1, "type": "CheckpointLoaderSimple", "widgets_values": ["m.safetensors"]},
            {"id": 2, "type": "CLIPTextEncode", "widgets_values": ["a cat"], "inputs": [{"name": "clip", "link": 1}]},
            {"id": 3, "type": "EmptyLatentImage", "widgets_values": [512, 512, 1]},
            {
                "id": 4,
                "type": "KSampler",
                "widgets_values": [42, "randomize", 25, 7.5, "euler_ancestral", "normal", 1],
                "inputs": [
                    {"name": "model", "link": 2},
                    {"name": "positive", "link": 3},
                    {"name": "latent_image", "link": 4},
                ],
            },
        ],
        "links": [[1, 1, 1, 2, 0, "CLIP"], [2, 1, 0, 4, 0, "MODEL"], [3, 2, 0, 4, 1, "X"], [4, 3, 0, 4, 3, "LATENT"]],
    }
    found = read_metadata({"workflow": json.dumps(workflow)})
    assert found.dialect == "comfyui"
    assert found.request["prompt"] == "a cat" and found.request["seed"] == 42
    assert found.request["sampler"] == "Euler a" and found.request["width"] == 512


def test_a_graph_that_goes_in_circles_ends() -> None:
    nodes = graph(**{"5": {"class_type": "Loop", "inputs": {"samples": ["3", 0], "a": ["5", 0]}}})
    assert read_metadata({"prompt": json.dumps(nodes)}).request["prompt"] == "a cat"


def test_invokeai() -> None:
    data = {
        "generation_mode": "txt2img",
        "positive_prompt": "a cat",
        "negative_prompt": "",
        "width": 512,
        "height": 768,
        "seed": 3,
        "cfg_scale": 7.5,
        "steps": 30,
        "scheduler": "dpmpp_2m_k",
        "clip_skip": 0,
        "model": {"name": "dreamshaper", "hash": "blake3:00"},
        "rand_device": "cpu",
    }
    found = read_metadata({"invokeai_metadata": json.dumps(data)})
    assert found.dialect == "invokeai"
    assert found.request == {
        "prompt": "a cat",
        "negative_prompt": "",
        "width": 512,
        "height": 768,
        "seed": 3,
        "guidance_scale": 7.5,
        "steps": 30,
        "sampler": "DPM++ 2M Karras",
        "clip_skip": 1,
        "model": "dreamshaper",
        "model_hash": "blake3:00",
    }
    assert found.unknown == {"generation_mode": "txt2img", "rand_device": "cpu"}


def test_old_invokeai() -> None:
    image = {
        "prompt": [{"prompt": "a fox [dog]", "weight": 1}],
        "steps": 50,
        "cfg_scale": 7.5,
        "seed": 1,
        "sampler": "k_euler_a",
    }
    found = read_metadata({"sd-metadata": json.dumps({"model_weights": "sd-1.5", "image": image}), "Dream": "x"})
    assert found.dialect == "invokeai"
    assert found.request["prompt"] == "a fox" and found.request["negative_prompt"] == "dog"
    assert found.request["sampler"] == "Euler a" and found.request["model"] == "sd-1.5"
    dream = read_metadata({"Dream": '"a \\"red\\" fox" -s 50 -S 42 -W 512 -H 768 -C 7.5 -A k_lms'})
    assert dream.request["prompt"] == 'a "red" fox' and dream.request["height"] == 768
    assert dream.request["sampler"] == "k_lms"


FOOOCUS = {
    "prompt": "a cat",
    "negative_prompt": "bad",
    "steps": 30,
    "resolution": "(1152, 896)",
    "guidance_scale": 4.0,
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "5640",
    "base_model": "juggernautXL_v8",
    "base_model_hash": "aeb7e9e689",
    "performance": "Speed",
    "version": "Fooocus v2.4",
}


@pytest.mark.parametrize(
    "texts",
    [
        {"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"},
        {"UserComment": json.dumps(FOOOCUS), "MakerNote": "fooocus", "Software": "Fooocus v2.4"},
    ],
)
def test_fooocus(texts: dict[str, str]) -> None:
    found = read_metadata(texts)
    assert found.dialect == "fooocus"
    assert found.request == {
        "prompt": "a cat",
        "negative_prompt": "bad",
        "steps": 30,
        "width": 1152,
        "height": 896,
        "guidance_scale": 4.0,
        "sampler": "DPM++ 2M SDE Karras",
        "seed": 5640,
        "model": "juggernautXL_v8",
        "model_hash": "aeb7e9e689",
    }
    assert found.unknown == {"performance": "Speed", "version": "Fooocus v2.4"}


def test_fooocus_in_a1111_dress() -> None:
    found = read_metadata({"parameters": A1111, "fooocus_scheme": "a1111"})
    assert (found.dialect, found.request["seed"]) == ("fooocus", 4294967297)


def test_novelai() -> None:
    comment = {
        "prompt": "1girl",
        "steps": 28,
        "sampler": "k_dpmpp_2m",
        "noise_schedule": "karras",
        "seed": 2,
        "scale": 5.5,
    }
    comment |= {"uc": "lowres", "width": 832, "height": 1216, "strength": 0.7, "noise": 0.2}
    plain = {
        "Title": "AI",
        "Description": "1girl",
        "Software": "NovelAI",
        "Source": "NAI v3",
        "Comment": json.dumps(comment),
    }
    for texts in (plain, {"UserComment": json.dumps(plain)}):
        found = read_metadata(texts)
        assert found.dialect == "novelai"
        assert found.request == {
            "prompt": "1girl",
            "negative_prompt": "lowres",
            "steps": 28,
            "sampler": "DPM++ 2M Karras",
            "seed": 2,
            "guidance_scale": 5.5,
            "width": 832,
            "height": 1216,
            "strength": 0.7,
            "model": "NAI v3",
        }
        assert found.unknown == {"noise": 0.2}


@pytest.mark.parametrize(
    "texts",
    [{}, {"Software": "GIMP"}, {"UserComment": "my holiday: 2024, at sea"}, {"Comment": "{}"}, {"prompt": "a word"}],
)
def test_other_pictures_have_no_dialect(texts: dict[str, str]) -> None:
    found = read_metadata(texts)
    assert (found.dialect, found.request) == (None, {})
    assert found.unknown == texts

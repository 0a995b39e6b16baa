"""Latent spaces and their colours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from sdstudio.domain.models import LatentSpec
from sdstudio.engine.devices import choose_device
from sdstudio.engine.latents import SD1_RGB, SDXL_RGB, LatentColours, find_latent_spec, fit_latent_spec, to_image
from sdstudio.engine.libraries import AutoencoderKL, AutoencoderTiny
from sdstudio.engine.load import read_model
from tests.helpers.tiny_models import STARTER, make_request


def colours_of(spec: LatentSpec, latents: torch.Tensor) -> np.ndarray:
    return LatentColours(spec, torch.device("cpu")).to_rgb(latents).numpy()


def test_the_map_is_linear_clamped_and_never_nan() -> None:
    factors = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0))
    spec = LatentSpec(channels=4, scale=1.0, shift=0.0, rgb_factors=factors, rgb_bias=(0.0, 0.5, 0.0))
    latents = torch.tensor([[-1.0, 0.0], [0.0, 0.25], [float("nan"), 9.0], [5.0, 5.0]]).view(1, 4, 1, 2)
    assert colours_of(spec, latents).tolist() == [[[128, 128, 128], [128, 223, 255]]]


def test_published_tables_are_taken_by_scale(tmp_path: Path) -> None:
    def table(vae: AutoencoderKL | AutoencoderTiny) -> object:
        return find_latent_spec(tmp_path, vae).rgb_factors

    small = {"block_out_channels": (8, 8), "norm_num_groups": 8, "down_block_types": ("DownEncoderBlock2D",) * 2}
    small["up_block_types"] = ("UpDecoderBlock2D",) * 2
    widths = (8, 8, 8, 8)
    tiny = {"encoder_block_out_channels": widths, "decoder_block_out_channels": widths}
    assert table(AutoencoderKL(**small, latent_channels=4)) == SD1_RGB
    assert table(AutoencoderKL(**small, latent_channels=4, scaling_factor=0.13025)) == SDXL_RGB
    assert table(AutoencoderTiny(**tiny)) == SD1_RGB
    assert table(AutoencoderTiny(**tiny, scaling_factor=0.9)) not in (SD1_RGB, SDXL_RGB)


@pytest.fixture(scope="module")
def starter_vae() -> AutoencoderTiny:
    choose_device(1)
    return AutoencoderTiny.from_pretrained(STARTER / "vae", torch_dtype=torch.float32).eval()


def test_a_fit_explains_the_colours_of_a_real_latent_space(starter_vae: AutoencoderTiny) -> None:
    """Explained variance of pictures that the fit has not seen: flat colour fields through encoder and map."""
    spec = fit_latent_spec(starter_vae, 4, float(starter_vae.config.scaling_factor))
    fields = torch.rand(1, 3, 4, 4, generator=torch.Generator("cpu").manual_seed(9)) * 2 - 1
    picture = torch.nn.functional.interpolate(fields, size=(128, 128), mode="nearest")
    with torch.inference_mode():
        latents = starter_vae.encode(picture).latents * spec.scale
    shown = colours_of(spec, latents).astype(float)
    wanted = (torch.nn.functional.avg_pool2d(picture, 8)[0].permute(1, 2, 0).numpy() + 1) * 127.5
    explained = 1 - ((shown - wanted) ** 2).mean() / wanted.var()
    assert explained > 0.7


def test_the_models_own_factors_win(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    factors = [[0.1, 0.2, 0.3]] * 4
    data = {"rgb_factors": factors, "rgb_bias": [0, 0.5, 1], "note": ""}
    (folder / "latent_preview.json").write_text(json.dumps(data))
    spec = read_model(make_request(folder).model, choose_device(1)).latents
    assert spec.rgb_factors == ((0.1, 0.2, 0.3),) * 4
    assert spec.rgb_bias == (0.0, 0.5, 1.0)
    assert spec.scale == pytest.approx(0.18215)


def test_decoded_values_become_pixels() -> None:
    decoded = torch.tensor([-2.0, 0.0, 1.0]).view(1, 3, 1, 1)
    assert to_image(decoded).pixels.tolist() == [[[0, 128, 255, 255]]]

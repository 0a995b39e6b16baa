from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdstudio.domain.errors import UnreadableFile
from sdstudio.storage.mask_files import load_mask, save_mask

RNG = np.random.default_rng(2)


def test_a_saved_mask_comes_back_exactly(tmp_path: Path) -> None:
    mask = RNG.integers(0, 256, (700, 31), dtype=np.uint8)
    path = save_mask(mask, tmp_path / "mask.png")
    assert np.array_equal(load_mask(path), mask)
    with Image.open(path) as image:
        assert image.mode == "L" and "icc_profile" not in image.info
    assert save_mask(mask, tmp_path / "mask.png").name == "mask-2.png"
    assert save_mask(mask, tmp_path / "mask.jpg").name == "mask.jpg.png"
    assert save_mask(255 - mask, path, overwrite=True) == path
    assert np.array_equal(load_mask(path), 255 - mask)


def test_luminance_unless_there_is_transparency(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)).save(path)
    assert load_mask(path).tolist() == [[76, 150, 29]]
    pixels = RNG.integers(0, 256, (4, 5, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    Image.fromarray(pixels).save(path)
    assert np.array_equal(load_mask(path), np.asarray(Image.fromarray(pixels[..., :3]).convert("L")))
    pixels[1, 2, 3] = 254
    Image.fromarray(pixels).save(path)
    assert np.array_equal(load_mask(path), pixels[..., 3])
    with pytest.raises(UnreadableFile):
        load_mask(tmp_path / "none.png")

"""MiDaS' depth network: every name of the original code becomes the one that transformers has for the same weight."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import DPTConfig, DPTForDepthEstimation

from sdstudio.engine.midas import empty_depth_estimator, to_transformers
from tests.helpers.midas_parts import (
    PART,
    SHIPPED,
    midas_shapes,
    original_names,
    tiny_depth_config,
    tiny_depth_estimator,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    DPTConfig(**tiny_depth_config()).save_pretrained(tmp_path)
    return tmp_path


def test_the_whole_network_of_real_size_is_mapped_key_by_key() -> None:
    """All names and shapes, no weights; none is left over on either side."""
    with torch.device("meta"):
        network = DPTForDepthEstimation(DPTConfig.from_pretrained(SHIPPED / PART))
        original = {name: torch.empty(shape) for name, shape in midas_shapes().items()}
    mapped = {name: tuple(value.shape) for name, value in to_transformers(original).items()}
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert mapped == expected
    assert len(expected) == 414


def test_the_helpers_tiny_network_has_the_real_names() -> None:
    """What the round trip proves at tiny size is proved of the published names: they are the same but for the numbers
    of layers."""
    tiny = set(original_names(tiny_depth_estimator()))
    real = set(midas_shapes(layers=3, stages=(1, 2, 1)))
    assert tiny == real


def test_a_round_trip_gives_every_weight_back() -> None:
    network = tiny_depth_estimator()
    back = to_transformers(original_names(network))
    state = network.state_dict()
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)


def test_the_same_weights_see_the_same_depth(config: Path) -> None:
    network = tiny_depth_estimator()
    read = empty_depth_estimator(config).eval()
    read.load_state_dict(to_transformers(original_names(network)), strict=True, assign=True)
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        ours, theirs = (each(picture).predicted_depth for each in (read, network))
    assert torch.equal(ours, theirs) and float(ours.std()) > 0


@pytest.mark.parametrize("name", ["pretrained.model.blocks.0.ls1", "scratch.layer5_rn", "else", "a.b.weight"])
def test_a_name_that_is_not_its_own_is_an_error(name: str) -> None:
    with pytest.raises(KeyError):
        to_transformers({f"{name}.weight": torch.ones(1)})

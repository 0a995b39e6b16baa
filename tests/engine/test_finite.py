"""Every infinite value and every one that is no number is found by its bits, and no other."""

from __future__ import annotations

import pytest
import torch

from sdstudio.engine.sources.finite import bits_of, finite, finite_bits

SMALL = [torch.float16, torch.bfloat16, torch.float8_e5m2, torch.float8_e4m3fn]
LARGE = [torch.float32, torch.float64]


def every(dtype: torch.dtype) -> torch.Tensor:
    """One of each value that the type has."""
    if dtype.itemsize == 1:
        return torch.arange(256).to(torch.uint8).view(dtype)
    return torch.arange(2**16).to(torch.int32).to(torch.uint16).view(dtype)


@pytest.mark.parametrize("dtype", SMALL)
def test_each_value_of_a_type_is_told_as_torch_does(dtype: torch.dtype) -> None:
    values = every(dtype)
    numbers = torch.isfinite(values.float())
    assert 0 < int(numbers.sum()) < len(values)
    bits = bits_of(values)
    told = torch.tensor([finite_bits(bits[place : place + 1], dtype) for place in range(len(bits))])
    assert torch.equal(told, numbers)
    assert finite(values.view(torch.uint8).view(-1, dtype.itemsize)[numbers].view(dtype))


@pytest.mark.parametrize("dtype", [*SMALL[:2], *LARGE])
@pytest.mark.parametrize("value", [float("nan"), -float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_found(value: float, dtype: torch.dtype) -> None:
    """Among values whose bits have nothing in common with it, and among the largest that there are."""
    ends = torch.finfo(dtype)
    low = torch.tensor([0.0, -0.0, ends.tiny, -ends.tiny, ends.smallest_normal / 2, 1.99, -1.99] * 5, dtype=dtype)
    for values in (low, torch.cat([low, torch.tensor([ends.max, ends.min, 2.0, -2.0], dtype=dtype)])):
        assert finite(values) and finite(values[:0])
        for place in (0, 17, len(values) - 1):
            broken = values.clone()
            broken[place] = value
            assert not finite(broken)


def test_of_any_shape_and_order_in_memory() -> None:
    values = torch.randn(6, 4).half()
    assert finite(values.T) and finite(values[:, 1]) and finite(torch.tensor(3.0))
    values[3, 1] = float("inf")
    assert not finite(values.T) and not finite(values[:, 1]) and finite(values[:, 0])
    assert not finite(torch.tensor(float("nan")))


def test_the_bits_are_the_values_own_memory() -> None:
    values = torch.zeros(4, dtype=torch.bfloat16)
    bits_of(values)[2] = 0x3F80
    assert values.tolist() == [0, 0, 1, 0]


def test_numbers_of_a_rarer_type() -> None:
    values = torch.tensor([1.0, 2.0]).to(torch.float8_e5m2fnuz)
    assert finite(values) and not finite(torch.tensor([1.0, float("nan")]).to(torch.float8_e5m2fnuz))

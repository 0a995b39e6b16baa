"""The kinds of LoRA: a layer's tensors by their roles, and the change of its weight that they mean, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

State = dict[str, torch.Tensor]
ALPHA = 1.5
Made = tuple[State, torch.Tensor] | None
RANK = 2


def _random(rng: torch.Generator, *shape: int, size: float = 1.0) -> torch.Tensor:
    return torch.randn(shape, generator=rng) * size


def _dims(module: Any) -> tuple[int, int, tuple[int, ...]]:
    outputs, inputs, *kernel = module.weight.shape
    return int(outputs), int(inputs), tuple(kernel)


def _alpha() -> State:
    return {"alpha": torch.tensor(ALPHA)}


def lora(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    """Matrices for linear layers, LoCon's pair for convolutions."""
    outputs, inputs, kernel = _dims(module)
    down = _random(rng, RANK, inputs, *kernel, size=0.2)
    up = _random(rng, outputs, RANK, *(1,) * len(kernel), size=0.2 * size)
    change = (up.double().flatten(1) @ down.double().flatten(1)).reshape(module.weight.shape)
    return {"down": down, "up": up, **_alpha()}, change * (ALPHA / RANK)


def tucker(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    outputs, inputs, kernel = _dims(module)
    if kernel in ((), (1, 1)):
        return None
    down, up = _random(rng, RANK, inputs, 1, 1, size=0.3), _random(rng, outputs, RANK, 1, 1, size=0.3 * size)
    mid = _random(rng, RANK, RANK, *kernel, size=0.5)
    change = torch.einsum("or,rskl,si->oikl", up.double()[..., 0, 0], mid.double(), down.double()[..., 0, 0])
    return {"down": down, "up": up, "mid": mid, **_alpha()}, change * (ALPHA / RANK)


def loha(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    outputs, inputs, kernel = _dims(module)
    columns = inputs * int(torch.Size(kernel).numel())
    tensors = {
        "hada_w1_a": _random(rng, outputs, RANK, size=0.5),
        "hada_w1_b": _random(rng, RANK, columns, size=0.4),
        "hada_w2_a": _random(rng, outputs, RANK, size=0.5 * size),
        "hada_w2_b": _random(rng, RANK, columns, size=0.4),
    }
    one, two, three, four = (value.double() for value in tensors.values())
    change = ((one @ two) * (three @ four)).reshape(module.weight.shape)
    return tensors | _alpha(), change * (ALPHA / RANK)


def loha_tucker(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    outputs, inputs, kernel = _dims(module)
    if kernel in ((), (1, 1)):
        return None
    tensors: State = {}
    halves = []
    for half, strength in (("1", 1.0), ("2", size)):
        core, first = _random(rng, RANK, RANK, *kernel), _random(rng, RANK, outputs, size=0.4 * strength)
        second = _random(rng, RANK, inputs, size=0.4)
        tensors |= {f"hada_t{half}": core, f"hada_w{half}_a": first, f"hada_w{half}_b": second}
        halves.append(torch.einsum("ijkl,jr,ip->prkl", core.double(), second.double(), first.double()))
    return tensors | _alpha(), halves[0] * halves[1] * (ALPHA / RANK)


def _kron(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    return torch.kron(one.double().reshape(*one.shape, *(1,) * (two.ndim - 2)), two.double().contiguous())


def _divided(number: int) -> int:
    return next(factor for factor in (4, 3, 2, 1) if number % factor == 0)


def lokr_full(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    """Both factors whole: alpha then counts for nothing."""
    outputs, inputs, kernel = _dims(module)
    small = _random(rng, _divided(outputs), _divided(inputs), size=0.5 * size)
    block = _random(rng, outputs // small.shape[0], inputs // small.shape[1], *kernel, size=0.2)
    return {"lokr_w1": small, "lokr_w2": block, **_alpha()}, _kron(small, block)


def lokr(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    outputs, inputs, kernel = _dims(module)
    small_out, small_in = _divided(outputs), _divided(inputs)
    block = (outputs // small_out, inputs // small_in, *kernel)
    tensors = {
        "lokr_w1_a": _random(rng, small_out, RANK, size=0.5 * size),
        "lokr_w1_b": _random(rng, RANK, small_in, size=0.5),
        "lokr_w2_a": _random(rng, block[0], RANK, size=0.5),
        "lokr_w2_b": _random(rng, RANK, int(torch.Size(block[1:]).numel()), size=0.4),
    }
    one, two, three, four = (value.double() for value in tensors.values())
    return tensors | _alpha(), _kron(one @ two, (three @ four).reshape(block)) * (ALPHA / RANK)


def lokr_tucker(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    outputs, inputs, kernel = _dims(module)
    if kernel in ((), (1, 1)):
        return None
    small = _random(rng, _divided(outputs), _divided(inputs), size=0.5 * size)
    core = _random(rng, RANK, RANK, *kernel)
    first = _random(rng, RANK, outputs // small.shape[0], size=0.4)
    second = _random(rng, RANK, inputs // small.shape[1], size=0.4)
    block = torch.einsum("ijkl,jr,ip->prkl", core.double(), second.double(), first.double())
    tensors = {"lokr_w1": small, "lokr_t2": core, "lokr_w2_a": first, "lokr_w2_b": second}
    return tensors | _alpha(), _kron(small, block) * (ALPHA / RANK)


def _dora(module: Any, made: Made, rng: torch.Generator, by_output: bool) -> Made:
    assert made is not None
    tensors, change = made
    changed = module.weight.detach().double() + change
    rows = (changed if by_output else changed.transpose(0, 1)).flatten(1).norm(dim=1)
    lengths = rows * (1 + 0.2 * torch.randn(rows.shape, generator=rng, dtype=torch.float64))
    ends = (1,) * (module.weight.ndim - 2)
    shape = (-1, 1, *ends) if by_output else (1, -1, *ends)
    stored = lengths.float()
    direction = changed * (stored.double() / rows).reshape(shape)
    return tensors | {"dora_scale": stored.reshape(shape)}, direction - module.weight.detach().double()


def dora_outputs(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    return _dora(module, lora(module, rng, size), rng, by_output=True)


def dora_inputs(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    """Where a layer has as many inputs as outputs, the tensor's own shape tells which is meant."""
    return _dora(module, lora(module, rng, size), rng, by_output=False)


def dora_loha(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    return _dora(module, loha(module, rng, size), rng, by_output=True)


def _ia3(module: Any, rng: torch.Generator, size: float, by_input: bool) -> Made:
    outputs, inputs, kernel = _dims(module)
    ends = (1,) * len(kernel)
    scales = _random(rng, 1, inputs if by_input else outputs, size=0.3 * size)
    shape = (1, -1, *ends) if by_input else (-1, 1, *ends)
    change = module.weight.detach().double() * scales.double().reshape(shape)
    return {"weight": scales, "on_input": torch.tensor(by_input)}, change


def ia3_inputs(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    return _ia3(module, rng, size, True)


def ia3_outputs(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    return _ia3(module, rng, size, False)


def difference(module: Any, rng: torch.Generator, size: float = 1.0) -> Made:
    tensors = {"diff": _random(rng, *module.weight.shape, size=0.1 * size)}
    if module.bias is not None:
        tensors["diff_b"] = _random(rng, *module.bias.shape, size=0.1 * size)
    return tensors, tensors["diff"].double()


KINDS: dict[str, Callable[[Any, torch.Generator, float], Made]] = {
    "LoRA": lora,
    "LoCon with a core": tucker,
    "LoHa": loha,
    "LoHa with a core": loha_tucker,
    "LoKr": lokr,
    "LoKr of whole factors": lokr_full,
    "LoKr with a core": lokr_tucker,
    "DoRA by outputs": dora_outputs,
    "DoRA by inputs": dora_inputs,
    "DoRA of LoHa": dora_loha,
    "IA3 on inputs": ia3_inputs,
    "IA3 on outputs": ia3_outputs,
    "full difference": difference,
}
"""“LoRA” has LoCon's convolutions; “full difference” has norms and biases too."""

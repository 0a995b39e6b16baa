"""Muon: momentum whose singular values are all brought to about 1 (K. Jordan et al., 2024), for matrices.

Matrices of equal shape are worked on together.
"""

from __future__ import annotations

import torch
import torch.distributed as dist

MOMENTUM = 0.05
"""How much of each gradient goes into the running mean."""

WEIGHT_DECAY = 0.02
NEWTON_SCHULZ_STEPS = 5
A, B, C = 3.4445, -4.7750, 2.0315
"""The polynomial a x + b x^3 + c x^5 that drives singular values towards 1."""


def orthogonalize(batch: torch.Tensor) -> torch.Tensor:
    """N x R x C with all singular values about 1 (Newton-Schulz).

    Long matrices go by their Gram matrix, which is 2.5 times cheaper.
    """
    matrices = batch / (batch.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = matrices.shape[1] > matrices.shape[2]
    if tall:
        matrices = matrices.transpose(1, 2)
    gram = matrices @ matrices.transpose(1, 2)
    if matrices.shape[2] < 3 * matrices.shape[1]:
        for step in range(NEWTON_SCHULZ_STEPS):
            matrices = A * matrices + torch.baddbmm(gram, gram, gram, beta=B, alpha=C) @ matrices
            if step < NEWTON_SCHULZ_STEPS - 1:
                gram = matrices @ matrices.transpose(1, 2)
    else:
        identity = A * torch.eye(matrices.shape[1], device=batch.device)
        product = None
        for _ in range(NEWTON_SCHULZ_STEPS):
            factor = torch.baddbmm(gram, gram, gram, beta=B, alpha=C) + identity
            product = factor if product is None else factor @ product
            gram = factor @ gram @ factor
        matrices = product @ matrices
    return matrices.transpose(1, 2) if tall else matrices


class Muon:
    """The optimizer; `momenta` are its whole state.

    Of several processes that all hold the same gradients each works on its share of the matrices, by cost, and they
    exchange the directions found.
    """

    def __init__(self, parameters: list[torch.nn.Parameter], rank: int = 0, world: int = 1) -> None:
        self._parameters = parameters
        self._rank = rank
        self._world = world
        self.momenta = [torch.zeros(p.shape[0], p.numel() // p.shape[0], device=p.device) for p in parameters]
        self._directions = torch.zeros(sum(momentum.numel() for momentum in self.momenta) if world > 1 else 0)
        self._views = self._cut_directions()
        self._groups = self._share_out()

    def _cut_directions(self) -> list[torch.Tensor]:
        """Where each matrix's direction lies in the memory that is exchanged."""
        sizes = [momentum.numel() if self._world > 1 else 0 for momentum in self.momenta]
        parts = self._directions.split(sizes) if sizes else ()
        return [part.view(m.shape) if self._world > 1 else part for part, m in zip(parts, self.momenta, strict=True)]

    def _share_out(self) -> dict[int, list[list[int]]]:
        """For each process groups of matrices of equal shape; the costliest go first to whoever has least to do."""
        alike: dict[tuple[int, ...], list[int]] = {}
        for index, momentum in enumerate(self.momenta):
            alike.setdefault(tuple(momentum.shape), []).append(index)
        load = [0] * self._world
        shares: dict[int, dict[tuple[int, ...], list[int]]] = {rank: {} for rank in range(self._world)}
        for shape in sorted(alike, key=_cost, reverse=True):
            for index in alike[shape]:
                rank = load.index(min(load))
                load[rank] += _cost(shape)
                shares[rank].setdefault(shape, []).append(index)
        return {rank: list(groups.values()) for rank, groups in shares.items()}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        wanted = []
        for parameter, momentum in zip(self._parameters, self.momenta, strict=True):
            gradient = parameter.grad
            assert gradient is not None
            gradient = gradient.reshape(momentum.shape)
            momentum.lerp_(gradient, MOMENTUM)
            wanted.append(torch.lerp(gradient, momentum, 1 - MOMENTUM))
        found = list(self._views) if self._world > 1 else wanted
        self._directions.zero_()
        for group in self._groups[self._rank]:
            for index, direction in zip(group, orthogonalize(torch.stack([wanted[i] for i in group])), strict=True):
                if self._world > 1:
                    found[index].copy_(direction)
                else:
                    found[index] = direction
        if self._world > 1:
            dist.all_reduce(self._directions)
        for parameter, direction in zip(self._parameters, found, strict=True):
            rate = learning_rate * max(1, direction.shape[0] / direction.shape[1]) ** 0.5
            parameter.data.mul_(1 - learning_rate * WEIGHT_DECAY)
            parameter.data.add_(direction.reshape(parameter.shape), alpha=-rate)


def _cost(shape: tuple[int, ...]) -> int:
    """Multiplications of one matrix, about."""
    short, long = sorted(shape)
    return short * short * (long + 3 * NEWTON_SCHULZ_STEPS * short)

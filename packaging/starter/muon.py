"""Muon: momentum whose singular values are all brought to about 1 (K. Jordan et al., 2024), for matrices.

Matrices of equal shape are worked on together.
"""

from __future__ import annotations

import torch

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
        identity = A * torch.eye(matrices.shape[1])
        product = None
        for _ in range(NEWTON_SCHULZ_STEPS):
            factor = torch.baddbmm(gram, gram, gram, beta=B, alpha=C) + identity
            product = factor if product is None else factor @ product
            gram = factor @ gram @ factor
        matrices = product @ matrices
    return matrices.transpose(1, 2) if tall else matrices


class Muon:
    """The optimizer; `momenta` are its whole state."""

    def __init__(self, parameters: list[torch.nn.Parameter]) -> None:
        self._parameters = parameters
        self.momenta = [torch.zeros(p.shape[0], p.numel() // p.shape[0]) for p in parameters]
        self._groups: dict[tuple[int, ...], list[int]] = {}
        for index, momentum in enumerate(self.momenta):
            self._groups.setdefault(tuple(momentum.shape), []).append(index)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        for shape, indices in self._groups.items():
            directions = []
            for index in indices:
                gradient = self._parameters[index].grad
                assert gradient is not None
                gradient = gradient.reshape(shape)
                self.momenta[index].lerp_(gradient, MOMENTUM)
                directions.append(torch.lerp(gradient, self.momenta[index], 1 - MOMENTUM))
            rate = learning_rate * max(1, shape[0] / shape[1]) ** 0.5
            for index, direction in zip(indices, orthogonalize(torch.stack(directions)), strict=True):
                parameter = self._parameters[index]
                parameter.data.mul_(1 - learning_rate * WEIGHT_DECAY)
                parameter.data.add_(direction.reshape(parameter.shape), alpha=-rate)

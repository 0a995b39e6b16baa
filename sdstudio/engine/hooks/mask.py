"""Lets only what the mask allows change, and shows the mask to networks that read one."""

from __future__ import annotations

import torch

from sdstudio.engine.denoise import DenoiseContext, Hook


class MaskHook(Hook):
    """Puts the source back where the mask does not let it change yet (differential diffusion, Levin and Fried 2023;
    a hard mask is the case in which each cell changes from the first step on or never).

    `begins` is 1 x 1 x h x w whole numbers: the first step whose result a cell keeps; cells with the number of steps
    or more never change. `source` are the clean latents, `noise` the one noise that they get at every level.
    """

    def __init__(self, begins: torch.Tensor, source: torch.Tensor, noise: torch.Tensor) -> None:
        self._begins, self._source, self._noise = begins, source, noise

    def after_step(self, context: DenoiseContext) -> None:
        context.latents = torch.where(self._begins <= context.step, context.latents, self._source_now(context))

    def _source_now(self, context: DenoiseContext) -> torch.Tensor:
        """As noisy as the next call expects its input; clean after the last."""
        following = context.timesteps[context.call + 1 : context.call + 2]
        if not len(following):
            return self._source
        # Two numbers on the CPU say it all: given the latents, some schedulers would move their tables to the device.
        signal, noise = context.scheduler.add_noise(
            torch.tensor([1.0, 0.0], dtype=self._source.dtype),
            torch.tensor([0.0, 1.0], dtype=self._source.dtype),
            following,
        ).tolist()
        return signal * self._source + noise * self._noise


class ShownHook(Hook):
    """Adds further channels to the network's input, of one row for all or of as many rows as it has. An inpainting
    network reads 1 x (1 + C) x h x w: first the mask (1 = to be made), then the latents of the picture in which what is
    to be made is grey. A network that reads none is shown none: the refiner after an inpainting network."""

    def __init__(self, shown: torch.Tensor) -> None:
        self._shown = shown

    def before_unet(self, context: DenoiseContext) -> None:
        assert context.model_input is not None
        if context.unet.config.in_channels == context.model_input.shape[1]:
            return
        shown = self._shown.expand(context.copies, -1, -1, -1)
        context.model_input = torch.cat([context.model_input, shown], dim=1)

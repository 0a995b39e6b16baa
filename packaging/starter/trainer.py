"""Takes training steps: optimizers, shared gradients, averaged weights, checkpoints that continue exactly.

Everything goes by samples, never by the clock, so that a run may be stopped (or slowed) at any time. The randomness
of a step depends on the seed and the number of samples seen alone.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from muon import Muon

WARM_UP = 100
"""Steps with a rising learning rate after each fresh start of the optimizers."""

SYNC_STEPS = 500
"""Every so many steps all processes take the first one's weights, against drift from rounding."""

LOWEST = 0.01
"""The last learning rate, as a part of the full one."""

RANK = "STARTER_RANK"
MEETING_FILE = "STARTER_MEETING_FILE"
LONG_STOP = timedelta(days=30)
"""How long a process waits for the others: they may be stopped on purpose for hours."""

Named = list[tuple[str, torch.nn.Parameter]]


def join_processes(world: int, pids: Path | None = None) -> int:
    """Starts the other processes (from the first) and meets them; returns this one's rank.

    `pids` becomes a file with the processes' numbers, one a line.
    """
    rank = int(os.environ.get(RANK, "0"))
    numbers = [os.getpid()]
    if world > 1:
        if rank == 0:
            os.environ[MEETING_FILE] = str(Path(tempfile.mkdtemp()) / "meet")
            for other in range(1, world):
                child = subprocess.Popen([sys.executable, *sys.argv], env={**os.environ, RANK: str(other)})
                numbers.append(child.pid)
        meeting = f"file://{os.environ[MEETING_FILE]}"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=world, timeout=LONG_STOP)
    if pids and rank == 0:
        pids.write_text("".join(f"{number}\n" for number in numbers), "utf-8")
    return rank


class WeightAverage:
    """A moving average of parameters, which can change places with them."""

    def __init__(self, parameters: list[torch.nn.Parameter]) -> None:
        self._parameters = parameters
        self.values = [parameter.detach().clone() for parameter in parameters]

    def update(self, decay: float) -> None:
        torch._foreach_lerp_(self.values, [parameter.data for parameter in self._parameters], 1 - decay)

    def swap(self) -> None:
        for parameter, value in zip(self._parameters, self.values, strict=True):
            kept = parameter.data.clone(memory_format=torch.preserve_format)
            parameter.data.copy_(value)
            value.copy_(kept)


def power_exponent(width: float) -> float:
    """The exponent of an average whose relative width is `width` (Karras et al., 2024, "post-hoc EMA").

    Solves width^2 = (g + 1) / ((g + 2)^2 (g + 3)) for g by bisection.
    """
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        wide = (middle + 1) / ((middle + 2) ** 2 * (middle + 3)) > width**2
        low, high = (middle, high) if wide else (low, middle)
    return low


class Trainer:
    """The state of a run, and its steps.

    `options` has: out, batch, world, samples, cooldown, lr, mlr, optim, ema, seed, save, device.
    """

    def __init__(self, named: Named, options: argparse.Namespace, rank: int) -> None:
        self.options = options
        self.rank = rank
        self.parameters = [parameter for _, parameter in named]
        edges = ("embedding", "conv_in", "conv_out")
        muon = options.optim == "muon"
        matrices = [p for name, p in named if muon and p.ndim >= 2 and not any(edge in name for edge in edges)]
        chosen = {id(parameter) for parameter in matrices}
        self.others = [parameter for parameter in self.parameters if id(parameter) not in chosen]
        self.adamw = torch.optim.AdamW(self.others, options.lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        self.muon = Muon(matrices, rank, options.world)
        self.average = WeightAverage(self.parameters)
        self._exponent = power_exponent(options.ema)
        self.step = 0
        self.samples = 0
        self._cpu_earlier = 0.0
        self._wall_earlier = 0.0
        self._others_cpu = 0.0
        self._start = time.time()
        self._last_save = time.time()
        self.log: list[dict[str, Any]] = []
        self.checkpoint = Path(f"{options.out}.ckpt")
        count = sum(parameter.numel() for parameter in self.parameters)
        self._flat = torch.zeros(count + 1) if options.world > 1 else torch.zeros(0)

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds of all processes since the run began, earlier runs counted in."""
        return self._cpu_earlier + time.process_time() + self._others_cpu

    @property
    def wall_seconds(self) -> float:
        return self._wall_earlier + time.time() - self._start

    def resume(self) -> bool:
        """Takes up the checkpoint, if there is one; returns whether."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.options.device)
        for parameter, value in zip(self.parameters, state["P"], strict=True):
            parameter.data.copy_(value)
        for value, kept in zip(self.average.values, state["E"], strict=True):
            value.copy_(kept)
        self.adamw.load_state_dict(state["opt"])
        for momentum, kept in zip(self.muon.momenta, state["mom"], strict=True):
            momentum.copy_(kept)
        self.step, self.samples, self.log = state["step"], state["samples"], state["log"]
        self._cpu_earlier, self._wall_earlier = state["cpu"], state["wall"]
        if self.rank == 0:
            print(f"going on from step {self.step}, {self.samples} samples, {self._cpu_earlier:.0f} CPU s", flush=True)
        return True

    def begin_from(self, earlier: dict[str, Any]) -> None:
        """Counts on from a run of which only weights and log are left."""
        self.samples, self.log = earlier["samples"], list(earlier["log"])
        self._cpu_earlier, self._wall_earlier = earlier["cpu"], earlier["wall"]

    def save(self) -> None:
        """Writes the checkpoint and the log, each at once or not at all."""
        state = {
            "P": [parameter.data for parameter in self.parameters],
            "E": self.average.values,
            "opt": self.adamw.state_dict(),
            "mom": self.muon.momenta,
            "step": self.step,
            "samples": self.samples,
            "cpu": self.cpu_seconds,
            "wall": self.wall_seconds,
            "log": self.log,
        }
        unfinished = self.checkpoint.with_name(self.checkpoint.name + ".tmp")
        torch.save(state, unfinished)
        unfinished.replace(self.checkpoint)
        self.write_log()
        self._last_save = time.time()

    def write_log(self) -> None:
        settings = {key: str(value) for key, value in vars(self.options).items()}
        note = {"samples": self.samples, "cpu": round(self.cpu_seconds), "wall": round(self.wall_seconds)}
        path = Path(f"{self.options.out}.log.json")
        unfinished = path.with_name(path.name + ".tmp")
        unfinished.write_text(json.dumps({"settings": settings, **note, "log": self.log}, indent=1), "utf-8")
        unfinished.replace(path)

    def save_if_due(self) -> bool:
        due = self.rank == 0 and time.time() - self._last_save > self.options.save
        if due:
            self.save()
        return due

    def generator(self) -> torch.Generator:
        """The randomness of the coming step, for this process."""
        seed = (self.options.seed * 1_000_003 + self.samples) * 64 + self.rank
        return torch.Generator(self.options.device).manual_seed(seed)

    def draw_indices(self, total: int) -> torch.Tensor:
        """`batch` numbers below `total`: no repetition until all were seen, none shared with other processes."""
        first = self.samples + self.rank * self.options.batch
        places = torch.arange(first, first + self.options.batch)
        chosen = torch.empty_like(places)
        for epoch in (places // total).unique().tolist():
            order = torch.randperm(total, generator=torch.Generator().manual_seed(self.options.seed + 7919 * epoch))
            here = places // total == epoch
            chosen[here] = order[places[here] % total]
        return chosen

    @property
    def rate(self) -> float:
        """Part of the full learning rate: rising, flat, and for the last part falling by 1 - sqrt."""
        total, cooldown = self.options.samples, self.options.cooldown
        begin = total * (1 - cooldown)
        falling = 1.0
        if self.samples > begin:
            falling = max(LOWEST, 1 - math.sqrt(min(1.0, (self.samples - begin) / max(1.0, total * cooldown))))
        return falling * min(1.0, (self.step + 1) / WARM_UP)

    def take_step(self, loss: Callable[[], torch.Tensor]) -> float:
        """One step; returns this process's loss."""
        value = loss()
        value.backward()
        if self.options.world > 1:
            self._share_gradients()
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        for group in self.adamw.param_groups:
            group["lr"] = self.options.lr * self.rate
        self.adamw.step()
        self.muon.step(self.options.mlr * self.rate)
        for parameter in self.parameters:
            parameter.grad = None
        self.step += 1
        self.samples += self.options.batch * self.options.world
        self.average.update((1 - 1 / self.step) ** (self._exponent + 1))
        if self.options.world > 1 and self.step % SYNC_STEPS == 0:
            for parameter in self.parameters:
                dist.broadcast(parameter.data, 0)
        return float(value.detach())

    def _share_gradients(self) -> None:
        """Averages gradients over all processes, and learns the others' processor time on the way."""
        own = time.process_time()
        torch.cat([parameter.grad.reshape(-1) for parameter in self.parameters], out=self._flat[:-1])
        self._flat[-1] = own
        dist.all_reduce(self._flat)
        self._others_cpu = float(self._flat[-1]) - own
        self._flat[:-1].div_(self.options.world)
        start = 0
        for parameter in self.parameters:
            parameter.grad.copy_(self._flat[start : start + parameter.numel()].view(parameter.shape))
            start += parameter.numel()

    def sum_over_processes(self, values: torch.Tensor) -> torch.Tensor:
        if self.options.world > 1:
            dist.all_reduce(values)
        return values

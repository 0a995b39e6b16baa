"""What pictures cost on this machine, measured: the source of every "about 4 s"."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sdstudio.app.edit_passes import Pass, is_edit, passes_of
from sdstudio.app.io_worker import IoWorker
from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.request import JobRequest, UpscaleRequest
from sdstudio.domain.samplers import require_sampler
from sdstudio.storage.files import write_atomic

log = logging.getLogger(__name__)

SCHEMA = 1
ENTRIES_MAX = 200
NEWEST_WEIGHT = 0.5
"""Weight of the newest measurement in the running mean: a machine that got busy shows after two pictures."""
REACH = 4.0
"""A size is estimated from one that was measured when their pixels differ by no more than this factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """Pictures that cost the same. `guided` ones call the UNet for two prompts. Upscales have no size of their own, and
    edits (`edit`) that of their first pass; they cost something besides it: reading, laying back, counting."""

    model: str
    width: int
    height: int
    device: str
    guided: bool
    edit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """Seconds a unit of work (a UNet call; a megapixel of an upscale) and seconds a picture costs besides."""

    unit: float
    fixed: float

    def total(self, units: float, pictures: int, factor: float = 1.0) -> float:
        return (self.unit * units + self.fixed) * factor * pictures


class StepTimes:
    """Remembers measured times by model, size, device and guidance. One thread; written by the io worker."""

    def __init__(self, path: Path, io: IoWorker | None = None) -> None:
        self._path = path
        self._io = io
        self._device, self._costs = _read(path)

    @property
    def device(self) -> str:
        """The device of the last run, known before the engine is ready; "" at the very first start."""
        return self._device

    def set_device(self, info: EngineInfo) -> None:
        device = f"{info.device}/{info.threads}"
        if device != self._device:
            self._device = device
            self._save()

    def learn(self, request: JobRequest, seconds: float, seconds_per_step: float = 0.0) -> None:
        """From one finished picture: `seconds` from conditioning to decoded, over all passes of an edit, and the time
        of a step where known."""
        units = _units(request)
        if not (math.isfinite(seconds) and seconds > 0 and units > 0):
            return
        measured = seconds_per_step * _steps(request)
        steps_seconds = measured if 0 < measured < math.inf else seconds
        steps_seconds = min(steps_seconds, seconds)
        kind = self._kind(request)
        fresh = _Cost(unit=steps_seconds / units, fixed=seconds - steps_seconds)
        known = self._costs.pop(kind, None)
        self._costs[kind] = fresh if known is None else _mean(known, fresh)
        while len(self._costs) > ENTRIES_MAX:
            del self._costs[next(iter(self._costs))]
        self._save()

    def seconds_for(self, request: JobRequest) -> float | None:
        """Estimate for all pictures of the request, without loading; None when nothing like it was measured."""
        kind = self._kind(request)
        pictures = 1 if isinstance(request, UpscaleRequest) else request.sampling.count
        cost = self._costs.get(kind)
        if cost is not None:
            return cost.total(_units(request), pictures)
        nearest = self._nearest(kind)
        if nearest is None:
            return None
        like, factor = nearest
        return like.total(_units(request), pictures, factor)

    def fixed_for(self, request: JobRequest) -> float:
        """Seconds a picture of this kind costs besides its steps; 0 where not known."""
        cost = self._costs.get(self._kind(request))
        return cost.fixed if cost is not None else 0.0

    def _kind(self, request: JobRequest) -> _Kind:
        if isinstance(request, UpscaleRequest):
            return _Kind(model=f"upscale x{request.scale}", width=0, height=0, device=self._device, guided=False)
        return _Kind(
            model=request.model.hash or request.model.path,
            width=request.size.width,
            height=request.size.height,
            device=self._device,
            guided=request.sampling.guidance_scale > 1,
            edit=is_edit(request),
        )

    def _nearest(self, kind: _Kind) -> tuple[_Cost, float] | None:
        """The measured size nearest in pixels, of the same model, device and guidance, and the ratio to it. Of equal
        ones an edit is the better likeness of an edit."""
        best: tuple[_Cost, float] | None = None
        nearest = (math.log(REACH) + 1e-9, True)
        for known, cost in self._costs.items():
            if (known.model, known.device, known.guided) != (kind.model, kind.device, kind.guided) or not known.width:
                continue
            factor = kind.width * kind.height / (known.width * known.height)
            distance = (abs(math.log(factor)), known.edit != kind.edit)
            if distance < nearest:
                best, nearest = (cost, factor), distance
        return best

    def _save(self) -> None:
        if self._io is None:
            return
        rows = [{**asdict(kind), **asdict(cost)} for kind, cost in self._costs.items()]
        data = json.dumps({"schema": SCHEMA, "device": self._device, "times": rows}, indent=1).encode()
        self._io.submit(lambda: write_atomic(self._path, data))


def _mean(known: _Cost, fresh: _Cost) -> _Cost:
    old = 1 - NEWEST_WEIGHT
    return _Cost(
        unit=known.unit * old + fresh.unit * NEWEST_WEIGHT,
        fixed=known.fixed * old + fresh.fixed * NEWEST_WEIGHT,
    )


def _units(request: JobRequest) -> float:
    """Work of one picture: UNet calls of the first pass's size, or megapixels of an upscale."""
    if isinstance(request, UpscaleRequest):
        return request.image.width * request.image.height / 1e6
    twice = require_sampler(request.sampling.sampler).calls_per_step == 2
    return sum(_calls(each, twice) * each.size.pixels for each in passes_of(request)) / request.size.pixels


def _calls(each: Pass, twice: bool) -> int:
    """Of the UNet: 2n - 1 for samplers of two calls a step."""
    return 2 * each.steps - 1 if twice and each.steps else each.steps


def _steps(request: JobRequest) -> int:
    """Steps whose time `Progress.seconds_per_step` gives. None where it does not say it all: an upscale's tiles are not
    known here, and passes of several sizes take different times."""
    if isinstance(request, UpscaleRequest):
        return 0
    passes = passes_of(request)
    return sum(each.steps for each in passes) if len({each.size for each in passes}) == 1 else 0


def _read(path: Path) -> tuple[str, dict[_Kind, _Cost]]:
    """Nothing where there is no file. A file that cannot be understood is noted and learnt anew."""
    try:
        data = json.loads(path.read_bytes())
        return str(data["device"]), dict(_row(row) for row in data["times"])
    except FileNotFoundError:
        return "", {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("%s is not readable (%s); times are measured anew", path, error)
        return "", {}


def _row(row: dict[str, Any]) -> tuple[_Kind, _Cost]:
    kind = _Kind(
        model=str(row["model"]),
        width=int(row["width"]),
        height=int(row["height"]),
        device=str(row["device"]),
        guided=bool(row["guided"]),
        edit=bool(row.get("edit", False)),
    )
    cost = _Cost(unit=float(row["unit"]), fixed=float(row["fixed"]))
    if not (math.isfinite(cost.unit) and cost.unit >= 0 and math.isfinite(cost.fixed) and cost.fixed >= 0):
        raise ValueError(f"impossible time {cost}")
    return kind, cost

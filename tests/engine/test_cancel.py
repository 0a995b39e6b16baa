"""Cancelling: within a step, before anything is decoded, and with nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import CancelledByUser
from sdstudio.domain.events import Cancelled, EngineEvent, Finished, ImageReady, Loading, Progress, Started
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.hooks.cancel import interruptible
from tests.engine.conftest import Run
from tests.helpers.tiny_models import make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Test = Callable[[EngineEvent], bool]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(lambda event: isinstance(event, Started), id="started"),
        pytest.param(lambda event: isinstance(event, Loading), id="loading"),
        *(
            pytest.param(moment, id=name, marks=pytest.mark.keeps_engine)
            for name, moment in {
                "step 0": lambda event: isinstance(event, Progress) and event.step == 0,
                "step 2": lambda event: isinstance(event, Progress) and event.step == 2,
                "last step": lambda event: isinstance(event, Progress) and event.step == 4,
                "first picture": lambda event: isinstance(event, ImageReady),
            }.items()
        ),
    ],
)
def test_cancel_at_any_event(moment: Test, run: Run, tiny_model: Path) -> None:
    cancel = CancelToken()
    request = make_request(tiny_model, count=2)
    events = run(request, cancel, lambda event: cancel.cancel() if moment(event) else None)
    assert events[-1] == Cancelled(job_id="job")
    assert sum(isinstance(event, Cancelled | Finished) for event in events) == 1
    after = events[next(index for index, event in enumerate(events) if moment(event)) + 1 :]
    assert not [event for event in after if isinstance(event, ImageReady)]
    reference = [event.image for event in run(request) if isinstance(event, ImageReady)]
    again = [event.image for event in run(request) if isinstance(event, ImageReady)]
    assert reference == again
    assert len(again) == 2


def test_a_token_set_beforehand_reads_no_model(run: Run, tiny_model: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    kinds = [type(event) for event in run(make_request(tiny_model), cancel)]
    assert kinds == [Started, Cancelled]


@pytest.mark.keeps_engine
@pytest.mark.parametrize("part", ["unet", "vae"])
def test_cancel_inside_a_network_stops_at_its_next_block(
    part: str, engine: TorchEngine, run: Run, tiny_model: Path, zero_snr_model: Path
) -> None:
    for folder in (tiny_model, zero_snr_model):
        request = make_request(folder)
        expected = run(request)
        network = getattr(engine._models.get(request.model), part)
        blocks = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        if part == "vae":
            blocks = [module for module in network.decoder.modules() if isinstance(module, nn.Conv2d)]
        cancel, entered = CancelToken(), 0

        def count(_module: nn.Module, _args: object, cancel: CancelToken = cancel) -> None:
            nonlocal entered
            entered += 1
            if entered == 3:
                cancel.cancel()

        handles = [block.register_forward_pre_hook(count) for block in blocks]
        events = run(request, cancel)
        for handle in handles:
            handle.remove()
        assert events[-1] == Cancelled(job_id="job")
        # `count` was hooked before the engine's own look, so that the block it counted is the one that stops.
        assert entered == 3
        assert [event.image for event in run(request) if isinstance(event, ImageReady)] == [
            event.image for event in expected if isinstance(event, ImageReady)
        ]


@pytest.mark.keeps_engine
def test_no_hook_is_left_behind(engine: TorchEngine, run: Run, tiny_model: Path) -> None:
    cancel = CancelToken()
    request = make_request(tiny_model)
    run(request, cancel, lambda event: cancel.cancel() if isinstance(event, Progress) else None)
    model = engine._models.get(request.model)
    assert not any(module._forward_pre_hooks for network in (model.unet, model.vae) for module in network.modules())


def test_interruptible_raises_only_when_set() -> None:
    cancel, layer = CancelToken(), nn.Conv2d(1, 1, 1)
    with interruptible([nn.Sequential(layer)], cancel):
        layer(torch.zeros(1, 1, 2, 2))
        cancel.cancel()
        with pytest.raises(CancelledByUser):
            layer(torch.zeros(1, 1, 2, 2))
    layer(torch.zeros(1, 1, 2, 2))

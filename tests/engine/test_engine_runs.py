"""Whole runs of the engine: the order of events, determinism, batches, previews."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import EngineEvent, Finished, ImageReady, Loading, Preview, Progress, Started
from sdstudio.domain.geometry import Size
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.hooks import preview as preview_module
from tests.engine.conftest import Run
from tests.helpers.tiny_models import ImagesInMemory, make_request

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def pictures(events: list[EngineEvent]) -> list[ImageReady]:
    return [event for event in events if isinstance(event, ImageReady)]


def only_bytes(events: list[EngineEvent]) -> bytes:
    (picture,) = pictures(events)
    return picture.image.pixels.tobytes()


def test_events_come_in_order(run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model, count=2, steps=3)
    events = run(request)
    assert events[0] == Started(job_id="job", pictures=2, steps=3)
    assert isinstance(events[1], Loading)
    assert "Tiny" in events[1].what
    assert isinstance(events[-1], Finished)
    names = "".join("rpv"[(Progress, Preview, ImageReady).index(type(event))] for event in events[2:-1])
    first, second, rest = (part.replace("p", "") for part in names.split("v"))
    assert (first, second, rest) == ("rrrr", "rrrr", "")
    for index in range(2):
        steps = [event.step for event in events if isinstance(event, Progress) and event.index == index]
        assert steps == [0, 1, 2, 3]
    assert [picture.request for picture in pictures(events)] == [request.for_batch(0), request.for_batch(1)]
    assert all(0 < picture.seconds < 60 for picture in pictures(events))


@pytest.mark.parametrize(("free", "again"), [(0, True), (2**40, False)])
def test_a_resident_model_is_not_read_again(
    free: int, again: bool, engine: TorchEngine, run: Run, tiny_model: Path, zero_snr_model: Path
) -> None:
    """Nor is the one before, where there is memory for both."""
    engine._models._free = lambda: free

    def loads(model: Path) -> bool:
        return any(isinstance(event, Loading) for event in run(make_request(model, steps=1)))

    assert [loads(tiny_model), loads(tiny_model), loads(zero_snr_model), loads(tiny_model)] == [
        True,
        False,
        True,
        again,
    ]


@pytest.mark.keeps_engine
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model, sampler="DPM++ 2M SDE")
    first = only_bytes(run(request))
    assert only_bytes(run(request)) == first
    assert only_bytes(run(request.with_seed(8))) != first


@pytest.mark.keeps_engine
def test_a_picture_of_a_batch_equals_the_single_one(run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model, count=3, sampler="Euler a", negative="blue")
    batch = pictures(run(request))
    for index, picture in enumerate(batch):
        assert picture.image.pixels.tobytes() == only_bytes(run(request.for_batch(index)))
    assert len({picture.image.pixels.tobytes() for picture in batch}) == 3


@pytest.mark.keeps_engine
def test_the_largest_seed_wraps_around(run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model, seed=2**64 - 1, count=2, steps=2)
    last, first = pictures(run(request))
    assert isinstance(first.request, type(request))
    assert first.request.sampling.seed == 0
    assert first.image.pixels.tobytes() == only_bytes(run(make_request(tiny_model, seed=0, steps=2)))
    assert last.image != first.image


@pytest.mark.keeps_engine
def test_everything_in_the_request_counts(run: Run, tiny_model: Path) -> None:
    base = make_request(tiny_model)
    changed = [
        base,
        make_request(tiny_model, positive="a blue car"),
        make_request(tiny_model, negative="green"),
        make_request(tiny_model, clip_skip=2),
        make_request(tiny_model, guidance_scale=9.0),
        make_request(tiny_model, guidance_rescale=0.7),
        make_request(tiny_model, steps=5),
        make_request(tiny_model, sampler="Heun"),
        make_request(tiny_model, size=Size(72, 64)),
    ]
    assert len({only_bytes(run(request)) for request in changed}) == len(changed)


@pytest.mark.keeps_engine
def test_sizes_need_not_be_square(run: Run, tiny_model: Path) -> None:
    events = run(make_request(tiny_model, size=Size(72, 136), steps=1))
    assert pictures(events)[0].image.size == Size(72, 136)
    preview = next(event for event in events if isinstance(event, Preview))
    assert (preview.image.size, preview.width, preview.height) == (Size(9, 17), 72, 136)


@pytest.mark.keeps_engine
@pytest.mark.parametrize(("sampler", "calls"), [("Euler", 6), ("Heun", 11), ("PLMS", 7)])
def test_first_and_last_previews_are_always_sent(
    sampler: str, calls: int, run: Run, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps_seen() -> list[int]:
        events = run(make_request(tiny_model, sampler=sampler, steps=6))
        return [event.step for event in events if isinstance(event, Preview)]

    monkeypatch.setattr(preview_module, "PREVIEW_SECONDS", 1e9)
    rare = steps_seen()
    assert len(rare) == 2
    assert rare[-1] == 6
    monkeypatch.setattr(preview_module, "PREVIEW_SECONDS", 0.0)
    assert len(steps_seen()) == calls


@pytest.mark.keeps_engine
def test_a_job_gets_the_threads_it_needs_and_gives_them_back(run: Run, tiny_model: Path) -> None:
    seen: list[int] = []
    run(make_request(tiny_model, threads=2, steps=1), on_event=lambda _: seen.append(torch.get_num_threads()))
    assert set(seen[1:-1]) == {2}
    assert torch.get_num_threads() == 1


def test_info_says_what_it_runs_on(engine: TorchEngine) -> None:
    info = engine.info()
    assert info.device_kind in ("cpu", "cuda")
    assert info.device
    assert info.threads == 1
    assert info.memory_total > 2**20


def test_warm_up_reads_the_model_and_changes_nothing(
    engine: TorchEngine, run: Run, tiny_model: Path, tmp_path: Path
) -> None:
    request = make_request(tiny_model)
    engine.warm_up(request.model)
    events = run(request)
    assert not any(isinstance(event, Loading) for event in events)
    cold = TorchEngine(images=ImagesInMemory(), upscaler=tmp_path, threads=1)
    others: list[EngineEvent] = []
    cold.run("job", request, others.append, CancelToken())
    assert only_bytes(others) == only_bytes(events)


def test_a_model_whose_weights_have_changed_is_read_again(run: Run, tiny_model: Path) -> None:
    request = make_request(tiny_model, steps=1)
    known = replace(request, model=replace(request.model, hash="aaaaaaaaaa"))
    run(known)
    assert not any(isinstance(event, Loading) for event in run(known))
    changed = replace(request, model=replace(request.model, hash="0123456789"))
    assert any(isinstance(event, Loading) for event in run(changed))

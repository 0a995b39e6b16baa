"""`sdstudio bench card` without a card: all of it runs on a device that only says it is one, and each row can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.errors import DeviceLost, InvalidRequest, StudioError
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import ModelSpec
from sdstudio.engine import bench_card_checks as checks
from sdstudio.engine import bench_card_pictures as pictures
from sdstudio.engine.bench_card import CHECKS, bench_card, run_checks
from sdstudio.engine.bench_card_desk import FAILED, MB, MET, MISSED, Desk, Row, pixels_apart
from sdstudio.engine.bench_card_weights import MadeUp, narrow, write_folder, write_lora, write_one_file
from sdstudio.engine.devices import Device, choose_device
from sdstudio.engine.hooks.mask import MaskHook
from sdstudio.engine.memory.keeper import ModelMemory
from sdstudio.engine.memory.layers import LayerWeights
from sdstudio.engine.memory.placement import Placed
from sdstudio.engine.memory.plan import CUDA_LADDER, Plan
from sdstudio.engine.sources.stored import Scratch
from tests.helpers.sources import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
RESOURCES = ROOT / "resources"
NOTHING = 24 * MB


class SaysItIsACard(Device):
    """Half precision and a card's plans, on the processor."""

    @property
    def is_cuda(self) -> bool:
        return True


class FakeMeter:
    """Tells what a test wants to hear. Squeezed, or with next to nothing, the next layer that is called gets none."""

    def __init__(self) -> None:
        self.allocated, self.reserved = 10 * MB, 20 * MB
        self.held = 0
        self.limit: int | None = None
        self.squeezed = False

    def begin(self) -> None: ...

    def peak(self) -> tuple[int, int]:
        return self.allocated, self.reserved

    def now(self) -> int:
        return self.held

    def wait(self) -> None: ...

    def cap(self, limit: int | None) -> None:
        self.limit = limit

    def squeeze(self) -> None:
        self.squeezed = True

    def release(self) -> None:
        self.squeezed = False

    def refuse(self, _module: Any, _args: Any) -> None:
        if self.squeezed or (self.limit == NOTHING):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB.")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("card")
    resources = narrow(folder / "narrow", RESOURCES, ModelFamily.SD1, ModelFamily.SD2_V)
    sd = write_one_file(folder, resources)
    return {
        "sd": sd,
        "again": write_one_file(folder, resources, "again"),
        "v": write_folder(folder / "v768", resources, ModelFamily.SD2_V, hot=True),
        "lora": write_lora(folder / "lora.safetensors", 32),
    }


@pytest.fixture
def desk(made: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    meter = FakeMeter()
    for name, told in (("mem_get_info", (2**40, 2**40)), ("memory_reserved", 0), ("memory_allocated", 0)):
        monkeypatch.setattr(torch.cuda, name, lambda _device, told=told: told)
    # Page-locked memory is a driver's to give.
    monkeypatch.setattr("sdstudio.engine.sources.reading.Scratch", lambda pinned=False: Scratch())
    cpu = choose_device(1, "cpu")
    info = EngineInfo(device="Card", device_kind="cuda", threads=1)
    device = SaysItIsACard(torch.device("cpu"), torch.float32, info)
    starter = ModelSpec(name="Starter", path=str(RESOURCES / "models" / "starter"))
    handle = torch.nn.modules.module.register_module_forward_pre_hook(meter.refuse)
    yield Desk(device=device, cpu=cpu, meter=meter, xl=None, starter=starter, size=Size(64, 64), steps=3, **made)
    handle.remove()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_row_holds_on_a_device_that_is_sound(check: Any, desk: Desk) -> None:
    if check is checks.check_overflow:
        desk.device = replace(desk.device, dtype=torch.float16)
    rows = list(check(desk))
    desk.tidy()
    assert rows
    assert [row for row in rows if row["verdict"] != MET and "cancel" not in row["what"]] == []
    assert all(isinstance(row["what"], str) and row["bench"] == "card" for row in rows)


def damage_layers(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    real = LayerWeights._values
    monkeypatch.setattr(LayerWeights, "_values", lambda self, stored: real(self, stored).mul_(1.5))


def use_much(_monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    desk.meter.allocated = desk.meter.reserved = 2**40


def leave_behind(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr(desk.meter, "now", iter(range(0, 2**60, 2**30)).__next__)


def begin_anew(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    """No second try of a network's own: the whole picture is begun once more."""
    monkeypatch.setattr(ModelMemory, "call", lambda _self, _network, function, args, kwargs: function(*args, **kwargs))


def never_step_down(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    monkeypatch.setattr(ModelMemory, "_next_plan", lambda _self: False)


def say_nothing(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    monkeypatch.setattr("sdstudio.engine.engine._out_of_memory_words", lambda _loaded: StudioError("Something failed."))


def stay_in_half(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    desk.device = replace(desk.device, dtype=torch.float16)
    monkeypatch.setattr("sdstudio.engine.tasks.generate.to_single", lambda _model: False)


def show_nothing(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    monkeypatch.setattr("sdstudio.engine.hooks.preview.PreviewHook._show", lambda *_: None)


def forget_the_mask(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    monkeypatch.setattr(MaskHook, "after_step", lambda *_: None)


def leave_the_lora_off(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    monkeypatch.setattr("sdstudio.engine.lora.wear._add", lambda _terms, _layer, _args, output: output)


def hear_no_cancel(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    monkeypatch.setattr("sdstudio.engine.hooks.cancel.check_cancel", lambda _cancel: None)
    monkeypatch.setattr("sdstudio.engine.tasks.generate.check_cancel", lambda _cancel: None)


def draw_other_noise(monkeypatch: pytest.MonkeyPatch, _desk: Desk) -> None:
    from sdstudio.engine.tasks.text import draw_noise

    monkeypatch.setattr(
        "sdstudio.engine.tasks.text.draw_noise",
        lambda request, model, generator: draw_noise(request, model, generator) * (-1 if model.device.is_cuda else 1),
    )


FAULTS = [
    (checks.check_profiles, damage_layers, MISSED),
    (checks.check_profiles, use_much, MISSED),
    (checks.check_profiles, leave_behind, MISSED),
    (checks.check_small_card, use_much, MISSED),
    (checks.check_running_out, begin_anew, MISSED),
    (checks.check_running_out, never_step_down, FAILED),
    (checks.check_reading, say_nothing, MISSED),
    (checks.check_overflow, stay_in_half, FAILED),
    (pictures.check_previews, show_nothing, MISSED),
    (pictures.check_edits, forget_the_mask, MISSED),
    (pictures.check_loras, leave_the_lora_off, MISSED),
    (pictures.check_loras, leave_behind, MISSED),
    (pictures.check_cancel, hear_no_cancel, FAILED),
    (pictures.check_many, leave_behind, MISSED),
    (pictures.check_starter, draw_other_noise, MISSED),
]


@pytest.mark.parametrize(("check", "fault", "verdict"), FAULTS, ids=lambda one: getattr(one, "__name__", one))
def test_a_fault_of_what_is_checked_is_seen(
    check: Any, fault: Any, verdict: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch, desk)
    found = next((one for one in run_checks(desk, [check]) if one["verdict"] != MET), None)
    assert found is not None and found["verdict"] == verdict, found


def good(_desk: Desk) -> Iterator[Row]:
    yield {"what": "good", "verdict": MET}


def bad(_desk: Desk) -> Iterator[Row]:
    yield {"what": "before", "verdict": MET}
    raise RuntimeError("Of all things.\nMore of it.")


def lost(_desk: Desk) -> Iterator[Row]:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")
    yield {}


def test_a_check_that_raises_ends_no_other_and_the_end_tells_how_many(desk: Desk) -> None:
    rows: list[Row] = []
    with pytest.raises(StudioError, match="1 of 4 checks did not hold") as told:
        rows.extend(run_checks_into(rows, desk, good, bad, good))
    assert [row["what"] for row in rows] == ["good", "before", "bad", "good"]
    assert rows[2]["error"] == "RuntimeError" and rows[2]["message"] == "Of all things. More of it."
    assert rows[2]["verdict"] == FAILED and told.value.kind.value == "internal"


def run_checks_into(rows: list[Row], desk: Desk, *some: Callable[[Desk], Iterator[Row]]) -> list[Row]:
    for one in run_checks(desk, some):
        rows.append(one)
    return []


def test_a_card_that_is_lost_ends_all(desk: Desk) -> None:
    rows: list[Row] = []
    with pytest.raises(DeviceLost):
        run_checks_into(rows, desk, lost, good)
    assert [row["verdict"] for row in rows] == [FAILED]


def test_when_all_holds_nothing_is_raised(desk: Desk) -> None:
    assert [row["what"] for row in run_checks(desk, [good, good])] == ["good", "good"]


def test_memory_that_was_squeezed_can_be_had_again_after_a_check(desk: Desk) -> None:
    def squeezed(desk: Desk) -> Iterator[Row]:
        desk.meter.squeeze()
        desk.meter.cap(NOTHING)
        yield {"what": "squeezed", "verdict": MET}

    assert list(run_checks(desk, [squeezed]))
    assert not desk.meter.squeezed and desk.meter.limit is None


def test_without_a_card_it_says_so_as_bad_input() -> None:
    with pytest.raises(InvalidRequest, match="needs an NVIDIA graphics card") as told:
        next(iter(bench_card(RESOURCES, RESOURCES / "models" / "starter")))
    assert told.value.field == "device" and told.value.hint


def test_made_up_models_are_sound_and_tell_differences(made: dict[str, Any], desk: Desk) -> None:
    sd: MadeUp = made["sd"]
    assert Path(sd.spec.path).stat().st_size > 2**20
    one, other = (desk.make(desk.read(sd), desk.request(sd.spec, seed=seed)) for seed in (7, 8))
    assert torch.isfinite(one.latents).all() and float(one.latents.std()) > 0.1
    assert pixels_apart(one.image, other.image) > 5


def test_a_model_that_comes_back_to_less_memory_goes_on_with_less(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    model = desk.read(desk.sd, Plan())
    expected = desk.make(model, desk.request(desk.sd.spec))
    assert model.memory is not None
    model.memory.park()
    real, fails = Placed.bring_in, [True]

    def bring_in(self: Placed) -> None:
        if fails and fails.pop():
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        real(self)

    monkeypatch.setattr(Placed, "bring_in", bring_in)
    model.memory.unpark()
    assert model.memory.plan == CUDA_LADDER[1]
    assert torch.equal(desk.make(model, desk.request(desk.sd.spec)).latents, expected.latents)

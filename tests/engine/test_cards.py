"""A graphics driver that is missing, old or broken: the processor is used, and words say why."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

import sdstudio.engine
from sdstudio.domain.errors import InvalidRequest
from sdstudio.engine import cards, devices
from sdstudio.engine.selftest import check_engine
from tests.helpers.sources import ROOT

# What torch 2.13 for CUDA 13 says, taken down from runs with drivers that answer like this.
MESSAGES = {
    "Found no NVIDIA driver on your system. Please check that": "there is no NVIDIA graphics driver",
    "No CUDA GPUs are available": "the NVIDIA graphics driver finds no graphics card",
    "The NVIDIA driver on your system is too old (found version 11040). Please update": "too old (made for CUDA 11.4,",
    "Unexpected error from cudaGetDeviceCount(). Error 803: system has unsupported display driver / cuda driver "
    "combination": "do not fit together",
    "CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation'": "the graphics card has no memory left",
    "CUDA error: no kernel image is available for execution on the device": "older than those",
    "CUDA error: unknown error\nSearch for `cudaErrorUnknown'": "the NVIDIA graphics driver does not work",
    "Error in dlopen: libcuda.so.1: cannot open shared object file": "the NVIDIA graphics driver does not work",
}


@pytest.mark.parametrize(("message", "reason"), MESSAGES.items())
def test_messages_of_the_driver_become_words(message: str, reason: str) -> None:
    words = cards.why_not(message)
    assert words.startswith("No graphics card is used, because ") and reason in words
    assert words.endswith(".") and "\n" not in words and "http" not in words


@dataclass
class Driver:
    """Stands in for the driver: how many cards there are and what computing on each answers ("" = it works)."""

    answers: tuple[str, ...] = ()
    none: str = ""

    def ones(self, _size: int, device: torch.device) -> torch.Tensor:
        answer = self.answers[device.index]
        if answer:
            raise torch.AcceleratorError(answer)
        return real_ones(2)

    def init(self) -> None:
        if self.none:
            raise RuntimeError(self.none)


real_ones = torch.ones


@dataclass
class Properties:
    name: str
    total_memory: int = 8 * 2**30


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Driver], None]:
    def put_in(driver: Driver) -> None:
        monkeypatch.setattr(torch.version, "cuda", "13.0")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(driver.answers))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(driver.answers))
        monkeypatch.setattr(torch.cuda, "init", driver.init)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "RTX" if number < 2 else "GTX")
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: Properties(f"card {number}"))
        monkeypatch.setattr(torch, "ones", driver.ones)

    return put_in


def test_a_torch_without_cuda_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    info = devices.choose_device(1).info
    assert (info.device_kind, info.no_card, info.devices) == ("cpu", "", ())


def test_without_a_driver_the_processor_is_used_and_it_is_said(install: Callable[[Driver], None]) -> None:
    install(Driver(none="Found no NVIDIA driver on your system."))
    for _ in range(2):  # the self-test asks first, then the engine
        device = devices.choose_device(1)
        assert device.torch_device.type == "cpu" and device.dtype is torch.float32
        assert "there is no NVIDIA graphics driver" in device.info.no_card


@pytest.mark.expects_log("cannot be used: CUDA error: unknown error")
def test_a_card_that_cannot_compute_is_left_alone(install: Callable[[Driver], None]) -> None:
    install(Driver(answers=("CUDA error: unknown error",)))
    device = devices.choose_device(1)
    assert not device.is_cuda and "does not work" in device.info.no_card
    assert device.info.devices == (("cuda:0", "RTX"),), "it is offered: the next start may find it in order"


@pytest.mark.expects_log("Graphics card 0 cannot be used: CUDA error: out of memory")
def test_the_first_card_that_works_is_used(install: Callable[[Driver], None]) -> None:
    install(Driver(answers=("CUDA error: out of memory", "", "")))
    device = devices.choose_device(1)
    assert device.torch_device == torch.device("cuda", 1) and device.info.no_card == ""
    assert [name for _, name in device.info.devices] == ["RTX (1)", "RTX (2)", "GTX"]


@pytest.mark.expects_log("cannot be used: CUDA error: no kernel image", "does not work")
def test_a_chosen_card_that_does_not_work_is_missing(install: Callable[[Driver], None]) -> None:
    install(Driver(answers=("CUDA error: no kernel image is available for execution on the device",)))
    with pytest.raises(InvalidRequest, match="does not work"):
        devices.choose_device(1, "cuda:0")
    info = devices.chosen_or_best(1, "cuda:0").info
    assert (info.device_kind, info.missing) == ("cpu", "cuda:0") and "GTX 16" in info.no_card


def test_the_processor_when_chosen_needs_no_reason(install: Callable[[Driver], None]) -> None:
    install(Driver(none="Found no NVIDIA driver on your system."))
    assert devices.choose_device(1, "cpu").info.no_card == ""


def test_torchs_own_warnings_stay_off_the_terminal() -> None:
    with warnings.catch_warnings(record=True) as told:
        importlib.reload(sdstudio.engine)  # diffusers asks torch for cards while it is imported, so this comes first
        for words in ("CUDA initialization: The NVIDIA driver …", "\n    Found GPU0 GTX 1060 which is of capability"):
            warnings.warn(words, UserWarning, stacklevel=1)
    assert not told


def test_the_self_test_says_why(install: Callable[[Driver], None]) -> None:
    install(Driver(none="The NVIDIA driver on your system is too old (found version 12020)."))
    resources = ROOT / "resources"
    rows = check_engine(resources / "models" / "starter", resources / "upscaler" / "weights.safetensors")
    words = {row.name: row.words for row, _ in zip(rows, range(2), strict=False)}
    assert words["device"].startswith("CPU, ")
    assert "too old (made for CUDA 12.2, needed is CUDA 13.0)" in words["device"]

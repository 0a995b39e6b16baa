"""Words for states, times, sizes and errors, the same wherever they appear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from sdstudio.app.engine_state import EngineState
from sdstudio.app.time_left import round_time
from sdstudio.domain.errors import StudioError
from sdstudio.domain.geometry import Size
from sdstudio.domain.request import GenerationRequest, JobRequest

if TYPE_CHECKING:
    from sdstudio.app.job_item import JobItem
    from sdstudio.domain.engine_api import EngineInfo
    from sdstudio.domain.events import Failed


def _tr(text: str) -> str:
    return QCoreApplication.translate("Messages", text)


@dataclass(frozen=True, slots=True)
class ErrorWords:
    """What happened, what it means for the work, what to do; `details` is the technical text. Parts may be empty."""

    message: str
    meaning: str = ""
    hint: str = ""
    details: str = ""


def error_words(error: StudioError | Failed) -> ErrorWords:
    details = "" if isinstance(error, StudioError) else error.details
    return ErrorWords(error.message, error.meaning, error.hint, details)


def number(value: int) -> str:
    """Grouped from 10,000."""
    return f"{value:,}" if abs(value) >= 10_000 else str(value)


def size(value: Size) -> str:
    """`512 × 512`."""
    return _tr("{width} × {height}").format(width=number(value.width), height=number(value.height))


def memory(count: int) -> str:
    """`0.6 GB`, `180 MB`."""
    if count >= 100 * 2**20:
        return _tr("{gigabytes} GB").format(gigabytes=f"{count / 2**30:.1f}")
    return _tr("{megabytes} MB").format(megabytes=max(1, round(count / 2**20)))


def duration(seconds: float) -> str:
    """Rounded for estimates: `4 s`, `35 s`, `3 min`."""
    rounded = round_time(seconds)
    if rounded < 120:
        return _tr("{seconds} s").format(seconds=int(rounded))
    return _tr("{minutes} min").format(minutes=int(rounded // 60))


def about(seconds: float) -> str:
    """`about 4 s`."""
    return _tr("about {time}").format(time=duration(seconds))


def measured(seconds: float) -> str:
    """A fact, not an estimate: `13.6 s`, `2 min 5 s`."""
    if seconds < 99.95:
        return _tr("{seconds} s").format(seconds=f"{seconds:.1f}")
    minutes, rest = divmod(round(seconds), 60)
    return _tr("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)


def time_left(seconds: float) -> str:
    """`about 10 s left`."""
    return _tr("about {time} left").format(time=duration(seconds))


def picture_count(count: int) -> str:
    return _tr("1 picture") if count == 1 else _tr("{count} pictures").format(count=number(count))


def cost(seconds: float | None, runs_ahead: int = 0) -> str:
    """The line below Generate: `about 4 s`, `starts after 2 runs`, or nothing where nothing is known."""
    if runs_ahead == 1:
        return _tr("starts after 1 run")
    if runs_ahead > 1:
        return _tr("starts after {count} runs").format(count=number(runs_ahead))
    return "" if seconds is None else about(seconds)


def job_state(item: JobItem) -> str:
    """`Step 12 of 25`, `Getting ready`, …"""
    from sdstudio.app.job_item import JobState  # not before there is a job

    match item.state:
        case JobState.WAITING:
            return _tr("Waiting")
        case JobState.GETTING_READY:
            return _tr("Getting ready")
        case JobState.LOADING:
            return _tr("Loading model")
        case JobState.RUNNING:
            return _running(item)
        case JobState.FINISHING:
            return _tr("Finishing")
        case JobState.CANCELLING:
            return _tr("Cancelling")
        case JobState.DONE:
            return _tr("Done")
        case JobState.CANCELLED:
            return _tr("Stopped")
        case JobState.FAILED:
            return _tr("Not finished")


def _running(item: JobItem) -> str:
    if item.steps == 0:
        return _tr("Starting")
    if isinstance(item.request, GenerationRequest):
        return _tr("Step {step} of {steps}").format(step=item.step, steps=item.steps)
    return _tr("Part {step} of {steps}").format(step=item.step, steps=item.steps)


def loading(item: JobItem) -> str:
    """`Reading the model “X”: 1.2 of 2.1 GB`; without the bytes where they are not known, or few."""
    if item.read_of < 100 * 2**20:
        return item.what
    words = _tr("{what}: {done} of {total} GB")
    return words.format(what=item.what, done=f"{item.read / 1e9:.1f}", total=f"{item.read_of / 1e9:.1f}")


def job_detail(item: JobItem) -> str:
    """Beside the progress bar: `picture 2 of 4 · about 10 s left`; empty where there is nothing to say."""
    from sdstudio.app.job_item import JobState

    if item.state is JobState.LOADING and item.what:
        return loading(item)
    parts: list[str] = []
    if item.pictures > 1:
        at = min(item.index + 1, item.pictures)
        parts.append(_tr("picture {number} of {count}").format(number=number(at), count=number(item.pictures)))
    if item.seconds_left is not None and item.state is JobState.RUNNING:
        parts.append(time_left(item.seconds_left))
    return " · ".join(parts)


def request_title(request: JobRequest) -> str:
    """One line for a list: the prompt, or what is enlarged."""
    if isinstance(request, GenerationRequest):
        return " ".join(request.prompt.positive.split()) or _tr("(no prompt)")
    return _tr("Enlarge {name} {scale}×").format(name=request.source_name, scale=request.scale)


def engine_state(state: EngineState) -> str:
    match state:
        case EngineState.STARTING:
            return _tr("Getting ready…")
        case EngineState.READY:
            return _tr("Ready")
        case EngineState.BROKEN:
            return _tr("Not ready")


def device(info: EngineInfo) -> str:
    """`CPU · 2 threads`, or the name of the graphics card."""
    if info.device_kind != "cpu":
        return info.device
    threads = _tr("1 thread") if info.threads == 1 else _tr("{count} threads").format(count=info.threads)
    return f"{info.device} · {threads}"


def graphics_cards(info: EngineInfo | None) -> tuple[tuple[str, str], ...]:
    """What the engine could run on beside the CPU: the name by which it is chosen, and one for people."""
    if info is None:
        return ()
    return info.devices or (((f"{info.device_kind}:0", info.device),) if info.device_kind != "cpu" else ())


def missing_device(info: EngineInfo) -> tuple[str, str]:
    """That the chosen device is gone, and what happens instead."""
    kind, _, number = info.missing.partition(":")
    card = kind in ("cuda", "gpu")
    title = _tr("The device chosen in the settings ({name}) is not there.").format(name=info.missing)
    if card:
        title = _tr("Graphics card number {number}, chosen in the settings, is not there.").format(
            number=int(number or 0) + 1
        )
    text = _tr("Pictures are made with {device} meanwhile. The choice is kept: when back, the next start uses it.")
    return title, text.format(device=_tr("the processor") if info.device_kind == "cpu" else info.device)

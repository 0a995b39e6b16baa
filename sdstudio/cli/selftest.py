"""`sdstudio selftest`: is everything there, and does it work?"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sdstudio.cli.arguments import add_json
from sdstudio.cli.console import Console
from sdstudio.cli.running import DONE, FAILED
from sdstudio.cli.services import CliServices
from sdstudio.domain.checks import CheckResult
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.errors import StudioError
from sdstudio.domain.events import Failed, JobEvent, PictureSaved
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.metadata import PictureRecord
from sdstudio.domain.models import STARTER_NAME, ModelInfo
from sdstudio.domain.request import GenerationRequest, ModelSpec, PromptSpec, SamplingSpec
from sdstudio.storage.files import check_writable
from sdstudio.storage.pictures import load_picture, read_texts, save_png
from sdstudio.storage.resource_check import check_resources
from sdstudio.storage.resources import resource_path

HELP = "look whether everything is there and works"
_STEPS = 2
_AGAIN = "Install SD Studio again."
_TRICKY = 'two lines,\n"quotes", comma: \\ back, ünïcödé, 日本語, 🍎'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)


def run(_args: argparse.Namespace, services: CliServices, console: Console) -> int:
    code = DONE
    for result in checks(services):
        data = {"check": result.name, "ok": result.ok, "words": result.words}
        console.result(data, f"{'ok    ' if result.ok else 'FAILED'}  {result.name}: {result.words}")
        if not result.ok:
            code = FAILED
    if code == FAILED:
        console.note("Not everything works; see the lines above.")
    return code


def checks(services: CliServices) -> Iterator[CheckResult]:
    """Quick ones first; each says in words what it found."""
    yield _resources()
    yield from _folders(services)
    yield _round_trip()
    try:
        yield from services.selftest()
    except (ImportError, OSError, RuntimeError, StudioError) as error:
        words = f"Something that the engine needs cannot be loaded: {error}. {_AGAIN}"
        yield CheckResult(name="libraries", ok=False, words=words)
    yield _generation(services)


def _resources() -> CheckResult:
    try:
        root = resource_path("models").parent
        problems = check_resources(root)
    except (OSError, ValueError) as error:
        problems = [str(error)]
    if problems:
        return CheckResult(name="resources", ok=False, words=f"{'; '.join(problems)}. {_AGAIN}")
    return CheckResult(name="resources", ok=True, words=f"all there in {root}")


def _folders(services: CliServices) -> Iterator[CheckResult]:
    paths = services.paths
    folders = {"results": services.results_folder, "settings": paths.config, "data": paths.data, "cache": paths.cache}
    for name, folder in (folders | {"logs": paths.logs}).items():
        try:
            check_writable(folder)
        except StudioError as error:
            yield CheckResult(name=f"{name} folder", ok=False, words=str(error))
        else:
            yield CheckResult(name=f"{name} folder", ok=True, words=f"{folder} can be written")


def _round_trip() -> CheckResult:
    """A picture and a difficult prompt, saved and read again."""
    name = "PNG round trip"
    request = GenerationRequest(
        prompt=PromptSpec(positive=_TRICKY, negative=_TRICKY),
        sampling=SamplingSpec(seed=2**64 - 1),
        model=ModelSpec(name=STARTER_NAME, path=""),
        size=Size(64, 64),
    )
    pixels = np.arange(64 * 64 * 4, dtype=np.uint32).astype(np.uint8).reshape(64, 64, 4)
    record = PictureRecord(request=request, seconds=1.5, app_version="0")
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = save_png(ImageBuffer(pixels), Path(folder) / "check.png", record)
            same_record = read_metadata(read_texts(path)).record == record
            same_pixels = load_picture(path) == ImageBuffer(pixels)
    except (OSError, StudioError) as error:
        return CheckResult(name=name, ok=False, words=str(error))
    if same_record and same_pixels:
        return CheckResult(name=name, ok=True, words="picture and settings come back the same")
    what = "settings" if same_pixels else "pixels"
    return CheckResult(name=name, ok=False, words=f"the {what} of a saved picture come back changed. {_AGAIN}")


def _generation(services: CliServices) -> CheckResult:
    """Two steps with the model in the box, through the same runner as every picture."""
    name = "tiny generation"
    try:
        info = services.catalog.find(STARTER_NAME)
        with tempfile.TemporaryDirectory() as folder:
            return CheckResult(name=name, ok=True, words=_generate(services, info, Path(folder)))
    except (OSError, StudioError) as error:
        return CheckResult(name=name, ok=False, words=str(error))


def _generate(services: CliServices, info: ModelInfo, folder: Path) -> str:
    presets = info.presets
    sampling = SamplingSpec(steps=_STEPS, guidance_scale=presets.guidance_scale, sampler=presets.sampler, seed=1)
    prompt = PromptSpec(positive="a red apple")
    request = GenerationRequest(prompt=prompt, sampling=sampling, model=info.spec, size=presets.size)
    runner = services.make_runner()
    events: list[JobEvent] = []
    try:
        runner.run(runner.accept(request, folder), events.append, CancelToken())
    finally:
        runner.close()
    last = events[-1]
    if isinstance(last, Failed):
        raise StudioError(last.message, meaning=last.meaning, hint=last.hint)
    saved = next((event for event in events if isinstance(event, PictureSaved)), None)
    if saved is None:
        raise StudioError("The engine made no picture.", hint=_AGAIN)
    if load_picture(Path(saved.path)) != saved.image:
        raise StudioError("The picture on disk is not the one that was made.", hint=_AGAIN)
    device = runner.info()
    return f"{_STEPS} steps in {saved.seconds:.2f} s on {device.device if device else 'this machine'}"

"""The model in the box."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdstudio.domain.engine_api import CancelToken
from sdstudio.domain.events import EngineEvent, ImageReady, Preview
from sdstudio.domain.geometry import Size
from sdstudio.engine.benches import bench_generate
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.selftest import check_engine
from tests.engine.conftest import Run
from tests.helpers.children import run_python
from tests.helpers.tiny_models import STARTER, ImagesInMemory, make_request

pytestmark = [pytest.mark.keeps_engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
UPSCALER = STARTER.parents[1] / "upscaler" / "realesr-animevideov3-x4.safetensors"
APPLE = {
    "positive": "a red apple",
    "seed": 7,
    "steps": 20,
    "guidance_scale": 3.5,
    "sampler": "DDIM",
    "size": Size(128, 128),
}


def red_in_the_middle(picture: ImageReady) -> bool:
    red, green, blue = picture.image.rgb[40:88, 40:88].reshape(-1, 3).mean(axis=0)
    return bool(red > 150 and red > 1.5 * green and red > 1.3 * blue)


def the_picture(run: Run, **changes: object) -> ImageReady:
    events = run(make_request(STARTER, **(APPLE | changes)))
    return next(event for event in events if isinstance(event, ImageReady))


@pytest.fixture(scope="module")
def apple(kept: tuple[TorchEngine, ImagesInMemory]) -> list[EngineEvent]:
    """All that is told while the apple is made."""
    events: list[EngineEvent] = []
    kept[0].run("job", make_request(STARTER, **APPLE), events.append, CancelToken())
    return events


def test_a_red_apple_is_red(apple: list[EngineEvent]) -> None:
    (picture,) = (event for event in apple if isinstance(event, ImageReady))
    assert red_in_the_middle(picture)


# One of each way to step, and all that had to be taught zero terminal SNR.
TRIED = ("Euler a", "Heun", "DPM2 a", "DPM2 a Karras", "DPM++ 2M Karras", "DPM++ 2M Exponential", "DPM++ 2M SDE Karras")
TRIED += ("DPM++ 3M SDE", "DPM++ 2S", "PLMS", "UniPC", "SA-Solver", "LCM")


@pytest.mark.parametrize("sampler", TRIED)
def test_samplers_of_every_kind_make_the_apple(sampler: str, run: Run) -> None:
    """Zero terminal SNR is too much for stock Karras schedules with fresh noise; ours end in the right colours."""
    # PLMS extrapolates v over its last four calls, which with zero terminal SNR needs some 20 steps.
    assert red_in_the_middle(the_picture(run, sampler=sampler, steps=20 if sampler == "PLMS" else 8))


def test_the_last_preview_shows_what_is_coming(apple: list[EngineEvent]) -> None:
    last = [event for event in apple if isinstance(event, Preview)][-1].image.rgb
    assert last.shape == (16, 16, 3)
    red, green, blue = last[5:11, 5:11].reshape(-1, 3).mean(axis=0)
    assert red > 1.3 * green
    assert red > 1.3 * blue


def test_the_self_test_finds_it_well() -> None:
    results = list(check_engine(STARTER, UPSCALER))
    assert [result.name for result in results] == ["libraries", "device", "starter model", "upscaler"]
    assert all(result.ok for result in results)


def test_the_self_test_says_what_is_wrong(tmp_path: Path) -> None:
    results = {result.name: result for result in check_engine(tmp_path / "none", tmp_path / "none.safetensors")}
    assert not results["starter model"].ok
    assert "is not at" in results["starter model"].words
    assert not results["upscaler"].ok


def test_the_bench_gives_rows_of_plain_values(tiny_model: Path) -> None:
    (row,) = bench_generate(tiny_model, runs=1, threads=1)
    assert 0 < row["best_seconds"] <= row["seconds"]
    assert json.loads(json.dumps(row)) == row


ALONE = """
import sys
from tests.helpers.block_imports import install
install(["PySide6", "shiboken6"])
from pathlib import Path
from sdstudio.domain.engine_api import CancelToken
from sdstudio.engine.engine import TorchEngine
from tests.helpers.tiny_models import ImagesInMemory, STARTER, make_request
engine = TorchEngine(images=ImagesInMemory(), upscaler=Path("none"), threads=1)
assert not [name for name in sys.modules if name.startswith("diffusers.pipelines.")], "pipelines were imported"
events = []
engine.run("job", make_request(STARTER, steps=2), events.append, CancelToken())
print(type(events[-1]).__name__)
"""


def test_it_needs_no_network_no_window_and_no_pipeline_and_prints_nothing() -> None:
    done = run_python(["-W", "ignore", "-c", ALONE], offline=True)
    assert (done.stdout, done.stderr, done.returncode) == ("Finished\n", "", 0)

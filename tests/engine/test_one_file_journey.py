"""From a checkpoint on the disk to pictures: recognised by its header, listed, loaded, and used for every task."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sdstudio.cli.main import main
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.family_tasks import tasks_of
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import LOADABLE_FAMILIES, Evidence, ModelFamily, Prediction
from sdstudio.domain.request import GenerationRequest
from sdstudio.engine.engine import TorchEngine
from sdstudio.engine.layouts import CONFIGS, LAYOUTS
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.model_index import ModelIndex
from sdstudio.storage.model_predictions import ModelPredictions
from sdstudio.storage.pictures import encode_png, load_picture, read_texts
from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Result, Run
from tests.helpers.one_file import OneFile, make_one_file

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SIDE_CARS = {
    ModelFamily.SD2_BASE: "model:\n  params:\n    unet_config: {}\n",
    ModelFamily.SD2_V: "model:\n  params:\n    parameterization: v\n",
}
FAMILIES = [*LAYOUTS, ModelFamily.SD2]
"""SD2: the file does not tell whether it is base or 768-v."""
SAME_AS_ANOTHER = {
    ModelFamily.SD2_BASE,
    ModelFamily.SD2_V,
    ModelFamily.SD2,
    ModelFamily.SD2_INPAINTING,
    ModelFamily.UNCLIP_H,
}
"""Fill a mask as another family does. To add to a picture is to fill masks one after the other: tried with the rest."""


class KeptEngine(TorchEngine):
    """Keeps its model from one command to the next, as it does from one job to the next in the window."""

    def close(self) -> None:
        pass

    def really_close(self) -> None:
        super().close()


class RealDesk(CliDesk):
    """The command line with the real engine, and a tiny checkpoint in the folder of models."""

    def __init__(self, folder: Path, family: ModelFamily) -> None:
        super().__init__(folder / "home")
        self.family = family
        one = make_one_file(folder / "made", ModelFamily.SD2_BASE if family is ModelFamily.SD2 else family)
        if family is ModelFamily.SD2:
            describe_both(one)
        self.file = self.paths.models / "tiny.safetensors"
        self.file.parent.mkdir(parents=True)
        shutil.move(one.path, self.file)
        if family in SIDE_CARS:
            self.file.with_suffix(".yaml").write_text(SIDE_CARS[family])
        self._images = JobImages(ImageStore(self.paths.images))
        # Of SD2 it must be found out anew with each command what the file does not tell.
        kind = TorchEngine if family is ModelFamily.SD2 else KeptEngine
        self._engine = kind(
            images=self._images,
            upscaler=folder / "none",
            resources=one.resources,
            threads=1,
            on_prediction=ModelPredictions(ModelIndex(self.paths.model_index)).keep,
        )

    def make_runner(self) -> JobRunner:
        return JobRunner(
            journal=Journal(self.paths.journal),
            results=lambda: self.paths.results,
            engine=lambda: self._engine,
            images=self._images,
            app_version="0.1",
        )

    def close(self) -> None:
        if isinstance(self._engine, KeptEngine):
            self._engine.really_close()

    def forget(self) -> None:
        """As another program would find things: nothing is known of what was tried."""
        self.paths.model_index.unlink(missing_ok=True)


Make = Callable[..., GenerationRequest]
Refusal = Callable[..., str]


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDesk]:
    made = RealDesk(tmp_path_factory.mktemp("desk"), request.param)
    yield made
    made.close()


def runner_of(desk: CliDesk, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_(*argv: object) -> Result:
        code = main([str(word) for word in argv], desk.services)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run_


@pytest.fixture
def make(desk: RealDesk, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Make:
    """The request of the picture that a command made in the folder "out"."""
    desk.forget()
    run = runner_of(desk, capsys)

    def make_(*argv: object) -> GenerationRequest:
        options = ("--steps", "2", "--sampler", "Euler", "--seed", "7", "--out", tmp_path / "out", "--json")
        result = run(*argv, "--model", "tiny", *options)
        assert result.code == 0, result.err
        record = read_metadata(read_texts(Path(result.json[-1]["image"]))).record
        assert record is not None and isinstance(record.request, GenerationRequest)
        return record.request

    return make_


@pytest.fixture
def refusal(desk: RealDesk, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """What is said of a command that the family cannot do."""
    run = runner_of(desk, capsys)

    def refusal_(*argv: object) -> str:
        result = run(*argv, "--model", "tiny")
        assert result.code == 2, result.out
        return result.err

    return refusal_


def describe_both(one: OneFile) -> None:
    """Base and 768-v have the same networks, and a description each."""
    base, v = (one.resources / CONFIGS / LAYOUTS[family].folder for family in (ModelFamily.SD2_BASE, ModelFamily.SD2_V))
    shutil.copytree(base, v)
    config = v / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace('"epsilon"', '"v_prediction"'))


def picture(folder: Path) -> tuple[Path, Path]:
    """A picture of 64 x 64 and a mask of its middle."""
    path, mask = folder / "picture.png", folder / "mask.png"
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    path.write_bytes(encode_png(ImageBuffer.from_rgb(noise)))
    grey = Image.new("L", (64, 64), 0)
    grey.paste(255, (16, 16, 48, 48))
    grey.save(mask)
    return path, mask


def test_what_is_listed_is_what_the_engine_has_descriptions_for() -> None:
    assert {*LAYOUTS, ModelFamily.SD2} == LOADABLE_FAMILIES


def test_a_file_is_recognised_and_makes_a_picture(desk: RealDesk, make: Make, refusal: Refusal) -> None:
    words = ("generate", "a red apple", "--size", "64x64")
    if not tasks_of(desk.family).text:
        assert "needs a picture" in refusal(*words)
        return
    request = make(*words)
    assert (request.task, request.model.name, request.model.family) == ("text", "tiny", desk.family.value)
    assert len(request.model.hash) == 10


def test_a_file_makes_a_picture_from_a_picture(desk: RealDesk, make: Make, tmp_path: Path) -> None:
    request = make("img2img", picture(tmp_path)[0], "--prompt", "a pear")
    assert (request.task, request.model.family) == ("image", desk.family.value)
    side = 64 * tasks_of(desk.family).enlarges
    assert request.size == Size(side, side)
    assert request.strength == 1.0 or tasks_of(desk.family).strength


def test_a_file_fills_a_mask_in_and_nothing_else(desk: RealDesk, make: Make, refusal: Refusal, tmp_path: Path) -> None:
    source, mask = picture(tmp_path)
    words = ("inpaint", source, "--mask", mask, "--prompt", "a pear")
    if not tasks_of(desk.family).masked:
        assert "cannot fill a mask" in refusal(*words)
        return
    request = make(*words)
    assert (request.task, request.model.family) == ("inpaint", desk.family.value)
    (made,) = (tmp_path / "out").glob("*.png")
    differs = (load_picture(source).pixels != load_picture(made).pixels).any(axis=2)
    assert differs[24:40, 24:40].any()
    differs[16:48, 16:48] = False
    assert not differs.any()


@pytest.mark.parametrize(
    "desk",
    [family for family in FAMILIES if family not in SAME_AS_ANOTHER],
    indirect=True,
    ids=lambda family: family.name,
)
def test_a_file_adds_to_a_picture(desk: RealDesk, make: Make, refusal: Refusal, tmp_path: Path) -> None:
    words = ("outpaint", picture(tmp_path)[0], "--right", 64, "--prompt", "a lake")
    if not tasks_of(desk.family).masked:
        assert "cannot extend a picture" in refusal(*words)
        return
    request = make(*words)
    assert (request.task, request.model.family) == ("outpaint", desk.family.value)


def test_what_one_call_told_is_known_from_then_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = RealDesk(tmp_path, ModelFamily.SD2)
    run = runner_of(desk, capsys)
    (before,) = run("models", "inspect", desk.file, "--json").json
    assert (before["prediction"], before["evidence"]) == (Prediction.UNKNOWN.value, Evidence.NONE.value)
    made = run("generate", "a", "--model", "tiny", "--size", "64x64", "--steps", 1, "--out", tmp_path / "out")
    assert made.code == 0, made.err
    (after,) = run("models", "inspect", desk.file, "--json").json
    assert after["evidence"] == Evidence.PROBE.value
    told = Prediction(after["prediction"])
    _, row = run("models", "--json").json
    assert row["badge"] == {Prediction.EPSILON: "SD 2 base", Prediction.V: "SD 2 v"}[told]

"""Jobs that mix pictures: the pictures stay while the job waits, over a restart, and while an edit goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from sdstudio.domain.additions import MixedImage
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.edits import InpaintSpec
from sdstudio.domain.engine_api import CancelToken, Emit, ImageSource
from sdstudio.domain.errors import ErrorKind, UnreadableFile
from sdstudio.domain.events import Failed, Finished, ImageReady, JobEvent, PictureSaved
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import GenerationRequest, JobRequest
from sdstudio.jobs.edit_plan import planned_inpaint
from sdstudio.jobs.job import Job
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.runner import JobRunner
from sdstudio.storage.image_store import ImageStore
from sdstudio.storage.pictures import read_texts
from tests.helpers.requests import generation
from tests.helpers.scripted_engine import ScriptedEngine, plain_picture

SIDE = 64


@dataclass
class LookingEngine(ScriptedEngine):
    """Loads every picture of the request as the real one does; `seen` are the mixed ones of each run."""

    images: ImageSource | None = None
    seen: list[list[ImageBuffer]] = field(default_factory=list)

    def run(self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken) -> None:
        assert isinstance(request, GenerationRequest) and self.images is not None
        self.seen.append([self.images.load(each.image.sha256) for each in request.mix])
        if request.image is not None:
            self.images.load(request.image.sha256)
        if request.inpaint is None:
            super().run(job_id, request, emit, cancel)
            return
        image = plain_picture(request.size.width, request.size.height, 3)
        emit(ImageReady(job_id=job_id, index=0, image=image, request=request, seconds=0.1))
        emit(Finished(job_id=job_id, seconds=0.1))


class Program:
    """What one start of the program has; another one of the same folder is the next start."""

    def __init__(self, folder: Path) -> None:
        self.store = ImageStore(folder / "images")
        images = JobImages(self.store)
        self.engine = LookingEngine(images=images)
        self.journal = Journal(folder / "journal")
        self.runner = JobRunner(
            journal=self.journal,
            results=lambda: folder / "results",
            engine=lambda: self.engine,
            images=images,
            app_version="0.1",
        )

    def run(self, job: Job) -> list[JobEvent]:
        events: list[JobEvent] = []
        self.runner.run(job, events.append, CancelToken())
        return events


PICTURES = [plain_picture(20 + seed, 30, seed) for seed in (1, 2, 3)]
WEIGHTS = (1.0, 0.5, -0.25)


def mixing(store: ImageStore) -> GenerationRequest:
    mix = tuple(
        MixedImage(image=store.add(image), weight=weight) for image, weight in zip(PICTURES, WEIGHTS, strict=True)
    )
    return replace(generation(), image=store.add(plain_picture(SIDE, SIDE, 9)), strength=1.0, mix=mix, noise_level=40)


def killed(journal: Path) -> None:
    """As if the process that owns the entries had gone."""
    for path in journal.glob("*.json"):
        data = json.loads(path.read_text())
        path.write_text(json.dumps(data | {"process_started": data["process_started"] - 1000}))


def test_a_waiting_job_finds_its_pictures_after_a_restart(tmp_path: Path) -> None:
    before = Program(tmp_path)
    request = mixing(before.store)
    before.runner.accept(request)
    killed(tmp_path / "journal")
    after = Program(tmp_path)
    (entry,) = after.journal.unfinished()
    assert entry.job.request == request
    events = after.run(entry.job)
    assert isinstance(events[-1], Finished)
    assert after.engine.seen == [PICTURES]


def test_the_picture_tells_what_it_was_mixed_of(tmp_path: Path) -> None:
    program = Program(tmp_path)
    request = mixing(program.store)
    (saved,) = [event for event in program.run(program.runner.accept(request)) if isinstance(event, PictureSaved)]
    record = read_metadata(read_texts(Path(saved.path))).record
    assert record is not None and isinstance(record.request, GenerationRequest)
    assert (record.request.mix, record.request.noise_level) == (request.mix, 40)


def test_a_job_before_it_does_not_take_the_pictures_along(tmp_path: Path) -> None:
    """An edit lets go of its own frames when it ends; what another job waits with is not among them."""
    program = Program(tmp_path)
    mixed = mixing(program.store)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[20:40, 20:40] = 255
    kept = program.store.add(ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2)))
    inpaint, size = planned_inpaint(InpaintSpec(mask=kept), mask, SIDE)
    assert isinstance(size, Size)
    edit, waiting = program.runner.accept(replace(mixed, inpaint=inpaint, size=size)), program.runner.accept(mixed)
    for job in (edit, waiting):
        assert isinstance(program.run(job)[-1], Finished)
    assert program.engine.seen == [PICTURES, PICTURES]


def test_a_picture_that_has_gone_is_said(tmp_path: Path) -> None:
    program = Program(tmp_path)
    job = program.runner.accept(mixing(program.store))
    gone = PICTURES[1].sha256()
    (tmp_path / "images" / gone[:2] / f"{gone}.png").unlink()
    with pytest.raises(UnreadableFile, match="that this job needs is not in the store"):
        program.store.load(gone)
    end = program.run(job)[-1]
    assert isinstance(end, Failed) and end.kind is ErrorKind.BAD_INPUT and "not in the store" in end.message

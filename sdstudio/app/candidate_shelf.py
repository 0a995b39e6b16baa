"""The candidates that there are: by the clicks that asked for them, forming, waiting and finished."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sdstudio.app.candidate_ground import Ground
from sdstudio.app.candidate_prepare import CandidatePart
from sdstudio.app.edit_job import EditJob
from sdstudio.canvas.region_seam import stands_out
from sdstudio.domain.canvas_state import MASK
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import SEED_COUNT

KEPT = 16
"""Candidates at a time: more do not fit into a strip that one can look over."""


@dataclass(frozen=True, slots=True, eq=False)
class Forming:
    """What can be seen already of one frame, which is in pixels of the canvas as it was."""

    job_id: str
    frame: Rect
    image: ImageBuffer
    ground: Ground


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """Picture `index` of one click. One part a job (several islands, one frame each: several jobs). Without parts and
    previews it waits; `done`: no more parts will come."""

    click: int
    index: int
    parts: tuple[CandidatePart, ...] = ()
    previews: tuple[Forming, ...] = ()
    done: bool = False

    @property
    def waiting(self) -> bool:
        return not self.parts and not self.previews

    @property
    def pixels_outside(self) -> int:
        """Of the document, outside all that was allowed to change."""
        total = sum(part.ground.size.pixels - part.proof.pixels_outside for part in self.parts)
        return self.parts[0].ground.size.pixels - total if self.parts else 0

    @property
    def changed_outside(self) -> int:
        """As counted in the document; in the file, should more be wrong there."""
        in_document = sum(part.proof.changed_outside for part in self.parts)
        return max(in_document, sum(part.changed_in_file for part in self.parts))

    @property
    def seam(self) -> float:
        return max((part.seam for part in self.parts), default=0.0)

    @property
    def stands_out(self) -> bool:
        """Whether softening its seam is worth offering."""
        soft = all(part.softened for part in self.parts)
        return stands_out(self.seam) and not soft and any(part.layer.record.mask is not None for part in self.parts)


@dataclass(slots=True)
class _Job:
    job: EditJob
    ground: Ground | None = None
    running: bool = True
    pending: int = 0


@dataclass(slots=True)
class _Click:
    serial: int
    jobs: dict[str, _Job] = field(default_factory=dict)

    @property
    def first(self) -> EditJob:
        return next(iter(self.jobs.values())).job

    @property
    def busy(self) -> bool:
        return any(entry.running or entry.pending for entry in self.jobs.values())

    def takes(self, job: EditJob) -> bool:
        """The islands of one click were asked from one snapshot, each with its own frame."""
        places = [entry.job.plan for entry in self.jobs.values()]
        frames = [plan.frame for plan in places if plan is not None]
        return self.first.snapshot is job.snapshot and job.plan is not None and job.plan.frame not in frames


class CandidateShelf:
    """`items` in the order in which they were asked for, the newest KEPT."""

    def __init__(self) -> None:
        self.items: tuple[Candidate, ...] = ()
        self._clicks: list[_Click] = []
        self._serial = 0

    @property
    def busy(self) -> bool:
        """Whether any job is under way or what it brought."""
        return any(click.busy for click in self._clicks)

    @property
    def running(self) -> frozenset[str]:
        """Jobs that have not ended."""
        return frozenset(name for click in self._clicks for name, entry in click.jobs.items() if entry.running)

    @property
    def jobs(self) -> tuple[str, ...]:
        return tuple(name for click in self._clicks for name in click.jobs)

    @property
    def next_seed(self) -> int:
        """After all that were used here."""
        used = [entry.job.request.sampling for click in self._clicks for entry in click.jobs.values()]
        return max((sampling.seed + sampling.count for sampling in used), default=0) % SEED_COUNT

    @property
    def newest(self) -> EditJob | None:
        return self._clicks[-1].first if self._clicks else None

    def job(self, job_id: str) -> EditJob | None:
        entry = self._entry(job_id)
        return None if entry is None else entry.job

    def ground(self, job_id: str) -> Ground | None:
        entry = self._entry(job_id)
        return None if entry is None else entry.ground

    def belongs(self, job: EditJob) -> bool:
        """Whether its results are alternatives to those that are here: the same mask, the same place."""
        newest = self.newest
        return newest is None or asks_the_same(newest, job)

    def clear(self) -> None:
        self.items = ()
        self._clicks.clear()

    def add(self, job: EditJob) -> None:
        """With a place for each of its pictures, as many as are kept."""
        click = self._clicks[-1] if self._clicks else None
        if click is not None and click.jobs and click.takes(job):
            click.jobs[job.job_id] = _Job(job)
            return
        self._serial += 1
        click = _Click(self._serial, {job.job_id: _Job(job)})
        self._clicks.append(click)
        for index in range(min(job.request.sampling.count, KEPT)):
            self._append(Candidate(click=click.serial, index=index))

    def set_ground(self, ground: Ground) -> None:
        entry = self._entry(ground.job.job_id)
        if entry is not None:
            entry.ground = ground

    def preview(self, job_id: str, index: int, frame: Rect, image: ImageBuffer) -> int | None:
        """The latest of each frame is kept. Returns the candidate's place; None where it cannot be shown."""
        ground = self.ground(job_id)
        place = self._place(job_id, index)
        if place is None or ground is None:
            return place
        old = self.items[place]
        others = tuple(seen for seen in old.previews if (seen.job_id, seen.frame) != (job_id, frame))
        self._put(place, replace(old, previews=(*others, Forming(job_id, frame, image, ground))))
        return place

    def expect(self, job_id: str) -> None:
        """A picture is saved, and being prepared."""
        entry = self._entry(job_id)
        if entry is not None:
            entry.pending += 1

    def give_up(self, job_id: str) -> None:
        """It could not be prepared."""
        entry = self._entry(job_id)
        if entry is not None:
            entry.pending -= 1
            self._settle()

    def put(self, part: CandidatePart) -> int | None:
        """It is prepared. Returns the candidate's place."""
        job_id = part.saved.job_id
        entry, place = self._entry(job_id), self._place(job_id, part.saved.index)
        if entry is None or place is None:
            return None
        entry.pending -= 1
        old = self.items[place]
        rest = tuple(seen for seen in old.previews if seen.job_id != job_id)
        self._put(place, replace(old, parts=(*old.parts, part), previews=rest))
        self._settle()
        return self._place(job_id, part.saved.index)

    def exchange(self, old: CandidatePart, new: CandidatePart) -> None:
        """The same result, blended in another way."""
        for place, item in enumerate(self.items):
            if old in item.parts:
                self._put(place, replace(item, parts=tuple(new if part is old else part for part in item.parts)))

    def end(self, job_id: str) -> None:
        """What it has not made will not come."""
        entry = self._entry(job_id)
        if entry is not None:
            entry.running = False
            self._settle()

    def _settle(self) -> None:
        """What is whole is done; what can no longer become anything goes."""
        clicks = {click.serial: click for click in self._clicks}
        kept: list[Candidate] = []
        for item in self.items:
            click = clicks[item.click]
            if item.parts and (len(item.parts) == len(click.jobs) or not click.busy):
                kept.append(item if item.done else replace(item, done=True, previews=()))
            elif click.busy:
                kept.append(item)
        self.items = tuple(kept)

    def _append(self, item: Candidate) -> None:
        items = [*self.items, item]
        while len(items) > KEPT:
            done = next((place for place, old in enumerate(items) if old.done), 0)
            del items[done]
        self.items = tuple(items)

    def _put(self, place: int, item: Candidate) -> None:
        self.items = (*self.items[:place], item, *self.items[place + 1 :])

    def _place(self, job_id: str, index: int) -> int | None:
        """Made where there is none yet: of a thousand pictures only the first have their places from the start."""
        click = next((click for click in self._clicks if job_id in click.jobs), None)
        if click is None:
            return None
        found = self._find(click.serial, index)
        if found is None and index >= KEPT:
            self._append(Candidate(click=click.serial, index=index))
            found = self._find(click.serial, index)
        return found

    def _find(self, click: int, index: int) -> int | None:
        places = (place for place, item in enumerate(self.items) if (item.click, item.index) == (click, index))
        return next(places, None)

    def _entry(self, job_id: str) -> _Job | None:
        return next((click.jobs[job_id] for click in self._clicks if job_id in click.jobs), None)


def asks_the_same(one: EditJob, other: EditJob) -> bool:
    """The same mask on a canvas of the same size, the same extension, the same patch made again."""
    first, second = one.snapshot.state, other.snapshot.state
    if first is second:
        return True
    if (first.size, one.task, one.margins, one.replaces) != (second.size, other.task, other.margins, other.replaces):
        return False
    if one.mask is None or other.mask is None:
        return one.place == other.place
    before, after = first.layer(MASK).tiles, second.layer(MASK).tiles
    return before.keys() == after.keys() and all(before[key].serial == after[key].serial for key in before)

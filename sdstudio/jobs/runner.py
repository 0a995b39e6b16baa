"""One job from acceptance to its last picture on disk; the same for the window and the command line."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import assert_never

from sdstudio.domain.edits import EditReport
from sdstudio.domain.engine_api import CancelToken, Emit, Engine, EngineFactory, EngineInfo
from sdstudio.domain.errors import ErrorKind, StorageError, StudioError, UnreadableFile
from sdstudio.domain.events import (
    Cancelled,
    EngineEvent,
    Failed,
    Finished,
    ImageReady,
    JobEvent,
    Loading,
    PictureSaved,
    Preview,
    Progress,
    Started,
)
from sdstudio.domain.metadata import PictureRecord
from sdstudio.domain.os_words import os_words
from sdstudio.domain.request import GenerationRequest, JobRequest, ModelSpec
from sdstudio.jobs.edit_run import EditRun, is_edit
from sdstudio.jobs.job import Job, new_job_id
from sdstudio.jobs.job_images import JobImages
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.model_replaced import told_of_replaced
from sdstudio.jobs.outputs import SUFFIX, file_stems
from sdstudio.storage.files import check_writable, reserve_names
from sdstudio.storage.mask_files import encode_mask
from sdstudio.storage.pictures import save_png

GETTING_READY = "Getting ready"
MASK_BYTES = 48 * 1024
"""Larger masks stay in the image store alone: a text chunk of megabytes would make the file slow to list."""
JobEmit = Callable[[JobEvent], None]
_log = logging.getLogger(__name__)


class JobRunner:
    """`accept` and `drop` may be called from any thread; all else from the engine's one thread."""

    def __init__(
        self,
        *,
        journal: Journal,
        results: Callable[[], Path],
        engine: EngineFactory,
        images: JobImages,
        app_version: str,
    ) -> None:
        """`images` is what the engine reads its pictures from, too."""
        self._images = images
        self._journal = journal
        self._results = results
        self._make_engine = engine
        self._app_version = app_version
        self._engine: Engine | None = None
        self._info: EngineInfo | None = None
        self._accepting = threading.Lock()

    def accept(self, request: JobRequest, folder: Path | None = None) -> Job:
        """Names the pictures and notes the job on disk; the engine need not exist yet.

        `folder` None = the results folder. Raises StorageError when it or the journal cannot be written.
        """
        target = (self._results() if folder is None else folder).absolute()
        check_writable(target)
        now = datetime.now()
        with self._accepting:
            paths = reserve_names(target, file_stems(request, now), SUFFIX, self._journal.reserved())
            job = Job(job_id=new_job_id(now), request=request, files=tuple(str(path) for path in paths))
            self._journal.open(job)
        return job

    def drop(self, job: Job) -> None:
        """Forgets a job that has not begun. Raises StorageError."""
        self._journal.close(job.job_id)

    def info(self) -> EngineInfo | None:
        """None until the engine exists; any thread."""
        return self._info

    def warm_up(self, model: ModelSpec) -> EngineInfo:
        """Makes the engine and reads the model. Raises StudioError."""
        engine = self._ready_engine()
        engine.warm_up(model)
        self._info = engine.info()
        return self._info

    def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def run(self, job: Job, emit: JobEmit, cancel: CancelToken) -> None:
        """Runs the job to its end. The last event is Finished, Cancelled or Failed, and the journal is closed by then.

        Never raises, except KeyboardInterrupt (the job is dropped first) and what `emit` itself raises.
        """
        saver = _Saver(job, self._journal, emit, cancel, self._record, self._chunks)
        try:
            outcome = self._attempt(job, saver, cancel)
            if isinstance(outcome, Failed):
                outcome = told_of_replaced(outcome, job.request)
        finally:
            self._close_entry(job)
        saver.end(outcome)

    def _attempt(self, job: Job, saver: _Saver, cancel: CancelToken) -> Finished | Cancelled | Failed:
        if cancel.cancelled:
            return Cancelled(job_id=job.job_id)
        try:
            if self._engine is None:
                saver.pass_on(Loading(job_id=job.job_id, what=GETTING_READY))
            self._run(self._ready_engine(), job, saver, cancel)
        except StudioError as error:
            return failed_from(job.job_id, error)
        except Exception as error:
            if saver.client_error is error:
                raise
            return _unexpected(job.job_id, error)
        if saver.outcome is None:
            message = "The engine stopped without saying why."
            return Failed(job_id=job.job_id, kind=ErrorKind.INTERNAL, message=message, hint="Try it again.")
        return saver.outcome

    def _run(self, engine: Engine, job: Job, saver: _Saver, cancel: CancelToken) -> None:
        """Edits go frame by frame, everything else as it is."""
        request = job.request
        if not is_edit(request):
            engine.run(job.job_id, request, saver.take, cancel)
            return
        assert isinstance(request, GenerationRequest)

        def run_engine(part: GenerationRequest, take: Emit, token: CancelToken) -> None:
            engine.run(job.job_id, part, take, token)

        EditRun(job.job_id, request, self._images, run_engine, saver.take, saver.save, cancel).run()

    def _ready_engine(self) -> Engine:
        """Raises StudioError when the engine cannot be made."""
        if self._engine is None:
            try:
                engine = self._make_engine()
            except StudioError:
                raise
            except Exception as error:
                hint = "Run “sdstudio selftest” to see what is missing, or install SD Studio again."
                raise StudioError(f"The engine could not be started: {_words(error)}.", hint=hint) from error
            self._engine, self._info = engine, engine.info()
        return self._engine

    def _record(self, event: ImageReady) -> PictureRecord:
        info = self._info
        return PictureRecord(
            request=event.request,
            seconds=event.seconds,
            app_version=self._app_version,
            device=info.device if info else "",
            threads=info.threads if info else 0,
            mask=self._mask(event.request),
        )

    def _mask(self, request: JobRequest) -> bytes:
        """A small one goes along in the picture's file, so that it can be made again elsewhere."""
        if not isinstance(request, GenerationRequest) or request.inpaint is None:
            return b""
        try:
            mask = self._images.load(request.inpaint.mask.sha256)
        except UnreadableFile as error:
            # Gone since the job began: the picture is worth keeping all the same.
            _log.warning("The mask of a finished picture does not go along: %s", error)
            return b""
        found = encode_mask(mask.pixels[..., 0], compression=9)
        return found if len(found) <= MASK_BYTES else b""

    def _chunks(self, request: JobRequest) -> bytes:
        """What a picture that is changed brings along; another one, begun with it, is not that picture any more."""
        edit = isinstance(request, GenerationRequest) and is_edit(request)
        return self._images.chunks(request.image.sha256) if edit and request.image is not None else b""

    def _close_entry(self, job: Job) -> None:
        try:
            self._journal.close(job.job_id)
        except StorageError as error:
            # The job itself has ended as it should; its entry will be offered again at the next start.
            _log.warning("The journal entry of a finished job stays: %s", error)


class _Saver:
    """Stands between engine and client during one job: turns ImageReady into a file and PictureSaved."""

    def __init__(
        self,
        job: Job,
        journal: Journal,
        emit: JobEmit,
        cancel: CancelToken,
        record: Callable[[ImageReady], PictureRecord],
        chunks: Callable[[JobRequest], bytes],
    ) -> None:
        self._job = job
        self._journal = journal
        self._emit = emit
        self._cancel = cancel
        self._record = record
        self._chunks = chunks
        self._failure: Failed | None = None
        self.outcome: Finished | Cancelled | Failed | None = None
        self.client_error: Exception | None = None

    def take(self, event: EngineEvent) -> None:
        """Called by the engine. After a failed save nothing is passed on any more."""
        match event:
            case Finished() | Cancelled() | Failed():
                self.outcome = self._failure or event
            case Started() | Loading() | Progress() | Preview():
                if self._failure is None:
                    self.pass_on(event)
            case ImageReady():
                self.save(event)
            case _:
                assert_never(event)

    def end(self, outcome: Finished | Cancelled | Failed) -> None:
        self.pass_on(self._failure or outcome)

    def pass_on(self, event: JobEvent) -> None:
        try:
            self._emit(event)
        except Exception as error:
            self.client_error = error
            raise

    def save(self, event: ImageReady, edit: EditReport | None = None) -> None:
        """Onto the disk, then to the client."""
        if self._failure is not None:
            return
        try:
            wanted = Path(self._job.files[event.index])
            path = save_png(event.image, wanted, self._record(event), self._chunks(event.request))
        except StorageError as error:
            self._failure = failed_from(self._job.job_id, error)
            self._cancel.cancel()  # What cannot be kept need not be computed.
            return
        try:
            self._journal.done_picture(self._job.job_id, event.index)
        except StorageError as error:
            # The picture is safe; only a crash right now would make it a second time.
            _log.warning("The journal could not note a finished picture: %s", error)
        saved = PictureSaved(
            job_id=event.job_id,
            index=event.index,
            path=str(path),
            image=event.image,
            request=event.request,
            seconds=event.seconds,
            edit=edit,
        )
        self.pass_on(saved)


def failed_from(job_id: str, error: StudioError) -> Failed:
    """A typed error as the event that ends a job; the details are what caused it."""
    cause = error.__cause__
    return Failed.of(job_id, error, "".join(traceback.format_exception(cause)) if cause is not None else "")


def _words(error: Exception) -> str:
    return os_words(error) if isinstance(error, OSError) else str(error)


def _unexpected(job_id: str, error: Exception) -> Failed:
    return Failed(
        job_id=job_id,
        kind=ErrorKind.INTERNAL,
        message=f"Something went wrong that SD Studio did not expect: {_words(error)}",
        hint="Try it again; if it comes back, report it with the details.",
        details="".join(traceback.format_exception(error)),
    )

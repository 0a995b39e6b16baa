"""The engine: a function of a request that emits events and obeys a cancel token."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import assert_never

import numpy as np
import torch

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.engine_api import CancelToken, Emit, EngineInfo, ImageSource
from sdstudio.domain.errors import CancelledByUser, ErrorKind, OutOfMemory, StudioError
from sdstudio.domain.events import Cancelled, Failed, Finished, Loading, Started
from sdstudio.domain.geometry import SIDE_MIN, Size
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.model_file import PICTURE_FAMILIES, Prediction
from sdstudio.domain.request import GenerationRequest, JobRequest, ModelSpec, PromptSpec, SamplingSpec, UpscaleRequest
from sdstudio.engine.additions import Additions
from sdstudio.engine.cache import ModelCache
from sdstudio.engine.devices import Device, chosen_or_best, work_here
from sdstudio.engine.faults import device_lost, is_device_lost, is_out_of_memory
from sdstudio.engine.hooks.cancel import check_cancel
from sdstudio.engine.load import read_model
from sdstudio.engine.model import LoadedModel
from sdstudio.engine.probe_prediction import PredictionProbe
from sdstudio.engine.second_model import SecondModel
from sdstudio.engine.sibling import goes_on_from_around
from sdstudio.engine.tasks.generate import make_picture, run_generation

TOLD_BYTES = 100 * 2**20
"""Smaller models are read before anybody could read how far it is."""


class TorchEngine:
    """Implements domain.engine_api.Engine. `upscaler` is the file with the upscaler's weights; `resources` holds what
    models in one file do not bring along."""

    def __init__(
        self,
        *,
        images: ImageSource,
        upscaler: Path,
        resources: Path | None = None,
        threads: int = 0,
        on_prediction: Callable[[str, Prediction], None] | None = None,
        preview_decoders: Callable[[], Sequence[AddedFile]] = tuple,
        device: str | Device = "",
    ) -> None:
        """`on_prediction(path, prediction)` is called when a file did not tell what it predicts, and trying it did.
        `preview_decoders` tells at each job which TAESD decoders there are. `device`: one that was chosen
        already, or what `chosen_or_best` takes."""
        self._device = device if isinstance(device, Device) else chosen_or_best(threads, device)
        work_here(self._device)
        self._lost: StudioError | None = None
        self._images = images
        self._upscaler = upscaler
        probe = PredictionProbe(on_prediction)
        self._additions = Additions(preview_decoders)
        load = partial(read_model, resources=resources, probe=probe)
        self._models = ModelCache(self._device, load)
        self._second = SecondModel(self._device, load)

    def info(self) -> EngineInfo:
        return self._device.info

    def warm_up(self, model: ModelSpec) -> None:
        """Reads the model and makes one step of the smallest picture. Raises ModelError or OutOfMemory."""
        request = GenerationRequest(
            prompt=PromptSpec(),
            sampling=SamplingSpec(steps=1, guidance_scale=2.0, sampler="Euler"),
            model=model,
            size=Size(SIDE_MIN, SIDE_MIN),
        )
        failure = None
        try:
            loaded = self._models.get(model)
            with self._additions.put_on(request, loaded, lambda _what: None) as plain:
                make_picture(request, plain, CancelToken(), start=_anything(plain, request.size))
        except StudioError:
            raise
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            failure = _out_of_memory_words(self._models.holds(model))
        if failure is not None:
            self._free_memory()
            raise failure

    def run(self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken) -> None:
        """Runs one job to its end: Started first, and Finished, Cancelled or Failed last."""
        begin = time.perf_counter()
        try:
            with self._threads(request.threads):
                self._run_task(job_id, request, emit, cancel)
            end: Finished | Cancelled | Failed = Finished(job_id=job_id, seconds=time.perf_counter() - begin)
        except CancelledByUser:
            end = Cancelled(job_id=job_id)
        except Exception as error:  # noqa: BLE001 - the engine's thread must survive; the event tells the whole story
            end = self._failed(job_id, request, error)
        # Outside the except block, whose traceback would keep the failed job's tensors alive. Not after a cancel:
        # a full collection takes a quarter of a second, and nothing is short.
        if isinstance(end, Failed) and end.kind == ErrorKind.OUT_OF_MEMORY:
            self._free_memory()
        emit(end)

    def close(self) -> None:
        self._models.clear()
        self._second.clear()
        self._additions.clear()

    def _run_task(self, job_id: str, request: JobRequest, emit: Emit, cancel: CancelToken) -> None:
        """One line for each kind of task. Raises CancelledByUser, StudioError, or whatever went wrong."""
        if self._lost is not None:
            raise self._lost
        if isinstance(request, GenerationRequest):
            emit(Started(job_id=job_id, pictures=request.sampling.count, steps=request.steps_made))
            start = None if request.image is None else self._images.load(request.image.sha256)
            mask = None if request.inpaint is None else self._images.load(request.inpaint.mask.sha256)
            mixed = tuple(self._images.load(each.image.sha256) for each in request.mix)
            self._second.keep_for(request)
            model = self._load(job_id, request.model, emit, cancel)
            if goes_on_from_around(request):
                model = self._models.get_for_inpainting(request.model)
            model = self._second.join(request, model, cancel, partial(_tell, job_id, emit))
            with self._additions.put_on(request, model, lambda what: emit(Loading(job_id=job_id, what=what))) as model:
                check_cancel(cancel)
                run_generation(job_id, request, emit, cancel, model=model, start=start, mask=mask, mixed=mixed)
        elif isinstance(request, UpscaleRequest):
            # Imported late: most jobs never need it.
            from sdstudio.engine.tasks.upscale import count_upscale_steps, run_upscale

            emit(Started(job_id=job_id, pictures=1, steps=count_upscale_steps(request)))
            device = self._device.torch_device
            run_upscale(job_id, request, emit, cancel, images=self._images, weights=self._upscaler, device=device)
        else:
            assert_never(request)

    def _load(self, job_id: str, spec: ModelSpec, emit: Emit, cancel: CancelToken) -> LoadedModel:
        check_cancel(cancel)
        what = f"Reading the model “{spec.name}”"
        if not self._models.holds(spec):
            emit(Loading(job_id=job_id, what=what))

        model = self._models.get(spec, cancel, partial(_tell, job_id, emit, what))
        check_cancel(cancel)
        return model

    @contextmanager
    def _threads(self, wanted: int) -> Iterator[None]:
        """A job that must be computed with a certain number of threads gets it, for its time."""
        usual = self._device.info.threads
        if wanted in (0, usual):
            yield
            return
        torch.set_num_threads(wanted)
        try:
            yield
        finally:
            torch.set_num_threads(usual)

    def _failed(self, job_id: str, request: JobRequest, error: Exception) -> Failed:
        details = "".join(traceback.format_exception(error))
        if is_out_of_memory(error):
            loaded = not isinstance(request, GenerationRequest) or self._models.holds(request.model)
            error = self._out_of_memory(request, loaded)
        elif is_device_lost(error):
            error = self._lost = device_lost()
        if not isinstance(error, StudioError):
            error = StudioError(
                "The picture could not be made because of a fault in SD Studio.",
                meaning="Nothing else was harmed, and the next picture can be made.",
                hint="Try it once more; if it fails again, please report it with the details.",
            )
        return Failed.of(job_id, error, details)

    def _out_of_memory(self, request: JobRequest, loaded: bool) -> StudioError:
        """With the size that would fit, where the model is there and the arithmetic knows one."""
        words = _out_of_memory_words(loaded)
        if loaded and isinstance(request, GenerationRequest):
            memory = self._models.get(request.model).memory
            smaller = None if memory is None else memory.size_that_fits(request.size)
            if smaller is not None:
                words.hint = f"A smaller size should fit: {smaller.width} x {smaller.height}. Or close other programs."
        return words

    def _free_memory(self) -> None:
        self._second.clear()
        self._models.free_the_rest()


def _tell(job_id: str, emit: Emit, what: str, done: int, total: int) -> None:
    if total == 0 or total >= TOLD_BYTES:
        emit(Loading(job_id=job_id, what=what, done=done, total=total))


def _anything(model: LoadedModel, size: Size) -> ImageBuffer | None:
    """A picture to begin with, for models that do nothing without one."""
    if model.family not in PICTURE_FAMILIES:
        return None
    return ImageBuffer.from_rgb(np.zeros((size.height, size.width, 3), np.uint8))


def _out_of_memory_words(model_loaded: bool) -> StudioError:
    if not model_loaded:
        return OutOfMemory(
            "The model does not fit into the memory of this computer.",
            meaning="No picture can be made with it.",
            hint="Close other programs, or choose a smaller model.",
        )
    return OutOfMemory(
        "The memory was not enough for this picture.",
        meaning="The picture was given up; everything else goes on.",
        hint="Choose a smaller size, or close other programs.",
    )

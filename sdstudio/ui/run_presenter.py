"""Tells bottom strip and results dock how the run goes."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from sdstudio.app import messages
from sdstudio.app.context import AppContext
from sdstudio.app.engine_state import EngineState
from sdstudio.app.job_item import JobItem, JobState
from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.events import PictureSaved, Preview
from sdstudio.ui.bottom_strip import BottomStrip
from sdstudio.ui.prepare import Preparer
from sdstudio.ui.results_dock import ResultsDock
from sdstudio.ui.run_model import THUMB_SIDE


class RunPresenter(QObject):
    """Only shows; asks nothing of the queue but its state."""

    def __init__(self, context: AppContext, strip: BottomStrip, dock: ResultsDock, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._strip = strip
        self._dock = dock
        self._preparer = Preparer(context.io)
        self._last: JobItem | None = None
        self._seconds = 0.0
        queue, bridge = context.queue, context.bridge
        queue.current_changed.connect(self._on_current)
        queue.waiting_changed.connect(self._on_waiting)
        queue.preview_changed.connect(self._on_preview)
        queue.picture_saved.connect(self._on_saved)
        queue.job_ended.connect(self._on_ended)
        bridge.state_changed.connect(self._on_engine)
        bridge.info_changed.connect(self._on_info)
        self._on_engine(bridge.state)
        self._on_waiting(queue.waiting)
        if bridge.info is not None:
            self._on_info(bridge.info)

    def _on_current(self, item: JobItem | None) -> None:
        if item is None:
            self._show_idle()
            return
        cancelling = item.state is JobState.CANCELLING
        self._strip.show_run(
            messages.job_state(item), item.fraction, messages.job_detail(item), can_cancel=not cancelling
        )
        if item.job_id != self._dock.run_model.job_id:
            self._seconds = 0.0
        self._dock.run_model.follow(item)
        self._tell_run()

    def _tell_run(self) -> None:
        model = self._dock.run_model
        self._dock.earlier_model.set_hidden(model.paths)
        words = ""
        if self._context.queue.current is not None and model.count > 1:
            words = self.tr("{done} of {count} done").format(done=model.done, count=model.count)
        self._dock.run_section.set_fact(words)

    def _on_waiting(self, items: tuple[JobItem, ...]) -> None:
        self._dock.queue.set_items(items, self._context.queue.current)
        self._strip.set_waiting(len(items))
        runs = self.tr("1 run") if len(items) == 1 else self.tr("{count} runs").format(count=len(items))
        known = [item.seconds_left for item in items if item.seconds_left is not None]
        time = f" · {messages.about(sum(known))}" if known and len(known) == len(items) else ""
        self._dock.waiting_section.set_fact(runs + time)

    def _on_preview(self, preview: Preview) -> None:
        self._dock.run_model.add_preview(preview)

    def _on_saved(self, saved: PictureSaved) -> None:
        self._seconds += saved.seconds

        def add(thumb: QImage) -> None:
            self._dock.run_model.add_saved(saved, thumb)
            self._tell_run()
            self._dock.choose_again()

        self._preparer.thumb(saved.image, THUMB_SIDE, add)

    def _on_ended(self, item: JobItem) -> None:
        self._last = item
        self._dock.run_model.end(item)
        self._tell_run()
        self._dock.choose_again()

    def _show_idle(self) -> None:
        last = self._last
        if last is None:
            self._on_engine(self._context.bridge.state)
        elif last.state is JobState.DONE:
            made = self.tr("{pictures} in {time}").format(
                pictures=messages.picture_count(last.done), time=messages.measured(self._seconds)
            )
            self._strip.show_idle(self.tr("Ready"), made)
        elif last.state is JobState.FAILED:
            kept = self.tr("finished pictures are safe") if last.done else ""
            self._strip.show_idle(messages.job_state(last), kept, "error")
        else:
            kept = self.tr("{pictures} kept").format(pictures=messages.picture_count(last.done)) if last.done else ""
            self._strip.show_idle(messages.job_state(last), kept)

    def _on_engine(self, state: EngineState) -> None:
        if self._context.queue.current is None and self._last is None:
            self._strip.show_idle(messages.engine_state(state), "", "error" if state is EngineState.BROKEN else "")

    def _on_info(self, info: EngineInfo) -> None:
        words = messages.device(info)
        if info.memory_total and info.device_kind != "cpu":
            words = f"{words} · {messages.memory(info.memory_total)}"
        hint = info.no_card or self.tr("What pictures are made with on this computer")
        if info.missing:
            hint = " ".join(messages.missing_device(info))
        self._strip.set_device(words, hint)

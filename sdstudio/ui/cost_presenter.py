"""What Generate is about to do and would cost now: on the button, below it, and on the first-start card."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sdstudio.app import messages
from sdstudio.app.context import AppContext
from sdstudio.ui.first_start import FirstStart
from sdstudio.ui.generate_bar import GenerateBar


class CostPresenter(QObject):
    """Silent while nothing that decides the cost has changed."""

    def __init__(self, context: AppContext, bar: GenerateBar, card: FirstStart, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._bar = bar
        self._card = card
        self._runs_ahead = -1
        context.edit_planner.plan_changed.connect(self.update)
        context.session.state_changed.connect(self.update)
        context.session.model_changed.connect(self.update)
        context.queue.waiting_changed.connect(self._on_queue)
        context.queue.current_changed.connect(self._on_queue)
        context.queue.job_ended.connect(self.update)
        context.bridge.info_changed.connect(self.update)
        self._on_queue()

    def _on_queue(self, *_: object) -> None:
        queue = self._context.queue
        ahead = len(queue.waiting) + (queue.current is not None)
        if ahead != self._runs_ahead:
            self._runs_ahead = ahead
            self.update()

    def update(self, *_: object) -> None:
        plan = self._context.edit_planner.plan
        count = self._context.session.state.count
        time = "" if plan.seconds is None else messages.about(plan.seconds)
        if time and count > 1:
            time = self.tr("{time} for {count}").format(time=time, count=count)
        ahead = messages.cost(None, self._runs_ahead)
        self._bar.set_words(plan.words, plan.detail if plan.on_canvas else "")
        self._bar.set_problem(plan.problem)
        self._bar.set_cost(" · ".join(part for part in (ahead, time) if part))
        self._card.set_time("" if plan.seconds is None else messages.about(plan.seconds))

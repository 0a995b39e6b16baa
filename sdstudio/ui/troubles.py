"""Everything that can go wrong, and what an earlier run left behind, as messages in the banner."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject

from sdstudio.app import messages
from sdstudio.app.about_facts import card_news
from sdstudio.app.bin import PictureBin
from sdstudio.app.context import AppContext
from sdstudio.app.engine_state import EngineState
from sdstudio.app.model_missing import MissingModel
from sdstudio.domain.engine_api import EngineInfo
from sdstudio.domain.errors import InvalidRequest, StudioError, UnreadableFile
from sdstudio.jobs.journal import JournalEntry
from sdstudio.ui.banner import Banner, Message, Remedy
from sdstudio.ui.job_failures import JobFailures, message_of
from sdstudio.ui.left_dock import LeftDock

_DEVICE_TOLD = "device_told"
"""The device of which it was said that it is gone, among what the window keeps."""


class Troubles(QObject):
    """A fault of one field goes beside that field, all others go into the banner."""

    def __init__(
        self, context: AppContext, banner: Banner, left: LeftDock, files_bin: PictureBin, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._banner = banner
        self._left = left
        self._jobs = JobFailures(context, banner, left, self)
        context.bridge.state_changed.connect(self._on_engine)
        context.bridge.info_changed.connect(self._on_info)
        context.recovery.entries_changed.connect(self._on_recovered)
        problems = (
            context.queue.refused, context.files.problem, context.enlarge.problem, context.recovery.problem,
            context.gallery.problem, context.settings.problem, context.catalog.problem, files_bin.problem,
            context.edit_jobs.problem,
        )  # fmt: skip
        for signal in problems:
            signal.connect(self.show_error)
        context.models.missing.missing.connect(self._on_missing)
        context.canvas.problem.connect(self._on_canvas_problem)
        context.canvas.document_changed.connect(banner.drop_passing)
        context.canvas.note.connect(self.show_note)
        context.canvas.note_on.connect(self._show_news)
        for note in context.settings.notes:
            self._banner.show_message(Message(title=note, kind="warn"))
        self._on_recovered(context.recovery.entries)

    def show_error(self, error: StudioError) -> None:
        """Beside its field where it belongs to one, else in the banner."""
        if not (isinstance(error, InvalidRequest) and self._left.show_error(error)):
            self._banner.show_message(message_of(error))

    def show_note(self, words: str) -> None:
        self._banner.show_message(Message(title=words, kind="info"))

    def _show_news(self, topic: str, words: str) -> None:
        self._banner.show_message(Message(title=words, kind="info", topic=topic))

    def _on_canvas_problem(self, error: StudioError) -> None:
        """What could not be opened is said until something else is tried; all other problems stay."""
        if isinstance(error, UnreadableFile):
            self._banner.drop_passing()
            self._banner.show_message(replace(message_of(error), passing=True))
        else:
            self.show_error(error)

    def nothing_to_paste(self) -> None:
        """The answer to the last key: older news of the same kind gives way."""
        self._banner.drop_passing()
        words = self.tr("There is no picture on the clipboard.")
        self._banner.show_message(Message(title=words, kind="info", passing=True))

    def _on_missing(self, missing: MissingModel) -> None:
        """A picture's settings are back, but not its model; a nearer one than the chosen is offered."""
        chosen, other = missing.chosen, missing.other
        title = self.tr("The picture was made with “{name}”, which is not here.").format(name=missing.name)
        kin = self.tr(" (also {family})").format(family=missing.kin) if missing.kin else ""
        if other is not None and not kin:
            kin = f" ({other.badge})"
        text = self.tr("Its settings are back, with “{chosen}”{kin} instead.")
        remedies: tuple[Remedy, ...] = ()
        if other is not None:
            text = self.tr("Its settings are back, with “{chosen}” instead. Use “{other}”{kin}?")
            session = self._context.session
            remedies = (
                Remedy(
                    self.tr("Use “{name}”").format(name=_short(other.name, 40)),
                    lambda: session.choose_model(other, presets=False),
                ),
                Remedy(self.tr("Stay with “{name}”").format(name=_short(chosen.name, 40)), lambda: None),
            )
        words = text.format(chosen=chosen.name, other=other.name if other is not None else "", kin=kin)
        self._banner.show_message(Message(title=title, text=words, remedies=remedies, kind="info", topic="model"))

    def _on_engine(self, state: EngineState) -> None:
        failure = self._context.bridge.failure
        if state is EngineState.BROKEN and failure is not None and self._context.queue.current is None:
            self._banner.show_message(message_of(failure))

    def _on_info(self, info: EngineInfo) -> None:
        """A device that is gone or does not work is told once, not at every start until it is back."""
        no_card = card_news(info)
        state, news = self._context.state_file, f"{info.missing}{no_card}".encode()
        told = state.window(_DEVICE_TOLD)
        state.set_window(news, _DEVICE_TOLD)
        if news and news != told:
            title, text = self.tr("Pictures are made with the processor."), ""
            if info.missing:
                title, text = messages.missing_device(info)
            text = f"{text} {no_card}".strip()
            self._banner.show_message(Message(title=title, text=text, kind="info", topic="device"))

    def _on_recovered(self, entries: tuple[JournalEntry, ...]) -> None:
        if not entries:
            return
        recovery = self._context.recovery
        one = len(entries) == 1
        title = self.tr("SD Studio was closed in the middle of 1 run")
        if not one:
            title = self.tr("SD Studio was closed before {count} runs were done").format(count=len(entries))
        prompt = messages.request_title(entries[0].job.request)
        text = self.tr("“{prompt}” was not finished. Pictures that were finished are safe.").format(
            prompt=_short(prompt)
        )
        remedies = (
            Remedy(self.tr("Make it again") if one else self.tr("Make them again"), recovery.again_all),
            Remedy(self.tr("Forget it") if one else self.tr("Forget them"), recovery.forget_all),
        )
        self._banner.show_message(Message(title=title, text=text, remedies=remedies, kind="info"))


def _short(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"

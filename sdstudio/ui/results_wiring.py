"""Between the lists of pictures and the picture in the middle; and what the very first start shows."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from sdstudio.app.gallery_model import GalleryRole
from sdstudio.domain.models import ModelInfo
from sdstudio.ui.window_parts import WindowParts
from sdstudio.ui.window_wiring import Commands

KEYS_FIRST_MS = 100
"""Before an example is put into the empty prompt: whoever typed into it while the window was being completed has the
keys still on their way."""


class ResultsWiring(QObject):
    """The first listing of the results folder decides: examples where it is empty, else the newest picture."""

    def __init__(self, parts: WindowParts, commands: Commands) -> None:
        super().__init__(parts.window)
        self._parts = parts
        self._context = parts.context
        self._settled = False
        results, bin_ = parts.results, parts.files_bin
        results.show_asked.connect(commands.show)
        results.restore_asked.connect(commands.use_settings)
        results.menu_asked.connect(commands.show_list_menu)
        results.bin_asked.connect(commands.to_bin)
        results.forming_asked.connect(commands.show_forming)
        results.queue.move_asked.connect(self._context.queue.move)
        results.queue.remove_asked.connect(self._context.queue.remove)
        results.notice.undo_asked.connect(bin_.undo)
        parts.presenter.shown_changed.connect(results.choose)
        bin_.moved.connect(self._on_binned)
        bin_.restored.connect(self._on_restored)
        self._connect_first_start()

    def something_opened(self) -> None:
        """A file was asked for: the first listing must not put another picture in its place."""
        self._settled = True

    def _connect_first_start(self) -> None:
        card, session = self._parts.canvas.first_start, self._context.session
        card.prompt_chosen.connect(lambda prompt: session.update(positive=prompt))
        session.state_changed.connect(lambda _: card.set_prompt(session.state.positive))
        session.model_changed.connect(self._on_model)
        self._on_model(session.model)
        self._context.gallery.refreshed.connect(self._on_listed)

    def _on_model(self, model: ModelInfo) -> None:
        card = self._parts.canvas.first_start
        card.set_examples(model.presets.examples)
        card.ideas.set_ideas(model.words.ideas() if model.words is not None else ())
        card.set_prompt(self._context.session.state.positive)

    def _on_listed(self) -> None:
        if self._settled or self._parts.canvas.view.content is not None:
            return
        self._settled = True
        gallery = self._context.gallery
        if gallery.rowCount():
            self._parts.presenter.show_file(str(gallery.index(0).data(GalleryRole.PATH)))
            return
        self._parts.canvas.show_first_start(True)
        QTimer.singleShot(KEYS_FIRST_MS, self, self._offer_example)

    def _offer_example(self) -> None:
        session = self._context.session
        examples = session.model.presets.examples
        if examples and not session.state.positive:
            session.update(positive=examples[0])

    def _on_binned(self, paths: list[str]) -> None:
        for path in paths:
            self._context.gallery.remove(path)
            self._parts.results.run_model.remove(path)
        self._parts.presenter.forget(paths)
        words = self.tr("1 picture moved to the bin.")
        if len(paths) > 1:
            words = self.tr("{count} pictures moved to the bin.").format(count=len(paths))
        self._parts.results.notice.show_words(words, self._parts.files_bin.can_undo)

    def _on_restored(self, paths: list[str]) -> None:
        self._parts.results.notice.hide()
        self._context.gallery.refresh()
        if paths:
            self._parts.presenter.show_file(paths[0])

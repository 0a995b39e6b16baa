"""The canvas session once more, obviously right and slow: the same tools and commands on `SlowCanvas`'s plain arrays.

`modelled()` makes every canvas session tell its model of each call that it gets, just before it obeys. The window
must be built inside of it: connections remember the methods that they were made with.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sdstudio.app.canvas_build import AREA_PIXELS, SMALL_PIXELS, fitted_mask
from sdstudio.app.canvas_session import CanvasSession
from sdstudio.canvas.document import CanvasDocument
from sdstudio.canvas.fill import flood, similar
from sdstudio.canvas.pointer import PointerEvent
from sdstudio.canvas.tool_area import AreaWork, apply_area
from sdstudio.canvas.tool_fill import FillWork
from sdstudio.canvas.tool_mask import MASK_LABELS
from sdstudio.canvas.tools import GRAB, Tool, make_tool, picks
from sdstudio.domain.canvas_state import PAINT
from sdstudio.domain.geometry import Rect, Size
from sdstudio.domain.image import ImageBuffer, Pixels
from tests.helpers.slow_document import SlowDocument, changed_mask

COMMANDS = (
    *("press", "move", "release", "finish_gesture", "step_back", "cancel_gesture", "set_grab"),
    *("undo", "redo", "go_to", "set_layer", "remove_layer", "accept_patch", "clear_paint"),
    *("resize_canvas", "scale_picture", "cancel", "cancel_work", "accept_preview", "cancel_preview"),
    *("_mask", "_replace_mask"),
)
"""What changes the canvas. All whole-mask commands go through `_mask`."""


class SlowHand:
    """Knows when the real one refuses, and what it computes in another thread: that is done when that has ended."""

    def __init__(self, session: CanvasSession) -> None:
        self.session = session
        self.canvas: SlowDocument | None = None
        self.preview: tuple[str, int] | None = None
        self.tool: Tool | None = None
        self.forgotten = 0
        """Items that fell out of the real history for its budget."""
        self._document: CanvasDocument | None = None
        self._last_point: tuple[float, float] | None = None
        self._pressed = False
        self._grab = GRAB
        self._accepted = False
        self._waiting: Callable[[], object] | None = None
        self._held = (session.settings.tool, session.settings.target)
        session.document_changed.connect(self._on_document)
        session.work_changed.connect(self._on_work)
        session.preview_changed.connect(self._on_preview)
        session.settings_changed.connect(self._on_settings)

    @property
    def refused(self) -> bool:
        return self.canvas is None or self.session._worker.exclusive is not None or bool(self.session.preview)

    @property
    def expected_mask(self) -> Pixels:
        """A preview is shown, and is not part of the canvas."""
        assert self.canvas is not None
        return changed_mask(self.canvas, *self.preview) if self.preview else self.canvas.mask.pixels

    def follow_history(self) -> None:
        """The real history may have dropped its oldest items; this one does the same."""
        document, canvas = self.session.document, self.canvas
        if document is None or canvas is None or document is not self._document:
            return
        count = canvas.position - document.history.position
        if count > 0 and canvas.undo_labels[count:] == document.history.undo_labels:
            canvas.forget_oldest(count)
            self.forgotten += count

    # The hand

    def press(self, event: PointerEvent) -> None:
        if self.tool is None:
            if self.refused or self.canvas is None:
                return
            self._show_paint(event)
            self.tool = make_tool(self.canvas, self.session.settings, self._last_point, self._grab, AREA_PIXELS)  # type: ignore[arg-type]
        self._pressed = True
        self.tool.press(event)
        self._after()

    def _show_paint(self, event: PointerEvent) -> None:
        if self.session.settings.target == "paint" and not picks(self.session.settings, event):
            info = self._the_canvas().layer(PAINT)
            faint = round(info.opacity * 255) == 0
            self._the_canvas().set_layer(PAINT, visible=True, opacity=1.0 if faint else info.opacity)

    def move(self, events: list[PointerEvent]) -> None:
        if self.tool is not None and events:
            self.tool.move(events)
            self._after()

    def release(self, event: PointerEvent) -> None:
        self._pressed = False
        if self.tool is not None:
            self.tool.release(event)
            self._after()

    def finish_gesture(self) -> None:
        if self.tool is not None:
            self.tool.finish()
            self._after()

    def step_back(self) -> None:
        if self.tool is not None:
            self.tool.step_back()
            self._after()

    def cancel_gesture(self) -> bool:
        tool, self.tool = self.tool, None
        if tool is not None:
            tool.cancel()
        return tool is not None

    def set_grab(self, pixels: float) -> None:
        self._grab = pixels

    def _after(self) -> None:
        tool = self.tool
        if tool is not None and not tool.busy:
            self.tool = None
            self._last_point = tool.last_point or self._last_point
            if tool.work is not None:
                work = tool.work
                self._when_done(lambda: self._fill(work))

    def _fill(self, work: FillWork | AreaWork) -> None:
        canvas = self._the_canvas()
        if isinstance(work, AreaWork):
            found = work.shape()
        else:
            find = flood if work.settings.contiguous else similar
            found = find(canvas.composite, canvas.size, work.start, work.settings.tolerance)
        if found.tiles:
            apply_area(canvas, work.settings, found, work.combine, work.label)  # type: ignore[arg-type]

    def _when_done(self, change: Callable[[], object], pixels: int = 0) -> None:
        """Now, or when the other thread has ended."""
        if max(pixels, self._the_canvas().size.pixels) <= SMALL_PIXELS:
            change()
        else:
            self._waiting = change

    def _the_canvas(self) -> SlowDocument:
        assert self.canvas is not None
        return self.canvas

    def _on_work(self, _work: object) -> None:
        if self.session._worker.exclusive is None and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting()

    def _on_document(self) -> None:
        self.tool, self._last_point, self._pressed = None, None, False
        document = self.session.document
        if document is not self._document:
            self._document = document
            self.preview, self._waiting, self._accepted = None, None, False
            self.canvas = None if document is None else SlowDocument(document)

    def _on_preview(self, words: str) -> None:
        if not words and self._accepted and self.preview is not None:
            self._lay(*self.preview)
        if not words:
            self.preview, self._accepted = None, False

    def _on_settings(self) -> None:
        held = (self.session.settings.tool, self.session.settings.target)
        if held != self._held and not self._pressed:
            self.cancel_gesture()
        self._held = held

    def _lay(self, command: str, amount: int) -> None:
        canvas = self._the_canvas()
        after = changed_mask(canvas, command, amount)
        canvas.begin(MASK_LABELS[command])
        canvas.mask.write(canvas.rect, after)
        canvas.commit()


class SlowSession(SlowHand):
    """Adds what is not done by hand."""

    # History and layers

    def undo(self) -> None:
        if not self.cancel_gesture() and not self.refused:
            self._the_canvas().undo()

    def redo(self) -> None:
        self._edit(lambda canvas: canvas.redo())

    def go_to(self, position: int) -> None:
        self._edit(lambda canvas: canvas.go_to(position))

    def set_layer(self, layer_id: str, **changes: Any) -> None:
        self._edit(lambda canvas: canvas.set_layer(layer_id, **changes))

    def remove_layer(self, layer_id: str) -> None:
        self._edit(lambda canvas: canvas.remove_layer(layer_id))

    def accept_patch(self, image: ImageBuffer, x: int, y: int, name: str, record: None) -> None:
        pixels = 4 * image.size.pixels
        self._edit(
            lambda canvas: (
                self._when_done(lambda: canvas.accept_patch(image, x, y, name, record), pixels)
                if pixels > SMALL_PIXELS
                else canvas.accept_patch(image, x, y, name, record)
            )
        )

    def clear_paint(self) -> None:
        def clear(canvas: SlowDocument) -> None:
            canvas.begin("Clear paint")
            canvas.paint.fill(canvas.rect, (0, 0, 0, 0))
            canvas.commit()

        self._edit(lambda canvas: self._when_done(lambda: clear(canvas)))

    def resize_canvas(self, rect: Rect) -> None:
        self._edit(lambda canvas: self._when_done(lambda: canvas.resize_canvas(rect), rect.pixels))

    def scale_picture(self, size: Size) -> None:
        self._edit(lambda canvas: self._when_done(lambda: canvas.scale(size), size.pixels))

    def _edit(self, change: Callable[[SlowDocument], object]) -> None:
        self.cancel_gesture()
        if not self.refused:
            change(self._the_canvas())

    # The whole mask

    def _mask(self, command: str, amount: int = 0, preview: bool = False) -> None:
        self.cancel_gesture()
        if self.preview is not None and self.preview[0] == command:
            self.preview = (command, amount)
            if not preview:
                self.accept_preview()
        elif self.refused:
            return
        elif preview:
            self.preview = (command, amount)
        else:
            self._when_done(lambda: self._lay(command, amount))

    def accept_preview(self) -> None:
        self._accepted = self.preview is not None

    def cancel_preview(self) -> bool:
        """Accepted or not, as long as it is computed."""
        preview, self.preview = self.preview, None
        self._accepted = False
        return preview is not None

    def _replace_mask(self, mask: Pixels, fit: str) -> None:
        self.cancel_gesture()
        if self.refused:
            return

        def replace() -> None:
            canvas = self._the_canvas()
            canvas.begin("Mask from file")
            canvas.mask.write(canvas.rect, fitted_mask(mask, canvas.size, fit))
            canvas.commit()

        self._when_done(replace)

    # Work elsewhere

    def cancel(self) -> None:
        if not self.cancel_gesture() and not self.cancel_preview():
            self.cancel_work()

    def cancel_work(self) -> None:
        work = self.session._worker.exclusive
        if work is not None and work.can_cancel:
            self._waiting = None


class Models:
    """The models of all sessions made meanwhile; a call inside a call is the session's own affair."""

    def __init__(self) -> None:
        self._models: dict[int, SlowSession] = {}
        self._inside = False

    def of(self, session: CanvasSession) -> SlowSession:
        if id(session) not in self._models:
            self._models[id(session)] = SlowSession(session)
        return self._models[id(session)]

    def call(self, session: CanvasSession, name: str, real: Callable[..., Any], *args: Any, **named: Any) -> Any:
        model = self._models.get(id(session))
        if self._inside or model is None:
            return real(session, *args, **named)
        self._inside = True
        try:
            model.follow_history()
            getattr(model, name)(*args, **named)
            return real(session, *args, **named)
        finally:
            self._inside = False


@contextmanager
def modelled() -> Iterator[Models]:
    """Sessions have a model from the first time that `of` is asked for it."""
    models = Models()

    def told(name: str) -> Callable[..., Any]:
        real = getattr(CanvasSession, name)

        @functools.wraps(real)
        def method(session: CanvasSession, *args: Any, **named: Any) -> Any:
            return models.call(session, name, real, *args, **named)

        return method

    own = {name: vars(CanvasSession)[name] for name in COMMANDS if name in vars(CanvasSession)}
    for name in COMMANDS:
        setattr(CanvasSession, name, told(name))
    try:
        yield models
    finally:
        for name in COMMANDS:
            if name in own:
                setattr(CanvasSession, name, own[name])
            else:
                delattr(CanvasSession, name)

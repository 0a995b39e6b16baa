"""Events on their way from the engine's thread to the window's."""

from __future__ import annotations

import threading

from sdstudio.domain.events import JobEvent, Preview

_Picture = tuple[str, int]


class Outbox:
    """Keeps order and every event, except previews: of each picture the first and the newest, the rest are replaced.

    A window that is busy for seconds therefore finds a short list, not a backlog. A newer preview takes the place
    of the older one in the list, so that it never leaves the stretch between its picture's first and last event.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[JobEvent] = []
        self._notified = False
        self._picture: _Picture | None = None
        self._newest: int | None = None

    def put(self, event: JobEvent) -> bool:
        """From any thread. True when the receiver must be told; False when it has been told and not come yet."""
        with self._lock:
            if isinstance(event, Preview):
                self._put_preview(event)
            else:
                self._events.append(event)
            notify, self._notified = not self._notified, True
            return notify

    def take(self) -> list[JobEvent]:
        """Everything that waits, oldest first."""
        with self._lock:
            events, self._events = self._events, []
            self._notified, self._newest = False, None
            return events

    def _put_preview(self, preview: Preview) -> None:
        picture = (preview.job_id, preview.index)
        if picture != self._picture:
            self._picture, self._newest = picture, None
            self._events.append(preview)
        elif self._newest is not None:
            self._events[self._newest] = preview
        else:
            self._newest = len(self._events)
            self._events.append(preview)

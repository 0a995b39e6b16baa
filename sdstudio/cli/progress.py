"""A progress bar on stderr, where a person is watching."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from tqdm import tqdm

from sdstudio.cli.console import Console
from sdstudio.domain.events import Failed, JobEvent, Loading, PictureSaved, Progress, Started


class ProgressBar:
    """Counts the steps of all pictures of a job; quiet unless stderr is a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: tqdm[Any] | None = None
        if console.interactive:
            tqdm.monitor_interval = 0  # No watching thread of its own.
            self._bar = tqdm(file=console.stderr, unit="step", leave=False, dynamic_ncols=True, desc="Getting ready")

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, event: JobEvent) -> None:
        bar = self._bar
        if bar is None:
            return
        match event:
            case Loading(what=what, done=done, total=total):
                read = f": {done / 1e9:.1f} of {total / 1e9:.1f} GB" if total >= 100 * 2**20 else ""
                bar.set_description_str(what + read)
            case Started(pictures=pictures, steps=steps):
                bar.reset(total=pictures * steps)
            case Progress(index=index, step=step, steps=steps):
                bar.set_description_str(f"Picture {index + 1}", refresh=False)
                bar.update(max(0, index * steps + step - bar.n))
            case PictureSaved() | Failed():
                bar.clear()  # What is printed now shall not stand behind half a bar.
            case _:
                pass

"""The settings file: TOML with a schema number, read with patience and written whole."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import tomli_w

from sdstudio.domain.errors import StorageError
from sdstudio.domain.os_words import os_reason
from sdstudio.storage.files import storage_error, write_atomic

ThemeName = Literal["dark", "light", "system"]
Curve = tuple[tuple[float, float], ...]
ChangedKeys = tuple[tuple[str, tuple[str, ...]], ...]
SCHEMA = 1
THREADS_MAX = 1024
UNDO_MEGABYTES = (64, 65536)
MASK_OPACITY = (10, 100)
CURVE_POINTS_MAX = 16
STRAIGHT: Curve = ((0.0, 0.0), (1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`results_folder` "" = the usual place; `threads` 0 = as many as the machine has physical cores.

    `mask_opacity` is in percent; `pressure_curve` are points from (0, …) to (1, …), pressure to effect; `keys` holds
    only the actions whose keys were changed, each with all of its keys ("Ctrl+E"). `default_model` is the file or
    folder of the model that the window begins with, "" = the one that was used last; `device` is what the engine
    computes on: "" = chosen by itself, "cpu", "cuda:0", …
    """

    schema: int = SCHEMA
    results_folder: str = ""
    theme: ThemeName = "dark"
    threads: int = 0
    model_folders: tuple[str, ...] = ()
    default_model: str = ""
    device: str = ""
    reduce_motion: bool = False
    notify_when_done: bool = True
    undo_megabytes: int = 512
    mask_colour: str = "#ff2bd6"
    mask_opacity: int = 38
    pressure_curve: Curve = STRAIGHT
    keys: ChangedKeys = ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(low: int, high: int) -> Callable[[object], int | None]:
    def read(value: object) -> int | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return cast(int, value) if fits else None

    return read


def _colour(value: object) -> str | None:
    fits = isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value)
    return cast(str, value).lower() if fits else None


def _share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _curve(value: object) -> Curve | None:
    """At least two points, from pressure 0 to 1, each pressure once, the effect never falling."""
    if not isinstance(value, list) or not 2 <= len(value) <= CURVE_POINTS_MAX:
        return None
    if not all(isinstance(point, list) and len(point) == 2 and all(map(_share, point)) for point in value):
        return None
    points = tuple((float(x), float(y)) for x, y in value)
    rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(points))
    return points if rising and points[0][0] == 0 and points[-1][0] == 1 else None


def _device(value: object) -> str | None:
    fits = isinstance(value, str) and re.fullmatch(r"|cpu|(cuda|mps|xpu)(:\d{1,2})?", value)
    return cast(str, value) if fits else None


def _keys(value: object) -> ChangedKeys | None:
    """One key or several for each action; which actions there are is for the window to know."""
    if not isinstance(value, dict):
        return None
    lists = {name: [keys] if isinstance(keys, str) else keys for name, keys in value.items()}
    if not all(isinstance(keys, list) and all(isinstance(key, str) for key in keys) for keys in lists.values()):
        return None
    return tuple(sorted((name, tuple(keys)) for name, keys in lists.items()))


def _theme(value: object) -> ThemeName | None:
    return value if value in ("dark", "light", "system") else None


def _folders(value: object) -> tuple[str, ...] | None:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


_READERS: dict[str, tuple[Callable[[object], object | None], str]] = {
    "results_folder": (_text, "the name of a folder"),
    "theme": (_theme, "“dark”, “light” or “system”"),
    "threads": (_whole(0, THREADS_MAX), f"a whole number from 0 to {THREADS_MAX}"),
    "model_folders": (_folders, "a list of folder names"),
    "default_model": (_text, "the name of a model's file or folder"),
    "device": (_device, "“”, “cpu” or a graphics card like “cuda:0”"),
    "reduce_motion": (_flag, "true or false"),
    "notify_when_done": (_flag, "true or false"),
    "undo_megabytes": (_whole(*UNDO_MEGABYTES), f"a whole number from {UNDO_MEGABYTES[0]} to {UNDO_MEGABYTES[1]}"),
    "mask_colour": (_colour, "a colour like “#ff2bd6”"),
    "mask_opacity": (_whole(*MASK_OPACITY), f"a whole number from {MASK_OPACITY[0]} to {MASK_OPACITY[1]}"),
    "pressure_curve": (_curve, "a list of points like [0.0, 0.0], from pressure 0 to 1 and never falling"),
    "keys": (_keys, "a table of actions and their keys"),
}
"""How a value is read (None: it cannot be) and what it should be, in words. A test holds it complete."""


def load_settings(path: Path) -> tuple[Settings, list[str]]:
    """The settings and notes for the person; never raises for what the file holds.

    What cannot be understood gets its default, and the file as it was is kept beside it as `settings.toml.bad`.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Settings(), []
    except OSError as error:
        return Settings(), [
            f"The settings in “{path}” could not be read ({os_reason(error)}); the usual ones are used."
        ]
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except ValueError as error:
        kept = _keep_bad(path, data)
        return Settings(), [f"The settings file is damaged ({error}); the usual settings are used. {kept}"]
    settings, notes = _from_table(table)
    if notes:
        notes.append(_keep_bad(path, data))
    return settings, notes


def _from_table(table: dict[str, Any]) -> tuple[Settings, list[str]]:
    values: dict[str, Any] = {}
    notes: list[str] = []
    for name, (read, expected) in _READERS.items():
        if name not in table:
            continue
        value = read(table[name])
        if value is None:
            notes.append(f"The setting “{name}” should be {expected}; the usual value is used.")
        else:
            values[name] = value
    return Settings(**values), notes


def _keep_bad(path: Path, data: bytes) -> str:
    kept = path.with_name(path.name + ".bad")
    try:
        write_atomic(kept, data)
    except StorageError as error:
        return f"A copy of the file could not be kept: {error}"
    return f"The file as it was is kept as “{kept.name}”."


def save_settings(path: Path, settings: Settings) -> None:
    """Writes the file whole. Keys of later versions that it holds already are kept. Raises StorageError."""
    table = _known_table(path)
    table |= {field.name: _plain(getattr(settings, field.name)) for field in fields(settings)}
    table["keys"] = {name: list(keys) for name, keys in settings.keys}
    write_atomic(path, tomli_w.dumps(table).encode())


def _known_table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except ValueError:
        # A damaged file was set aside when it was loaded, or is now, before it is replaced.
        os.replace(path, path.with_name(path.name + ".bad"))
        return {}
    except OSError as error:
        raise storage_error(path.parent, error) from error


def _plain(value: object) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value

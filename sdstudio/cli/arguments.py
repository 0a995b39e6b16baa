"""Reading the command line: argparse with one clear line for every mistake."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from sdstudio.domain.errors import InvalidRequest, StudioError
from sdstudio.domain.geometry import Size, check_generated_size
from sdstudio.domain.limits import check_whole
from sdstudio.domain.request import SamplingSpec
from sdstudio.domain.samplers import require_sampler

T = TypeVar("T")


class UsageError(StudioError):
    """Bad input: `message` names the argument, what is wrong, and what would be right. Exit code 2."""


class HelpWanted(Exception):
    """--help or --version: `text` is for stdout."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Parser(argparse.ArgumentParser):
    """Never prints and never exits: raises UsageError and HelpWanted instead."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        plain = message.replace("expected one argument", "its value is missing.")
        plain = plain.replace("expected at least one argument", "at least one value is missing.")
        if plain.startswith("the following arguments are required: "):
            plain = f"{plain.removeprefix('the following arguments are required: ')} is missing."
        raise UsageError(f"{self.prog}: {plain}", hint=f"“{self.prog} --help” tells more.")

    def print_help(self, file: Any = None) -> None:
        raise HelpWanted(self.format_help().rstrip())


class VersionAction(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        raise HelpWanted(str(self.const))


def _reader(read: Callable[[str], T]) -> Callable[[str], T]:
    """Turns the domain's errors into argparse's, which add the argument's name."""

    def checked(text: str) -> T:
        try:
            return read(text)
        except InvalidRequest as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def whole(text: str) -> int:
    """Raises InvalidRequest unless it is a whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise InvalidRequest("", f"“{text}” is not a whole number.") from error


def _fraction(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidRequest("", f"“{text}” is not a number.") from error


def _guidance(text: str) -> float:
    value = _fraction(text)
    if math.isnan(value):
        raise InvalidRequest("guidance_scale", f"“{text}” is not a number.", hint="Choose a number from 0 to 100.")
    return SamplingSpec(guidance_scale=value).guidance_scale


def _strength(text: str) -> float:
    value = _fraction(text)
    if not 0 <= value <= 1:
        raise InvalidRequest("strength", f"The strength {text} is not possible.", hint="Choose a number from 0 to 1.")
    return value


def _size(text: str) -> Size:
    size = Size.parse(text)
    check_generated_size(size)
    return size


def _folder(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not text or "\0" in text:
        raise InvalidRequest("out", "The name of a folder is needed.")
    if path.exists() and not path.is_dir():
        raise InvalidRequest("out", f"“{path}” is a file.", hint="Name a folder; it is made if it is missing.")
    return path


STEPS = _reader(lambda text: SamplingSpec(steps=whole(text)).steps)
COUNT = _reader(lambda text: SamplingSpec(count=whole(text)).count)
SEED = _reader(lambda text: SamplingSpec(seed=whole(text)).seed)
GUIDANCE = _reader(_guidance)
STRENGTH = _reader(_strength)
SAMPLER = _reader(lambda text: require_sampler(text).name)
SIZE = _reader(_size)
FOLDER = _reader(_folder)


def pixels_up_to(name: str, most: int) -> Callable[[str], int]:
    """For an argument of whole pixels, from 0."""

    def read(text: str) -> int:
        value = whole(text)
        check_whole(name, value, 0, most)
        return value

    return _reader(read)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout, and nothing else")

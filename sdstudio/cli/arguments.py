"""Reading the command line: argparse with one clear line for every mistake."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from sdstudio.domain.errors import InvalidRequest, StudioError
from sdstudio.domain.geometry import Size, check_generated_size
from sdstudio.domain.limits import check_number, check_whole
from sdstudio.domain.request import GUIDANCE_MAX, NOISE_LEVEL_MAX, SamplingSpec
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


def _noise_level(text: str) -> int:
    value = whole(text)
    check_whole("noise_level", value, 0, NOISE_LEVEL_MAX)
    return value


def _image_guidance(text: str) -> float:
    value = _fraction(text)
    check_number("image guidance", value, 0, GUIDANCE_MAX)
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
NOISE_LEVEL = _reader(_noise_level)
IMAGE_GUIDANCE = _reader(_image_guidance)


def pixels_up_to(name: str, most: int) -> Callable[[str], int]:
    """For an argument of whole pixels, from 0."""

    def read(text: str) -> int:
        value = whole(text)
        check_whole(name, value, 0, most)
        return value

    return _reader(read)


def add_added(parser: argparse.ArgumentParser) -> None:
    """What is added to a model. Of the added folders, LoRAs and embeddings are also found by their names in the
    prompt."""
    parser.add_argument(
        "--lora",
        metavar="NAME|FILE[:W[:TEXT_W]]",
        action="append",
        default=[],
        help="a LoRA, its weight (1) and that of its text part; may be repeated; as <lora:name:0.8> in the prompt",
    )
    parser.add_argument(
        "--embedding",
        metavar="FILE",
        action="append",
        default=[],
        help="a textual inversion that the prompt names; may be repeated; those in the folders are found by themselves",
    )
    parser.add_argument("--vae", metavar="NAME|FILE", help="instead of the model's own VAE")
    parser.add_argument(
        "--refiner", metavar="MODEL[:BEGIN]", help="a second model (SDXL) for the steps after this share of all (0.8)"
    )


def add_picture_settings(parser: argparse.ArgumentParser) -> None:
    """For models that look at a picture in a way of their own."""
    parser.add_argument(
        "--image-guidance",
        type=IMAGE_GUIDANCE,
        metavar="G",
        help="0 to 100; how closely a model that takes instructions follows the picture (1.5)",
    )
    parser.add_argument(
        "--noise-level",
        type=NOISE_LEVEL,
        metavar="N",
        help="0 to 999; noise on the picture that the x4 upscaler (20) and unCLIP (0) look at",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout, and nothing else")

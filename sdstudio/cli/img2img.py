"""`sdstudio img2img`: pictures that begin with another picture."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdstudio.cli.added import split_numbers
from sdstudio.cli.arguments import STRENGTH, UsageError, add_picture_settings
from sdstudio.cli.console import Console
from sdstudio.cli.generate import add_settings, build_request, find_model, run_request
from sdstudio.cli.services import CliServices
from sdstudio.domain.additions import MixedImage
from sdstudio.domain.errors import InvalidRequest, UnreadableFile
from sdstudio.domain.family_tasks import tasks_of
from sdstudio.domain.geometry import SIDE_MAX, Size, snap_side
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.request import DEFAULT_STRENGTH
from sdstudio.storage.pictures import load_picture
from sdstudio.storage.source_chunks import source_chunks

HELP = "make pictures that begin with another picture"
EPILOG = """\
Strength 0 leaves the picture as it is, 1 leaves nothing of it but what an unCLIP model sees in it: that makes a
variation, also of several pictures mixed (the picture itself weighs 1, or what --mix says of it). Without --size the
result has the picture's shape, and its size unless that is much more than the model was made for; another shape takes
the picture's middle.

examples: sdstudio img2img apple.png --prompt "a green apple" --strength 0.6 --seed 7 --out pictures
          sdstudio img2img apple.png --model sd21-unclip-h --noise-level 200 --mix pear.png:0.5
"""
ROOM = 1.5
"""So many times the pixels that a model was trained on go well; beyond, things double and melt."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("file", metavar="IMAGE", help="the picture to begin with")
    parser.add_argument("--prompt", metavar="TEXT", default="", help="what to draw, in quotes")
    strength = f"0 to 1; how much is made anew ({DEFAULT_STRENGTH:g}; with an unCLIP model 1)"
    parser.add_argument("--strength", type=STRENGTH, metavar="S", help=strength)
    add_settings(parser)
    add_picture_settings(parser)
    mix = "a further picture that an unCLIP model mixes in, and its weight (1); may be repeated"
    parser.add_argument("--mix", metavar="FILE[:WEIGHT]", action="append", default=[], help=mix)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    info = find_model(services, args.model)
    image, chunks = load_source(args.file)
    size = args.size or usual_size(image.size, info)
    task: dict[str, Any] = {
        "size": size,
        "image": services.images.add(image, chunks),
        "strength": usual_strength(info) if args.strength is None else args.strength,
        "mix": mixed_pictures(args.mix, info, services),
    }
    request = build_request(args, info, services, **task)
    return run_request(request, args, info, services, console)


def usual_strength(info: ModelInfo) -> float:
    """Of a variation nothing but what is seen in the picture is kept."""
    return 1.0 if tasks_of(info.family).varies else DEFAULT_STRENGTH


def mixed_pictures(texts: Sequence[str], info: ModelInfo, services: CliServices) -> tuple[MixedImage, ...]:
    """Of FILE or FILE:WEIGHT. Raises UsageError."""
    if texts and not tasks_of(info.family).varies:
        raise UsageError("argument --mix: Only unCLIP models mix pictures.", hint="Leave it out.")
    return tuple(_mixed(text, services) for text in texts)


def _mixed(text: str, services: CliServices) -> MixedImage:
    name, numbers = (text, []) if Path(text).expanduser().is_file() else split_numbers(text, 1)
    try:
        image = services.images.add(load_picture(Path(name).expanduser()))
        return MixedImage(image=image, weight=numbers[0] if numbers else 1.0)
    except (UnreadableFile, InvalidRequest) as error:
        raise UsageError(f"argument --mix: {error}") from error


def load_source(name: str) -> tuple[ImageBuffer, bytes]:
    """The picture to begin with, and what its file says besides. Raises UsageError."""
    path = Path(name).expanduser()
    try:
        return load_picture(path), source_chunks(path)
    except UnreadableFile as error:
        raise UsageError(f"argument IMAGE: {error}") from error


def usual_size(picture: Size, info: ModelInfo) -> Size:
    """Of an upscaler, so many times the picture's. Raises UsageError where that is too much."""
    times = tasks_of(info.family).enlarges
    if times == 1:
        return fitting_size(picture, info.presets.size)
    most = SIDE_MAX // times
    if max(picture.width, picture.height) > most:
        raise UsageError(
            f"argument IMAGE: This model enlarges pictures of up to {most}x{most}.",
            hint=f"Choose a smaller picture, or say with --size what becomes of it, up to {SIDE_MAX}x{SIDE_MAX}.",
        )
    return Size(snap_side(times * picture.width), snap_side(times * picture.height))


def fitting_size(picture: Size, usual: Size) -> Size:
    """The picture's shape in multiples of 8, made smaller where it has far more pixels than the model is used to."""
    factor = 1.0 if picture.pixels <= ROOM * usual.pixels else math.sqrt(usual.pixels / picture.pixels)
    return Size(snap_side(round(picture.width * factor)), snap_side(round(picture.height * factor)))

"""`sdstudio img2img`: pictures that begin with another picture."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from sdstudio.cli.arguments import STRENGTH, UsageError
from sdstudio.cli.console import Console
from sdstudio.cli.generate import add_settings, build_request, describe, find_model, note_unknown_words
from sdstudio.cli.running import run_job
from sdstudio.cli.services import CliServices
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.geometry import Size, snap_side
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import DEFAULT_STRENGTH
from sdstudio.storage.pictures import load_picture
from sdstudio.storage.source_chunks import source_chunks

HELP = "make pictures that begin with another picture"
EPILOG = """\
Strength 0 leaves the picture as it is, 1 leaves nothing of it. Without --size the result has the picture's shape, and
its size unless that is much more than the model was made for; another shape takes the picture's middle.

example: sdstudio img2img apple.png --prompt "a green apple" --strength 0.6 --seed 7 --out pictures
"""
ROOM = 1.5
"""So many times the pixels that a model was trained on go well; beyond, things double and melt."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("file", metavar="IMAGE", help="the picture to begin with")
    parser.add_argument("--prompt", metavar="TEXT", default="", help="what to draw, in quotes")
    strength = f"0 to 1; how much is made anew ({DEFAULT_STRENGTH:g})"
    parser.add_argument("--strength", type=STRENGTH, metavar="S", default=DEFAULT_STRENGTH, help=strength)
    add_settings(parser)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    info = find_model(services, args.model)
    image, chunks = load_source(args.file)
    size = args.size or fitting_size(image.size, info.presets.size)
    request = build_request(args, info, size=size, image=services.images.add(image, chunks), strength=args.strength)
    note_unknown_words(info, args.prompt, console)
    folder = args.out or services.results_folder
    return run_job(services.make_runner(), request, folder, console, describe, out_given=args.out is not None)


def load_source(name: str) -> tuple[ImageBuffer, bytes]:
    """The picture to begin with, and what its file says besides. Raises UsageError."""
    path = Path(name).expanduser()
    try:
        return load_picture(path), source_chunks(path)
    except UnreadableFile as error:
        raise UsageError(f"argument IMAGE: {error}") from error


def fitting_size(picture: Size, usual: Size) -> Size:
    """The picture's shape in multiples of 8, made smaller where it has far more pixels than the model is used to."""
    factor = 1.0 if picture.pixels <= ROOM * usual.pixels else math.sqrt(usual.pixels / picture.pixels)
    return Size(snap_side(round(picture.width * factor)), snap_side(round(picture.height * factor)))

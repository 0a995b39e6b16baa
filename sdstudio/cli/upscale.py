"""`sdstudio upscale`: a picture made larger."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sdstudio.cli.arguments import FOLDER, UsageError, add_json
from sdstudio.cli.console import Console
from sdstudio.cli.running import run_job
from sdstudio.cli.services import CliServices
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.events import PictureSaved
from sdstudio.domain.image import ImageBuffer
from sdstudio.domain.request import UpscaleRequest
from sdstudio.storage.picture_files import PICTURE_SIDE_MAX
from sdstudio.storage.pictures import load_picture

HELP = "make a picture 2 or 4 times larger"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "example: sdstudio upscale apple.png --scale 4 --out pictures\n"
    parser.add_argument("file", metavar="FILE", help="the picture")
    parser.add_argument("--scale", type=_scale, metavar="2|4", default=4, help="how many times larger (4)")
    parser.add_argument(
        "--out", type=FOLDER, metavar="DIR", help="where to; made if missing (else your results folder)"
    )
    add_json(parser)


def _scale(text: str) -> int:
    if text.strip() not in ("2", "4"):
        raise argparse.ArgumentTypeError(f"A scale of {text} is not possible. Choose 2 or 4.")
    return int(text)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    path = Path(args.file).expanduser()
    image = _load(path, args.scale)
    request = UpscaleRequest(image=services.images.add(image), scale=args.scale, source_name=path.stem or "picture")
    folder = args.out or services.results_folder
    return run_job(services.make_runner(), request, folder, console, describe, out_given=args.out is not None)


def _load(path: Path, scale: int) -> ImageBuffer:
    try:
        image = load_picture(path)
    except UnreadableFile as error:
        raise UsageError(f"argument FILE: {error}") from error
    if max(image.size.width, image.size.height) * scale > PICTURE_SIDE_MAX:
        message = f"argument FILE: “{path.name}” has {image.size} pixels, too many to be made {scale} times larger."
        raise UsageError(message, hint=f"The result may have at most {PICTURE_SIDE_MAX} a side.")
    return image


def describe(event: PictureSaved) -> tuple[Mapping[str, Any], str]:
    """The contract's picture object; there is no seed, no steps and no model to choose in an upscale."""
    request, size = event.request, event.image.size
    assert isinstance(request, UpscaleRequest)
    data = {
        "image": event.path,
        "seed": None,
        "seconds": round(event.seconds, 3),
        "steps": None,
        "width": size.width,
        "height": size.height,
        "model": None,
        "task": request.task,
        "scale": request.scale,
    }
    return data, f"{event.path}  ({size.width} × {size.height}, {event.seconds:.1f} s)"

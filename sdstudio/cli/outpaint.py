"""`sdstudio outpaint`: a picture made larger by what may lie beyond its edges."""

from __future__ import annotations

import argparse

from sdstudio.cli.arguments import STRENGTH, UsageError, pixels_up_to
from sdstudio.cli.console import Console
from sdstudio.cli.generate import add_settings, build_request, find_model, run_request
from sdstudio.cli.img2img import load_source
from sdstudio.cli.services import CliServices
from sdstudio.domain.edits import MARGIN_MAX, OUTPAINT_STRENGTH, OutpaintSpec
from sdstudio.domain.errors import InvalidRequest
from sdstudio.jobs.edit_plan import planned_outpaint

HELP = "extend a picture beyond its edges"
EPILOG = """\
Every pixel of the picture stays as it is. Wide ground is made in steps, each on what the one before has left.

example: sdstudio outpaint lake.png --left 64 --right 64 --prompt "a lake in the mountains" --seed 7 --out pictures
"""
SIDES = ("left", "top", "right", "bottom")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("file", metavar="IMAGE", help="the picture")
    for side in SIDES:
        where = f"pixels to add at the {side} (0)"
        parser.add_argument(f"--{side}", type=pixels_up_to(side, MARGIN_MAX), metavar="N", default=0, help=where)
    parser.add_argument("--prompt", metavar="TEXT", default="", help="what the whole picture shows, in quotes")
    strength = f"0 to 1; 1 begins with nothing, less with the picture's continued edges ({OUTPAINT_STRENGTH:g})"
    parser.add_argument("--strength", type=STRENGTH, metavar="S", default=OUTPAINT_STRENGTH, help=strength)
    add_settings(parser, sized=False)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    info = find_model(services, args.model)
    margins = {side: getattr(args, side) for side in SIDES}
    if not any(margins.values()):
        options = ", ".join(f"--{side}" for side in SIDES)
        message = f"arguments {options}: Nothing is added to any side."
        raise UsageError(message, hint="Give the pixels for at least one, for example --right 64.")
    image, chunks = load_source(args.file)
    try:
        outpaint = OutpaintSpec(**margins, native=info.presets.native)
        size = planned_outpaint(outpaint, image.size)
    except InvalidRequest as error:
        raise UsageError(f"argument --{error.field}: {error}") from error
    source = services.images.add(image, chunks)
    request = build_request(args, info, services, size=size, image=source, strength=args.strength, outpaint=outpaint)
    return run_request(request, args, info, services, console)

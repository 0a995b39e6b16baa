"""`sdstudio inpaint`: a picture of which only what is masked changes."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from sdstudio.cli.arguments import STRENGTH, UsageError, pixels_up_to
from sdstudio.cli.console import Console
from sdstudio.cli.generate import add_settings, build_request, find_model, run_request
from sdstudio.cli.img2img import load_source
from sdstudio.cli.services import CliServices
from sdstudio.domain.edits import (
    CONTEXT_MAX,
    FEATHER_MAX,
    GROW_MAX,
    MODE_STRENGTHS,
    FillMode,
    InpaintSpec,
    usual_feather,
)
from sdstudio.domain.errors import InvalidRequest, UnreadableFile
from sdstudio.domain.geometry import Size
from sdstudio.domain.image import ImageBuffer, Pixels
from sdstudio.jobs.edit_plan import planned_inpaint
from sdstudio.storage.mask_files import load_mask

HELP = "change what a mask says, and not one pixel else"
EPILOG = """\
In the mask, white changes and black stays; of a mask with transparency, what is opaque changes. Grey means later.

modes: change   keeps the shape, of --strength
       fill     fills in from the surroundings (the usual one)
       replace  makes something new; what was there is ignored
       remove   fills in from the surroundings; --prompt says what is to go

example: sdstudio inpaint star.png --mask mask.png --prompt "a red apple" --seed 7 --out pictures
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    usual = InpaintSpec.__dataclass_fields__
    parser.add_argument("file", metavar="IMAGE", help="the picture")
    parser.add_argument("--mask", metavar="MASK", required=True, help="a picture of the same size: white may change")
    parser.add_argument("--prompt", metavar="TEXT", default="", help="what to draw there, in quotes")
    modes = [mode.value for mode in FillMode]
    parser.add_argument("--mode", choices=modes, default=FillMode.FILL.value, help="one of those below (fill)")
    strength = "0 to 1; how much is made anew (change 0.6, fill and remove 0.9)"
    parser.add_argument("--strength", type=STRENGTH, metavar="S", help=strength)
    feather = "pixels that blend, inwards from the border (16; a model of fewer than 256 a side: a sixteenth of it)"
    parser.add_argument("--feather", type=pixels_up_to("feather", FEATHER_MAX), metavar="PX", help=feather)
    for name, most, words in (
        ("grow", GROW_MAX, "pixels by which the mask becomes larger"),
        ("context", CONTEXT_MAX, "pixels around the mask that the model sees"),
    ):
        default = usual[name].default
        parser.add_argument(
            f"--{name}", type=pixels_up_to(name, most), metavar="PX", default=default, help=f"{words} ({default})"
        )
    add_settings(parser, sized=False)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    mode = FillMode(args.mode)
    if mode is FillMode.REPLACE and args.strength is not None:
        message = "argument --strength: With --mode replace there is none: nothing of what was there stays."
        raise UsageError(message, hint="Leave --strength out, or choose --mode fill.")
    info = find_model(services, args.model)
    image, chunks = load_source(args.file)
    mask = _mask(args.mask, image.size)
    source = services.images.add(image, chunks)
    kept = services.images.add(ImageBuffer.from_rgb(np.repeat(mask[..., None], 3, axis=2)))
    native = info.presets.native
    feather = usual_feather(native) if args.feather is None else args.feather
    wanted = InpaintSpec(mask=kept, mode=mode, feather=feather, grow=args.grow, context=args.context)
    try:
        inpaint, size = planned_inpaint(wanted, mask, native)
    except InvalidRequest as error:
        raise UsageError(f"argument --{error.field}: {error}") from error
    strength = MODE_STRENGTHS[mode] if args.strength is None else args.strength
    request = build_request(args, info, services, size=size, image=source, strength=strength, inpaint=inpaint)
    return run_request(request, args, info, services, console)


def _mask(name: str, size: Size) -> Pixels:
    """Height x width. Raises UsageError for one that cannot be read, has another size, or is 0 all over."""
    try:
        mask = load_mask(Path(name).expanduser())
    except UnreadableFile as error:
        raise UsageError(f"argument --mask: {error}") from error
    height, width = mask.shape
    if (width, height) != (size.width, size.height):
        message = f"argument --mask: The mask has {width} x {height} pixels, the picture {size.width} x {size.height}."
        raise UsageError(message, hint="Use a mask of the picture's size.")
    if not mask.any():
        raise UsageError("argument --mask: Nothing is masked.", hint="Paint white where the picture may change.")
    return mask

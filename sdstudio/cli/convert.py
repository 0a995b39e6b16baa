"""`sdstudio convert`: a harmless .ckpt rewritten as .safetensors."""

from __future__ import annotations

import argparse
from pathlib import Path

from sdstudio.cli.arguments import UsageError, add_json
from sdstudio.cli.console import Console
from sdstudio.cli.running import DONE
from sdstudio.cli.services import CliServices
from sdstudio.domain.errors import UnreadableFile
from sdstudio.storage.convert_checkpoint import convert_checkpoint
from sdstudio.storage.recognise.recogniser import recognise
from sdstudio.storage.recognise.tables import SAFETENSORS

HELP = "rewrite a .ckpt as .safetensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "The weights are copied as they are, and nothing in the file is run. A file that would run a program is "
        "refused.\n\nexample: sdstudio convert old.ckpt --out new.safetensors\n"
    )
    parser.add_argument("file", metavar="FILE", help="a .ckpt, .pt, .pth or .bin")
    parser.add_argument("--out", metavar="FILE", required=True, help="where to; a number is added if it is there")
    add_json(parser)


def run(args: argparse.Namespace, _services: CliServices, console: Console) -> int:
    source, target = (Path(text).expanduser().absolute() for text in (args.file, args.out))
    if "\0" in args.out or target.suffix.lower() not in SAFETENSORS:
        raise UsageError(f"argument --out: “{args.out}” does not end in .safetensors.")
    try:
        done = convert_checkpoint(source, target)
    except UnreadableFile as error:
        raise UsageError(f"argument FILE: {error}") from error
    found = recognise(done.path)
    data = {
        "file": str(source),
        "out": str(done.path),
        "tensors": done.tensors,
        "bytes": done.bytes,
        "family": found.family.value if found.family is not None else None,
        "role": found.role.value,
    }
    console.result(data, f"{done.path}  ({done.tensors:,} tensors, {done.bytes:,} bytes)")
    return DONE

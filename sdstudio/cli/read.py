"""`sdstudio read`: how pictures were made."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from sdstudio.cli.arguments import add_json
from sdstudio.cli.console import Console, one_line
from sdstudio.cli.running import BAD_INPUT, DONE
from sdstudio.cli.services import CliServices
from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.errors import UnreadableFile
from sdstudio.domain.metadata import PictureMetadata
from sdstudio.storage.pictures import read_texts

HELP = "show how pictures were made"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Reads what SD Studio, A1111, ComfyUI, InvokeAI, Fooocus, NovelAI and Krita write into pictures.\n"
    parser.add_argument("files", metavar="FILE", nargs="+", help="pictures: PNG, JPEG, WebP …")
    add_json(parser)


def run(args: argparse.Namespace, _services: CliServices, console: Console) -> int:
    code = DONE
    for name in args.files:
        file = os.path.abspath(os.path.expanduser(name))
        try:
            metadata = read_metadata(read_texts(Path(file)))
        except UnreadableFile as error:
            code = BAD_INPUT
            if console.json_lines:
                console.result({"file": file, "error": str(error)}, "")
            console.note(f"sdstudio read: {error}")
            continue
        data = {"file": file, "dialect": metadata.dialect, "request": metadata.request, "unknown": metadata.unknown}
        console.result(data, _for_people(file, metadata))
    return code


def _for_people(file: str, metadata: PictureMetadata) -> str:
    lines = [file]
    if metadata.dialect is None:
        lines.append("  does not say how it was made")
    else:
        lines.append(f"  written by: {metadata.dialect}")
    lines += [f"  {name.replace('_', ' ')}: {_shown(value)}" for name, value in metadata.request.items()]
    lines += [f"  ({name}: {_shown(value)})" for name, value in metadata.unknown.items()]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    text = one_line(value)
    return text if len(text) <= 500 else text[:500] + " …"

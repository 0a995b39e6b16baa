"""`sdstudio models`: what there is to choose from, what a file is, and folders with more."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sdstudio.cli.arguments import UsageError, add_json
from sdstudio.cli.console import Console
from sdstudio.cli.models_rows import to_details, to_dict, to_long_text, to_text
from sdstudio.cli.running import DONE
from sdstudio.cli.services import CliServices
from sdstudio.domain.model_file import ModelFile
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.os_words import os_reason
from sdstudio.storage.recognise.recogniser import recognise
from sdstudio.storage.settings import load_settings, save_settings

HELP = "list the models, look into one, add a folder"
EPILOG = """\
Nothing is copied, changed, run or sent anywhere: only the headers of files are read.

Folders can be those of A1111, Forge, ComfyUI and InvokeAI, and the Hugging Face cache; they are used in place.

examples: sdstudio models --folder ~/ComfyUI
          sdstudio models inspect model.safetensors
          sdstudio models add ~/stable-diffusion-webui
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "--folder", metavar="DIR", nargs="+", action="extend", help="list what is there, instead of the added folders"
    )
    add_json(parser)
    actions = parser.add_subparsers(dest="action", metavar="inspect|add")
    inspect = actions.add_parser("inspect", help="say what a file is", description="Say what a file is, by its header.")
    inspect.add_argument("file", metavar="FILE", help="a model file, or a folder in diffusers layout")
    inspect.add_argument("--hash", action="store_true", help="wait for the hash, which reads the whole file")
    add = actions.add_parser("add", help="look for models in a folder from now on", description="Add a folder.")
    add.add_argument("folder_to_add", metavar="DIR", help="used in place: nothing is copied or changed")
    for action in (inspect, add):
        # SUPPRESS: “models --json inspect …” must not be undone by the default of the second --json.
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object")


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    actions: dict[str | None, Callable[[argparse.Namespace, CliServices, Console], int]] = {
        None: _list,
        "inspect": _inspect,
        "add": _add,
    }
    return actions[args.action](args, services, console)


# -- list -------------------------------------------------------------------------------------------------------------


def _list(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    folders = [_folder("--folder", text) for text in args.folder] if args.folder else None
    scanned = services.library.scan(folders).models
    seen = {os.path.realpath(found.path): found for found in scanned}
    shown: set[str] = set()
    for info in services.catalog.models() if folders is None else ():
        real = os.path.realpath(info.spec.path)
        shown.add(real)
        text = f"{info.name}  ({info.badge}, {info.spec.hash or 'no hash'})\n  {info.spec.path}"
        console.result(_row_of_info(info, seen.get(real) or recognise(Path(info.spec.path))), text)
    for found in scanned:
        if os.path.realpath(found.path) not in shown:
            console.result(_row_of_file(found), to_text(found))
    return DONE


def _row_of_info(info: ModelInfo, found: ModelFile) -> dict[str, object]:
    presets = info.presets
    return to_dict(replace(found, name=info.name)) | {
        "hash": info.spec.hash or None,
        "badge": info.badge,
        "built_in": info.built_in,
        "steps": presets.steps,
        "guidance_scale": presets.guidance_scale,
        "sampler": presets.sampler,
        "width": presets.size.width,
        "height": presets.size.height,
    }


def _row_of_file(found: ModelFile) -> dict[str, object]:
    """Files have no card with recommendations; their side follows from the family."""
    side = found.resolution or None
    badge = found.family.value if found.family is not None else ""
    none = dict.fromkeys(("steps", "guidance_scale", "sampler"))
    return to_dict(found) | {"badge": badge, "built_in": False, **none, "width": side, "height": side}


# -- inspect and add --------------------------------------------------------------------------------------------------


def _inspect(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    path = Path(args.file).expanduser().absolute()
    if "\0" in args.file or not os.path.lexists(path):
        raise UsageError(f"argument FILE: There is no file “{args.file}”.", hint="Look at its name and folder.")
    library = services.library
    found = library.inspect(path)
    if args.hash and not found.refused:
        try:
            found = found.with_hashes(library.hashes.compute(path))
        except OSError as error:
            raise UsageError(f"argument FILE: “{path}” could not be read to its end: {os_reason(error)}.") from error
    console.result(to_details(found), to_long_text(found))
    return DONE


def _add(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    folder = _folder("DIR", args.folder_to_add)
    # Read again: the window may have changed the file since this program started.
    settings, _ = load_settings(services.paths.settings_file)
    if str(folder) not in settings.model_folders:
        settings = replace(settings, model_folders=(*settings.model_folders, str(folder)))
        save_settings(services.paths.settings_file, settings)
    models = services.library.scan([folder]).models
    usable = sum(not model.refused for model in models)
    text = f"{folder}\n  {usable} {'file' if usable == 1 else 'files'} that can be used, {len(models) - usable} refused"
    console.result({"folder": str(folder), "usable": usable, "refused": len(models) - usable}, text)
    return DONE


def _folder(argument: str, text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not os.path.isdir(path):
        raise UsageError(f"argument {argument}: There is no folder “{text}”.", hint="Look at its name.")
    return path

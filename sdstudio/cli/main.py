"""The entry of all commands."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from sdstudio.cli import COMMANDS, bench, convert, generate, img2img, inpaint, models, outpaint, read, selftest, upscale
from sdstudio.cli.arguments import HelpWanted, Parser, UsageError, VersionAction
from sdstudio.cli.console import Console
from sdstudio.cli.running import BAD_INPUT, DONE, FAILED, INTERRUPTED
from sdstudio.cli.services import CliServices
from sdstudio.domain.errors import ErrorKind, StudioError

DESCRIPTION = "Pictures with Stable Diffusion on your own machine, offline."
EPILOG = (
    "“sdstudio COMMAND --help” tells more of a command. “sdstudio” alone, or with picture files, opens the window.\n"
)


class Command(Protocol):
    """One module a command."""

    @property
    def HELP(self) -> str: ...

    @property
    def add_arguments(self) -> Callable[[argparse.ArgumentParser], None]: ...

    @property
    def run(self) -> Callable[[argparse.Namespace, CliServices, Console], int]: ...


_MODULES: dict[str, Command] = {
    "generate": generate,
    "img2img": img2img,
    "inpaint": inpaint,
    "outpaint": outpaint,
    "read": read,
    "upscale": upscale,
    "models": models,
    "convert": convert,
    "selftest": selftest,
    "bench": bench,
}


def main(argv: Sequence[str], services: CliServices) -> int:
    """Runs one command and returns its exit code: 0 done, 1 failed, 2 bad input, 130 stopped by Ctrl+C."""
    console = Console(sys.stdout, sys.stderr)
    try:
        args = build_parser(services.version).parse_args(_words(argv))
        console = Console(sys.stdout, sys.stderr, json_lines=args.json)
        # Whatever a library prints must not get between the results.
        with contextlib.redirect_stdout(sys.stderr):
            return _MODULES[args.command].run(args, services, console)
    except HelpWanted as wanted:
        console.say(wanted.text)
        return DONE
    except UsageError as error:
        console.note(error)
        return BAD_INPUT
    except StudioError as error:
        console.note(f"sdstudio: {error}")
        return BAD_INPUT if error.kind is ErrorKind.BAD_INPUT else FAILED
    except KeyboardInterrupt:
        console.note("Stopped.")
        return INTERRUPTED


def _words(argv: Sequence[str]) -> Sequence[str]:
    if not argv:
        raise UsageError(f"sdstudio: Say what to do: {', '.join(COMMANDS)}.", hint="“sdstudio --help” tells more.")
    return argv


def build_parser(version: str) -> Parser:
    parser = Parser(prog="sdstudio", description=DESCRIPTION, epilog=EPILOG)
    parser.add_argument(
        "--version", action=VersionAction, nargs=0, const=f"sdstudio {version}", help="show the version and end"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        module = _MODULES[name]
        sub = commands.add_parser(name, help=module.HELP, description=f"{module.HELP[0].upper()}{module.HELP[1:]}.")
        module.add_arguments(sub)
    return parser

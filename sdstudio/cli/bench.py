"""`sdstudio bench`: measurements."""

from __future__ import annotations

import argparse

from sdstudio.cli.arguments import UsageError, add_json
from sdstudio.cli.console import Console
from sdstudio.cli.running import DONE
from sdstudio.cli.services import CliServices

HELP = "measure how fast something is"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what to measure; a wrong name lists them")
    add_json(parser)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    bench = services.benches.get(args.name)
    if bench is None:
        names = ", ".join(sorted(services.benches)) or "none in this install"
        raise UsageError(f"argument NAME: There is no measurement “{args.name}”.", hint=f"There are: {names}.")
    for data in bench():
        console.result(data, "  ".join(f"{key}: {value}" for key, value in data.items()))
    return DONE

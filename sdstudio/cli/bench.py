"""`sdstudio bench`: measurements."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from typing import Any

from sdstudio.cli.arguments import UsageError, add_json
from sdstudio.cli.console import Console
from sdstudio.cli.running import DONE
from sdstudio.cli.services import CliServices

HELP = "measure how fast something is"

WHAT_WIDTH, NUMBER_WIDTH, UNIT_WIDTH, AIM_WIDTH = 56, 9, 6, 24
PERCENTILES = ("p50", "p99", "max")
NUMBERS = {"p50": "p50", "p99": "p99", "max": "max", "cpu_p99": "cpu p99", "other_p99": "other"}
"""Key and heading. “other”: the p99 of some other work of about that size, on the same machine at the same time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what to measure; a wrong name lists them")
    add_json(parser)


def run(args: argparse.Namespace, services: CliServices, console: Console) -> int:
    bench = services.benches.get(args.name)
    if bench is None:
        names = ", ".join(sorted(services.benches)) or "none in this install"
        raise UsageError(f"argument NAME: There is no measurement “{args.name}”.", hint=f"There are: {names}.")
    table = False
    for data in bench():
        if not all(key in data for key in ("what", *PERCENTILES)):
            console.result(data, "  ".join(f"{key}: {value}" for key, value in data.items()))
            continue
        if not table and not console.json_lines:
            console.say(_heading())
        table = True
        console.result(data, _line(data))
    return DONE


def _heading() -> str:
    numbers = "".join(f"{heading:>{NUMBER_WIDTH}}" for heading in NUMBERS.values())
    words = f"{'what':<{WHAT_WIDTH}}{numbers}  {'unit':<{UNIT_WIDTH}} {'n':>5}  {'aim':<{AIM_WIDTH}}".rstrip()
    return f"{words}\n{'-' * len(words)}"


def _line(data: Mapping[str, Any]) -> str:
    """One row. Rows come as they are measured, so the widths are fixed; a long name moves its own row only."""
    numbers = "".join(f"{_number(data.get(key)):>{NUMBER_WIDTH}}" for key in NUMBERS)
    words = f"{data['what']:<{WHAT_WIDTH}}{numbers}  {data.get('unit', ''):<{UNIT_WIDTH}} {data.get('n', ''):>5}"
    return f"{words}  {data.get('aim', ''):<{AIM_WIDTH}} {verdict(data)}".rstrip()


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else ""


def verdict(data: Mapping[str, Any]) -> str:
    """ "met" or "NOT MET", where the aim is a bound: “<= 8” (of the p99) or “p50 < 300”; else "". A p99 that other work
    could not keep either is the machine's: it is missed, too, but says nothing about what was measured."""
    found = re.fullmatch(r"(?:(p50|p99|max)\s+)?(<=?)\s*(\d+(?:\.\d+)?)", str(data.get("aim", "")))
    if found is None:
        return ""
    figure, limit = found[1] or "p99", float(found[3])

    def within(value: float) -> bool:
        return value < limit or (value == limit and found[2] == "<=")

    if within(float(data[figure])):
        return "met"
    other = data.get("other_p99")
    return "NOT MET" if figure != "p99" or other is None or within(float(other)) else "NOT MET, nor by other work"

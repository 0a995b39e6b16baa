"""The table of docs/models.md: every family is in it, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from sdstudio.domain.model_file import LOADABLE_FAMILIES, ModelFamily
from sdstudio.storage.catalog_files import BADGES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "models.md").read_text("utf-8")
LINES = re.findall(r"^\|(?! family|-)(.*)\|$", TEXT, re.M)
ROWS = {cells[0]: cells[1:] for cells in ([cell.strip() for cell in line.split("|")] for line in LINES)}


def test_the_tests_that_it_names_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(named) >= 8
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text("utf-8"), f"{file}::{name}"


def test_what_it_says_of_each_family_is_so() -> None:
    listed = {name: cells for row, cells in ROWS.items() for name in names(row)}
    assert listed.keys() == {family.value for family in ModelFamily}
    for family in ModelFamily:
        cells = listed[family.value]
        assert cells[0] == BADGES.get(family, "")
        usable = all("✓" in cell for cell in (cells[2], *cells[4:]))
        assert usable is (family in LOADABLE_FAMILIES), family
        assert usable or all(cell == "not yet" for cell in cells[2:])


def names(row: str) -> list[str]:
    return {
        "SD 2.x, not told which": ["SD 2.x"],
        "SD 2.1 unCLIP L, H": ["SD 2.1 unCLIP L", "SD 2.1 unCLIP H"],
    }.get(row, [row])

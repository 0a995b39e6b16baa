"""The table of docs/models.md: every family is in it, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.family_tasks import tasks_of
from sdstudio.domain.model_file import LOADABLE_FAMILIES, ModelFamily

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "models.md").read_text("utf-8")
TABLE = TEXT[TEXT.index("| family |") :].split("\n\n")[0]
LINES = re.findall(r"^\|(?! family|-)(.*)\|$", TABLE, re.M)
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
        assert cells[0] == FAMILY_PRESETS[family].badge
        if family not in LOADABLE_FAMILIES:
            assert all(cell == "not yet" for cell in cells[2:]), family
            continue
        assert "✓" in cells[2], family
        for task, cell in zip(("text", "image", "inpaint"), cells[4:7], strict=True):
            assert cell.startswith("✓" if tasks_of(family).can(task) else "no: "), (family, task)
        assert cells[7].startswith("✓"), family


def names(row: str) -> list[str]:
    return {
        "SD 2.x, not told which": ["SD 2.x"],
        "SD 2.1 unCLIP L, H": ["SD 2.1 unCLIP L", "SD 2.1 unCLIP H"],
    }.get(row, [row])

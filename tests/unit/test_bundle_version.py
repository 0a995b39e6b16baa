"""The version as Windows and Debian want it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sdstudio
from bundle_version import debian_version, four_numbers, product_version, version_info

ROOT = Path(__file__).resolve().parents[2]


def test_it_is_the_packages_own() -> None:
    assert product_version(ROOT) == sdstudio.__version__


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.1.0", (0, 1, 0, 0)), ("1.2.3rc4", (1, 2, 3, 0)), ("2.0", (2, 0, 0, 0)), ("1.2.3.4.5", (1, 2, 3, 4))],
)
def test_windows_has_four_numbers(version: str, numbers: tuple[int, ...]) -> None:
    assert four_numbers(version) == numbers


@pytest.mark.parametrize(
    ("version", "expected"), [("0.1.0", "0.1.0"), ("0.2.0rc1", "0.2.0~rc1"), ("0.2.0.dev3", "0.2.0~dev3")]
)
def test_debian_sorts_what_comes_before_a_release_before_it(version: str, expected: str) -> None:
    assert debian_version(version) == expected


@pytest.mark.parametrize("program", ["sdstudio", "sdstudio-cli"])
def test_the_version_sheet_is_an_expression(program: str) -> None:
    sheet = ast.parse(version_info("0.1.0", program), mode="eval").body
    assert isinstance(sheet, ast.Call)
    assert isinstance(sheet.func, ast.Name)
    assert sheet.func.id == "VSVersionInfo"
    texts = {node.value for node in ast.walk(sheet) if isinstance(node, ast.Constant)}
    assert {f"{program}.exe", "0.1.0", "SD Studio"} <= texts

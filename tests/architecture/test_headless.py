"""Each layer imports without what it must not need, the network among it. The suites prove more: `bootstrap.py test`
runs tests/unit with PySide6 and torch unimportable, tests/engine without PySide6, tests/gui without torch
(packaging/bootstrap_checks.py).
"""

from __future__ import annotations

import pytest

from tests.helpers.children import import_all, loaded_after, run_python
from tests.helpers.sources import PACKAGE, python_files

QT = ("PySide6", "shiboken6")
ENGINE_LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "tokenizers")
LAYERS = {
    "domain": (*QT, *ENGINE_LIBRARIES, "PIL"),
    "canvas": (*QT, *ENGINE_LIBRARIES),
    "storage": (*QT, *ENGINE_LIBRARIES),
    "jobs": (*QT, *ENGINE_LIBRARIES),
    "cli": (*QT, *ENGINE_LIBRARIES),
    "engine": QT,
    "app": ENGINE_LIBRARIES,
    "ui": ENGINE_LIBRARIES,
}


def modules_of(layer: str) -> list[str]:
    parts = (path.relative_to(PACKAGE.parent).with_suffix("").parts for path in python_files(f"sdstudio/{layer}"))
    return [".".join(part for part in names if part != "__init__") for names in parts]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_needs_nothing_above_its_station_and_no_network(layer: str) -> None:
    assert import_all(modules_of(layer), LAYERS[layer], offline=True) == ""


def test_a_blocked_import_is_noticed() -> None:
    assert "must not be needed here" in import_all(["PIL.Image"], ["PIL"])


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import sdstudio.wiring", {"torch", "diffusers", "transformers", "PySide6"}),
        ("import sdstudio.__main__", {"torch", "diffusers", "transformers", "PySide6"}),
        ("import sdstudio.cli", {"torch", "diffusers", "transformers", "PySide6"}),
        ("import sdstudio.ui.main_window", {"torch", "diffusers", "transformers"}),
    ],
)
def test_what_is_slow_is_imported_late(statement: str, absent: set[str]) -> None:
    assert not absent & loaded_after(statement)


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["models", "--json"]])
def test_commands_start_without_qt_and_network(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from tests.helpers.block_imports import install\n"
        f"install({[*QT, *ENGINE_LIBRARIES]!r})\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "from sdstudio.__main__ import main\n"
        "sys.exit(main())\n"
    )
    done = run_python(["-c", code], offline=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout

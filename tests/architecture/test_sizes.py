"""Sizes that keep every file readable in one sitting: file <= 350 lines, function <= 60, class <= 25 methods."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.helpers.sources import ROOT, python_files, relative, tree_of

FILE_LINES = 350
FUNCTION_LINES = 60
CLASS_METHODS = 25


def measured_files() -> list[Path]:
    """Everything but the scripts that made the model, which are kept as the record of how it was made."""
    starter = ROOT / "packaging" / "starter"
    return [path for path in python_files("sdstudio", "packaging", "tests") if starter not in path.parents]


def too_big(path: Path, name: str) -> list[str]:
    found: list[str] = []
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if lines > FILE_LINES:
        found.append(f"{name}: {lines} lines")
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{name}:{node.lineno}: {node.name}() has {length} lines")
        elif isinstance(node, ast.ClassDef):
            methods = sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body)
            if methods > CLASS_METHODS:
                found.append(f"{name}:{node.lineno}: class {node.name} has {methods} methods")
    return found


def test_nothing_is_too_big() -> None:
    files = measured_files()
    assert len(files) > 50
    offenders = [line for path in files for line in too_big(path, relative(path))]
    assert not offenders, "too big (split it):\n" + "\n".join(offenders)


def test_the_ruler_works(tmp_path: Path) -> None:
    methods = "".join(f"    def m{number}(self): ...\n" for number in range(CLASS_METHODS + 1))
    path = tmp_path / "big.py"
    path.write_text("def long():\n" + "    pass\n" * 400 + "class Big:\n" + methods, encoding="utf-8")
    assert too_big(path, "big.py") == [
        f"big.py: {401 + 1 + CLASS_METHODS + 1} lines",
        "big.py:1: long() has 401 lines",
        f"big.py:402: class Big has {CLASS_METHODS + 1} methods",
    ]

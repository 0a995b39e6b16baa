"""The checkout as the architecture tests see it: its files, and the syntax trees of the Python ones."""

from __future__ import annotations

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sdstudio"
LEFT_OUT = {"__pycache__", ".git", ".venv", "build", "dist", "out"}


def python_files(*folders: str) -> list[Path]:
    """All .py files below these folders of the checkout, sorted."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if not LEFT_OUT & set(path.parts))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported, inside functions and TYPE_CHECKING too; `from a import b` gives
    both a and a.b, since b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def is_module_or_inside(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


@functools.cache
def repository_files() -> list[Path]:
    """What git tracks, or would at the next `git add -A`; without git (an unpacked archive): what lies here."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout:
        paths = [ROOT / name for name in done.stdout.split("\0") if name]
    else:
        parts = [(path, path.relative_to(ROOT).parts) for path in ROOT.rglob("*")]
        hidden = {names[0] for _, names in parts if names[0].startswith(".")} - {".ci", ".github", ".gitignore"}
        paths = [path for path, names in parts if not (LEFT_OUT | hidden) & set(names)]
    return sorted(path for path in paths if path.is_file())

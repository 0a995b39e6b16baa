"""Rules about imports that import-linter's contracts (pyproject.toml) cannot say."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.helpers.sources import PACKAGE, imported_modules, is_module_or_inside, python_files, relative, tree_of

# Whatever could reach a network, or fetch something "helpfully".
NETWORK = (
    "aiohttp",
    "asyncio",
    "ftplib",
    "http",
    "httpx",
    "huggingface_hub",
    "requests",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "telnetlib",
    "urllib.request",
    "urllib3",
    "webbrowser",
    "xmlrpc",
    "PySide6.QtNetwork",
    "PySide6.QtWebSockets",
    "PySide6.QtWebEngineCore",
)
STRICT_LOADER = "sdstudio/engine/safe_pickles.py"
"""Builds tensors and nothing else, whatever a pickle asks for."""
UNPICKLING = ("pickle", "cPickle", "dill", "joblib", "marshal", "shelve", "torch.load", "torch.hub")


def offenders(files: Iterable[Path], modules: Iterable[str]) -> list[str]:
    return [
        f"{relative(path)}:{line}: {name}"
        for path in files
        for line, name in imported_modules(tree_of(path))
        if any(is_module_or_inside(name, module) for module in modules)
    ]


def test_no_module_can_reach_a_network() -> None:
    assert not offenders(python_files("sdstudio"), NETWORK)


def test_nothing_is_unpickled() -> None:
    files = python_files("sdstudio")
    assert not offenders(files, UNPICKLING)
    loads = [
        f"{relative(path)}:{node.lineno}: {ast.unparse(node.func)}"
        for path in files
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("torch.load", "np.fromfile", "pickle.loads")
        and not (relative(path) == STRICT_LOADER and "weights_only=True" in ast.unparse(node))
    ]
    assert not loads, "weights come from safetensors, or through the strict loader:\n" + "\n".join(loads)


def test_app_knows_only_qtcore() -> None:
    found = [
        line
        for line in offenders(python_files("sdstudio/app"), ["PySide6", "shiboken6"])
        if not line.endswith(": PySide6") and ": PySide6.QtCore" not in line
    ]
    assert not found


ALLOWED_OF_STORAGE = (
    ": sdstudio.storage",
    ": sdstudio.storage.resources",
    ": sdstudio.storage.resources.resource_path",
    ": sdstudio.storage.settings",
    ": sdstudio.storage.settings.Settings",
)


def test_windows_never_ask_for_the_files_of_the_person() -> None:
    """ui may use storage.resources (icons, fonts) and the value Settings; everything else comes through app."""
    found = [
        line
        for line in offenders(python_files("sdstudio/ui"), ["sdstudio.storage", "sqlite3", "shutil", "os", "PIL"])
        if not line.endswith(ALLOWED_OF_STORAGE)
    ]
    assert not found, "\n".join(found)


FILE_CALLS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "unlink", "mkdir", "iterdir", "rename"}


def test_windows_open_no_files() -> None:
    found = [
        f"{relative(path)}:{node.lineno}: {ast.unparse(node.func)}()"
        for path in python_files("sdstudio/ui")
        for node in _calls_outside_resources(tree_of(path))
        if _called(node) in FILE_CALLS
    ]
    assert not found, "files belong to storage, asked for through app:\n" + "\n".join(found)


def _calls_outside_resources(tree: ast.Module) -> Iterator[ast.Call]:
    """All calls but those in functions that read one of our own resources."""
    resource_readers = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and "resource_path(" in ast.unparse(node)
    ]
    excused = {id(node) for reader in resource_readers for node in ast.walk(reader)}
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and id(node) not in excused)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    # Only methods that are named like those of a Path; QFile and the like are found by their own names.
    return node.func.attr if isinstance(node.func, ast.Attribute) and node.func.attr != "open" else ""


def test_scipy_torchvision_and_the_like_stay_out() -> None:
    assert not offenders(python_files("sdstudio"), ["scipy", "torchvision", "torchsde", "pandas", "matplotlib"])


@pytest.mark.parametrize("layer", ["domain", "canvas", "storage", "jobs", "engine", "app", "ui", "cli"])
def test_every_layer_is_there(layer: str) -> None:
    assert (PACKAGE / layer / "__init__.py").is_file()


def test_packaging_does_not_shadow_the_library_of_that_name() -> None:
    # One deeper does no harm: fallback/encodings is packed as it lies there.
    assert not (PACKAGE.parent / "packaging" / "__init__.py").exists()
    import packaging.version

    assert "site-packages" in packaging.version.__file__


def test_the_guards_see_what_they_look_for() -> None:
    tree = ast.parse("def f():\n    from urllib import request\n    import http.client\nfrom torch import load\n")
    names = {name for _, name in imported_modules(tree)}
    assert {"urllib.request", "http.client", "torch.load"} <= names
    assert not is_module_or_inside("urllib.parse", "urllib.request")
    assert not is_module_or_inside("httpxyz", "http")

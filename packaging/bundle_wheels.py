"""The rules tried on Windows' own wheels, as far as that goes without Windows.

    uv pip install --target DIR --python-platform x86_64-pc-windows-msvc --only-binary :all: …
    python packaging/bundle_wheels.py DIR [COPY]

Says what would be packed and which libraries would be missing there; with COPY (a new folder) lays it out, so that an
installer can be made of it and weighed. Run after a build here: what is imported is taken from that.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bundle_contents import CONTENTS, Contents
from bundle_files import WINDOWS_RUNTIME, keeps
from bundle_modules import METADATA, excluded_modules, package_modules
from bundle_parts import normal
from bundle_tree import entries, place

ROOT = Path(__file__).resolve().parent.parent
PLATFORM = "win32"
ONLY_WINDOWS = ("colorama",)
NATIVE = (".dll", ".pyd")
# What Windows 10 and later bring themselves, and what PyInstaller adds from Python's own folder.
SYSTEM = re.compile(
    r"(api-ms-win-.*|advapi32|authz|avrt|bcrypt|bcryptprimitives|cfgmgr32|comctl32|comdlg32|crypt32|d2d1|d3d11|d3d12|"
    r"d3d9|d3dcompiler_47|dbghelp|dcomp|dnsapi|dwmapi|dwrite|dxgi|dxguid|gdi32|icuuc|imagehlp|imm32|iphlpapi|kernel32|mpr|msvcrt|netapi32|ntdll|"
    r"ole32|oleaut32|pdh|powrprof|propsys|psapi|python3|python3\d+|rpcrt4|secur32|setupapi|shcore|shell32|shlwapi|"
    r"ucrtbase|uiautomationcore|user32|userenv|uxtheme|version|winmm|wintrust|winspool\.drv|ws2_32|wtsapi32)(\.dll)?",
    re.IGNORECASE,
)
# In Python's own folder on Windows, packed by PyInstaller from there; WINDOWS_RUNTIME comes from System32.
PYTHONS_OWN = {"libffi-8.dll", "sqlite3.dll"}


def packed(site: Path, packages: Iterable[str]) -> Iterator[Path]:
    """The files below `site` that would lie in the program or, compiled, in its archive of modules."""
    excluded = excluded_modules(site)
    tops = sorted({*packages, *ONLY_WINDOWS})
    modules = {name for top in tops if (site / top).is_dir() for name in package_modules(site, top, excluded)}
    for path in entries(site):
        if path.is_dir():
            continue
        relative = path.relative_to(site).as_posix()
        top = relative.partition("/")[0]
        if top.endswith(".dist-info"):
            wanted = normal(top.partition("-")[0]) in METADATA
        elif path.suffix == ".py":
            wanted = module_of(relative) in modules or (top == relative and module_of(top) in tops)
        elif path.suffix in NATIVE:
            # Next to packages lie the libraries that their wheels bring, such as numpy.libs.
            wanted = top.removesuffix(".libs") in tops
        else:
            wanted = False
        if wanted and keeps(relative, PLATFORM):
            yield path


def module_of(relative: str) -> str:
    return relative.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports_of(path: Path) -> list[str]:
    """The libraries that a Windows library names in its table of imports."""
    done = subprocess.run(["objdump", "-p", str(path)], capture_output=True, text=True, errors="replace", check=False)
    return re.findall(r"DLL Name: (\S+)", done.stdout)


def missing(files: Sequence[Path], imports: Callable[[Path], Iterable[str]] = imports_of) -> list[str]:
    """Libraries that a packed one asks for and that neither come along nor belong to Windows or Python."""
    there = {path.name.lower() for path in files} | PYTHONS_OWN | set(WINDOWS_RUNTIME)
    found: set[str] = set()
    for path in files:
        if path.suffix in NATIVE:
            for name in imports(path):
                if name.lower() not in there and not SYSTEM.fullmatch(name):
                    found.add(f"{name} (for {path.name})")
    return sorted(found)


def main(arguments: Sequence[str]) -> int:
    site = Path(arguments[0])
    contents = Contents.read(ROOT / "build" / "freeze" / CONTENTS)
    files = list(packed(site, contents.modules))
    whole = sum(path.stat().st_size for path in entries(site) if path.is_file())
    size = sum(path.stat().st_size for path in files)
    print(f"{len(files)} files, {size / 1e6:.0f} MB of {whole / 1e6:.0f} MB")
    lost = missing(files)
    for line in lost:
        print(f"missing: {line}")
    if len(arguments) > 1:
        target = Path(arguments[1])
        for path in files:
            place(path, target / "_internal" / path.relative_to(site))
        place(ROOT / "resources", target / "_internal" / "resources")
    return 1 if lost else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))

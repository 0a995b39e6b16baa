"""The program's version, as the different packages want it written."""

from __future__ import annotations

import re
from pathlib import Path

PUBLISHER = "The SD Studio authors"


def product_version(root: Path) -> str:
    """`__version__` of the package, such as "0.1.0", read without importing it."""
    text = (root / "sdstudio" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise ValueError("sdstudio/__init__.py has no line __version__ = “…”")
    return match[1]


def four_numbers(version: str) -> tuple[int, int, int, int]:
    """Windows wants exactly four: "0.1.0" and "0.1.0rc2" both give (0, 1, 0, 0)."""
    numbers = [int(part) for part in re.findall(r"\d+", re.split(r"[a-z+-]", version)[0])][:4]
    numbers += [0] * (4 - len(numbers))
    return numbers[0], numbers[1], numbers[2], numbers[3]


def debian_version(version: str) -> str:
    """Pre-releases sort before the release there with a tilde: "0.1.0rc2" is 0.1.0~rc2."""
    return re.sub(r"(?<=\d)(a|b|rc|\.dev)(\d+)$", lambda match: f"~{match[1].lstrip('.')}{match[2]}", version)


def version_info(version: str, program: str) -> str:
    """PyInstaller's text form of a Windows version resource."""
    numbers = four_numbers(version)
    strings = {
        "CompanyName": PUBLISHER,
        "FileDescription": "SD Studio" if program == "sdstudio" else "SD Studio (command line)",
        "FileVersion": version,
        "InternalName": program,
        "LegalCopyright": "Apache License 2.0",
        "OriginalFilename": f"{program}.exe",
        "ProductName": "SD Studio",
        "ProductVersion": version,
    }
    rows = ",\n        ".join(f"StringStruct({name!r}, {value!r})" for name, value in strings.items())
    return f"""\
VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0x0, OS=0x40004, fileType=0x1),
  kids=[
    StringFileInfo([StringTable('040904B0', [
        {rows}
    ])]),
    VarFileInfo([VarStruct('Translation', [1033, 1200])])
  ]
)
"""

"""What is built from what, under which names, and how large it may be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bundle_contents import CONTENTS, Contents
from bundle_version import product_version

MEGABYTE = 1_000_000
# What one asset may weigh; "…-bare" without resources/models. GitHub's own limit for an asset is 2 GiB.
LIMITS = {
    "linux-cpu": 360 * MEGABYTE,
    "linux-cpu-bare": 300 * MEGABYTE,
    "windows-cpu": 250 * MEGABYTE,
}
EPOCH_2020 = 1_577_836_800


class BuildError(Exception):
    """The build cannot go on. The text says what happened and what to do."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    root: Path
    version: str
    platform: str
    flavour: str
    epoch: int
    """The moment that all files are dated to, in seconds since 1970."""

    @classmethod
    def here(cls, root: Path, flavour: str, epoch: int) -> Plan:
        platform = "windows" if sys.platform == "win32" else "linux"
        return cls(root=root, version=product_version(root), platform=platform, flavour=flavour, epoch=epoch)

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def assets(self) -> Path:
        return self.root / "dist"

    @property
    def program(self) -> Path:
        """The folder that PyInstaller makes."""
        return self.build / "program" / "sdstudio"

    @property
    def target(self) -> str:
        return f"{self.platform}-{self.flavour}"

    def asset(self, suffix: str, target: str | None = None) -> Path:
        """`dist/sdstudio-<version>-<platform>-<flavour><suffix>`"""
        return self.assets / f"sdstudio-{self.version}-{target or self.target}{suffix}"

    def contents(self) -> Contents:
        return Contents.read(self.build / "freeze" / CONTENTS)

    def models_size(self) -> int:
        """Bytes of resources/models, which pack to about the same."""
        return sum(path.stat().st_size for path in (self.root / "resources" / "models").rglob("*") if path.is_file())


def too_large(size: int, models: int, target: str) -> str | None:
    """What to say of an asset of `size` bytes that is over its limit; None where all is well or no limit is set."""
    whole, bare = LIMITS.get(target), LIMITS.get(f"{target}-bare")
    if whole is not None and size > whole:
        return f"{size / MEGABYTE:.0f} MB; at most {whole / MEGABYTE:.0f} MB are allowed"
    if bare is not None and size - models > bare:
        return f"{(size - models) / MEGABYTE:.0f} MB without models; at most {bare / MEGABYTE:.0f} MB are allowed"
    return None


def commit_time(root: Path) -> int:
    """When the newest commit was made; a fixed moment in an unpacked archive without git."""
    command = ["git", "-C", str(root), "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return EPOCH_2020
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip().isdigit() else EPOCH_2020

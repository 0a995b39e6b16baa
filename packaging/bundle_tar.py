"""The archive for any Linux: one folder with the program, and install.sh that puts it into the menu."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path
from typing import IO

from bundle_desktop import write_share
from bundle_plan import Plan
from bundle_tree import entries, fresh, place, settle, write

INSTALL = Path(__file__).resolve().parent / "linux" / "install.sh"
# 27: the largest window that is unpacked without an extra option. The two programs hold the same 45 MB.
COMPRESS = ("zstd", "-12", "--long=27", "-T0", "-q", "-f")
README = """\
SD Studio {version}

Start “sdstudio” in this folder. To have it in your menu, run ./install.sh once
(and ./install.sh --uninstall to take it out again). “sdstudio-cli --help” is
the command line.

It needs 64-bit Linux with glibc {glibc} or newer (Debian 12, Ubuntu 24.04 and
later) and the usual libraries of a desktop: libGL, libEGL, libxcb.
{cards}
To keep everything (settings, models, pictures) in this folder, make an empty
file named “portable” in it.
"""
CARDS = """
Pictures are made with an NVIDIA graphics card (GeForce GTX 16, RTX 20 or newer)
and its driver 580 or newer; without them with the processor. “About” says which.
"""


def build_tar(plan: Plan) -> Path:
    """Raises CalledProcessError where zstd fails."""
    name = f"sdstudio-{plan.version}"
    tree = fresh(plan.build / "tar")
    place(plan.program, tree / name)
    write_share(tree / name / "share", plan.version, plan.epoch)
    write(tree / name / "install.sh", INSTALL.read_text(encoding="utf-8"), executable=True)
    glibc = ".".join(map(str, plan.contents().glibc))
    cards = CARDS if plan.flavour == "cuda" else ""
    write(tree / name / "README.txt", README.format(version=plan.version, glibc=glibc, cards=cards))
    settle(tree, plan.epoch)
    target = plan.asset(".tar.zst")
    with subprocess.Popen([*COMPRESS, "-o", str(target)], stdin=subprocess.PIPE) as zstd:
        if zstd.stdin is None:
            raise RuntimeError("zstd takes no input")
        with zstd.stdin:
            write_tar(tree, zstd.stdin, plan.epoch)
    if zstd.returncode:
        raise subprocess.CalledProcessError(zstd.returncode, COMPRESS)
    return target


def write_tar(tree: Path, stream: IO[bytes], epoch: int) -> None:
    """Everything below `tree`, owned by nobody in particular, in one fixed order."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = epoch
        return member

    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in entries(tree):
            archive.add(path, path.relative_to(tree).as_posix(), recursive=False, filter=plain)

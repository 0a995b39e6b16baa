"""The .deb: the program in /opt, two commands, menu entry, icons. No scripts run at its installation or removal."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bundle_contents import Contents
from bundle_desktop import write_share
from bundle_elf import gcc_of
from bundle_plan import Plan
from bundle_tree import entries, fresh, place, settle, write
from bundle_version import PUBLISHER, debian_version

HOME = "opt/sdstudio"
# Only for Wayland; without them the window comes up through X11.
RECOMMENDED = ("libwayland-client0", "libwayland-cursor0", "libwayland-egl1")
DESCRIPTION = """\
make pictures with Stable Diffusion on your own computer
 Type what you want to see and watch the picture form, in a window or from the
 command line. A small model is in the box.
 .
 Nothing is downloaded and nothing is sent: the program works without network.
 It brings all its libraries along; models, pictures and settings are kept in
 the home folder and stay when the package is removed.
"""
CARDS = """\
 .
 This build makes pictures with an NVIDIA graphics card (GeForce GTX 16, RTX 20
 or newer) and its driver 580 or newer, and without them with the processor.
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: SD Studio
Comment: The licences of all libraries inside are in
 /opt/sdstudio/THIRD_PARTY_LICENSES.txt

Files: *
Copyright: the SD Studio authors
License: Apache-2.0
 On Debian systems the full text is in /usr/share/common-licenses/Apache-2.0.
"""


def build_deb(plan: Plan) -> Path:
    """Raises CalledProcessError where dpkg-deb fails."""
    tree = fresh(plan.build / "deb")
    place(plan.program, tree / HOME)
    (tree / "usr" / "bin").mkdir(parents=True)
    for name in ("sdstudio", "sdstudio-cli"):
        (tree / "usr" / "bin" / name).symlink_to(f"/{HOME}/{name}")
    write_share(tree / "usr" / "share", plan.version, plan.epoch)
    write(tree / "usr" / "share" / "doc" / "sdstudio" / "copyright", COPYRIGHT)
    size = sum(path.lstat().st_size for path in entries(tree) if not path.is_dir() or path.is_symlink())
    write(tree / "DEBIAN" / "control", control(plan.version, size, plan.contents(), plan.flavour))
    settle(tree, plan.epoch)
    target = plan.asset(".deb")
    target.unlink(missing_ok=True)
    command = ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z12", "--build", str(tree), str(target)]
    subprocess.run(command, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": str(plan.epoch)})
    return target


def control(version: str, size: int, contents: Contents, flavour: str = "cpu") -> str:
    """The control file; `size` in bytes. All flavours are one package: the one replaces the other."""
    depends = [depends_on(name, contents) for name in contents.host_packages if name not in RECOMMENDED]
    recommends = [name for name in contents.host_packages if name in RECOMMENDED]
    fields = {
        "Package": "sdstudio",
        "Version": debian_version(version),
        "Architecture": "amd64",
        "Maintainer": f"{PUBLISHER} <nobody@localhost>",
        "Installed-Size": str(-(-size // 1024)),
        "Depends": ", ".join(depends),
        "Recommends": ", ".join([*recommends, "xdg-desktop-portal"]),
        "Section": "graphics",
        "Priority": "optional",
        "Description": (DESCRIPTION + (CARDS if flavour == "cuda" else "")).rstrip("\n"),
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def depends_on(package: str, contents: Contents) -> str:
    """With the oldest version that will do, where that is known."""
    if package == "libc6":
        return f"libc6 (>= {'.'.join(map(str, contents.glibc))})"
    if package == "libstdc++6":
        return f"libstdc++6 (>= {gcc_of(contents.glibcxx)})"
    return package

"""The installer for Windows (NSIS, compiled on Windows or Linux) and the portable archive."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import bundle_icons
from bundle_plan import BuildError, Plan
from bundle_tree import entries, fresh, place, settle, write
from bundle_version import four_numbers

SCRIPTS = Path(__file__).resolve().parent / "windows"
SIGN_VARIABLE = "SDSTUDIO_SIGN"
"""A command that signs the file named after it, such as "signtool sign /fd sha256 …". Unset: nothing is signed."""
STUB_TARGET = "windows-cpu-STUB"
STUB_WORDS = "This is the installer's test on Linux: it installs a program that does nothing.\n"
NSIS_FOLDERS = (Path("C:/Program Files (x86)/NSIS"), Path("C:/Program Files/NSIS"))


def makensis() -> str:
    """Raises BuildError where NSIS is not installed."""
    found = shutil.which("makensis") or next(
        (str(folder / "makensis.exe") for folder in NSIS_FOLDERS if (folder / "makensis.exe").is_file()), None
    )
    if found is None:
        raise BuildError("NSIS is not installed: the program “makensis” was not found.")
    return found


def build_setup(plan: Plan) -> Path:
    """With the real program on Windows; elsewhere with a stub, which the name of the file says."""
    if plan.platform == "windows":
        payload, target = plan.program, plan.asset("-setup.exe")
        sign([payload / "sdstudio.exe", payload / "sdstudio-cli.exe"])
    else:
        payload, target = stub_payload(plan), plan.asset("-setup.exe", STUB_TARGET)
    icon = bundle_icons.write_ico(plan.build / "freeze" / "sdstudio.ico")
    defines = {
        "VERSION": plan.version,
        "NUMBERS": ".".join(map(str, four_numbers(plan.version))),
        "PAYLOAD": str(payload),
        "OUTFILE": str(target),
        "ICON": str(icon),
    }
    command = os.environ.get(SIGN_VARIABLE)
    if command:
        defines["SIGN"] = command
    _compile(SCRIPTS / "installer.nsi", defines, plan.epoch)
    return target


def _compile(script: Path, defines: dict[str, str], epoch: int) -> None:
    arguments = [makensis(), "-V2", *(f"-D{name}={value}" for name, value in defines.items()), str(script)]
    # Deterministic but for the moment in the header, which this fixes.
    subprocess.run(arguments, check=True, env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)})


def stub_payload(plan: Plan) -> Path:
    """Two programs that do nothing, and the other names that the installer knows."""
    folder = fresh(plan.build / "stub")
    _compile(SCRIPTS / "stub.nsi", {"OUTFILE": str(folder / "sdstudio.exe")}, plan.epoch)
    place(folder / "sdstudio.exe", folder / "sdstudio-cli.exe")
    write(folder / "_internal" / "stub.txt", STUB_WORDS)
    for name in ("LICENSE", "NOTICE"):
        write(folder / f"{name}.txt", (plan.root / name).read_text(encoding="utf-8"))
    settle(folder, plan.epoch)  # the installer keeps the files' times
    return folder


def sign(programs: Sequence[Path]) -> None:
    """With the command of the environment, where there is one."""
    command = os.environ.get(SIGN_VARIABLE)
    for program in programs if command else ():
        subprocess.run([*shlex.split(command or "", posix=os.name != "nt"), str(program)], check=True)


def build_zip(plan: Plan) -> Path:
    """The portable archive: with the file that makes the program keep everything beside itself."""
    target = plan.asset("-portable.zip")
    moment = datetime.fromtimestamp(plan.epoch, UTC).timetuple()[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in entries(plan.program):
            if path.is_file():
                member = zipfile.ZipInfo(f"SD Studio/{path.relative_to(plan.program).as_posix()}", moment)
                member.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(member, path.read_bytes())
        archive.writestr(zipfile.ZipInfo("SD Studio/portable", moment), b"")
    return target

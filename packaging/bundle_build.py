"""Freezes the program and packs it; run by `bootstrap.py build` with the Python of the build environment.

    python packaging/bundle_build.py [--flavour cpu|cuda] [--keep] deb|tar|setup|zip …

With --keep the folder of the last run is packed again without freezing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bundle_papers
import bundle_windows
from bundle_deb import build_deb
from bundle_parts import parts
from bundle_plan import MEGABYTE, BuildError, Plan, commit_time, too_large
from bundle_split import split_large
from bundle_tables import IncompleteBundle
from bundle_tar import build_tar
from bundle_tree import entries, forget_commands, settle, write_listing

ROOT = Path(__file__).resolve().parent.parent
PACKERS: dict[str, Callable[[Plan], Path]] = {
    "deb": build_deb,
    "tar": build_tar,
    "setup": bundle_windows.build_setup,
    "zip": bundle_windows.build_zip,
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bundle_build.py")
    parser.add_argument("--flavour", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("formats", nargs="+", choices=tuple(PACKERS))
    options = parser.parse_args(arguments)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "") or commit_time(ROOT))
    plan = Plan.here(ROOT, options.flavour, epoch)
    try:
        return build(plan, options.formats, keep=options.keep)
    except (BuildError, IncompleteBundle) as error:
        say(str(error))
    except subprocess.CalledProcessError as error:
        say(f"{Path(str(error.cmd[0])).name} failed (exit status {error.returncode}, see above).")
    return 1


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def build(plan: Plan, formats: Sequence[str], keep: bool) -> int:
    """0 if everything was built and nothing is over its limit."""
    plan.assets.mkdir(exist_ok=True)
    if set(formats) != {"setup"} or plan.platform == "windows":
        if not keep:
            start = time.monotonic()
            freeze(plan)
            finish(plan)
            say_time("freeze", start)
        check_frozen(plan)
    made: list[Path] = []
    for name in formats:
        start = time.monotonic()
        made += split_large(PACKERS[name](plan))
        say_time(name, start)
    bundle_papers.write_sums(plan.assets)
    return report(plan, made)


def freeze(plan: Plan) -> None:
    """PyInstaller, with the same hashes and times at every build."""
    environ = {
        **os.environ,
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": str(plan.epoch),
        # The hooks import torch in processes of their own, which would otherwise take all cores.
        "OMP_NUM_THREADS": "1",
    }
    folders = ["--distpath", str(plan.program.parent), "--workpath", str(plan.build / "work")]
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *folders, "build.spec"]
    subprocess.run(command, check=True, cwd=plan.root, env=environ)


def finish(plan: Plan) -> None:
    """The papers and the list of files, into the program's folder."""
    owners = parts(plan.contents())
    strangers = bundle_papers.unlicensed(owners)
    if strangers:
        raise BuildError(f"No licence was found for: {', '.join(strangers)}. They may not be shipped like this.")
    bundle_papers.write_papers(plan.program, plan.root, owners, plan.version, plan.epoch)
    forget_commands(plan.program)
    settle(plan.program, plan.epoch)
    write_listing(plan.program)
    settle(plan.program, plan.epoch)
    for name in (bundle_papers.LICENCES, bundle_papers.BILL):
        shutil.copy2(plan.program / name, plan.asset(f"-{name}"))


def check_frozen(plan: Plan) -> None:
    """The frozen command line says its version, which it can only after reading most of its own modules."""
    program = plan.program / ("sdstudio-cli.exe" if plan.platform == "windows" else "sdstudio-cli")
    done = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    if done.stdout.split() != ["sdstudio", plan.version]:
        raise BuildError(f"{program} does not start:\n{done.stdout}{done.stderr}")


def report(plan: Plan, made: Sequence[Path]) -> int:
    models, status = plan.models_size(), 0
    folder = sum(path.lstat().st_size for path in entries(plan.program)) if plan.program.exists() else 0
    say(f"\n  the folder: {folder / MEGABYTE:.0f} MB; models in it: {models / MEGABYTE:.1f} MB")
    for path in made:
        size = path.stat().st_size
        problem = too_large(size, models, plan.target) if "STUB" not in path.name else None
        say(f"  {path.name}: {size / MEGABYTE:.1f} MB{f'  TOO LARGE: {problem}' if problem else ''}")
        status = 1 if problem else status
    return status


def say_time(name: str, start: float) -> None:
    say(f"── {name}: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

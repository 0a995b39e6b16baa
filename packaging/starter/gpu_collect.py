"""Waits for the pipeline on a graphics machine, then hands over what is there in parts small enough to be fetched.

    python3 gpu_collect.py WORK OUT --wait SECONDS [--until unet.done]

Ends early when WORK/all.done (or the file named) appears or the pipeline has died. OUT gets one archive in parts
(shards.py): export/ (the model in float16, newest weights), low-rank differences, logs, reconstructions.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from shards import split

HERE = Path(__file__).resolve().parent
LOG_TAIL = 1500


def alive(pid_file: Path) -> bool:
    """Whether the pipeline still runs."""
    if not pid_file.exists():
        return False
    state = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_for(work: Path, seconds: float, until: str) -> None:
    end = time.time() + seconds
    while time.time() < end and not (work / until).exists() and alive(work / "pipeline.pid"):
        time.sleep(1)


def gather(work: Path, out: Path, samples: int) -> list[Path]:
    """What there is to be handed over, in a fresh folder."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    if (work / "run/main/model_index.json").exists():
        words = ["run/main", "tok", str(out / "export"), "--log", "run/main.log.json"]
        subprocess.run([sys.executable, str(HERE / "export_model.py"), *words], cwd=work, check=True)
        words = ["run/main", str(out / "sheet.png"), "--nouns", "data/main.noun.json"]
        words += ["--count", str(samples)]
        subprocess.run([sys.executable, str(HERE / "sample_sheet.py"), *words], cwd=work, check=True)
    elif (work / "run/vae/config.json").exists():
        shutil.copytree(work / "run/vae", out / "vae")
    for pattern in ("*.txt", "run/*.log.json", "run/*.png", "run/*.safetensors"):
        for path in work.glob(pattern):
            shutil.copy(path, out / path.name)
    return sorted(out.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--wait", type=float, default=0, help="seconds, at most")
    parser.add_argument("--until", default="all.done")
    parser.add_argument("--samples", type=int, default=64, help="pictures on the sheet")
    options = parser.parse_args()
    wait_for(options.work, options.wait, options.until)
    parts = split(options.out / "handover", gather(options.work, options.work / "gathered", options.samples))
    print(len(parts), "parts; pipeline", "runs" if alive(options.work / "pipeline.pid") else "is over")
    for path in sorted(options.work.glob("*.txt"), key=os.path.getmtime):
        print(f"--- {path.name}\n{path.read_text('utf-8', errors='replace')[-LOG_TAIL:]}")


if __name__ == "__main__":
    main()

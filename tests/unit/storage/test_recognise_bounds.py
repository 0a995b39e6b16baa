"""No header keeps a computer busy: what would take minutes is refused in its own words, and real files are far below.

None of these looks at a clock: each names what there is too much of, or counts what was done.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdstudio.domain.model_file import Verdict
from sdstudio.storage.recognise import pickle_budget, pickle_tensors, safetensors_header, state_dict, zip_members
from sdstudio.storage.recognise.pickle_budget import Budget
from sdstudio.storage.recognise.pickle_machine import follow
from sdstudio.storage.recognise.pickle_state import Memo, PickleState
from sdstudio.storage.recognise.recogniser import recognise
from sdstudio.storage.recognise.refusal import Refusal
from sdstudio.storage.recognise.state_dict import small_values
from sdstudio.storage.recognise.torch_values import read_torch_pickle
from tests.helpers.hostile_files import GOOD, GOOD_STORAGE, legacy
from tests.helpers.model_files import MAGIC, pickled, table, text, write_archive
from tests.unit.storage.test_pickle_tensors import few_enough, outcome, stepwise, taken, tensors
from tests.unit.storage.test_pickle_tensors import pickled as run_pickled
from tests.unit.storage.test_pickle_writers import state, written

__all__ = ["taken"]

SAME_HASH = 2**61 - 1
"""Whole numbers that differ by it have the same hash, so that a table of n of them takes n * n steps."""


def refusal(data: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        read_torch_pickle(data)
    return caught.value.reason


def reason(path: Path) -> str:
    return recognise(path).reason


# -- pickles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [-1, 2**32, SAME_HASH, 2 * SAME_HASH])
def test_places_of_the_memo_are_those_of_the_opcodes(place: int) -> None:
    assert "a place that there is not" in refusal(b"Np%d\n." % place)


def test_the_last_place_of_the_memo_is_one() -> None:
    assert read_torch_pickle(b"I5\np%d\n0g%d\n." % (2**32 - 1, 2**32 - 1))[0] == 5


def test_numbers_that_share_a_hash_are_no_keys() -> None:
    numbers = [5, -7, 2**60 - 1, SAME_HASH, 5 + SAME_HASH, 2**200]
    items = b"".join(b"\x8a\x20" + number.to_bytes(32, "little", signed=True) + b"N" for number in numbers)
    assert read_torch_pickle(pickled(b"}(" + items + b"u"))[0] == dict.fromkeys(numbers[:3])


def test_odd_texts_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_budget, "ODD_TEXT_BYTES_MAX", 9)
    odd = b"\x8c\x03\xed\xa0\x80"
    assert read_torch_pickle(b"\x80\x04(" + 3 * odd + b"l.")[0] == 3 * ["\ud800"]
    assert refusal(b"\x80\x04(" + 4 * odd + b"l.") == "its pickle has too many texts of odd letters"
    long = b"\x8d" + struct.pack("<Q", 12) + 4 * b"\xed\xa0\x80"
    assert "odd letters" in refusal(b"\x80\x04" + long + b".")


@pytest.mark.parametrize(
    ("step", "cost"), [(b"N0", 2), (b"ccollections\nOrderedDict\n0", 5), (b"]Na0", 4), (b"I7\n0", 3), (b"](Ne0", 6)]
)
def test_dear_steps_count_for_more(step: bytes, cost: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_budget, "OPCODES_MAX", 100 * cost + 4)
    read_torch_pickle(pickled(100 * step + b"N"))
    assert "steps" in refusal(pickled(104 * step + b"N"))


def test_all_pickles_of_a_file_share_what_they_may_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_budget, "OPCODES_MAX", 1000)
    some = b"N0" * 140 + b"N"
    path = tmp_path / "a.ckpt"
    path.write_bytes(legacy(MAGIC, some, some, some))
    assert "without weights" in reason(path)
    path.write_bytes(legacy(MAGIC, some, some, some + some))
    assert "steps" in reason(path)


def test_what_was_spent_until_a_pickle_broke_is_spent() -> None:
    budget = Budget()
    with pytest.raises(Refusal):
        read_torch_pickle(pickled(b"N0" * 500)[:-1], 0, budget)
    assert budget.steps == pickle_budget.OPCODES_MAX - 1002


def test_a_storage_is_listed_once(tmp_path: Path) -> None:
    keys = b"](" + 2 * text("0") + b"e"
    path = tmp_path / "a.ckpt"
    path.write_bytes(legacy(MAGIC, b"M\xe9\x03", table({}), table({"a": GOOD}), keys, weights=bytes(100)))
    assert "the list of its weights" in reason(path)


def test_a_long_prefix_stands_before_few_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_dict, "LETTERS_MAX", 1000)
    for prefix, words in (("p" * 150, "no kind"), ("p" * 250, "the names of its tensors have more than 1,000 letters")):
        inner = table({f"{number}": GOOD for number in range(4)})
        write_archive(tmp_path / "a.ckpt", pickled(b"}" + text(prefix) + inner + b"s"), GOOD_STORAGE)
        assert words in reason(tmp_path / "a.ckpt")


def test_long_names_without_tables_are_counted_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_dict, "LETTERS_MAX", 1000)
    names = {f"{number}" + "n" * 300: GOOD for number in range(4)}
    write_archive(tmp_path / "a.ckpt", pickled(table(names)), GOOD_STORAGE)
    assert "letters" in reason(tmp_path / "a.ckpt")


def test_small_values_are_small() -> None:
    values: dict[str, Any] = {"a": 10**200 - 1, "b": 10**200, "c": -(10**199), "d": "t" * 200, "e": "t" * 201, "f": 0.5}
    assert sorted(small_values(values | {"k" * 101: 1, "g": True, "h": [1], "i": 2**8000})) == ["a", "d", "f"]


# -- tensors at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ["TENSORS_MAX", "KINDS_MAX"])
@pytest.mark.parametrize("most", [0, 1, 3, 2100])
def test_beyond_the_limits_it_is_step_by_step(limit: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = run_pickled(tensors(300, count=60))
    whole = outcome(data)
    monkeypatch.setattr(pickle_budget, limit, most)
    with few_enough():
        assert outcome(data) == whole == stepwise(data)


def test_so_few_kinds_are_taken_at_once(monkeypatch: pytest.MonkeyPatch, taken: list[object]) -> None:
    data = written(state(200), 4)
    monkeypatch.setattr(pickle_budget, "KINDS_MAX", 3)
    assert outcome(data) == stepwise(data) and len(taken) < 10
    monkeypatch.setattr(pickle_budget, "KINDS_MAX", 4)
    taken.clear()
    assert outcome(data) == stepwise(data) and len(taken) > 190


def test_looking_for_tensors_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each text looks like a tensor's name, and none is."""
    one = b"X\1\0\0\0aq\x09h\0((h\0" + b"110"
    data = pickled(b"Nq\x000" + one * 3000 + b"N")
    looks = 0
    real = pickle_tensors.TensorTaker._rows_at

    def rows_at(self: pickle_tensors.TensorTaker, place: int) -> Any:
        nonlocal looks
        looks += 1
        return real(self, place)

    monkeypatch.setattr(pickle_tensors.TensorTaker, "_rows_at", rows_at)
    monkeypatch.setattr(pickle_budget, "TENSORS_MAX", 2500)
    outcome(data)
    assert 200 <= looks <= 300


def test_windows_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    from sdstudio.storage.recognise import tensor_steps

    windows = 0
    real = tensor_steps.TensorRows.__init__

    def begin(self: tensor_steps.TensorRows, data: bytes, place: int) -> None:
        nonlocal windows
        windows += 1
        real(self, data, place)

    monkeypatch.setattr(tensor_steps.TensorRows, "__init__", begin)
    monkeypatch.setattr(tensor_steps, "WINDOW_BYTES", 2000)
    jump = b"X\1\0\0\0aq\x09h\0((h\0" + b"110" + text("((h" * 700) + b"0"
    outcome(pickled(b"Nq\x000" + jump * 60 + b"N"))
    assert 10 <= windows <= pickle_budget.TENSORS_MAX // 2000


# -- what is kept for later -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [4, 5])
def test_what_nobody_asks_for_is_not_made(protocol: int, monkeypatch: pytest.MonkeyPatch, taken: list[object]) -> None:
    """Frames of 64 kB interrupt the runs of tensors, and MEMOIZE must know the next place behind each."""
    data = written({"epoch": 3, "state_dict": state(3000)}, protocol)
    assert data.count(b"\x95") > 3
    made: list[int] = []
    real = Memo._catch_up

    def catch_up(self: Memo) -> None:
        made.append(len(self._postponed))
        real(self)

    monkeypatch.setattr(Memo, "_catch_up", catch_up)
    found = outcome(data)
    assert not any(made) and len(taken) > 2900
    assert found == stepwise(data)


class Eager(dict[int, Any]):
    """What the memo must be like: nothing is put off."""

    def postpone(self, first: int, values: list[int]) -> None:
        self.update(enumerate(values, first))

    def add(self, value: object) -> None:
        self[len(self)] = value


CHANGES = st.lists(
    st.tuples(st.sampled_from(["put", "add", "run here", "run", "get", "dense"]), st.integers(0, 30)), max_size=30
)


@given(CHANGES)
def test_the_memo_is_like_one_that_puts_nothing_off(changes: list[tuple[str, int]]) -> None:
    memo, eager = Memo(), Eager()
    for value, (change, place) in enumerate(changes):
        if change == "put":
            memo[place] = eager[place] = value
        elif change == "add":
            memo.add(value)
            eager.add(value)
        elif change == "get":
            assert (memo[place] if place in eager else None) == eager.get(place)
        elif change == "dense":
            assert memo.is_dense() == (sorted(eager) == list(range(len(eager))))
        else:
            first = len(eager) if change == "run here" else place
            values = list(range(1000 * value, 1000 * value + 1 + place % 7))
            memo.postpone(first, len(values), lambda values=values: values)
            eager.postpone(first, values)
        assert memo.next_place() == len(eager)
    assert {place: memo[place] for place in eager} == eager and len(memo) <= len(eager)


def test_a_place_that_nothing_is_kept_in_is_damage() -> None:
    machine = PickleState(pickled(b"Nq\x00h\x01"), 0, lambda name, arguments: name, lambda key: key)
    with pytest.raises(Refusal, match="damaged"):
        follow(machine)


# -- archives and headers ---------------------------------------------------------------------------------------------


def archive(path: Path, count: int, extra: bytes, more: str = "") -> Path:
    """With that extra field in the list, and `count` empty members."""
    body, listed = bytearray(), bytearray()
    members = [("archive/data.pkl", pickled(table({"a": GOOD}))), ("archive/data/0", bytes(8))]
    members += [(f"archive/data/x{number}{more}", b"") for number in range(count)]
    for name, data in members:
        bare, size, place = name.encode(), len(data), len(body)
        header = 0xFFFFFFFF if extra else place
        field = extra + struct.pack("<HHQ", 1, 8, place) if extra else b""
        body += struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, size, size, len(bare), 0) + bare + data
        listed += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, size, size, len(bare), len(field), 0, 0, 0, 0, header
        )
        listed += bare + field
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, len(members), len(members), len(listed), len(body), 0)
    path.write_bytes(body + listed + end)
    return path


@pytest.mark.parametrize(("fields", "words"), [(7, "no kind"), (8, "describes a file without end")])
def test_extra_fields_of_an_archive_have_an_end(fields: int, words: str, tmp_path: Path) -> None:
    assert words in reason(archive(tmp_path / "a.ckpt", 100, b"\x02\0\0\0" * fields))


def test_unusual_archives_are_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, unusual = archive(tmp_path / "a.ckpt", 200, b""), archive(tmp_path / "b.ckpt", 200, b"", "é")
    assert "no kind" in reason(usual) and "no kind" in reason(unusual)
    monkeypatch.setattr(zip_members, "_UNUSUAL_MAX", 150)
    assert "no kind" in reason(usual)
    assert "lists 202 files, and not in the way of torch" in reason(unusual)


def safetensors(path: Path, header: str) -> Path:
    data = header.encode()
    path.write_bytes(struct.pack("<Q", len(data)) + data + bytes(2))
    return path


TENSOR = '"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}'


@pytest.mark.parametrize(
    ("limit", "inner", "words"),
    [("BRACKETS_MAX", "[],", "lists and tables"), ("TEXTS_MAX", '"","",', "more than 1,000 texts")],
)
def test_headers_are_not_made_of_scraps(
    limit: str, inner: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = safetensors(tmp_path / "a.safetensors", f'{{"__metadata__":{{"a":[{inner * 1000}1]}},{TENSOR}}}')
    assert "no table of texts" in reason(path)
    monkeypatch.setattr(safetensors_header, limit, 1000)
    assert "no table of texts" in reason(path)  # in so few bytes there is no need to count
    monkeypatch.setattr(safetensors_header, "PIECES_FROM", 0)
    assert words in reason(path) and recognise(path).verdict is Verdict.UNSAFE


def test_a_log_in_the_metadata_is_no_crowd_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safetensors_header, "TEXTS_MAX", 100)
    monkeypatch.setattr(safetensors_header, "PIECES_FROM", 0)
    log = '\\"tag\\": 1, ' * 1000
    assert "no kind" in reason(safetensors(tmp_path / "a.safetensors", f'{{"__metadata__":{{"a":"{log}"}},{TENSOR}}}'))


@pytest.mark.parametrize("metadata", [True, False])
def test_numbers_of_a_header_have_an_end(metadata: bool, tmp_path: Path) -> None:
    number = "9" * 401
    first = f'"__metadata__":{{"a":{number}}}' if metadata else f'"b":{{"dtype":"F16","shape":[{number}]}}'
    assert "limit of 400 digits" in reason(safetensors(tmp_path / "a.safetensors", f"{{{first},{TENSOR}}}"))

"""Tensors whose steps are taken at once are what they are when followed step by step, and so is what comes after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sdstudio.storage.recognise import pickle_budget, pickle_tensors, tensor_steps
from sdstudio.storage.recognise.pickle_tensors import TensorTaker
from sdstudio.storage.recognise.pickle_values import Made
from sdstudio.storage.recognise.refusal import Refusal
from sdstudio.storage.recognise.torch_values import read_torch_pickle

SHAPES = ((320,), (768, 70_000), (3, 4, 5), (320, 4, 3, 3), (1, 2, 3, 4, 5), (), (2, -1))


class Pickler:
    """Writes tensors as torch.save does: what was written once is taken from the memo.

    Styles: "usual", protocol 2; "long", with places of four bytes from the first on; "next", protocol 4.
    """

    def __init__(self, first: int = 0, style: str = "usual") -> None:
        self.places: dict[str, int] = {}
        self.next = first
        self.style = style

    def put(self, name: str = "") -> bytes:
        place, self.next = self.next, self.next + 1
        self.places[name] = place
        if self.style == "next":
            return b"\x94"
        return b"q" + bytes([place]) if place < 256 and self.style == "usual" else b"r" + place.to_bytes(4, "little")

    def get(self, name: str) -> bytes:
        place = self.places[name]
        return b"h" + bytes([place]) if place < 256 and self.style != "long" else b"j" + place.to_bytes(4, "little")

    def once(self, name: str, steps: bytes) -> bytes:
        if name not in self.places:
            return steps + self.put(name)
        return self.get(name)

    def text(self, value: str, name: str = "") -> bytes:
        data = value.encode()
        short = self.style == "next" and len(data) < 256
        length = b"\x8c" + bytes([len(data)]) if short else b"X" + len(data).to_bytes(4, "little")
        return self.once(name or f"text {value}", length + data)

    def sides(self, values: tuple[int, ...]) -> bytes:
        if not values:
            return b")"
        steps = b"".join(map(number, values))
        return (steps + bytes([0x84 + len(values)]) if len(values) < 4 else b"(" + steps + b"t") + self.put()

    def tensor(self, name: str, key: str, shape: tuple[int, ...], *, view: bytes = b"", grad: bytes = b"\x89") -> bytes:
        steps = self.text(name) + self.once("rebuild", b"ctorch._utils\n_rebuild_tensor_v2\n")
        steps += b"((" + self.text("storage") + self.once("class", b"ctorch\nHalfStorage\n") + self.text(key)
        steps += self.text("cpu") + number(10**6) + view + b"t" + self.put() + b"Q" + number(7)
        steps += self.sides(shape) + self.sides((1,) * len(shape)) + grad
        steps += self.once("ordered", b"ccollections\nOrderedDict\n") + b")R" + self.put()
        return steps + b"t" + self.put() + b"R" + self.put(f"tensor {name}")


def number(value: int) -> bytes:
    if 0 <= value < 2**16:
        return b"K" + bytes([value]) if value < 256 else b"M" + value.to_bytes(2, "little")
    return b"J" + value.to_bytes(4, "little", signed=True)


def pickled(steps: bytes) -> bytes:
    return b"\x80\x02}(" + steps + b"u."


def tensors(first: int, count: int = 60, style: str = "usual") -> bytes:
    pickler = Pickler(first, style)
    return b"".join(pickler.tensor(f"a.{place}", str(place), SHAPES[place % 6]) for place in range(count))


@contextmanager
def few_enough() -> Iterator[None]:
    """Also a single tensor is tried."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickle_tensors, "SAMPLE_TENSORS", 1)
        yield


@pytest.fixture(autouse=True)
def _few_enough() -> Iterator[None]:
    with few_enough():
        yield


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The names of the tensors that were taken at once."""
    names: list[object] = []
    real = TensorTaker.take

    def take(self: TensorTaker, begin: int, name: int, end: int, stack: list[object]) -> int:
        before = len(stack)
        place = real(self, begin, name, end, stack)
        names.extend(stack[before::2])
        return place

    monkeypatch.setattr(TensorTaker, "take", take)
    return names


def take_none(_taker: TensorTaker, begin: int, _name: int, _end: int, _stack: list[object]) -> int:
    return begin


def stepwise(data: bytes) -> tuple[object, object]:
    """With nothing taken at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TensorTaker, "take", take_none)
        return outcome(data)


def plain(value: object, depth: int = 8) -> object:
    """To be compared: objects that would be made are what they would be made of."""
    if depth == 0:
        return type(value)
    if isinstance(value, Made):
        return "made", *(plain(part, depth - 1) for part in (value.maker, value.arguments, value.state))
    if isinstance(value, dict):
        return {key: plain(inner, depth - 1) for key, inner in value.items()}
    if type(value) in (tuple, list):
        return [type(value), *(plain(inner, depth - 1) for inner in value)]  # type: ignore[attr-defined]
    return value


def outcome(data: bytes) -> tuple[object, object]:
    """What is read and where it ends, or the words and the verdict of the refusal."""
    try:
        value, end = read_torch_pickle(data)
        return plain(value), end
    except Refusal as error:
        return str(error), error.verdict


@pytest.mark.parametrize(
    ("first", "style"),
    [(0, "usual"), (250, "usual"), (300, "usual"), (70_000, "usual"), (2**31, "usual"), (0, "long"), (0, "next")],
)
def test_they_are_the_same(first: int, style: str, taken: list[object]) -> None:
    data = pickled(tensors(first, style=style))
    found = outcome(data)
    assert len(taken) >= 20 or first == 2**31
    assert isinstance(found[0], dict) and len(found[0]) == 60
    assert found == stepwise(data)


def changed(first: int) -> dict[str, Callable[[Pickler], bytes]]:
    """Steps that are not those of a usual tensor, before others that are, or that look into the memo."""
    wide = b"X\x03\0\0\0" + b"12"
    return {
        "a view of torch 1.5": lambda pickler: pickler.tensor("b", "b", (2, 3), view=b"N"),
        "wants gradients": lambda pickler: pickler.tensor("b", "1000", (2, 3), grad=b"\x88"),
        "a negative side": lambda pickler: pickler.tensor("b", "1000", (2, -1)),
        "the same weights again": lambda pickler: pickler.tensor("b", "3", (4, 5)),
        "a key that is too long": lambda pickler: pickler.tensor("b", "12", (4, 5)).replace(
            b"X\x02\0\0\0" + b"12", wide
        ),
        "a tensor of the memo": lambda pickler: pickler.text("again") + pickler.once("tensor a.59", b""),
        "its size of the memo": lambda pickler: (
            pickler.tensor("b", "1000", (9, 8)) + pickler.text("c") + b"j" + (pickler.next - 6).to_bytes(4, "little")
        ),
        "a builder that is none": lambda pickler: pickler.tensor("b", "1000", (4, 5)).replace(
            pickler.once("rebuild", b""), pickler.once("text cpu", b"")
        ),
        "a builder that is not there": lambda pickler: pickler.tensor("b", "1000", (4, 5)).replace(
            pickler.once("rebuild", b""), b"j\xff\xff\xff\x7f"
        ),
        "overwrites what it reads": lambda pickler: pickler.tensor("b", "1000", (4, 5)).replace(
            b"r" + (pickler.next - 8).to_bytes(4, "little"), b"r" + pickler.places["class"].to_bytes(4, "little")
        ),
    }


@pytest.mark.parametrize("first", [0, 300])
@pytest.mark.parametrize("case", sorted(changed(0)))
def test_what_differs_is_read_as_step_by_step(first: int, case: str) -> None:
    pickler = Pickler(first)
    steps = b"".join(pickler.tensor(f"a.{place}", str(place), SHAPES[place % 6]) for place in range(60))
    steps += changed(first)[case](pickler) + b"".join(
        pickler.tensor(f"z.{place}", str(100 + place), SHAPES[place % 6]) for place in range(3)
    )
    assert outcome(pickled(steps)) == stepwise(pickled(steps))


def test_a_global_that_is_called_instead_is_refused(taken: list[object]) -> None:
    pickler = Pickler(300)
    usual = b"".join(pickler.tensor(f"a.{place}", str(place), (4, 5)) for place in range(3))
    data = pickled(usual.replace(b"ctorch._utils\n_rebuild_tensor_v2\n", b"cposix\nsystem\n"))
    found = outcome(data)
    assert not taken and "posix.system" in str(found[0])
    assert found == stepwise(data)


def test_every_cut_is_read_as_step_by_step() -> None:
    data = pickled(tensors(300, count=3))
    for end in range(len(data) - 200, len(data)):
        assert outcome(data[:end]) == stepwise(data[:end])


@pytest.mark.parametrize("style", ["usual", "long", "next"])
def test_every_changed_byte_is_read_as_step_by_step(style: str) -> None:
    pickler = Pickler(0, style)
    steps = [pickler.tensor(f"a.{place}", str(place), SHAPES[place % 2]) for place in range(4)]
    data = pickled(b"".join(steps))
    begin = data.index(steps[2])
    for place in range(begin, begin + len(steps[2])):
        for value in {data[place] ^ 1, *b"(tjr\x94"}:
            changed = data[:place] + bytes([value]) + data[place + 1 :]
            assert outcome(changed) == stepwise(changed), (place, value)


@pytest.mark.parametrize(("sides", "times"), [(16, 3), (17, 2)])
def test_a_match_has_an_end(taken: list[object], sides: int, times: int) -> None:
    """A hostile file could have numbers without end where a tuple should be, many times over."""
    pickler = Pickler(300)
    data = b"".join(pickler.tensor(f"a.{place}", str(place), (4, 5)) for place in range(3))
    data = pickled(data + pickler.tensor("b", "b3", (1,) * sides) + pickler.tensor("c", "7", (1,) * sides))
    outcome(data)
    assert len(taken) == times


def run_of(pickler: Pickler) -> tuple[bytes, bytes]:
    """What stands before a run of tensors, and the last of it."""
    before = b"".join(pickler.tensor(f"a.{place}", str(place), (4, 5)) for place in range(6))
    return before, pickler.tensor("b", "98765", (4, 5))


def test_places_that_do_not_stand_together_are_kept_as_they_are() -> None:
    pickler = Pickler(300)
    before, last = run_of(pickler)
    one, other = (b"r" + (pickler.next - back).to_bytes(4, "little") for back in (8, 7))
    swapped = last.replace(one, b"?").replace(other, one).replace(b"?", other)
    data = pickled(before + swapped + pickler.text("c") + b"j" + one[1:])
    found = outcome(data)
    assert swapped != last and isinstance(found[0], dict) and found[0]["c"] == "98765"
    assert found == stepwise(data)


def test_a_key_is_as_long_as_it_says() -> None:
    before, last = run_of(Pickler(300))
    data = pickled(before + last.replace(b"X\5\0\0\0" + b"98765", b"X\4\0\0\0" + b"98765"))
    found = outcome(data)
    assert "unknown step" in str(found[0])
    assert found == stepwise(data)


def test_what_a_run_has_kept_anew_is_read_anew() -> None:
    pickler = Pickler(300)
    before, last = run_of(pickler)
    # The class of the storage, kept in a place beforehand where the run then keeps a key.
    place = (pickler.next - 15).to_bytes(4, "little")
    early = b"X\1\0\0\0xctorch\nHalfStorage\nr" + place
    known = b"j" + pickler.places["class"].to_bytes(4, "little")
    data = pickled(early + before + last.replace(known, b"j" + place))
    found = outcome(data)
    assert known in last and "storage that makes no sense" in str(found[0])
    assert found == stepwise(data)


def test_what_is_kept_in_the_next_place_may_have_been_kept_elsewhere() -> None:
    """MEMOIZE goes by how many places there are, not by which."""
    pickler = Pickler(0, "next")
    usual = b"".join(pickler.tensor(f"a.{place}", str(place), (4, 5)) for place in range(6))
    for place in (9, 20, 21, 1000):
        early = b"X\1\0\0\0xNr" + place.to_bytes(4, "little")
        data = pickled(early + usual + pickler.text("c") + b"j" + place.to_bytes(4, "little"))
        assert outcome(data) == stepwise(data)


@pytest.mark.parametrize("name", ["\x7f", "größer", "模型", "a\0b\nc"])
def test_names_of_all_letters(name: str, taken: list[object]) -> None:
    pickler = Pickler(300)
    data = pickled(b"".join(pickler.tensor(f"{name}{place}", f"{name}k{place}", (4, 5)) for place in range(9)))
    found = outcome(data)
    assert isinstance(found[0], dict) and list(found[0]) == [f"{name}{place}" for place in range(9)]
    assert len(taken) >= 7 and found == stepwise(data)


def test_a_name_that_is_no_text_is_refused_as_step_by_step() -> None:
    pickler = Pickler(300)
    data = pickled(b"".join(pickler.tensor(f"name{place}", str(place), (4, 5)) for place in range(9)))
    for broken in (data.replace(b"name7", b"name\xff"), data.replace(b"name7", b"\xed\xa0\x80xx")):
        assert outcome(broken) == stepwise(broken)
        assert "damaged" in str(outcome(broken)[0])


def test_a_pickle_longer_than_a_window(taken: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_steps, "WINDOW_BYTES", 2000)
    data = pickled(tensors(300, count=200))
    found = outcome(data)
    assert len(taken) >= 120 and found == stepwise(data)


def test_hostile_runs_have_an_end() -> None:
    """Tensors that look usual, and are not: it must not be tried again and again how many there are."""
    pickler = Pickler(300)
    usual = b"".join(pickler.tensor(f"a.{place}", str(place), (4, 5)) for place in range(5000))
    data = pickled(usual.replace(b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch._utils\n_rebuild_parameter\n"))
    looked_at = 0
    real = pickle_tensors._Kinds.count_usual

    def count(self: object, rows: list[bytes]) -> int:
        nonlocal looked_at
        looked_at += len(rows)
        return real(self, rows)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickle_tensors._Kinds, "count_usual", count)
        outcome(data)
    assert 0 < looked_at <= pickle_budget.TENSORS_MAX + 5000

"""`sdstudio bench` on the command line: rows become a table, and each figure with an aim a verdict."""

from __future__ import annotations

import pytest

from sdstudio.cli import bench
from tests.helpers.cli_fixtures import Run, desk, run

__all__ = ["desk", "run"]


def test_bench(run: Run) -> None:
    assert run("bench", "nothing", "--json").json == [{"what": "nothing", "seconds": 0.5}]
    assert run("bench", "nothing").out == "what: nothing  seconds: 0.5\n"
    result = run("bench", "other")
    assert result.code == 2 and "nothing" in result.err


def test_measured_rows_become_a_table() -> None:
    rows = [
        {
            "what": "drawing",
            "unit": "ms",
            "n": 9,
            "p50": 1.0,
            "p99": 8.0,
            "max": 9.5,
            "cpu_p99": 7.25,
            "aim": "p99 <= 8",
        },
        {"what": "age", "unit": "frames", "n": 9, "p50": 1.0, "p99": 2.5, "max": 3, "aim": "<= 2"},
        {"what": "opening", "unit": "ms", "n": 1, "p50": 1, "p99": 1, "max": 1, "aim": "answers all the while"},
    ]
    heading = bench._heading().split("\n")[0]
    lines = [heading, *(bench._line(row) for row in rows)]
    for words in (("unit", "ms", "frames", "ms"), ("aim", "p99 <= 8", "<= 2", "answers")):
        assert {line.index(f"  {word}") for line, word in zip(lines, words, strict=True)} == {
            heading.index(f"  {words[0]}")
        }
    assert [line.split()[-1] for line in lines[1:]] == ["met", "MET", "while"]
    assert "7.25" in lines[1] and "NOT MET" in lines[2]


@pytest.mark.parametrize(
    ("p99", "other", "aim", "words"),
    [
        (8.0, 30.0, "p99 <= 8", "met"),
        (8.1, 8.0, "p99 <= 8", "NOT MET"),
        (8.1, 8.1, "p99 <= 8", "NOT MET, nor by other work"),
        (8.1, 8.1, "max <= 8", "NOT MET"),
        (8.1, None, "p99 <= 8", "NOT MET"),
    ],
)
def test_a_figure_is_judged_beside_what_other_work_came_to(
    p99: float, other: float | None, aim: str, words: str
) -> None:
    row: dict[str, object] = {"what": "drawing", "p50": 1.0, "p99": p99, "max": 9.0, "aim": aim}
    assert bench.verdict(row if other is None else {**row, "other_p99": other}) == words

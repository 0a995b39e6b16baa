"""A command line to call in the test's own process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdstudio.cli.main import main
from tests.helpers.cli_desk import CliDesk


class Result:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Result]


@pytest.fixture
def desk(tmp_path: Path) -> CliDesk:
    return CliDesk(tmp_path)


@pytest.fixture
def run(desk: CliDesk, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_(*argv: object) -> Result:
        code = main([str(word) for word in argv], desk.services)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run_

"""What a command says of the device that pictures are made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.cli_desk import CliDesk
from tests.helpers.cli_fixtures import Run, desk, run

__all__ = ["desk", "run"]


def test_why_no_card_is_used_is_said_by_the_program_that_was_chosen_for_cards(
    run: Run, desk: CliDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.engine.no_card = "No graphics card is used, because there is no driver."
    assert run("generate", "a cat", "--out", tmp_path / "out").err == "", "from source nobody chose torch's build"
    monkeypatch.setattr("sdstudio.cli.running.is_frozen", lambda: True)
    result = run("generate", "a cat", "--out", tmp_path / "out", "--json")
    assert result.code == 0 and result.err == "No graphics card is used, because there is no driver.\n"

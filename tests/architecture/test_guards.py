"""The guards of tests/conftest.py, tried on tests that misbehave."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers.children import run_python
from tests.helpers.sources import ROOT

CASES = """
import logging, socket, warnings
import pytest

def test_logs():
    logging.getLogger("sdstudio.x").warning("the disk is nearly full")

@pytest.mark.expects_log("nearly full")
def test_logs_as_announced():
    logging.getLogger("sdstudio.x").warning("the disk is nearly full")

@pytest.mark.expects_log("nearly full")
def test_does_not_log_as_announced():
    pass

def test_hides_a_network_attempt():
    try:
        socket.getaddrinfo("example.invalid", 80)
    except RuntimeError:
        pass
"""


def test_misbehaving_tests_fail(tmp_path: Path) -> None:
    path = tmp_path / "test_cases.py"
    path.write_text(CASES, encoding="utf-8")
    options = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-p", "no:pytest-qt", "-o", "addopts="]
    done = run_python(["-m", "pytest", *options, "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), str(path)])
    assert "4 passed" in done.stdout and "3 errors" in done.stdout, done.stdout
    for name in ("test_logs", "test_does_not_log_as_announced", "test_hides_a_network_attempt"):
        assert f"::{name} - " in done.stdout
    assert "the disk is nearly full" in done.stdout


def test_every_test_has_a_home_of_its_own(home: Path) -> None:
    assert Path.home() == home
    assert not list(home.iterdir())
    assert Path(os.environ["SDSTUDIO_HOME"]).is_relative_to(home)


def test_everything_stays_offline() -> None:
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"


@pytest.mark.expects_log("hello")
def test_a_warning_that_is_announced_is_in_order() -> None:
    import logging

    logging.getLogger("sdstudio").warning("hello there")

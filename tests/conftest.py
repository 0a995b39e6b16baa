"""Guards around every test: no network, a home of its own, nothing logged that nobody expected.

A test that means to provoke a warning in the log says so: `@pytest.mark.expects_log("part of the message")`; every
part has to appear, and nothing else may. Without parts, anything may be logged.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.helpers import no_network

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "QT_QPA_PLATFORM": "offscreen",
    "OMP_NUM_THREADS": "1",
}

hypothesis.settings.register_profile("sdstudio", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("sdstudio")

_run_home = pytest.StashKey[Path]()


def home_variables(home: Path) -> dict[str, str]:
    """All that programs ask for when they look for a place of the person's own, on every system."""
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home / "AppData" / "Roaming"),
        "LOCALAPPDATA": str(home / "AppData" / "Local"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "SDSTUDIO_HOME": str(home / "sdstudio"),
    }


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported: offline, and in a home that is thrown away."""
    config.addinivalue_line("markers", "expects_log(*parts): warnings in the log are part of this test")
    home = Path(tempfile.mkdtemp(prefix="sdstudio-home-"))
    config.stash[_run_home] = home
    os.environ.update(OFFLINE | home_variables(home))
    no_network.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_run_home], ignore_errors=True)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home folder for the test; SD Studio's own folders are below it."""
    folder = tmp_path_factory.mktemp("home")
    for name, value in home_variables(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture(autouse=True)
def network_attempts() -> Iterator[list[str]]:
    """Fails a test whose code tried the network, even where the code swallowed the error."""
    no_network.attempts.clear()
    yield no_network.attempts
    seen = list(no_network.attempts)
    no_network.attempts.clear()
    assert not seen, f"the network was tried: {seen}"


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def quiet_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that logged a warning or worse, unless it is marked with expects_log."""
    collector = _Collector()
    root = logging.getLogger()
    root.addHandler(collector)
    yield
    root.removeHandler(collector)
    marker = request.node.get_closest_marker("expects_log")
    parts = marker.args if marker is not None else ()
    if marker is not None and not parts:
        return
    unexpected = [text for text in collector.messages if not any(part in text for part in parts)]
    assert not unexpected, "logged although nobody expected it:\n" + "\n".join(unexpected)
    unseen = [part for part in parts if not any(part in text for text in collector.messages)]
    assert not unseen, f"expected in the log, but not there: {unseen}"

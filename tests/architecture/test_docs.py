"""The papers say what is so: ARCHITECTURE.md's table, README's commands, the pins, and no traces of one machine."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.helpers.sources import PACKAGE, ROOT, python_files, relative, repository_files

BYTES_ALLOWED = 60 * 2**20
TEXT_SUFFIXES = {".cfg", ".in", ".json", ".md", ".py", ".svg", ".toml", ".ts", ".txt", ".yaml", ".yml", ""}
# One letter in brackets each, so that this file does not name what it looks for.
TRACES = re.compile(
    r"/hom[e]/|/roo[t]/|pyen[v]/versions|C:\\User[s]|pyp[i]\.org|pyth[o]nhosted|pyt[o]rch\.org/whl|registry\.npm[j]s"
)


def test_the_table_of_architecture_md_equals_the_tree() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = re.search(r"^## The tree$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, "ARCHITECTURE.md has no section “## The tree”"
    rows = re.findall(r"^\|\s*`?([\w./]+\.py)`?\s*\|\s*(\S.*?)\s*\|$", section.group(1), re.MULTILINE)
    listed = [name for name, _ in rows]
    present = {path.relative_to(PACKAGE).as_posix() for path in python_files("sdstudio") if path.name != "__init__.py"}
    assert len(listed) == len(set(listed)), "listed twice"
    assert not present - set(listed), f"not in the table: {sorted(present - set(listed))}"
    assert not set(listed) - present, f"in the table, but gone: {sorted(set(listed) - present)}"


def test_the_commands_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"packaging[/\\]bootstrap\.py (\w+)", text)
    assert {"run", "test"} <= set(commands)
    assert set(commands) <= {"run", "test", "build"}
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert (ROOT / target).exists(), f"README.md links to {target}, which is not there"
    for program in re.findall(r"^\s*(?:\$ )?(sdstudio[\w-]*) ", text, re.MULTILINE):
        assert program in programs(), f"README.md starts {program}, which is no program of ours"


def programs() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {*project["scripts"], *project["gui-scripts"]}


def test_both_programs_are_there() -> None:
    assert programs() == {"sdstudio", "sdstudio-cli"}


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "NOTICE"])
def test_the_papers_are_there(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8")) > 200


def text_files() -> list[tuple[str, str]]:
    paths = (path for path in repository_files() if path.suffix in TEXT_SUFFIXES and path.stat().st_size < 2**20)
    return [(relative(path), path.read_text(encoding="utf-8", errors="replace")) for path in paths]


def test_nothing_tells_of_one_machine_or_a_package_index() -> None:
    files = text_files()
    assert len(files) > 50
    found = [f"{name}: {trace.group()}" for name, text in files for trace in TRACES.finditer(text)]
    assert not found, "\n".join(found)


def test_the_checkout_stays_small() -> None:
    sizes = {relative(path): path.stat().st_size for path in repository_files()}
    total = sum(sizes.values())
    biggest = sorted(sizes, key=lambda name: -sizes[name])[:5]
    assert total < BYTES_ALLOWED, f"{total / 2**20:.1f} MiB; the biggest: {biggest}"


def pins() -> dict[str, set[str]]:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([a-z0-9-]+)==([\w.]+)( ; .+)?", line)
        assert match, f"constraints.txt may hold names, versions and markers only: {line!r}"
        found.setdefault(match[1], set()).add(match[2])
    return found


def test_every_dependency_is_pinned_and_the_unwanted_are_not() -> None:
    found = pins()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"], "hatchling", "uv"]
    names = {re.split(r"[<>=!~ ;\[]", text)[0].lower() for text in wanted}
    assert not names - found.keys()
    assert not {"scipy", "torchvision", "torchsde", "pyside6", "pyside6-addons"} & found.keys()
    assert found["torch"] == {"2.13.0"}
    assert "6.12.0" not in found["pyside6-essentials"]


def test_installed_packages_are_the_pinned_ones() -> None:
    from importlib.metadata import distributions

    found = pins()
    installed = {re.sub(r"[-_.]+", "-", dist.name).lower(): dist.version for dist in distributions()}
    strangers = {
        f"{name} {version}"
        for name, version in installed.items()
        if name not in {"pip", "sdstudio", "wheel"} and version.partition("+")[0] not in found.get(name, set())
    }
    assert not strangers, f"not as in constraints.txt: {sorted(strangers)}"

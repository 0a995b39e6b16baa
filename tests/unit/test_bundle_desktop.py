"""What the desktops of Linux and Windows read: entries, icons, installers. In homes with any letters."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

import bundle_icons
from bundle_desktop import MENU_ENTRY, metainfo, write_share
from bundle_tar import INSTALL
from bundle_tree import write
from bundle_windows import SCRIPTS

EPOCH = 1_700_000_000


def read_entry(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, encoding="utf-8")
    return parser["Desktop Entry"]


def test_a_tree_like_usr_share(tmp_path: Path) -> None:
    write_share(tmp_path, "0.1.0", EPOCH)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert "applications/sdstudio.desktop" in names
    assert "icons/hicolor/48x48/apps/sdstudio.png" in names
    assert len(names) == 3 + len(bundle_icons.SIZES)


def test_the_page_of_software_centres_names_this_release() -> None:
    root = ElementTree.fromstring(metainfo("0.1.0", EPOCH))
    release = root.find("releases/release")
    assert release is not None
    assert (release.get("version"), release.get("date")) == ("0.1.0", "2023-11-14")
    assert root.findtext("launchable") == MENU_ENTRY.name


def test_the_entry_is_for_the_window() -> None:
    entry = read_entry(MENU_ENTRY)
    assert (entry["Exec"], entry["Terminal"]) == ("sdstudio %F", "false")
    assert "image/openraster" in entry["MimeType"].split(";")


def test_icons_are_the_same_at_every_build(tmp_path: Path) -> None:
    for size in (16, 48):
        icon = bundle_icons.draw_icon(size)
        assert icon.size == (size, size)
        assert icon.tobytes() == bundle_icons.draw_icon(size).tobytes()
        assert icon.getpixel((0, 0))[3] < 128, "rounded corners are transparent"  # type: ignore[index]
    path = bundle_icons.write_ico(tmp_path / "sdstudio.ico")
    with Image.open(path) as ico:
        assert ico.info["sizes"] == {(size, size) for size in bundle_icons.ICO_SIZES}


@pytest.mark.skipif(os.name == "nt", reason="a shell script for Linux")
class TestInstallScript:
    @pytest.fixture
    def home(self, tmp_path: Path) -> Path:
        return tmp_path / 'Zoë\'s "files" 100% $HOME'

    @pytest.fixture
    def program(self, home: Path) -> Path:
        folder = home / "sd & studio"
        write_share(folder / "share", "0.1.0", EPOCH)
        write(folder / "sdstudio", "#!/bin/sh\n", executable=True)
        write(folder / "sdstudio-cli", "#!/bin/sh\n", executable=True)
        write(folder / "install.sh", INSTALL.read_text(encoding="utf-8"), executable=True)
        return folder

    def run(self, program: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
        command = ["sh", str(program / "install.sh"), *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    def test_the_menu_starts_this_program(self, program: Path, home: Path) -> None:
        done = self.run(program, home)
        assert done.returncode == 0, done.stderr
        entry = read_entry(home / ".local/share/applications/sdstudio.desktop")
        assert unquoted(entry["Exec"]) == [str(program / "sdstudio"), "%F"]
        assert (home / ".local/share/icons/hicolor/48x48/apps/sdstudio.png").is_file()
        assert os.path.realpath(home / ".local/bin/sdstudio-cli") == os.path.realpath(program / "sdstudio-cli")

    def test_it_can_be_run_twice_and_taken_back(self, program: Path, home: Path) -> None:
        mine = write(home / ".local/share/applications/other.desktop", "[Desktop Entry]\n")
        assert self.run(program, home).returncode == 0
        assert self.run(program, home).returncode == 0
        assert self.run(program, home, "--uninstall").returncode == 0
        left = {path for path in (home / ".local").rglob("*") if path.is_file() or path.is_symlink()}
        caches = {path for path in left if path.name in {"mimeinfo.cache", "icon-theme.cache"} or "mime" in path.parts}
        assert left - caches == {mine}
        assert (program / "sdstudio").is_file()

    def test_a_file_of_the_same_name_stays(self, program: Path, home: Path) -> None:
        mine = write(home / ".local/bin/sdstudio", "mine", executable=True)
        assert self.run(program, home).returncode == 0
        assert self.run(program, home, "--uninstall").returncode == 0
        assert mine.read_text(encoding="utf-8") == "mine"

    def test_half_an_archive_is_said(self, program: Path, home: Path) -> None:
        (program / "sdstudio").unlink()
        done = self.run(program, home)
        assert done.returncode == 1
        assert "Unpack the archive anew" in done.stderr
        assert self.run(program, home, "--help").returncode == 2


def unquoted(value: str) -> list[str]:
    """As the specification of menu entries reads Exec: first the value's own escapes, then the argument's."""
    text = re.sub(r"\\(.)", r"\1", value)
    match = re.fullmatch(r'"((?:[^"\\$`]|\\.)*)" (%F)', text)
    assert match, text
    return [re.sub(r"\\(.)", r"\1", match[1]).replace("%%", "%"), match[2]]


def test_the_windows_installer_deletes_only_its_own() -> None:
    script = (SCRIPTS / "installer.nsi").read_text(encoding="utf-8")
    assert re.findall(r"^\s*RMDir /r (.+)$", script, re.MULTILINE) == ['"$INSTDIR\\_internal"']
    assert "RequestExecutionLevel user" in script
    assert "HKLM" not in script
    deleted = set(re.findall(r'^\s*Delete "\$INSTDIR\\(.+)"$', script, re.MULTILINE))
    assert {"THIRD_PARTY_LICENSES.txt", "sbom.cdx.json", "sdstudio.exe", "sdstudio-cli.exe"} <= deleted


@pytest.mark.skipif(shutil.which("makensis") is None, reason="NSIS is not installed")
def test_the_windows_installer_compiles(tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    write(payload / "sdstudio.exe", "x")
    defines = {
        "VERSION": "0.1.0",
        "NUMBERS": "0.1.0.0",
        "PAYLOAD": str(payload),
        "OUTFILE": str(tmp_path / "sdstudio-setup.exe"),
        "ICON": str(bundle_icons.write_ico(tmp_path / "icon.ico")),
    }
    command = ["makensis", "-V2", "-WX", *(f"-D{name}={value}" for name, value in defines.items())]
    done = subprocess.run([*command, str(SCRIPTS / "installer.nsi")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "sdstudio-setup.exe").stat().st_size > 10_000

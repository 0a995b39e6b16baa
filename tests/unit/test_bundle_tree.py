"""Trees that come out the same at every build, and the files made of them."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from bundle_split import parts_of, split_large, whole_of
from bundle_tar import write_tar
from bundle_tree import entries, forget_commands, place, settle, write, write_listing
from entry_damaged import LISTING, damaged_files

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links and modes are Linux' own")
EPOCH = 1_700_000_000


def make_program(folder: Path) -> Path:
    write(folder / "sdstudio", "program", executable=True)
    write(folder / "_internal" / "b.txt", "b")
    write(folder / "_internal" / "a ä.txt", "ä")
    write(folder / "_internal" / "lib" / "libx.so.1", "x")
    (folder / "_internal" / "libx.so.1").symlink_to("lib/libx.so.1")
    return folder


def tar_of(folder: Path) -> bytes:
    stream = io.BytesIO()
    settle(folder, EPOCH)
    write_tar(folder, stream, EPOCH)
    return stream.getvalue()


def test_the_listing_names_every_file_but_itself(tmp_path: Path) -> None:
    program = make_program(tmp_path)
    write_listing(program)
    listing = program / "_internal" / LISTING
    assert damaged_files(program, listing) == []
    assert len(listing.read_text(encoding="utf-8").splitlines()) == 4
    before = listing.read_bytes()
    write_listing(program)
    assert listing.read_bytes() == before


def test_commands_that_are_not_packed_are_forgotten(tmp_path: Path) -> None:
    record = tmp_path / "_internal" / "tool-1.0.dist-info" / "RECORD"
    write(record, "../../../bin/tool,sha256=abc,335\ntool/__init__.py,sha256=def,1\n../../Scripts/tool.exe,,\n")
    forget_commands(tmp_path)
    assert record.read_bytes() == b"tool/__init__.py,sha256=def,1\n"


def test_modes_and_times_are_fixed(tmp_path: Path) -> None:
    program = make_program(tmp_path)
    (program / "_internal" / "b.txt").chmod(0o600)
    settle(program, EPOCH)
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in entries(program) if not path.is_symlink()}
    assert modes["sdstudio"] == modes["_internal"] == 0o755
    assert modes["b.txt"] == 0o644
    assert {path.lstat().st_mtime for path in entries(program)} == {EPOCH}


def test_the_same_tree_gives_the_same_archive(tmp_path: Path) -> None:
    first = make_program(tmp_path / "first")
    second = tmp_path / "second"
    place(first, second)  # by hard links: another tree to look at, the same in the archive
    os.utime(first / "sdstudio", (1, 1))
    assert tar_of(first) == tar_of(second)
    with tarfile.open(fileobj=io.BytesIO(tar_of(second))) as archive:
        members = {member.name: member for member in archive.getmembers()}
    assert members["_internal/libx.so.1"].issym()
    assert members["_internal/lib/libx.so.1"].isreg()
    assert {member.uid for member in members.values()} == {0}
    assert members["sdstudio"].mode == 0o755


def test_links_stay_links(tmp_path: Path) -> None:
    program = make_program(tmp_path / "program")
    place(program, tmp_path / "copy")
    link = tmp_path / "copy" / "_internal" / "libx.so.1"
    assert link.is_symlink() and link.read_text(encoding="utf-8") == "x"


@pytest.mark.parametrize(("size", "parts"), [(10, [10]), (11, [10, 1]), (30, [10, 10, 10])])
def test_parts_give_the_whole(tmp_path: Path, size: int, parts: list[int]) -> None:
    path = tmp_path / "asset.tar.zst"
    path.write_bytes(bytes(range(size)))
    made = split_large(path, part_bytes=10)
    assert [part.stat().st_size for part in made] == parts
    assert b"".join(part.read_bytes() for part in made) == bytes(range(size))
    assert [part.name for part in made] == [part.name for part in parts_of(path)] or len(parts) == 1
    assert path.exists() == (len(parts) == 1)


def test_parts_of_an_earlier_build_go(tmp_path: Path) -> None:
    path = tmp_path / "asset.deb"
    for name in ("asset.deb.part1", "asset.deb.part3", "asset.debt.part1"):
        (tmp_path / name).write_bytes(b"old")
    path.write_bytes(bytes(15))
    assert [part.name for part in split_large(path, part_bytes=10)] == ["asset.deb.part1", "asset.deb.part2"]
    assert (tmp_path / "asset.debt.part1").exists() and not (tmp_path / "asset.deb.part3").exists()
    path.write_bytes(b"small")
    assert split_large(path, part_bytes=10) == [path] and parts_of(path) == []


def test_the_order_of_parts_is_that_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        (tmp_path / f"a.part{number}").touch()
    assert [part.name for part in parts_of(tmp_path / "a")] == ["a.part1", "a.part2", "a.part10"]
    assert [whole_of(Path(name)) for name in ("a.zip.part2", "a.zip", "a.particle")] == ["a.zip", "", ""]

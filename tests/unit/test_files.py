from __future__ import annotations

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sdstudio.domain.errors import StorageError
from sdstudio.storage import files
from sdstudio.storage.files import check_writable, reserve_names, write_atomic, write_new


def test_write_atomic_makes_folders_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file.txt"
    write_atomic(target, b"one")
    write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert os.listdir(target.parent) == ["file.txt"]


def test_a_failed_write_keeps_the_old_file_and_cleans_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file.txt"
    write_atomic(target, b"old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StorageError) as caught:
        write_atomic(target, b"new")
    assert "full" in caught.value.message and str(tmp_path) in caught.value.message and caught.value.hint
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_new_files_get_numbers_and_nothing_is_overwritten(tmp_path: Path) -> None:
    names = [write_new(tmp_path, "apple", ".png", bytes([n])).name for n in range(3)]
    assert names == ["apple.png", "apple-2.png", "apple-3.png"]
    assert [(tmp_path / name).read_bytes() for name in names] == [b"\0", b"\1", b"\2"]


@pytest.mark.parametrize("links", [True, False])
def test_many_writers_at_once_each_keep_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """With hard links, and as on FAT, where there are none."""
    if not links:

        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(files.os, "link", refuse)
    writers = 12
    gate = threading.Barrier(writers)

    def write(number: int) -> Path:
        gate.wait()
        return write_new(tmp_path, "same", ".png", f"content {number}".encode() * 1000)

    with ThreadPoolExecutor(writers) as pool:
        paths = list(pool.map(write, range(writers)))
    assert len(set(paths)) == writers
    for number, path in enumerate(paths):
        assert path.read_bytes() == f"content {number}".encode() * 1000
    assert len(os.listdir(tmp_path)) == writers


def test_a_file_where_a_folder_should_be_is_told_in_words(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    for folder in (in_the_way, in_the_way / "below"):
        with pytest.raises(StorageError, match="file is in its way"):
            check_writable(folder)


def test_check_writable_leaves_nothing_behind(tmp_path: Path) -> None:
    check_writable(tmp_path / "new")
    assert os.listdir(tmp_path / "new") == []


def test_reserved_names_avoid_disk_each_other_and_other_jobs(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    taken = [str(tmp_path / "A-2.png")]
    paths = reserve_names(tmp_path, ["a", "a", "b"], ".png", taken)
    assert [path.name for path in paths] == ["a-3.png", "a-4.png", "b.png"]


@pytest.mark.skipif(os.name == "nt", reason="permission bits are POSIX")
def test_files_have_the_permissions_of_any_saved_file(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        path = write_new(tmp_path, "a", ".png", b"")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644

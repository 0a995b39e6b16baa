from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from sdstudio.domain.edits import ImageInput
from sdstudio.domain.errors import StorageError
from sdstudio.domain.request import UpscaleRequest
from sdstudio.jobs.job import Job, is_job_id, new_job_id
from sdstudio.jobs.journal import Journal
from sdstudio.jobs.outputs import file_stems, slug
from tests.helpers.requests import generation

CHILD = """
import sys
from pathlib import Path
from sdstudio.domain.edits import ImageInput
from sdstudio.domain.request import UpscaleRequest
from sdstudio.jobs.job import Job
from sdstudio.jobs.journal import Journal
from tests.helpers.requests import generation
journal = Journal(Path(sys.argv[1]))
journal.open(Job(job_id="child", request=generation(count=2), files=("/x/a.png", "/x/b.png")))
journal.done_picture("child", 1)
print("open", flush=True)
sys.stdin.read()
"""


def a_job(job_id: str = "one", count: int = 1) -> Job:
    files = tuple(f"/results/{index}.png" for index in range(count))
    return Job(job_id=job_id, request=generation(count=count), files=files)


def test_a_job_is_on_disk_while_open_and_gone_after(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.open(a_job())
    assert [path.name for path in (tmp_path / "journal").iterdir()] == ["one.json"]
    assert journal.reserved() == {"/results/0.png"}
    journal.close("one")
    journal.close("one")
    assert list((tmp_path / "journal").iterdir()) == []


def test_jobs_of_this_process_are_not_unfinished(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open(a_job())
    assert journal.unfinished() == [] == Journal(tmp_path).unfinished()


def test_jobs_of_a_killed_process_are(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdin is not None
    try:
        assert child.stdout.readline().strip() == b"open"
        assert Journal(tmp_path).unfinished() == []
    finally:
        child.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
        child.stdin.close()
        child.wait(30)
        child.stdout.close()
    (entry,) = Journal(tmp_path).unfinished()
    assert entry.job == Job(job_id="child", request=generation(count=2), files=("/x/a.png", "/x/b.png"))
    assert entry.done == {1}
    Journal(tmp_path).forget("child")
    assert Journal(tmp_path).unfinished() == []


def test_a_process_number_that_was_given_to_another_counts_as_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open(a_job())
    path = tmp_path / "one.json"
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"process_started": data["process_started"] - 1000}))
    assert [entry.job.job_id for entry in Journal(tmp_path).unfinished()] == ["one"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"\xff\xff",
        b"{}",
        b"[" * 100000,
        json.dumps({"schema": 1, "job_id": "../x"}).encode(),
        json.dumps({"schema": 9}).encode(),
    ],
)
@pytest.mark.expects_log("is set aside")
def test_damaged_entries_are_set_aside(tmp_path: Path, content: bytes) -> None:
    journal = Journal(tmp_path)
    journal.open(a_job())
    (tmp_path / "bad.json").write_bytes(content)
    assert journal.reserved() == {"/results/0.png"}
    assert (tmp_path / "bad.bad").read_bytes() == content
    assert journal.unfinished() == []


@pytest.mark.expects_log("its files do not match its request")
def test_entries_that_do_not_add_up_are_set_aside(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open(a_job())
    data = json.loads((tmp_path / "one.json").read_text())
    (tmp_path / "one.json").write_text(json.dumps(data | {"files": []}))
    assert Journal(tmp_path).reserved() == frozenset()
    assert (tmp_path / "one.bad").exists()


def test_names_of_jobs_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "victim.json").write_text("{}")
    Journal(tmp_path / "journal").forget("../victim")
    assert (tmp_path / "victim.json").exists()
    assert not any(map(is_job_id, ["", ".", "../a", "a/b", "a\\b", "a.b", "-a"]))
    assert is_job_id(new_job_id(datetime(2026, 1, 2)))


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file is in its way"):
        Journal(tmp_path / "file").open(a_job())


WHEN = datetime(2026, 11, 21, 14, 25, 30)


def test_pictures_are_named_by_time_words_and_seed() -> None:
    assert file_stems(generation("A red, apple!", seed=7, count=2), WHEN) == [
        "2026-11-21_142530_a-red-apple_7",
        "2026-11-21_142530_a-red-apple_8",
    ]
    last = replace(generation(seed=2**64 - 1, count=2))
    assert [stem.rsplit("_", 1)[1] for stem in file_stems(last, WHEN)] == [str(2**64 - 1), "0"]


def test_an_enlarged_picture_of_ours_has_one_time_in_its_name() -> None:
    image = ImageInput(sha256="ab" * 32, width=8, height=8)
    request = UpscaleRequest(image=image, scale=4, source_name="2026-11-20_090000_a-cat_7")
    assert file_stems(request, WHEN) == ["2026-11-21_142530_a-cat-7_4x"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "picture"),
        ("...", "picture"),
        ("../../etc/passwd", "etc-passwd"),
        ('a<b>c:d"e/f\\g|h?i*j', "a-b-c-d-e-f-g-h-i-j"),
        ("Ein süßer Kürbis\n", "ein-süßer-kürbis"),
        ("赤いりんご", "赤いりんご"),
        ("हिन्दी", "हिन्दी"),
        ("x" * 100, "x" * 40),
        ("one two three four five six seven eight nine ten", "one-two-three-four-five-six-seven-eight"),
        ("りんご" * 30, ("りんご" * 30)[:33]),
        ("a\ud800b\0c", "a-b-c"),
        ("🍎 apple", "apple"),
    ],
)
def test_words_are_safe_on_every_system(text: str, words: str) -> None:
    assert slug(text) == words
    assert len(words.encode()) <= 100

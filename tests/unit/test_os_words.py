"""What the operating system says about files, in plain words."""

from __future__ import annotations

import errno
import os
import re

import pytest

from sdstudio.domain.os_words import os_reason, os_words

NUMBERS = (errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EIO, errno.ENOENT, errno.ENAMETOOLONG, errno.EMFILE)


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_and_no_words_of_the_system(number: int) -> None:
    error = OSError(number, os.strerror(number), "/somewhere/a.png")
    words = os_words(error)
    assert "Errno" not in words and os.strerror(number) not in words and not re.search(r"\d", words)
    assert words == f"“/somewhere/a.png”: {os_reason(error)}"


def test_what_is_not_known_is_as_the_system_says_it() -> None:
    assert os_reason(OSError(errno.EPIPE, "Broken pipe")) == "Broken pipe"
    assert os_reason(OSError(999_999, "")) == "the system gives no reason"
    assert os_words(OSError("the file ends too early")) == "the file ends too early"


def test_a_file_that_another_program_holds_on_windows() -> None:
    error = PermissionError(errno.EACCES, "The process cannot access the file")
    error.winerror = 32  # type: ignore[attr-defined,unused-ignore]
    assert "another program" in os_reason(error)

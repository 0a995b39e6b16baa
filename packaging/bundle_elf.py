"""What Linux's libraries ask of the machine they run on, read with objdump (binutils)."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

Version = tuple[int, ...]
# Which GCC's libstdc++ brought which version of its symbols.
GCC_OF_GLIBCXX = {(3, 4, 29): 11, (3, 4, 30): 12, (3, 4, 31): 13, (3, 4, 32): 13, (3, 4, 33): 14, (3, 4, 34): 15}


@dataclass(frozen=True)
class ElfFacts:
    needed: tuple[str, ...] = ()
    """Names of the libraries that the loader is asked for."""
    glibc: Version = (0,)
    """The newest version of the C library's symbols that are used."""
    glibcxx: Version = (0,)


def parse(text: str) -> ElfFacts:
    """From the output of `objdump -p`; files of other kinds give empty facts."""
    asked = text.partition("Version References:")[2]  # before that: what the library itself defines
    return ElfFacts(
        needed=tuple(re.findall(r"^\s+NEEDED\s+(\S+)", text, re.MULTILINE)),
        glibc=newest(re.findall(r"\bGLIBC_([\d.]+)", asked)),
        glibcxx=newest(re.findall(r"\bGLIBCXX_([\d.]+)", asked)),
    )


def newest(versions: Iterable[str]) -> Version:
    return max((tuple(int(part) for part in text.strip(".").split(".")) for text in versions), default=(0,))


@functools.cache
def elf_facts(path: str) -> ElfFacts:
    done = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=False)
    return parse(done.stdout)


def needed_by(path: str) -> tuple[str, ...]:
    return elf_facts(path).needed


def gcc_of(glibcxx: Version) -> int:
    """The GCC release whose libstdc++ suffices; the newest known one for versions that are newer than the table."""
    return next((gcc for version, gcc in sorted(GCC_OF_GLIBCXX.items()) if glibcxx <= version), 15)

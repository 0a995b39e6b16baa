"""One file to start from: sets SD Studio up once, then starts it or runs its checks. Standard library only.

    python3 packaging/bootstrap.py run [ARGS…]     the window, or a command: run generate "a red apple"
    python3 packaging/bootstrap.py test [ARGS…]    all checks and tests (ARGS go to pytest)
    python3 packaging/bootstrap.py build [ARGS…]   what users install: deb, tar, setup, all

This file is kept readable for Pythons older than the one needed, so that they can say so in words; what it starts
is in the bootstrap_*.py files beside it. There is no __init__.py here: it would shadow the library "packaging".
"""

import sys

NEEDED = (3, 11)
USAGE = """\
usage: python3 packaging/bootstrap.py run [ARGS…]     start SD Studio; ARGS are pictures to open or a command,
                                                      such as: run generate "a red apple" --out pictures
       python3 packaging/bootstrap.py test [ARGS…]    all checks and tests; ARGS go to pytest
       python3 packaging/bootstrap.py build [ARGS…]   what users install, into dist/: deb, tar, setup, zip, all
"""


def too_old(version: "tuple[int, int]") -> "str | None":
    """What to tell the owner of a Python that is too old; None where `version` is good enough."""
    if version >= NEEDED:
        return None
    words = "SD Studio needs Python {}.{} or newer; this is Python {}.{}.\n".format(*NEEDED, *version)
    return words + "Install a newer one and start again with it, for example: python3.11 packaging/bootstrap.py run\n"


def main(arguments: "list[str]") -> int:
    """Exit status: that of what was started; 1 = could not be set up; 2 = wrong use or a Python that is too old."""
    problem = too_old(sys.version_info[:2])
    if problem is not None:
        sys.stderr.write(problem)
        return 2
    if not arguments or arguments[0] not in ("run", "test", "build"):
        asked_for_help = arguments[:1] in (["-h"], ["--help"])
        (sys.stdout if asked_for_help else sys.stderr).write(USAGE)
        return 0 if asked_for_help else 2
    import bootstrap_commands  # beside this file; only now, since older Pythons cannot read it

    return bootstrap_commands.main(arguments[0], arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

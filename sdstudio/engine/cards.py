"""Graphics cards: which are there, whether one really computes, and in plain words why none does.

A driver that is missing, too old or broken must not keep the program from starting: it then works on the processor and
says so. Only NVIDIA's cards are looked for (CUDA); a torch that was built without CUDA expects none.
"""

from __future__ import annotations

import logging
import re

import torch

_log = logging.getLogger(__name__)

_FAILURES = (RuntimeError, torch.cuda.DeferredCudaCallError)

_UPDATE = "Install a newer graphics driver from NVIDIA to use the graphics card."
_FAULTS: tuple[tuple[str, str, str], ...] = (
    (
        "no nvidia driver",
        "there is no NVIDIA graphics driver",
        "With an NVIDIA card and its driver pictures come faster.",
    ),
    (
        "no cuda gpus are available",
        "the NVIDIA graphics driver finds no graphics card",
        "With an NVIDIA card pictures come faster.",
    ),
    (
        "unsupported display driver",
        "the parts of the NVIDIA graphics driver do not fit together",
        "This happens after an update of the driver: restart the computer.",
    ),
    (
        "driver/library version mismatch",
        "the parts of the NVIDIA graphics driver do not fit together",
        "This happens after an update of the driver: restart the computer.",
    ),
    (
        "out of memory",
        "the graphics card has no memory left",
        "Close other programs that use it, then start SD Studio again.",
    ),
    (
        "no kernel image",
        "the graphics card is older than those that this version of SD Studio can use",
        "It needs one of the GeForce GTX 16 or RTX 20 series, or newer.",
    ),
)
"""(what torch's or CUDA's message contains, the reason in words, what to do)"""
_OTHER = ("the NVIDIA graphics driver does not work", "Restart the computer; if it stays so, install the driver again.")


def card_count() -> int:
    """How many cards the driver offers. Whether one computes is known only after `try_card`."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def card_name(number: int) -> str:
    """Empty where the driver does not even tell the name."""
    try:
        return str(torch.cuda.get_device_name(number))
    except _FAILURES as error:
        _log.warning("Graphics card %d has no name: %s", number, _first_line(error))
        return ""


def try_card(number: int) -> str:
    """Computes a little on the card: "" if it works, else why not (see `why_not`)."""
    try:
        torch.ones(2, device=torch.device("cuda", number)).sum().item()
    except _FAILURES as error:
        _log.warning("Graphics card %d cannot be used: %s", number, _first_line(error))
        return why_not(str(error))
    return ""


def why_no_card() -> str:
    """Why there are no cards though this torch could use them (see `why_not`); "" where it could not anyway."""
    if torch.version.cuda is None:
        return ""
    try:
        torch.cuda.init()
    except _FAILURES as error:
        # No fault: many computers have no such card, and the package index has this torch for all of them.
        _log.info("No graphics card can be used: %s", _first_line(error))
        return why_not(str(error))
    return ""


def why_not(message: str) -> str:
    """Sentences for people from a message of torch or CUDA: what is wrong, and what to do."""
    text = message.lower()
    old = re.search(r"too old \(found version (\d+)\)", text)
    if old is not None:
        reason, hint = f"the NVIDIA graphics driver is too old ({_versions(int(old[1]))})", _UPDATE
    else:
        found = ((reason, hint) for part, reason, hint in _FAULTS if part in text)
        reason, hint = next(found, _OTHER)
    return f"No graphics card is used, because {reason}. {hint}"


def _versions(found: int) -> str:
    """CUDA counts 11040 for 11.4."""
    return f"made for CUDA {found // 1000}.{found % 1000 // 10}, needed is CUDA {torch.version.cuda}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]

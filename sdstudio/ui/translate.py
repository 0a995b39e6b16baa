"""Marks words of tables that are made before an application exists; they are translated where they are shown."""

from __future__ import annotations


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """The text as it is. Qt's tools look for this name; Qt's own function says nothing of its type."""
    return text

"""A model file as a row of the command line: the contract's object, and two lines for people."""

from __future__ import annotations

from typing import Any

from sdstudio.domain.model_file import Evidence, ModelFile


def to_dict(found: ModelFile) -> dict[str, Any]:
    """The keys that every row of `models` has; null where the file does not tell."""
    return {
        "name": found.name,
        "path": found.path,
        "hash": found.hashes.short if found.hashes is not None else None,
        "family": found.family.value if found.family is not None else None,
        "role": found.role.value,
        "prediction": found.prediction.value,
        "precision": found.precision or None,
        "channels": found.channels,
        "refused": found.refused,
        "reason": found.reason or None,
    }


def to_details(found: ModelFile) -> dict[str, Any]:
    """What `models inspect` adds."""
    hashes, beside = found.hashes, found.side_car
    return to_dict(found) | {
        "what": found.what or None,
        "kind": found.kind or None,
        "verdict": found.verdict.value,
        "evidence": found.evidence.value,
        "zero_snr": found.zero_snr,
        "ema": found.has_ema,
        "parameters": found.parameters,
        "resolution": found.resolution or None,
        "context_width": found.context_width,
        "parts": list(found.parts),
        "layout": found.layout or None,
        "bytes": found.size_bytes,
        "sha256": hashes.sha256 if hashes is not None else None,
        "old_hash": (hashes.old or None) if hashes is not None else None,
        "thumbnail": beside.thumbnail or None,
        "title": beside.title or None,
        "words": list(beside.words),
        "notes": beside.notes or None,
    }


def to_text(found: ModelFile) -> str:
    if found.refused:
        return f"{found.name}  (refused: {found.reason.removesuffix(': refused')})\n  {found.path}"
    known = [found.what or found.role.value, found.precision, found.hashes.short if found.hashes is not None else ""]
    return f"{found.name}  ({', '.join(filter(None, known))})\n  {found.path}"


def to_long_text(found: ModelFile) -> str:
    lines = [to_text(found)]
    if found.family is not None and found.channels is not None:
        known = f" ({found.evidence.value})" if found.evidence is not Evidence.NONE else ""
        lines.append(f"  prediction: {found.prediction.value}{known}")
    facts = {
        "family": found.family.value if found.family is not None else "",
        "holds": ", ".join(found.parts),
        "trained at": f"{found.resolution} px" if found.resolution else "",
        "parameters": f"{found.parameters:,}" if found.parameters else "",
        "EMA": "yes" if found.has_ema else "",
        "title": found.side_car.title,
        "words": ", ".join(found.side_car.words),
        "notes": found.side_car.notes,
        "sha256": found.hashes.sha256 if found.hashes is not None else "",
    }
    return "\n".join((*lines, *(f"  {name}: {value}" for name, value in facts.items() if value)))

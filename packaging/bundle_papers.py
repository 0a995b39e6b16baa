"""The papers that go with a build: licences of others, a bill of materials (CycloneDX), check sums."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from bundle_parts import Part
from bundle_split import parts_of, whole_of
from bundle_tree import write

LICENCES = "THIRD_PARTY_LICENSES.txt"
BILL = "sbom.cdx.json"
SUMS = "SHA256SUMS"
RULE = "=" * 79
SPDX_ID = re.compile(r"[A-Za-z0-9.+-]+")
NAMESPACE = uuid.UUID("6f1c1c53-9a3e-4f0e-8a57-2d1f4b7c9e10")
BLOCK = 1 << 20


NVIDIA_WORDS = (
    "NVIDIA's libraries lie unchanged in the folder “_internal/nvidia”. They are no free software: NVIDIA's agreements",
    "below allow to pass them on only as a part of this program, and only this program may use them.",
    "",
)


def licences_text(parts: Sequence[Part]) -> str:
    """One file: a list of everything, then the full texts, each text once."""
    lines = [
        "SD Studio comes with works of others. This file names them and gives their licences; NOTICE, beside it, names",
        "the model, the upscaler and the font. Qt and PySide6 are used under the GNU Lesser General Public License 3:",
        "their libraries lie unchanged in the folder “_internal/PySide6” and may be replaced by others.",
        "",
    ]
    if any(part.name.startswith("nvidia-") for part in parts):
        lines += NVIDIA_WORDS
    lines += [f"  {part.name} {part.version}{f': {part.licence}' if part.licence else ''}" for part in parts]
    users: dict[str, list[str]] = {}
    for part in parts:
        for name, text in part.texts:
            users.setdefault(text.strip(), []).append(f"{part.name} {part.version} ({name})")
    for text, names in users.items():
        lines += ["", RULE, *names, RULE, "", text]
    return "\n".join(lines) + "\n"


def unlicensed(parts: Iterable[Part]) -> list[str]:
    """Those of whom we have neither a licence's name nor its text: they may not be shipped."""
    return [part.name for part in parts if not part.licence and not part.texts]


def bill_of_materials(parts: Sequence[Part], version: str, epoch: int) -> str:
    """CycloneDX 1.6 as JSON, the same at every build of the same parts."""
    components = [_component(part) for part in parts]
    moment = datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    identity = json.dumps([version, epoch, components], sort_keys=True)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, identity)}",
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "component": {
                "type": "application",
                "bom-ref": "sdstudio",
                "name": "sdstudio",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": components,
        "dependencies": [{"ref": "sdstudio", "dependsOn": [component["bom-ref"] for component in components]}],
    }
    return json.dumps(bill, indent=1, ensure_ascii=False) + "\n"


def _component(part: Part) -> dict[str, object]:
    component: dict[str, object] = {
        "type": "library",
        "bom-ref": part.purl,
        "name": part.name,
        "version": part.version,
        "purl": part.purl,
    }
    if part.licence:
        component["licenses"] = [_licence(part.licence)]
    return component


def _licence(text: str) -> dict[str, object]:
    """An SPDX expression as such, anything else as a name."""
    is_expression = all(SPDX_ID.fullmatch(word.strip("()")) for word in text.split()) and (
        " " not in text or " AND " in text or " OR " in text or " WITH " in text
    )
    return {"expression": text} if is_expression else {"license": {"name": text}}


def write_papers(program: Path, root: Path, parts: Sequence[Part], version: str, epoch: int) -> None:
    """Into the program's folder."""
    write(program / LICENCES, licences_text(parts))
    write(program / BILL, bill_of_materials(parts, version, epoch))
    for source, name in ((root / "LICENSE", "LICENSE.txt"), (root / "NOTICE", "NOTICE.txt")):
        write(program / name, source.read_text(encoding="utf-8"))


def sha256(*paths: Path) -> str:
    """Of the files put together in this order."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def write_sums(folder: Path) -> Path:
    """In the form that `sha256sum --check SHA256SUMS` reads; of a file in parts also what it is when put together."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != SUMS)
    sums = {path.name: sha256(path) for path in files}
    for name in {whole_of(path) for path in files} - {""}:
        sums[name] = sha256(*parts_of(folder / name))
    return write(folder / SUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))

"""The tiny decoders (TAESD) among the model files that were found: what previews can be made with."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sdstudio.domain.additions import AddedFile
from sdstudio.domain.model_file import ModelRole
from sdstudio.storage.model_index import ModelIndex

_MARK = f'"{ModelRole.TAESD.value}"'
"""In the index's records; what lacks it need not be read."""


@dataclass(frozen=True, slots=True)
class PreviewFiles:
    """Asked at the beginning of each job, in any thread; what was found by the last look through the folders."""

    index: ModelIndex

    def __call__(self) -> tuple[AddedFile, ...]:
        """By path; halves that only encode are left out."""
        rows = sorted((item for item in self.index.rows().items() if _MARK in item[1].record), key=lambda item: item[0])
        models = [model for path, row in rows if (model := row.model(path)) is not None]
        return tuple(
            AddedFile(name=model.name, path=model.path)
            for model in models
            if model.role is ModelRole.TAESD and not model.refused and _decodes(model.path)
        )


def _decodes(path: str) -> bool:
    name = os.path.basename(path).lower()
    return "encoder" not in name and os.path.isfile(path)

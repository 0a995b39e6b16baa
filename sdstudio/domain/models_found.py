"""All that was found in the folders of models, as values: by folder, with what can be done with each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sdstudio.domain.model_file import ModelFile
from sdstudio.domain.models import ModelInfo


class FolderKind(Enum):
    BUILT_IN = "built in"
    OWN = "own"
    ADDED = "added"


class ModelState(Enum):
    """What can be done with a model, the most useful first. CHOICE: it can be chosen; PART goes along with a checkpoint
    (a LoRA, a VAE, …); LATER is sound and not used (yet)."""

    CHOICE = 0
    PART = 1
    LATER = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """`file`: what its header tells; `info`: how it is chosen, None where it cannot be; `search`: what a filter looks
    for in it, in lower case."""

    file: ModelFile
    state: ModelState
    info: ModelInfo | None = None
    search: str = ""

    @property
    def name(self) -> str:
        """What it is called, in every list; of a link to another model what the link is called."""
        own = self.info is not None and self.info.spec.path == self.file.path
        return self.info.name if own and self.info is not None else self.file.name


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFolder:
    """`connected`: whether it is there at the moment."""

    path: Path
    kind: FolderKind
    connected: bool
    models: tuple[FoundModel, ...] = ()

    @property
    def refused(self) -> int:
        return sum(model.state is ModelState.REFUSED for model in self.models)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsFound:
    """`infos`: those to choose from; `watched`: the folders in which something may appear."""

    infos: tuple[ModelInfo, ...] = ()
    folders: tuple[FoundFolder, ...] = ()
    watched: tuple[str, ...] = ()

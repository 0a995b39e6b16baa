"""What models of one name are called: told apart by file and folder, the same in every list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sdstudio.domain.model_file import ModelFile
from sdstudio.domain.model_names import told_apart
from sdstudio.domain.models import ModelInfo
from sdstudio.domain.models_found import FoundModel, ModelState
from sdstudio.domain.request import ModelSpec


@pytest.mark.parametrize(
    ("models", "names"),
    [
        ([("ink", "/m/ink.ckpt"), ("wash", "/m/wash.ckpt")], {}),
        ([("ink", "/m/ink.ckpt"), ("Ink", "/m/Ink.safetensors")], ["ink.ckpt", "Ink.safetensors"]),
        ([("wash", "/m/old/wash.ckpt"), ("wash", "/m/new/wash.ckpt")], ["old/wash.ckpt", "new/wash.ckpt"]),
        (
            [("wash", "/m/a/fine/wash.ckpt"), ("wash", "/m/b/fine/wash.ckpt"), ("wash", "/m/wash.ckpt")],
            ["a/…/wash.ckpt", "b/…/wash.ckpt", "m/wash.ckpt"],
        ),
        ([("sd 1.5", "/m/a/sd 1.5"), ("sd 1.5", "/m/b/sd 1.5")], ["a/sd 1.5", "b/sd 1.5"]),
        ([("turbo", "/h/snapshots/4f2a"), ("turbo", "/h/snapshots/99c0")], ["turbo (4f2a)", "turbo (99c0)"]),
        ([("ink", "/m/ink.ckpt"), ("ink", "/m/ink.ckpt")], {}),
    ],
)
def test_those_of_one_name_are_called_as_their_files(models: list[tuple[str, str]], names: list[str]) -> None:
    assert told_apart(models) == dict(zip((path for _, path in models), names, strict=False))


def test_a_link_is_called_as_it_is_and_not_as_what_it_leads_to() -> None:
    info = ModelInfo(spec=ModelSpec(name="Everyday", path="/m/a.safetensors"))
    file = ModelFile(path="/m/a.safetensors", name="a")
    found = FoundModel(file=file, state=ModelState.CHOICE, info=info)
    link = replace(found, file=ModelFile(path="/m/link.safetensors", name="link"))
    assert (found.name, link.name, replace(found, info=None).name) == ("Everyday", "link", "a")

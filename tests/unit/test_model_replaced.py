"""A failed job says so where another file was put in its model's place, and else what the engine said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sdstudio.domain.errors import ErrorKind
from sdstudio.domain.events import Failed
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest, ModelSpec, RefinerSpec
from sdstudio.jobs.model_replaced import told_of_replaced
from tests.helpers import model_families as families
from tests.helpers.model_files import write_safetensors
from tests.helpers.requests import generation

DAMAGED = Failed(job_id="1", kind=ErrorKind.MODEL, message="The part “unet” is damaged.", details="at line 1")


def asked(path: Path, family: ModelFamily | None = ModelFamily.SD1) -> GenerationRequest:
    spec = ModelSpec(name="mix", path=str(path), family=family.value if family is not None else "")
    return replace(generation(), model=spec)


@pytest.fixture
def xl(tmp_path: Path) -> Path:
    return write_safetensors(tmp_path / "mix.safetensors", families.sdxl())


def test_another_kind_of_model_is_named(xl: Path) -> None:
    told = told_of_replaced(DAMAGED, asked(xl))
    assert told.message == "“mix” was replaced by another file while SD Studio ran."
    assert told.meaning == "It was SD 1.x and is SDXL now; nothing is damaged."
    assert (told.kind, told.job_id) == (ErrorKind.MODEL, "1")
    assert told.details == "The part “unet” is damaged.\nat line 1", "for who looks into it"


def test_what_makes_no_pictures_is_no_model_to_try_again(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "mix.safetensors", families.lora(768))
    told = told_of_replaced(DAMAGED, asked(path))
    assert told.meaning == "It is no model that makes pictures any more." and told.hint == "Choose another model."


def test_the_refiner_counts_as_well(xl: Path, tmp_path: Path) -> None:
    own = write_safetensors(tmp_path / "own.safetensors", families.small_sd(1))
    refiner = ModelSpec(name="polish", path=str(xl), family=ModelFamily.SDXL_REFINER.value)
    told = told_of_replaced(DAMAGED, replace(asked(own), refiner=RefinerSpec(model=refiner, begin=0.8)))
    assert told.message.startswith("“polish” was replaced")


@pytest.mark.parametrize("family", [ModelFamily.SDXL, None])
def test_the_same_kind_is_told_as_the_engine_did(xl: Path, family: ModelFamily | None) -> None:
    assert told_of_replaced(DAMAGED, asked(xl, family)) is DAMAGED


def test_what_a_person_chose_it_to_predict_makes_no_other_file(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "mix.safetensors", families.sd2())
    assert told_of_replaced(DAMAGED, asked(path, ModelFamily.SD2_V)) is DAMAGED


def test_a_broken_or_missing_file_is_told_as_the_engine_did(tmp_path: Path) -> None:
    path = tmp_path / "mix.safetensors"
    assert told_of_replaced(DAMAGED, asked(path)) is DAMAGED
    path.write_bytes(b"")
    assert told_of_replaced(DAMAGED, asked(path)) is DAMAGED


def test_other_failures_are_not_the_files(xl: Path) -> None:
    memory = replace(DAMAGED, kind=ErrorKind.OUT_OF_MEMORY)
    assert told_of_replaced(memory, asked(xl)) is memory


def test_a_link_to_another_folder_is_followed(tmp_path: Path) -> None:
    target = write_safetensors(tmp_path / "elsewhere" / "xl.safetensors", families.sdxl())
    link = tmp_path / "models" / "mix.safetensors"
    link.parent.mkdir()
    link.symlink_to(target)
    assert told_of_replaced(DAMAGED, asked(link)).message.startswith("“mix” was replaced")

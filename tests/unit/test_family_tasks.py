"""What each family can do: complete, and the same as what the engine makes of it."""

from __future__ import annotations

import pytest

from sdstudio.domain.family_tasks import FAMILY_TASKS, tasks_of, why_not
from sdstudio.domain.model_file import FROM_NOISE_FAMILIES, PICTURE_FAMILIES, ModelFamily
from sdstudio.domain.request import NOISE_LEVEL_MAX

F = ModelFamily


def test_every_family_has_a_row() -> None:
    assert set(FAMILY_TASKS) == set(ModelFamily)
    assert tasks_of(None).can("text") and tasks_of(None).can("outpaint")


def test_what_needs_a_picture_and_what_has_no_strength_is_what_the_engine_says() -> None:
    # The refiner makes shapeless things of a prompt alone; its engine refuses that too.
    needing = {family for family, tasks in FAMILY_TASKS.items() if not tasks.text}
    assert needing == PICTURE_FAMILIES | {F.SDXL_REFINER}
    assert {family for family, tasks in FAMILY_TASKS.items() if not tasks.strength} == FROM_NOISE_FAMILIES


@pytest.mark.parametrize("family", list(ModelFamily))
def test_rows_are_possible(family: ModelFamily) -> None:
    tasks = FAMILY_TASKS[family]
    assert tasks.text or tasks.image
    assert tasks.enlarges in (1, 4)
    assert 0 <= (tasks.noise_level or 0) <= tasks.noise_most <= NOISE_LEVEL_MAX
    assert tasks.image_guidance is None or 1 <= tasks.image_guidance <= 3


def test_settings_of_their_own() -> None:
    own = {family: tasks for family, tasks in FAMILY_TASKS.items() if tasks.noise_level is not None}
    assert {family: tasks.noise_level for family, tasks in own.items()} == {
        F.X4_UPSCALER: 20,
        F.UNCLIP_L: 0,
        F.UNCLIP_H: 0,
    }
    assert [family for family, tasks in FAMILY_TASKS.items() if tasks.image_guidance is not None] == [F.PIX2PIX]
    assert {family for family, tasks in FAMILY_TASKS.items() if tasks.refiner} == {F.SDXL, F.SDXL_INPAINTING}
    assert [family for family, tasks in FAMILY_TASKS.items() if tasks.enlarges > 1] == [F.X4_UPSCALER]


@pytest.mark.parametrize(
    ("family", "task", "words"),
    [
        (F.SD1, "text", ""),
        (F.SD2_DEPTH, "text", "This model needs a picture"),
        (F.SD2_DEPTH, "inpaint", ""),
        (F.X4_UPSCALER, "image", ""),
        (F.X4_UPSCALER, "inpaint", "This model cannot fill a mask"),
        (F.X4_UPSCALER, "outpaint", "This model cannot extend a picture"),
        (None, "inpaint", ""),
    ],
)
def test_why_not(family: ModelFamily | None, task: str, words: str) -> None:
    assert why_not(family, task) == words

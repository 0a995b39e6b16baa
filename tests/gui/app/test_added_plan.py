"""What Generate says and makes with models that do something of their own."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from sdstudio.app.added_plan import for_family, heading, words
from sdstudio.app.context import AppContext
from sdstudio.app.edit_tasks import EditPlan
from sdstudio.domain.geometry import Size
from sdstudio.domain.model_file import ModelFamily
from sdstudio.domain.request import GenerationRequest
from tests.helpers.added_models import write_models
from tests.helpers.edit_desk import EditDesk

F = ModelFamily
CANVAS = Size(600, 402)
TEXT = EditPlan()
IMAGE = EditPlan(task="image", on_canvas=True, strength=0.75)
MASK = EditPlan(task="inpaint", on_canvas=True, whole=False)


@pytest.mark.parametrize("family", [F.PIX2PIX, F.SD2_DEPTH, F.X4_UPSCALER, F.SDXL_REFINER])
def test_a_model_that_needs_a_picture_says_so(family: ModelFamily) -> None:
    plan = for_family(TEXT, family, None)
    assert plan.problem == "This model needs a picture: open one or drop it on the canvas"
    assert for_family(IMAGE, family, CANVAS).problem == ""


@pytest.mark.parametrize("family", [None, F.SD1, F.SD2_V, F.SDXL, F.UNCLIP_L])
def test_others_make_what_they_always_made(family: ModelFamily | None) -> None:
    for plan in (TEXT, IMAGE, MASK):
        assert for_family(plan, family, CANVAS) == plan


def test_the_upscaler_makes_a_picture_of_its_own() -> None:
    plan = for_family(IMAGE, F.X4_UPSCALER, CANVAS)
    assert (plan.made, plan.alone, plan.strength, plan.strength_counts) == (Size(2400, 1608), True, 1.0, False)
    assert words(plan, F.X4_UPSCALER) == "Enlarge the picture 4×"
    large = for_family(IMAGE, F.X4_UPSCALER, Size(1025, 64))
    assert large.problem == "This model enlarges pictures of up to 1024 × 1024"
    assert for_family(MASK, F.X4_UPSCALER, CANVAS).problem.startswith("This model cannot fill a mask")
    outpaint = EditPlan(task="outpaint", on_canvas=True)
    assert for_family(outpaint, F.X4_UPSCALER, CANVAS).problem.startswith("This model cannot extend a picture")


@pytest.mark.parametrize(
    ("family", "plan", "said"),
    [
        (F.PIX2PIX, IMAGE, "Change the picture"),
        (F.PIX2PIX, MASK, "Change what is masked"),
        (F.UNCLIP_H, IMAGE, "Vary the picture"),
        (F.UNCLIP_H, TEXT, ""),
        (F.SD2_DEPTH, IMAGE, ""),
        (None, IMAGE, ""),
    ],
)
def test_the_button_says_what_it_does(family: ModelFamily | None, plan: EditPlan, said: str) -> None:
    assert words(plan, family) == said
    assert bool(heading(plan, family)[0]) == (bool(said) and plan.task == "image")


@pytest.fixture
def desk(ready_context: AppContext, qtbot: QtBot) -> EditDesk:
    write_models(ready_context.paths.models)
    with qtbot.waitSignal(ready_context.catalog.refreshed):
        ready_context.catalog.refresh()
    return EditDesk(ready_context, qtbot)


def choose(desk: EditDesk, name: str) -> None:
    context = desk.context
    context.session.choose_model(next(info for info in context.catalog.infos if info.name == name))


def test_the_plan_follows_the_model(desk: EditDesk) -> None:
    choose(desk, "instruct")
    assert desk.plan.problem.startswith("This model needs a picture")
    desk.open()
    assert (desk.plan.problem, desk.plan.words, desk.plan.says) == (
        "",
        "Change the picture",
        "The prompt says what is to change.",
    )
    choose(desk, "upscaler")
    assert (desk.plan.words, desk.plan.made) == ("Enlarge the picture 4×", Size(512, 384))
    choose(desk, "giant-xl")
    assert desk.plan.words == "Redraw the picture"


def test_enlarging_makes_a_picture_beside_the_canvas(desk: EditDesk) -> None:
    desk.open()
    choose(desk, "upscaler")
    desk.context.session.update(steps=2)
    with desk.qtbot.waitSignal(desk.context.queue.picture_saved, timeout=20_000):
        desk.edits.generate()
    request = desk.saved[-1].request
    assert isinstance(request, GenerationRequest) and request.image is not None
    assert (request.size, request.task, request.noise_level, request.strength) == (Size(512, 384), "image", 20, 1.0)
    assert (request.image.width, request.image.height) == (128, 96)
    assert desk.jobs == [] and desk.problems == []
    assert (desk.document.size.width, desk.document.size.height) == (128, 96)


def test_a_variation_begins_without_the_pictures_composition(desk: EditDesk) -> None:
    choose(desk, "variations")
    assert desk.settings.image_strength == 1.0
    choose(desk, "giant-xl")
    assert desk.settings.image_strength == 0.75
    desk.settings.image_strength = 0.6
    choose(desk, "variations")
    assert desk.settings.image_strength == 0.6

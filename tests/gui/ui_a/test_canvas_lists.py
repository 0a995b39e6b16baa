"""The lists of the canvas by themselves: layers, history, thumbnails, and how the mask is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from sdstudio.canvas.tiles import TileGrid
from sdstudio.domain.geometry import Rect, Size
from sdstudio.ui.canvas.history_list import HistoryList
from sdstudio.ui.canvas.layer_list import LayerDelegate, LayerList, LayerRow
from sdstudio.ui.canvas.layer_thumbs import LayerSampler, mask_thumb, picture_thumb, thumb_size
from sdstudio.ui.canvas.mask_colours import LOOKS, MASK_COLOURS, MaskLookPopover, next_look
from sdstudio.ui.theme import Theme
from tests.gui.ui_a.conftest import show

LEFT = Qt.MouseButton.LeftButton


# Lists


def row(name: str, **changes: Any) -> LayerRow:
    values: dict[str, Any] = {"second": "visible", "eye": "eye", "eye_hint": "Show or hide", "opacity": 1.0}
    return LayerRow(id=name, name=name.title(), **(values | changes))


def test_a_click_on_the_eye_asks_and_does_not_choose(theme: Theme, qtbot: QtBot) -> None:
    view = LayerList(theme)
    view.resize(280, 200)
    view.layers.set_rows((row("mask"), row("paint"), row("picture", mark="lock")))
    show(view, qtbot)
    view.choose("picture")
    eye = LayerDelegate.eye_rect(view.visualRect(view.layers.index(1))).center()
    with qtbot.waitSignal(view.eye_asked) as asked:
        qtbot.mouseClick(view.viewport(), LEFT, pos=eye)
    assert asked.args == ["paint"] and view.chosen == "picture"
    qtbot.mouseClick(view.viewport(), LEFT, pos=eye + QPoint(100, 0))
    assert view.chosen == "paint"
    view.layers.set_rows((row("mask"), row("paint", opacity=0.5), row("picture")))
    assert view.chosen == "paint", "the chosen one stays"
    with qtbot.waitSignal(view.eye_asked) as asked:
        qtbot.keyClick(view, Qt.Key.Key_Space)
    assert asked.args == ["paint"]


def test_the_history_goes_where_one_clicks(theme: Theme, qtbot: QtBot) -> None:
    view = HistoryList(theme)
    view.resize(280, 200)
    view.show_history(("Beginning", "Brush", "Lasso", "Fill"), 2)
    show(view, qtbot)
    with qtbot.waitSignal(view.asked) as asked:
        qtbot.mouseClick(view.viewport(), LEFT, pos=view.visualRect(view.history.index(3)).center())
    assert asked.args == [3]
    with qtbot.waitSignal(view.asked) as asked:
        qtbot.keyClick(view, Qt.Key.Key_Up)
    assert asked.args == [1]
    words = view.history.data(view.history.index(3), Qt.ItemDataRole.AccessibleTextRole)
    assert words == "Fill, taken back"


# Thumbnails


@pytest.mark.parametrize("size", [Size(1, 1), Size(30, 20), Size(600, 300), Size(1000, 3), Size(257, 513)])
def test_thumbnails_of_any_size(size: Size) -> None:
    grid = TileGrid(size, 4)
    grid.fill(Rect.of(size), (200, 100, 50, 255))
    pixels = LayerSampler().sample(grid)
    small = thumb_size(size)
    assert pixels.shape == (small.height, small.width, 4)
    assert (pixels == (200, 100, 50, 255)).all()
    image = picture_thumb(pixels)
    assert (image.width(), image.height()) == (small.width, small.height)


def test_a_thumbnail_shows_what_lies_where() -> None:
    size = Size(800, 400)
    grid = TileGrid(size, 4)
    grid.fill(Rect(0, 0, 400, 400), (255, 0, 0, 255))
    grid.fill(Rect(400, 0, 400, 200), (255, 255, 255, 128))
    pixels = LayerSampler().sample(grid)
    assert tuple(pixels[20, 10]) == (255, 0, 0, 255)
    assert tuple(pixels[5, 70]) == (128, 128, 128, 128), "premultiplied"
    assert tuple(pixels[35, 70]) == (0, 0, 0, 0)


def test_after_a_change_only_its_place_is_looked_at_again() -> None:
    size = Size(900, 700)
    grid, sampler = TileGrid(size, 1), LayerSampler()
    assert not sampler.sample(grid).any()
    grid.fill(Rect(0, 0, 300, 300), 255)
    grid.fill(Rect(600, 400, 300, 300), 255)
    half = sampler.sample(grid, Rect(0, 0, 300, 300))
    assert half[5, 5] == 255 and half[-2, -2] == 0, "outside of the change nothing was looked at"
    assert (sampler.sample(grid, Rect(600, 400, 300, 300)) == LayerSampler().sample(grid)).all()
    grid.fill(Rect.of(size), 0)
    assert not sampler.sample(grid, Rect.of(size)).any()


def test_a_mask_is_shown_in_its_tint() -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[:, 2:] = 255
    image = mask_thumb(mask, QColor("#ff2bd6"))
    assert image.pixelColor(3, 0).name() == "#ff2bd6"
    assert image.pixelColor(0, 0).name() == "#171717"


# How the mask is shown


def test_the_eye_goes_round_and_never_hides() -> None:
    look, seen = "tint", []
    for _ in LOOKS:
        look = next_look(look)
        seen.append(look)
    assert seen == ["edge", "greys", "tint"]


def test_the_popover_of_the_mask(theme: Theme, qtbot: QtBot) -> None:
    owner = LayerList(theme)
    qtbot.addWidget(owner)
    popover = MaskLookPopover(theme, owner)
    popover.set_look("#FFD400", 50)
    assert [button.isChecked() for button in popover.swatches.buttons.values()] == [False, False, True, False]
    popover.open_beside(QPointF(10, 10).toPoint())
    with qtbot.waitSignal(popover.colour_chosen) as chosen:
        qtbot.mouseClick(popover.swatches.buttons[MASK_COLOURS[1][0]], LEFT)
    assert chosen.args == [MASK_COLOURS[1][0]]
    with qtbot.waitSignal(popover.opacity_chosen) as opacity:
        popover.opacity.number.setValue(70)  # type: ignore[arg-type]
    assert opacity.args == [70]
    popover.close()

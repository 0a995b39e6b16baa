"""The picture in the middle: what is painted, and what mouse and keys do to it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sdstudio.domain.image import ImageBuffer
from sdstudio.ui.canvas_paint import Content
from sdstudio.ui.canvas_view import PictureView
from sdstudio.ui.qimage import build_pyramid, smooth_enlarged, to_qimage
from sdstudio.ui.theme import Theme


def stripes(side: int = 64) -> ImageBuffer:
    """Columns of red and blue, one pixel each."""
    rgb = np.zeros((side, side, 3), np.uint8)
    rgb[:, ::2, 0] = 255
    rgb[:, 1::2, 2] = 255
    return ImageBuffer.from_rgb(rgb)


def content(image: ImageBuffer, **more: object) -> Content:
    return Content(build_pyramid(image), image.size.width, image.size.height, name="stripes.png", **more)  # type: ignore[arg-type]


@pytest.fixture
def view(theme: Theme, qtbot: QtBot) -> PictureView:
    view = PictureView(theme)
    qtbot.addWidget(view)
    view.resize(400, 300)
    with qtbot.waitExposed(view):
        view.show()
    return view


def test_conversion_keeps_every_pixel() -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (5, 7, 4), np.uint8)
    pixels[..., 3] = 255
    image = to_qimage(ImageBuffer(pixels))
    for y in range(5):
        for x in range(7):
            colour = image.pixelColor(x, y)
            assert (colour.red(), colour.green(), colour.blue()) == tuple(pixels[y, x, :3])


def test_conversion_keeps_transparency() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    assert to_qimage(ImageBuffer(pixels)).hasAlphaChannel()


def test_pyramid_halves_and_chooses_enough_pixels() -> None:
    pyramid = build_pyramid(stripes(512))
    assert [level.width() for level in pyramid.levels] == [512, 256, 128, 64]
    assert pyramid.level_for(1.0).width() == 512
    assert pyramid.level_for(0.5).width() == 256
    assert pyramid.level_for(0.3).width() == 256
    assert pyramid.level_for(0.01).width() == 64


def test_a_small_preview_is_doubled_until_it_is_large_enough() -> None:
    image = QImage(16, 16, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    assert smooth_enlarged(image, QSize(600, 600)).width() == 256
    assert smooth_enlarged(image, QSize(16, 16)).width() == 16
    assert smooth_enlarged(image, QSize(100, 100)).width() == 128


def test_pixels_are_exact_at_100_percent(view: PictureView) -> None:
    view.show_content(content(stripes()))
    view.set_zoom(1.0)
    corner = view.picture_rect().topLeft().toPoint()
    shot = view.grab().toImage()
    for x in range(8):
        assert shot.pixelColor(corner + QPoint(x, 10)) == QColor("red" if x % 2 == 0 else "blue")


def test_pixels_are_squares_at_400_percent(view: PictureView) -> None:
    view.show_content(content(stripes()))
    view.set_zoom(4.0)
    shot = view.grab().toImage()
    colours = {shot.pixelColor(x, 100).name() for x in range(100, 140)}
    assert colours == {"#ff0000", "#0000ff"}


def test_a_forming_picture_is_smooth_and_framed(view: PictureView) -> None:
    preview = content(stripes(8), forming=True, pill="Forming · 64 × 64")
    view.show_content(Content(preview.pyramid, 64, 64, pill=preview.pill, forming=True))
    view.set_zoom(4.0)
    shot = view.grab().toImage()
    colours = {shot.pixelColor(x, 100).name() for x in range(100, 200)}
    assert len(colours) > 8
    assert view.accessibleDescription() == "Forming · 64 × 64, 64 by 64 pixels."


def test_transparent_pixels_show_checks(view: PictureView) -> None:
    view.show_content(content(ImageBuffer(np.zeros((64, 64, 4), np.uint8))))
    view.set_zoom(1.0)
    corner = view.picture_rect().topLeft().toPoint()
    shot = view.grab().toImage()
    assert shot.pixelColor(corner + QPoint(2, 2)) == QColor("#4A4A4A")
    assert shot.pixelColor(corner + QPoint(10, 2)) == QColor("#555555")


def test_the_wheel_zooms_at_the_pointer(view: PictureView) -> None:
    view.show_content(content(stripes(256)))
    view.set_zoom(1.0)
    at = QPointF(150, 120)
    before = view.viewport.to_picture(at.x(), at.y())
    event = QWheelEvent(
        at, view.mapToGlobal(at), QPoint(), QPoint(0, 480), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)
    assert view.viewport.zoom == 2.0
    assert view.viewport.to_picture(at.x(), at.y()) == pytest.approx(before)


def test_dragging_moves_a_large_picture(view: PictureView, qtbot: QtBot) -> None:
    view.show_content(content(stripes(256)))
    view.set_zoom(8.0)
    before = view.picture_rect().topLeft()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    qtbot.mouseMove(view, QPoint(230, 140))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(230, 140))
    assert view.picture_rect().topLeft() - before == QPointF(30, -10)


def test_dragging_a_fitted_picture_takes_it_out(view: PictureView, qtbot: QtBot) -> None:
    view.show_content(content(stripes(256)))
    with qtbot.waitSignal(view.drag_out_asked):
        qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
        qtbot.mouseMove(view, QPoint(260, 150))
    assert view.viewport.fit


def test_space_and_drag_moves_even_a_fitted_picture(view: PictureView, qtbot: QtBot) -> None:
    view.show_content(content(stripes(256)))
    view.setFocus()
    qtbot.keyPress(view, Qt.Key.Key_Space)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    qtbot.mouseMove(view, QPoint(220, 150))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(220, 150))
    qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert not view.viewport.fit


def test_arrow_keys_move_a_large_picture(view: PictureView, qtbot: QtBot) -> None:
    view.show_content(content(stripes(256)))
    view.set_zoom(8.0)
    before = view.picture_rect().left()
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.picture_rect().left() == before - 64


def test_looking_back_shows_the_earlier_state_and_returns(view: PictureView) -> None:
    view.show_content(content(stripes()))
    now = view.grab().toImage()
    grey = ImageBuffer.from_rgb(np.full((8, 8, 3), 120, np.uint8))
    view.look_back(Content(build_pyramid(grey), 64, 64, pill="Step 1 of 4", forming=True))
    assert view.grab().toImage() != now
    view.look_back(None)
    assert view.grab().toImage() == now

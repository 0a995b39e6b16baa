"""Colours, fonts, icons and the style sheet."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QColor, QFontInfo, QFontMetricsF, QIcon, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QListView,
    QMenu,
    QMenuBar,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QTabWidget,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from sdstudio.storage.resources import resource_path
from sdstudio.ui.style import make_style_sheet
from sdstudio.ui.theme import DARK, LIGHT, Theme, Tokens
from sdstudio.ui.tokens import contrast
from tests.gui.ui_a.conftest import show

TEXT_PAIRS = [
    *[("text", ground) for ground in ("dock", "field", "canvas", "window", "subtle", "notice", "hover", "raised")],
    *[("text2", ground) for ground in ("dock", "field", "canvas", "window", "hover")],
    *[("accent", ground) for ground in ("dock", "field")],
    *[(state, ground) for state in ("ok", "warn", "error") for ground in ("dock", "notice")],
    *[("filltext", fill) for fill in ("fill", "fillhover", "fillpressed")],
    ("keyhint", "fill"),
    ("pilltext", "pill"),
]
"""Words: 4.5 at least."""
EDGE_PAIRS = [
    *[("border", ground) for ground in ("dock", "field")],
    ("control", "dock"),
    *[("focus", ground) for ground in ("dock", "field", "canvas", "window")],
    ("accent", "groove"),
    ("accent", "canvas"),
    ("handle_edge", "dock"),
]
"""Edges and marks that carry meaning: 3 at least, at the two decimals the table of the look gives one of."""


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda tokens: tokens.name)
@pytest.mark.parametrize(("front", "ground"), TEXT_PAIRS, ids="-on-".join)
def test_words_can_be_read(tokens: Tokens, front: str, ground: str) -> None:
    assert round(contrast(getattr(tokens, front), getattr(tokens, ground)), 1) >= 4.5


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda tokens: tokens.name)
@pytest.mark.parametrize(("front", "ground"), EDGE_PAIRS, ids="-on-".join)
def test_edges_can_be_seen(tokens: Tokens, front: str, ground: str) -> None:
    assert round(contrast(getattr(tokens, front), getattr(tokens, ground)), 1) >= 3.0


def test_contrast_formula() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda tokens: tokens.name)
def test_surfaces_are_neutral(tokens: Tokens) -> None:
    for name in ("window", "dock", "canvas", "field", "raised", "hover", "pressed", "notice", "line", "border", "text"):
        red, green, blue = (getattr(tokens, name)[i : i + 2] for i in (1, 3, 5))
        assert red == green == blue, name


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda tokens: tokens.name)
def test_style_sheet_is_complete(tokens: Tokens) -> None:
    sheet = make_style_sheet(tokens)
    assert "$" not in sheet
    files = re.findall(r'url\("([^"]+)"\)', sheet)
    assert len(files) >= 4
    for file in files:
        assert resource_path(f"style/{file.rsplit('/', 1)[1]}").is_file()
    colours = {colour.upper() for colour in re.findall(r"#[0-9A-Fa-f]{6}\b", sheet)}
    assert colours <= {colour.upper() for colour in tokens.colours().values()}


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda tokens: tokens.name)
def test_colours_in_drawn_files_are_tokens(tokens: Tokens) -> None:
    known = set(tokens.colours().values())
    for name in (f"down-{tokens.name}", f"down-{tokens.name}-off", f"check-{tokens.name}-off", f"check-{tokens.name}"):
        text = resource_path(f"style/{name}.svg").read_text("utf-8")
        assert set(re.findall(r"#[0-9A-F]{6}", text)) <= known, name


def test_qt_understands_every_rule(qapp: QApplication, qtbot: QtBot) -> None:
    """Qt says "Unknown property" and "Could not parse" only when a widget that the rule is for is dressed."""
    messages: list[str] = []
    before = qInstallMessageHandler(lambda kind, where, text: messages.append(text))
    try:
        theme = Theme("dark")
        theme.apply(qapp)
        kinds: list[type[QWidget]] = [QPushButton, QToolButton, QLineEdit, QSpinBox, QComboBox, QCheckBox, QListView]
        kinds += [QMenu, QMenuBar, QScrollArea, QTabWidget]
        for kind in kinds:
            widget = kind()
            qtbot.addWidget(widget)
            widget.ensurePolished()
            widget.grab()
        theme.set_mode("light")
    finally:
        qInstallMessageHandler(before)
    assert [text for text in messages if "plugin does not support" not in text] == []


def test_the_test_above_can_fail(qapp: QApplication, qtbot: QtBot) -> None:
    messages: list[tuple[QtMsgType, str]] = []
    before = qInstallMessageHandler(lambda kind, where, text: messages.append((kind, text)))
    try:
        button = QPushButton()
        qtbot.addWidget(button)
        button.setStyleSheet("QPushButton { box-shadow: 1px; }")
        button.ensurePolished()
    finally:
        qInstallMessageHandler(before)
    assert any("Unknown property" in text for _, text in messages)


def test_fonts_are_the_bundled_ones_with_tabular_figures(theme: Theme, qtbot: QtBot) -> None:
    pixels = {"title": 20, "dialog": 16, "prompt": 13, "body": 12, "small": 11}
    for role in ("title", "dialog", "prompt", "body", "heading", "button", "small", "badge", "primary"):
        info = QFontInfo(theme.font(role))
        assert info.family() == "Inter"
        assert info.pixelSize() == pixels.get(role, info.pixelSize())
    assert [QFontInfo(theme.font(role)).weight() for role in ("body", "button", "heading")] == [400, 500, 600]
    button = QPushButton("11")
    qtbot.addWidget(button)
    button.setFont(theme.font("button"))
    button.ensurePolished()
    metrics = QFontMetricsF(button.font())
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("4444")


def test_fonts_are_small_and_come_with_their_licence() -> None:
    folder = resource_path("fonts")
    assert sum(file.stat().st_size for file in folder.glob("*.ttf")) < 1_500_000
    assert "SIL Open Font License" in (folder / "OFL.txt").read_text("utf-8")


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_icon_pixmaps_fit_the_pixels_of_the_screen(theme: Theme, ratio: float) -> None:
    pixmap = theme.pixmap("dice", "text", 20, ratio)
    assert pixmap.width() == round(20 * ratio)
    assert pixmap.devicePixelRatio() == ratio
    image = pixmap.toImage()
    darkest = max((image.pixelColor(x, round(10 * ratio)) for x in range(image.width())), key=QColor.alpha)
    assert darkest.name().upper() == DARK.text


def test_icons_follow_the_theme_and_have_a_disabled_state(theme: Theme) -> None:
    def colour(icon: QIcon, mode: QIcon.Mode) -> str:
        image = icon.pixmap(20, 20, mode).toImage()
        return image.pixelColor(10, 10).name().upper()

    assert colour(theme.icon("minus", "text"), QIcon.Mode.Normal) == DARK.text
    assert colour(theme.icon("minus", "text"), QIcon.Mode.Disabled) == DARK.off
    theme.set_mode("light")
    assert colour(theme.icon("minus", "text"), QIcon.Mode.Normal) == LIGHT.text


def test_every_icon_can_be_coloured(theme: Theme) -> None:
    files = sorted(resource_path("icons").glob("*.svg"))
    assert len(files) > 40
    for file in files:
        assert "currentColor" in file.read_text("utf-8"), file.name
        assert not theme.icon(file.stem).isNull()


def test_switching_tells_once_and_sets_the_palette(theme: Theme, qapp: QApplication, qtbot: QtBot) -> None:
    told: list[Tokens] = []
    theme.changed.connect(told.append)
    theme.set_mode("light")
    theme.set_mode("light")
    assert told == [LIGHT]
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == LIGHT.dock
    assert theme.color("canvas").name().upper() == LIGHT.canvas


def test_system_mode_is_one_of_the_two(theme: Theme) -> None:
    theme.set_mode("system")
    assert theme.tokens in (DARK, LIGHT)


def test_a_plain_widget_shows_its_surface(theme: Theme, qtbot: QtBot) -> None:
    from sdstudio.ui.theme import set_surface

    widget = QWidget()
    set_surface(widget, "canvas")
    widget.resize(20, 20)
    show(widget, qtbot)
    assert widget.grab().toImage().pixelColor(10, 10).name().upper() == DARK.canvas

"""A hand that does anything at any time: mouse, pen, wheel, keys, focus, at random places of the canvas's view."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent, QPointingDevice, QTabletEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sdstudio.ui.action_table import ACTION_ROWS
from sdstudio.ui.main_window import MainWindow
from tests.helpers.editor_board import LEFT, MIDDLE, NONE, PLAIN, RIGHT, pen

PRESS, MOVE, RELEASE = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease
DOUBLE = QEvent.Type.MouseButtonDblClick
PEN_KINDS = {PRESS: QEvent.Type.TabletPress, MOVE: QEvent.Type.TabletMove, RELEASE: QEvent.Type.TabletRelease}
NOT_PRESSED = {
    *("quit", "generate", "results_folder", "models_folder", "show_in_folder", "to_bin", "enlarge", "full_screen"),
    *("use_settings", "edit_result"),
}
"""Actions whose effect is not on the canvas but on the machine."""
STROKE_KEYS = ("[", "]", "B", "E", "L", "X", "M", "Ctrl+Z", "Ctrl+Shift+Z", "Esc", "Q", "0", "1", "Space", "Ctrl+D")
KEYS = (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier)
Point = tuple[float, float]


def combination(text: str) -> tuple[Qt.Key, Qt.KeyboardModifier]:
    keys = QKeySequence(text)[0]
    return keys.key(), keys.keyboardModifiers()


class RandomHand:
    """Every event is counted, and its words are kept in `log`."""

    def __init__(self, window: MainWindow, chance: random.Random) -> None:
        self.window = window
        self.view = window.canvas.page.view
        self.session = window.context.canvas
        self.chance = chance
        self.count = 0
        self.log: list[str] = []
        self._clock = itertools.count(1000, 7)
        self._pens = {False: pen(), True: pen(eraser=True)}
        self._keys = [key for row in ACTION_ROWS if row.name not in NOT_PRESSED for key in row.keys]

    def tell(self, words: str) -> None:
        self.count += 1
        self.log.append(f"{self.count}: {words}")

    # Single events

    def place(self) -> Point:
        """Mostly over the picture."""
        random_part = self.chance.uniform
        if self.chance.random() < 0.1:
            return random_part(-20, self.view.width() + 20), random_part(-20, self.view.height() + 20)
        rect = self.view.picture_rect().intersected(self.view.rect().toRectF())
        return random_part(rect.left(), rect.right() + 1), random_part(rect.top(), rect.bottom() + 1)

    def near(self, point: Point) -> Point:
        reach = self.chance.choice((1, 5, 30, 200))
        return point[0] + self.chance.uniform(-reach, reach), point[1] + self.chance.uniform(-reach, reach)

    def modifiers(self) -> Qt.KeyboardModifier:
        held = PLAIN
        for key in KEYS if self.chance.random() < 0.3 else ():
            held |= key if self.chance.random() < 0.5 else PLAIN
        return held

    def mouse(
        self,
        kind: QEvent.Type,
        at: Point,
        button: Qt.MouseButton = LEFT,
        keys: Qt.KeyboardModifier = PLAIN,
        held: Qt.MouseButton | None = None,
    ) -> None:
        """`button` is down meanwhile, unless `held` says otherwise."""
        at = (round(at[0]), round(at[1]))
        if held is None:
            held = NONE if kind == RELEASE else button
        self.tell(f"mouse {kind.name} {at} {button.name} {keys.value}")
        place = QPointF(*at)
        now = NONE if kind == MOVE else button
        event = QMouseEvent(kind, place, self.view.mapToGlobal(place), now, held, keys)
        event.setTimestamp(next(self._clock))
        QApplication.sendEvent(self.view, event)

    def tablet(self, kind: QEvent.Type, at: Point, pressure: float, device: QPointingDevice, held: bool = True) -> None:
        self.tell(f"pen {kind.name} ({at[0]:.3f}, {at[1]:.3f}) {pressure:.2f} {device.pointerType().name}")
        place = QPointF(*at)
        button, buttons = (NONE if kind == MOVE else LEFT), (LEFT if held and kind != RELEASE else NONE)
        event = QTabletEvent(
            PEN_KINDS[kind],
            device,
            place,
            self.view.mapToGlobal(place),
            pressure,
            0,
            0,
            0,
            0,
            0,
            PLAIN,
            button,
            buttons,
        )
        event.setTimestamp(next(self._clock))
        QApplication.sendEvent(self.view, event)

    def key(self, text: str) -> None:
        self.tell(f"key {text}")
        target = QApplication.focusWidget() or self.view
        QTest.keyClick(target, *combination(text))

    def wheel(self) -> None:
        at, turn = self.place(), self.chance.choice((-240, -120, -15, 15, 120, 240))
        touch = self.chance.random() < 0.4
        keys = Qt.KeyboardModifier.ControlModifier if self.chance.random() < 0.2 else PLAIN
        self.tell(f"wheel ({at[0]:.1f}, {at[1]:.1f}) {turn} touchpad={touch} {keys.value}")
        pixels = QPoint(self.chance.randint(-60, 60), turn // 4) if touch else QPoint()
        phase = Qt.ScrollPhase.ScrollUpdate if touch else Qt.ScrollPhase.NoScrollPhase
        place = QPointF(*at)
        event = QWheelEvent(place, self.view.mapToGlobal(place), pixels, QPoint(0, turn), NONE, keys, phase, False)
        QApplication.sendEvent(self.view, event)

    def turn(self) -> None:
        """The event loop comes round, or not yet."""
        if self.chance.random() < 0.6:
            QApplication.processEvents()

    # Gestures

    def stroke(self) -> None:
        """With the mouse; now and then something comes between."""
        button = self.chance.choices((LEFT, MIDDLE, RIGHT), (12, 1, 1))[0]
        keys, at = self.modifiers(), self.place()
        self.mouse(PRESS, at, button, keys)
        for _ in range(self.chance.choice((0, 1, 3, 8))):
            if self.chance.random() < 0.06 and self.between():
                return
            keys = self.modifiers() if self.chance.random() < 0.2 else keys
            at = self.near(at)
            self.mouse(MOVE, at, button, keys)
            self.turn()
        if self.chance.random() < 0.95:
            self.mouse(RELEASE, at, button, keys)
        if self.chance.random() < 0.1:
            self.mouse(DOUBLE, at, button, keys)
            self.mouse(RELEASE, at, button, keys)

    def pen_stroke(self) -> None:
        device = self._pens[self.chance.random() < 0.3]
        at = self.place()
        if self.chance.random() < 0.3:
            self.tablet(MOVE, at, 0.0, device, held=False)
        self.tablet(PRESS, at, self.chance.random(), device)
        for _ in range(self.chance.choice((0, 2, 5, 15))):
            roll = self.chance.random()
            if roll < 0.04 and self.between():
                return
            if roll > 0.97:
                self.mouse(MOVE, self.place(), held=NONE)
            at = self.near(at)
            self.tablet(MOVE, at, self.chance.random(), device)
            self.turn()
        if self.chance.random() < 0.95:
            self.tablet(RELEASE, at, 0.0, device)

    def between(self) -> bool:
        """In mid-stroke. True: the hand lets go afterwards, and nobody tells of it."""
        self.chance.choice((self.lose_focus, self.wheel, self.stroke_key, self.second_button, self.resize_window))()
        return self.chance.random() < 0.3

    def second_button(self) -> None:
        self.mouse(PRESS, self.place(), RIGHT, held=LEFT | RIGHT)
        self.mouse(RELEASE, self.place(), RIGHT, held=LEFT)

    def stroke_key(self) -> None:
        self.key(self.chance.choice(STROKE_KEYS))

    def lose_focus(self) -> None:
        self.tell("focus elsewhere")
        self.window.left.prompt.positive.setFocus()
        self.turn()
        if self.chance.random() < 0.8:
            self.take_focus()

    def take_focus(self) -> None:
        self.tell("focus on the canvas")
        self.window.canvas.show_canvas()
        self.view.setFocus()

    def resize_window(self) -> None:
        size = self.chance.randint(1024, 1300), self.chance.randint(640, 860)
        self.tell(f"window {size}")
        self.window.resize(*size)
        QApplication.processEvents()

    def press_action(self) -> None:
        """Any key of the table."""
        if self.chance.random() < 0.8:
            self.take_focus()
        self.key(self.chance.choice(self._keys))

    def hover(self) -> None:
        if self.chance.random() < 0.2:
            self.tell("leave")
            QApplication.sendEvent(self.view, QEvent(QEvent.Type.Leave))
        else:
            self.mouse(MOVE, self.place(), held=NONE)

    def hold_space(self) -> None:
        """A drag with the space bar down; sometimes the bar comes up first, or never."""
        self.take_focus()
        self.tell("space down")
        QTest.keyPress(self.view, Qt.Key.Key_Space)
        at = self.place()
        self.mouse(PRESS, at)
        self.mouse(MOVE, self.near(at))
        early = self.chance.random() < 0.5
        for step in self.in_order(early):
            step()

    def in_order(self, early: bool) -> list[Callable[[], None]]:
        def up() -> None:
            self.tell("space up")
            QTest.keyRelease(self.view, Qt.Key.Key_Space)

        def release() -> None:
            self.mouse(RELEASE, self.place())

        return [up, release] if early else [release, up]

    def polygon_keys(self) -> None:
        self.key(self.chance.choice(("Return", "Backspace", "Esc", "Left", "Up")))

"""Draws the scenes that things stand, lie or float in."""

from __future__ import annotations

import random
from collections.abc import Callable

from drawing import jitter, vertical_gradient
from PIL import Image, ImageDraw
from vocabulary import RGB


def draw_scene(rng: random.Random, name: str, side: int) -> tuple[Image.Image, float]:
    """A scene of `side` pixels, drawn at twice the size, and where its ground begins (fraction of the height)."""
    scene = Scene(rng, side * 2)
    level = _SCENES[name](scene)
    return scene.picture.resize((side, side), Image.Resampling.BOX), level / scene.side


class Scene:
    """A picture in the making, with the few strokes that all scenes are drawn with."""

    def __init__(self, rng: random.Random, side: int) -> None:
        self.rng = rng
        self.side = side
        self.picture = Image.new("RGB", (side, side))

    def fill(self, top: RGB, bottom: RGB) -> None:
        self.picture = vertical_gradient(self.side, jitter(self.rng, top, 10), jitter(self.rng, bottom, 10))

    def day(self, clouds: int = 2) -> None:
        """A blue sky with up to `clouds` clouds."""
        self.fill((90, 170, 240), (214, 238, 252))
        for _ in range(self.rng.randint(0, clouds)):
            self.cloud(self.rng.random(), self.rng.uniform(0.06, 0.3), self.rng.uniform(0.15, 0.3))

    def horizon(self, low: float, high: float) -> int:
        return int(self.side * self.rng.uniform(low, high))

    def ground(self, top: RGB, bottom: RGB, level: int) -> None:
        strip = vertical_gradient(self.side, jitter(self.rng, top, 10), jitter(self.rng, bottom, 10))
        self.picture.paste(strip.resize((self.side, self.side - level)), (0, level))

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.picture)

    def disc(self, x: float, y: float, radius: float, colour: RGB) -> None:
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def cloud(self, x: float, y: float, width: float, colour: RGB = (250, 252, 255)) -> None:
        """Centre and width are fractions of the side."""
        wide = width * self.side
        for part in range(5):
            radius = wide * (0.22 + 0.16 * self.rng.random())
            centre = x * self.side + (part - 2) * wide * 0.2
            middle = y * self.side
            box = (centre - radius, middle - radius * 0.8, centre + radius, middle + radius * 0.7)
            self.draw.ellipse(box, fill=colour)

    def specks(self, count: tuple[int, int], sizes: tuple[float, ...], bottom: float, colour: RGB) -> None:
        """Small discs above `bottom` (fraction of the height), for a picture of 256 pixels."""
        for _ in range(self.rng.randint(*count)):
            x, y = self.rng.random() * self.side, self.rng.random() * self.side * bottom
            self.disc(x, y, self.rng.choice(sizes) * self.side / 256, jitter(self.rng, colour, 30))

    def hills(self, level: int, height: float, colour: RGB, peaks: int) -> None:
        """Triangles standing on `level`, at most `height` (fraction of the side) high."""
        for number in range(peaks):
            centre = (number + self.rng.uniform(0.2, 0.8)) * self.side / peaks
            half = self.side / peaks * self.rng.uniform(0.7, 1.0)
            top = level - self.side * height * self.rng.uniform(0.6, 1.0)
            corners = [(centre - half, level), (centre, top), (centre + half, level)]
            self.draw.polygon(corners, fill=jitter(self.rng, colour, 10))


def _grass(scene: Scene) -> int:
    scene.day()
    level = scene.horizon(0.6, 0.7)
    scene.ground((120, 200, 80), (60, 140, 50), level)
    return level


def _night(scene: Scene) -> int:
    scene.fill((8, 10, 34), (30, 36, 96))
    scene.specks((25, 60), (1.5, 2, 3), 1.0, (225, 225, 235))
    return scene.side


def _snow(scene: Scene) -> int:
    scene.fill((150, 180, 214), (226, 236, 246))
    level = scene.horizon(0.6, 0.7)
    scene.ground((246, 250, 255), (214, 226, 242), level)
    scene.specks((20, 40), (2.5, 3.5, 4.5), 1.0, (255, 255, 255))
    return level


def _sea(scene: Scene) -> int:
    scene.day()
    level = scene.horizon(0.5, 0.6)
    scene.ground((40, 130, 200), (20, 80, 160), level)
    for _ in range(scene.rng.randint(6, 14)):
        x, y = scene.rng.random() * scene.side, scene.rng.uniform(level, scene.side)
        scene.draw.line((x, y, x + scene.side * 0.08, y), fill=(150, 205, 240), width=scene.side // 64)
    return level


def _beach(scene: Scene) -> int:
    scene.day()
    sea, level = scene.horizon(0.44, 0.5), scene.horizon(0.6, 0.66)
    scene.ground((60, 160, 210), (110, 205, 220), sea)
    scene.ground((244, 222, 170), (226, 194, 132), level)
    return level


def _desert(scene: Scene) -> int:
    scene.fill((120, 186, 236), (250, 232, 196))
    level = scene.horizon(0.58, 0.66)
    for _ in range(3):
        x, width = scene.rng.random() * scene.side, scene.side * scene.rng.uniform(0.3, 0.6)
        box = (x - width, level - scene.side * 0.08, x + width, level + scene.side * 0.2)
        scene.draw.ellipse(box, fill=jitter(scene.rng, (222, 168, 96), 8))
    scene.ground((238, 190, 112), (208, 148, 78), level)
    return level


def _space(scene: Scene) -> int:
    scene.fill((10, 6, 24), (44, 16, 66))
    scene.specks((40, 80), (1, 1.5, 2), 1.0, (225, 225, 235))
    for _ in range(scene.rng.randint(1, 2)):
        edge = scene.rng.choice((0.08, 0.92)) * scene.side
        colour = scene.rng.choice([(220, 130, 80), (110, 160, 220), (190, 110, 190), (200, 180, 110)])
        height = scene.rng.uniform(0.05, 0.3) * scene.side
        scene.disc(edge, height, scene.side * scene.rng.uniform(0.05, 0.11), jitter(scene.rng, colour, 20))
    return scene.side


def _sunset(scene: Scene) -> int:
    scene.fill((120, 70, 150), (255, 170, 80))
    level = scene.horizon(0.62, 0.7)
    x = scene.side * scene.rng.uniform(0.15, 0.85)
    scene.disc(x, level, scene.side * scene.rng.uniform(0.1, 0.16), (255, 226, 130))
    scene.ground((110, 60, 90), (60, 32, 64), level)
    return level


def _underwater(scene: Scene) -> int:
    scene.fill((90, 200, 224), (14, 78, 140))
    for _ in range(scene.rng.randint(8, 16)):
        x, y = scene.rng.random() * scene.side, scene.rng.random() * scene.side
        radius = scene.side * scene.rng.uniform(0.008, 0.025)
        scene.draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(200, 240, 250), width=3)
    return scene.side


def _forest(scene: Scene) -> int:
    scene.fill((150, 205, 190), (206, 232, 200))
    level = scene.horizon(0.62, 0.7)
    for row in range(2):
        for number in range(7):
            x = (number + scene.rng.uniform(0, 1)) * scene.side / 7
            top = level - scene.side * scene.rng.uniform(0.3, 0.55) + row * scene.side * 0.08
            half = scene.side * scene.rng.uniform(0.07, 0.11)
            colour = jitter(scene.rng, (62, 128, 84) if row == 0 else (36, 98, 58), 8)
            scene.draw.polygon([(x - half, level + 2), (x, top), (x + half, level + 2)], fill=colour)
    scene.ground((92, 142, 66), (56, 98, 44), level)
    return level


def _mountains(scene: Scene) -> int:
    scene.day(1)
    level = scene.horizon(0.62, 0.7)
    scene.hills(level, 0.42, (140, 152, 180), 3)
    scene.hills(level, 0.26, (104, 118, 146), 4)
    scene.ground((130, 176, 96), (88, 136, 66), level)
    return level


def _city(scene: Scene) -> int:
    scene.day(1)
    level = scene.horizon(0.68, 0.74)
    x = -scene.side * 0.02
    while x < scene.side:
        width = scene.side * scene.rng.uniform(0.1, 0.18)
        top = level - scene.side * scene.rng.uniform(0.2, 0.5)
        _block(scene, (x, top, x + width, level))
        x += width + scene.side * 0.012
    scene.ground((150, 152, 160), (118, 120, 128), level)
    return level


def _block(scene: Scene, box: tuple[float, float, float, float]) -> None:
    """A building with rows of windows."""
    left, top, right, bottom = box
    wall = scene.rng.choice([(120, 140, 176), (176, 150, 140), (150, 162, 170), (110, 122, 150)])
    scene.draw.rectangle(box, fill=jitter(scene.rng, wall, 12))
    step = (right - left) / 4
    y = top + step
    while y < bottom - step:
        for column in range(3):
            x = left + step * (column + 0.7)
            scene.draw.rectangle((x, y, x + step * 0.55, y + step * 0.7), fill=(232, 226, 180))
        y += step * 1.5


def _road(scene: Scene) -> int:
    scene.day()
    level = scene.horizon(0.58, 0.64)
    scene.ground((126, 190, 90), (90, 150, 64), level)
    road = int(level + scene.side * 0.1)
    scene.draw.rectangle((0, road, scene.side, scene.side), fill=jitter(scene.rng, (92, 94, 102), 8))
    dash = scene.side * 0.12
    for number in range(6):
        x = (number - scene.rng.random() * 0.2) * dash * 1.6
        y = scene.side * 0.93
        scene.draw.rectangle((x, y, x + dash, y + scene.side * 0.02), fill=(240, 236, 214))
    return road


def _sky(scene: Scene) -> int:
    scene.fill((86, 166, 240), (190, 226, 252))
    for _ in range(scene.rng.randint(3, 5)):
        scene.cloud(scene.rng.random(), scene.rng.uniform(0.08, 0.95), scene.rng.uniform(0.18, 0.36))
    return scene.side


def _rain(scene: Scene) -> int:
    scene.fill((112, 124, 142), (176, 186, 198))
    level = scene.horizon(0.62, 0.7)
    scene.ground((124, 132, 140), (96, 104, 114), level)
    for _ in range(3):
        scene.cloud(scene.rng.random(), scene.rng.uniform(0.02, 0.14), scene.rng.uniform(0.25, 0.4), (84, 94, 112))
    for _ in range(scene.rng.randint(40, 70)):
        x, y = scene.rng.random() * scene.side, scene.rng.random() * scene.side
        end = (x - scene.side * 0.012, y + scene.side * 0.05)
        scene.draw.line((x, y, *end), fill=(206, 222, 240), width=max(2, scene.side // 170))
    return level


def _room(scene: Scene) -> int:
    wall = scene.rng.choice([(226, 212, 190), (196, 214, 222), (214, 222, 198), (232, 208, 206)])
    scene.fill(wall, wall)
    level = scene.horizon(0.66, 0.72)
    scene.ground((178, 128, 84), (146, 100, 62), level)
    x, y = scene.side * scene.rng.choice((0.06, 0.64)), scene.side * 0.08
    wide, high = scene.side * 0.28, scene.side * 0.32
    scene.draw.rectangle((x, y, x + wide, y + high), fill=(250, 250, 248))
    edge = scene.side * 0.02
    scene.draw.rectangle((x + edge, y + edge, x + wide - edge, y + high - edge), fill=(150, 204, 244))
    scene.draw.rectangle((x + wide / 2 - edge / 3, y, x + wide / 2 + edge / 3, y + high), fill=(250, 250, 248))
    return level


def _table(scene: Scene) -> int:
    wall = scene.rng.choice([(236, 226, 212), (206, 220, 226), (222, 228, 208), (200, 190, 210)])
    scene.fill(wall, wall)
    level = scene.horizon(0.62, 0.7)
    scene.ground((190, 132, 80), (156, 100, 56), level)
    for number in range(1, 4):
        y = level + (scene.side - level) * number / 4
        scene.draw.line((0, y, scene.side, y), fill=(140, 90, 50), width=max(2, scene.side // 170))
    return level


_SCENES: dict[str, Callable[[Scene], int]] = {
    "grass": _grass,
    "night": _night,
    "snow": _snow,
    "sea": _sea,
    "beach": _beach,
    "desert": _desert,
    "space": _space,
    "sunset": _sunset,
    "underwater": _underwater,
    "forest": _forest,
    "mountains": _mountains,
    "city": _city,
    "road": _road,
    "sky": _sky,
    "rain": _rain,
    "room": _room,
    "table": _table,
}

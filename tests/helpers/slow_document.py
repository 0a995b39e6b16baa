"""The slow canvas made from a document, with all that tools ask of one; whole-mask commands in one piece."""

from __future__ import annotations

import numpy as np

from sdstudio.canvas import mask_ops
from sdstudio.canvas.blend import over, with_opacity
from sdstudio.canvas.document import CanvasDocument
from sdstudio.domain.canvas_state import LayerKind
from sdstudio.domain.geometry import Rect
from sdstudio.domain.image import Pixels
from tests.helpers.slow_canvas import Everything, SlowCanvas


class SlowDocument(SlowCanvas):
    """With the composite that tools ask for, and a history that can forget. Arrays that did not change are shared
    between the moments kept: a long run would need gigabytes."""

    def __init__(self, document: CanvasDocument) -> None:
        infos = document.layers
        pixels = {info.id: document.grid(info.id).read(document.rect) for info in infos}
        self._states: list[Everything] = []
        super().__init__(pixels["picture"])
        self._restore(Everything(infos, pixels))
        self._states = [Everything(infos, pixels)]

    def composite(self, rect: Rect) -> Pixels:
        """As the document's: straight alpha, the same rounding, in one piece."""
        result = np.zeros((rect.height, rect.width, 4), np.uint8)
        for info in self.infos:
            if info.kind is LayerKind.MASK or not info.visible or not round(info.opacity * 255):
                continue
            pixels = self.grid(info.id).read(rect)
            if info.kind is LayerKind.PICTURE:
                result = np.array(with_opacity(pixels, info.opacity))
            else:
                result = over(result, pixels, info.opacity)
        return result

    def state_at(self, position: int) -> Everything:
        return self._states[position]

    def forget_oldest(self, count: int) -> None:
        del self._states[:count], self._labels[:count]
        self.position -= count

    def _copy(self) -> Everything:
        last = self._states[self.position].pixels if self._states else {}
        pixels: dict[str, Pixels] = {}
        for info in self.infos:
            now, before = self._grids[info.id].pixels, last.get(info.id)
            pixels[info.id] = before if before is not None and np.array_equal(before, now) else now.copy()
        return Everything(self.infos, pixels)


def changed_mask(canvas: SlowDocument, command: str, amount: int) -> Pixels:
    """The whole mask after a command, computed in one piece."""
    mask = canvas.mask.pixels
    radius = min(amount, mask_ops.RADIUS_MAX)
    match command:
        case "invert":
            return 255 - mask
        case "clear" | "all":
            return np.full_like(mask, 255 if command == "all" else 0)
        case "from_alpha":
            return 255 - canvas.composite(canvas.rect)[..., 3]
        case "fill_holes":
            return mask_ops.fill_holes(mask)
        case "remove_specks":
            return mask_ops.remove_specks(mask, amount)
        case _:
            return {"grow": mask_ops.grow, "shrink": mask_ops.shrink, "feather": mask_ops.feather}[command](
                mask, radius
            )

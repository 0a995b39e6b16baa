"""The right dock: results on one page, layers and history of the canvas on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from sdstudio.app.gallery_model import GalleryModel
from sdstudio.ui.results_dock import DOCK_LEAST, DOCK_MOST, ResultsDock
from sdstudio.ui.tabs import TabRow
from sdstudio.ui.theme import Theme, set_surface

if TYPE_CHECKING:
    from sdstudio.app.canvas_session import CanvasSession
    from sdstudio.ui.canvas.layers_tab import LayersTab

LAYERS = 1


class RightDock(QWidget):
    """Two tabs; which one is shown is the person's choice alone. The layers are empty until `complete`."""

    layers: LayersTab
    """Only after `complete`."""

    def __init__(self, gallery: GalleryModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        set_surface(self, "dock")
        self.setMinimumWidth(DOCK_LEAST)
        self.setMaximumWidth(DOCK_MOST)
        self.tab_row = TabRow(theme, (self.tr("Results"), self.tr("Layers")), self.tr("Results or layers"))
        self.results = ResultsDock(gallery, theme)
        self._stack = QStackedWidget()
        self._no_layers = QWidget()
        self._stack.addWidget(self.results)
        self._stack.addWidget(self._no_layers)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tab_row)
        column.addWidget(self._stack, 1)
        self.tab_row.tabs.currentChanged.connect(self._stack.setCurrentIndex)

    def complete(self, session: CanvasSession) -> None:
        """The second page, once. Its modules are read here: the window's first picture does not wait for them."""
        from sdstudio.ui.canvas.layers_tab import LayersTab

        self.layers = LayersTab(session, self._theme)
        self._stack.insertWidget(LAYERS, self.layers)
        self._stack.removeWidget(self._no_layers)
        self._no_layers.deleteLater()
        self._stack.setCurrentIndex(self.tab_row.tabs.currentIndex())

    def show_layers(self) -> None:
        self.tab_row.tabs.setCurrentIndex(LAYERS)

    @property
    def layers_shown(self) -> bool:
        return self.tab_row.tabs.currentIndex() == LAYERS

    def first_control(self) -> QWidget | None:
        """Where the keyboard goes first; None while there is nothing."""
        if self.layers.isVisible():
            return self.layers.list if self.layers.list.isVisible() else None
        lists = (self.results.run_list, self.results.queue, self.results.earlier_list)
        return next((view for view in lists if view.isVisible()), None)

"""The right dock: results on one page, layers and history of the canvas on the other."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from sdstudio.app.canvas_session import CanvasSession
from sdstudio.app.gallery_model import GalleryModel
from sdstudio.ui.canvas.layers_tab import LayersTab
from sdstudio.ui.results_dock import DOCK_LEAST, DOCK_MOST, ResultsDock
from sdstudio.ui.tabs import TabRow
from sdstudio.ui.theme import Theme, set_surface


class RightDock(QWidget):
    """Two tabs; which one is shown is the person's choice alone."""

    def __init__(
        self, gallery: GalleryModel, session: CanvasSession, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.setMinimumWidth(DOCK_LEAST)
        self.setMaximumWidth(DOCK_MOST)
        self.tab_row = TabRow(theme, (self.tr("Results"), self.tr("Layers")), self.tr("Results or layers"))
        self.results = ResultsDock(gallery, theme)
        self.layers = LayersTab(session, theme)
        stack = QStackedWidget()
        stack.addWidget(self.results)
        stack.addWidget(self.layers)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tab_row)
        column.addWidget(stack, 1)
        self.tab_row.tabs.currentChanged.connect(stack.setCurrentIndex)

    def show_results(self) -> None:
        self.tab_row.tabs.setCurrentIndex(0)

    def show_layers(self) -> None:
        self.tab_row.tabs.setCurrentIndex(1)

    @property
    def layers_shown(self) -> bool:
        return self.tab_row.tabs.currentIndex() == 1

    def first_control(self) -> QWidget | None:
        """Where the keyboard goes first; None while there is nothing."""
        if self.layers.isVisible():
            return self.layers.list if self.layers.list.isVisible() else None
        lists = (self.results.run_list, self.results.queue, self.results.earlier_list)
        return next((view for view in lists if view.isVisible()), None)

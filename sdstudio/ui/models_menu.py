"""The field that chooses a model: families under headings, and a last row that opens the dialog of all models."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListView, QStyleOptionComboBox, QStyleOptionViewItem, QWidget

from sdstudio.app.catalog_model import CatalogRole
from sdstudio.app.model_menu import KIND_ROLE, ModelMenu, RowKind
from sdstudio.domain.models import ModelInfo
from sdstudio.ui.controls import ComboField, ComboRows
from sdstudio.ui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
ROWS_SHOWN = 18
LIST_WIDTH = 304
"""So that most names stand whole beside the longest badge."""


class ModelMenuRows(ComboRows):
    """A heading is small and quiet; above it, and above the last row, is a line."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, int(CatalogRole.BADGE), parent)
        self._heading_theme = theme

    def begins_group(self, index: _Index) -> bool:
        return index.row() > 0 and index.data(KIND_ROLE) != RowKind.MODEL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        if index.data(KIND_ROLE) != RowKind.HEADING:
            super().paint(painter, option, index)
            return
        rect: QRect = option.rect
        theme = self._heading_theme
        painter.save()
        if self.begins_group(index):
            painter.setPen(theme.color("line"))
            painter.drawLine(rect.topLeft(), rect.topRight())
        painter.setFont(theme.font("small"))
        painter.setPen(theme.color("text2"))
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(rect.adjusted(9, 2, -8, 0), align, str(index.data(Qt.ItemDataRole.DisplayRole)))
        painter.restore()


class ModelField(ComboField):
    """`chosen` carries a ModelInfo; `more_asked` comes from the last row."""

    chosen = Signal(object)
    more_asked = Signal()
    _missing = ""
    """Of the class: Qt asks for the field's looks before it is made."""

    def __init__(self, menu: ModelMenu, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent, badge_role=int(CatalogRole.BADGE))
        self._menu = menu
        self.setItemDelegate(ModelMenuRows(theme, self))
        self.setModel(menu)
        self.setMaxVisibleItems(ROWS_SHOWN)
        view = self.view()
        if isinstance(view, QListView):
            view.setUniformItemSizes(True)  # so that thousands of models open as fast as ten
        view.setMinimumWidth(LIST_WIDTH)
        self.activated.connect(self._on_activated)

    @property
    def badge(self) -> str:
        return super().badge if self.currentIndex() >= 0 or not self._missing else self.tr("not here")

    def show_row(self, row: int, name: str) -> None:
        """-1: the model of this name is chosen, but its folder is not connected."""
        self._missing = name if row < 0 else ""
        self.setCurrentIndex(row)
        self.update()

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        if self.currentIndex() < 0:
            option.currentText = self._missing

    def showPopup(self) -> None:
        self._menu.set_open(True)
        super().showPopup()

    def hidePopup(self) -> None:
        super().hidePopup()
        self._menu.set_open(False)

    def _on_activated(self, row: int) -> None:
        if self._menu.kind(row) is RowKind.MORE:
            self.more_asked.emit()
            return
        info = self.itemData(row, int(CatalogRole.INFO))
        if isinstance(info, ModelInfo):
            self.chosen.emit(info)

"""The field that chooses a model: families under headings, and a last row that opens the dialog of all models."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QHelpEvent, QPainter
from PySide6.QtWidgets import QListView, QStyleOptionComboBox, QStyleOptionViewItem, QToolTip, QWidget

from sdstudio.app.catalog_model import CatalogRole
from sdstudio.app.model_menu import KIND_ROLE, ModelMenu, RowKind
from sdstudio.domain.family_presets import FAMILY_PRESETS
from sdstudio.domain.models import ModelInfo
from sdstudio.ui.controls import ComboField, ComboRows
from sdstudio.ui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
ROWS_SHOWN = 18
LIST_WIDTH = 304
"""So that most names stand whole beside the longest badge."""


class ModelMenuRows(ComboRows):
    """A heading is small and quiet; above it, and above the last row, is a line."""

    elide_mode = Qt.TextElideMode.ElideMiddle

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
    elide_mode = Qt.TextElideMode.ElideMiddle
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
        self._pointed = ""
        menu.modelAboutToBeReset.connect(self._keep_row)

    def _keep_row(self) -> None:
        """The list is read anew while it is open: the row that was typed or pointed at is found again by its path."""
        self._pointed = self._path_at(self.view().currentIndex())

    def _point_at(self, path: str) -> None:
        rows = (self._menu.index(row) for row in range(self._menu.rowCount()) if path)
        found = next((index for index in rows if self._path_at(index) == path), None)
        if found is not None:
            self.view().setCurrentIndex(found)

    @staticmethod
    def _path_at(index: QModelIndex) -> str:
        info = index.data(int(CatalogRole.INFO)) if index.isValid() else None
        return info.spec.path if isinstance(info, ModelInfo) else ""

    @property
    def badge(self) -> str:
        return super().badge if self.currentIndex() >= 0 or not self._missing else self.tr("not here")

    def short_badges(self) -> tuple[str, ...]:
        """The generation; what is said of a model that is not here, or not in one of the families, stays whole."""
        info = self.itemData(self.currentIndex(), int(CatalogRole.INFO)) if self.currentIndex() >= 0 else None
        if not isinstance(info, ModelInfo) or info.built_in or info.family is None:
            return ()
        return FAMILY_PRESETS[info.family].short_badges

    def event(self, event: QEvent) -> bool:
        """Its tooltip says name and badge, which may have been cut, and where the model lies."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self.currentIndex() >= 0:
            QToolTip.showText(event.globalPos(), self.full_words(), self)
            return True
        return super().event(event)

    def full_words(self) -> str:
        """Name, badge and place, and what the field is for."""
        path = str(self.currentData(Qt.ItemDataRole.ToolTipRole) or "")
        named = f"{self.currentText()} ({self.badge})" if self.badge else self.currentText()
        return "\n".join(filter(None, (named, path, self.toolTip())))

    def show_row(self, row: int, name: str) -> None:
        """-1: the model of this name is chosen, but its folder is not connected."""
        self._missing = name if row < 0 else ""
        self.setCurrentIndex(row)
        if self._menu.is_open:
            self._point_at(self._pointed)  # Qt has gone to the row that is chosen
        self._pointed = ""
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

"""The right dock: this run, what waits, what was made before."""

from __future__ import annotations

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from sdstudio.app.gallery_model import GalleryModel, GalleryRole
from sdstudio.ui.controls import Heading, IconButton, LinkButton, SectionLine, TextLabel
from sdstudio.ui.gallery_view import PictureList
from sdstudio.ui.queue_view import QueueView
from sdstudio.ui.run_model import RunModel
from sdstudio.ui.theme import Theme, set_surface
from sdstudio.ui.tokens import LINE_BODY

DOCK_WIDTH = 280
DOCK_LEAST = 248
DOCK_MOST = 400
RUN_ROWS_MOST = 2
QUEUE_ROWS_MOST = 4
LIST_INSET = 12
"""The lists have 4 px of ring room in their cells, so that the pictures stand 16 px from the dock's edge."""
EMPTY_SIDE = 120


class EarlierModel(QSortFilterProxyModel):
    """The results without those of the run that is shown above them."""

    def __init__(self, source: GalleryModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._hidden: frozenset[str] = frozenset()
        self.setSourceModel(source)

    def set_hidden(self, paths: frozenset[str]) -> None:
        if paths != self._hidden:
            self.beginFilterChange()
            self._hidden = paths
            self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: QModelIndex | QPersistentModelIndex) -> bool:
        index = self.sourceModel().index(row, 0, parent)
        return str(index.data(GalleryRole.PATH)) not in self._hidden


class _DashedBox(QWidget):
    """Where the first picture will be."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(EMPTY_SIDE, EMPTY_SIDE)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            pen = QPen(self._theme.color("border"), 1)
            pen.setDashPattern([3, 3])
            painter.setPen(pen)
            painter.drawRect(QRect(0, 0, self.width() - 1, self.height() - 1))
            painter.setFont(self._theme.font("body"))
            painter.setPen(self._theme.color("text2"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "1")


class Section(QWidget):
    """A heading with a fact at its right, and a view below."""

    def __init__(self, theme: Theme, title: str, view: QWidget, *, inset: int = LIST_INSET, line: bool = True) -> None:
        super().__init__()
        self._fact = TextLabel(theme, role="hint")
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 16, 4)
        head.addWidget(Heading(theme, title))
        head.addStretch(1)
        head.addWidget(self._fact)
        body = QHBoxLayout()
        body.setContentsMargins(inset, 0, 0, 0)
        body.addWidget(view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addLayout(body, 1)
        if line:
            column.addSpacing(8)
            column.addWidget(SectionLine())

    def set_fact(self, words: str) -> None:
        self._fact.setText(words)

    @property
    def fact(self) -> str:
        return self._fact.text()


class DockNotice(QFrame):
    """A line at the dock's foot that stays until it is closed or used: "2 pictures moved to the bin. Undo"."""

    undo_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        set_surface(self, "notice")
        self._words = TextLabel(theme)
        self._words.setWordWrap(True)
        self._undo = LinkButton(theme, self.tr("Undo"))
        self._undo.setToolTip(self.tr("Bring the files back from the bin"))
        close = IconButton(theme, "close", self.tr("Close"), flat=True, side=24, icon_size=LINE_BODY)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self._words, 1)
        row.addWidget(self._undo)
        row.addWidget(close)
        self._undo.clicked.connect(self.undo_asked)
        close.clicked.connect(self.hide)
        self.hide()

    @property
    def undo_button(self) -> LinkButton:
        return self._undo

    @property
    def text(self) -> str:
        return self._words.text()

    def show_words(self, words: str, can_undo: bool) -> None:
        self._words.setText(words)
        self._undo.setVisible(can_undo)
        self.show()


class ResultsDock(QWidget):
    """Everything a person made, newest first. Carries paths and job ids; does nothing itself."""

    show_asked = Signal(str)
    restore_asked = Signal(str)
    menu_asked = Signal(object, QPoint)
    bin_asked = Signal(object)
    forming_asked = Signal()

    def __init__(self, gallery: GalleryModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_surface(self, "dock")
        self.run_model = RunModel(self)
        self.earlier_model = EarlierModel(gallery, self)
        self.run_list = PictureList(self.run_model, theme)
        self.earlier_list = PictureList(self.earlier_model, theme)
        self.queue = QueueView(theme)
        self.notice = DockNotice(theme)
        self.run_section = Section(theme, self.tr("This run"), self.run_list)
        self.waiting_section = Section(theme, self.tr("Waiting"), self.queue, inset=0)
        self.earlier_section = Section(theme, self.tr("Earlier"), self.earlier_list, line=False)
        self._empty = self._empty_state(theme)
        self._space = QWidget()
        self._chosen = ""
        self._lay_out()
        self._connect()
        self.choose("")
        self.arrange()

    def _empty_state(self, theme: Theme) -> QWidget:
        part = QWidget()
        words = TextLabel(
            theme,
            self.tr("Finished pictures appear here. Each is saved at once, together with the settings that made it."),
            role="hint",
        )
        words.setWordWrap(True)
        column = QVBoxLayout(part)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addWidget(words)
        column.addWidget(_DashedBox(theme))
        column.addStretch(1)
        return part

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._empty, 1)
        column.addWidget(self.run_section)
        column.addWidget(self.waiting_section)
        column.addWidget(self.earlier_section, 1)
        column.addWidget(self._space, 1)
        column.addWidget(self.notice)

    def _connect(self) -> None:
        self.run_list.setAccessibleName(self.tr("Pictures of this run"))
        self.earlier_list.setAccessibleName(self.tr("Earlier pictures"))
        for view in (self.run_list, self.earlier_list):
            view.show_asked.connect(self.show_asked)
            view.restore_asked.connect(self.restore_asked)
            view.menu_asked.connect(self.menu_asked)
            view.bin_asked.connect(self.bin_asked)
        self.run_list.clicked.connect(self._on_run_clicked)
        for model in (self.run_model, self.earlier_model):
            for signal in (model.rowsInserted, model.rowsRemoved, model.modelReset):
                signal.connect(self.arrange)
        self.queue.model().modelReset.connect(self.arrange)

    def _on_run_clicked(self, index: QModelIndex) -> None:
        if not self.run_list.path_of(index):
            self.forming_asked.emit()

    def arrange(self, *_: object) -> None:
        """Sections without content are not there; those of a known length are as high as that."""
        run_rows, waiting, earlier = (
            self.run_list.row_count(),
            self.queue.model().rowCount(),
            self.earlier_model.rowCount(),
        )
        self.run_section.setVisible(run_rows > 0)
        self.waiting_section.setVisible(waiting > 0)
        self.earlier_section.setVisible(earlier > 0)
        nothing = not (run_rows or waiting or earlier)
        self._empty.setVisible(nothing)
        self._space.setVisible(not nothing and not earlier)
        self.run_list.setFixedHeight(self.run_list.content_height(min(RUN_ROWS_MOST, max(1, run_rows))))
        self.queue.setFixedHeight(self.queue.row_height * min(QUEUE_ROWS_MOST, max(1, waiting)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def choose(self, path: str) -> None:
        """Marks the picture that is shown in the middle; "" for the forming one. Does not ask for it to be shown."""
        self._chosen = path
        self.run_list.mark_forming(not path)
        for view in (self.run_list, self.earlier_list):
            selected = view.selected_paths()
            if path in selected or (not path and not selected):
                continue
            view.clearSelection()
            index = self._index_of(view, path)
            if index.isValid():
                view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
                view.selectionModel().select(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def choose_again(self) -> None:
        """After pictures came or changed lists."""
        self.choose(self._chosen)

    @staticmethod
    def _index_of(view: PictureList, path: str) -> QModelIndex:
        model = view.model()
        rows = (model.index(row, 0) for row in range(model.rowCount() if path else 0))
        return next((index for index in rows if view.path_of(index) == path), QModelIndex())

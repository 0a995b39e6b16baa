"""The larger half of the models dialog: the search, the list or why it is empty, and the details below it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedWidget, QVBoxLayout, QWidget

from sdstudio.app.io_worker import IoWorker
from sdstudio.app.model_desk import ModelDesk
from sdstudio.app.model_list import ModelListModel
from sdstudio.domain.model_file import Prediction
from sdstudio.domain.models_found import FolderKind, FoundFolder, FoundModel, ModelState
from sdstudio.ui.controls import Button, SectionLine, describe
from sdstudio.ui.models_details import ModelDetails
from sdstudio.ui.models_empty import EmptyPage, SearchField
from sdstudio.ui.models_folders import telling_name
from sdstudio.ui.models_rows import ModelRowList
from sdstudio.ui.theme import Theme

FILTER_MS = 40


class ModelsPane(QWidget):
    """`show_file` shows a file in the system's own program; `details_shown` says whether they are."""

    details_shown = Signal(bool)

    def __init__(
        self,
        desk: ModelDesk,
        io: IoWorker,
        theme: Theme,
        show_file: Callable[[str], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._show_file = show_file
        self._wanted = ""
        self._folder: FoundFolder | None = None
        self._details_open = False
        self.rows = ModelListModel(self)
        self.search = SearchField(theme, self.tr("Search by name or type"))
        self.refresh_button = Button(theme, self.tr("Refresh"))
        self.list = ModelRowList(self.rows, theme)
        self.empty = EmptyPage(theme)
        self.stack = QStackedWidget()
        self.details = ModelDetails(theme, io)
        self._line = SectionLine()
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(FILTER_MS)
        self._theme = theme
        self._colour()
        describe(self.refresh_button, self.tr("Refresh"), self.tr("Looks through all folders"), key="F5")
        self._arrange()
        self._connect()
        self.show_details(False)

    def follow(self) -> None:
        """What the last look found; the chosen row stays chosen."""
        current = self.list.current
        path = current.file.path if current is not None else self._desk.session.model.spec.path
        self._mark()
        self.rows.set_folders(self._desk.folders)
        if self._wanted and self.list.choose(self._wanted):
            self._wanted = ""
        else:
            self.list.choose(path)
        self.refill()

    def show_folder(self, folder: FoundFolder | None) -> None:
        """None: all of them."""
        self._folder = folder
        self.rows.set_folder("" if folder is None else str(folder.path))
        self.refill()

    def want(self, path: str) -> bool:
        """Chooses the row of this file, or the first one below this folder, now or as soon as it is found. Whether it
        is there already."""
        self._wanted = "" if self.list.choose(path) else path
        return not self._wanted

    def clear_search(self) -> None:
        self.search.clear()
        self._filter()

    def refill(self) -> None:
        """The list, or why there is nothing in it; and the details of what is chosen."""
        filled = self.rows.rowCount() > 0
        self.stack.setCurrentWidget(self.list if filled else self.empty)
        if not filled:
            self._say_why()
        elif not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self.rows.index(0))
        self._show_model()

    def show_details(self, shown: bool) -> None:
        self._details_open = shown
        self.details.setVisible(shown)
        self._line.setVisible(shown)
        self._show_model()
        self.details_shown.emit(shown)
        if shown:
            # The list has become shorter: its chosen row stays in sight.
            QTimer.singleShot(0, self.list, lambda: self.list.scrollTo(self.list.currentIndex()))

    def go_to_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def use(self, model: FoundModel) -> None:
        if model.info is not None and model.state is ModelState.CHOICE:
            self._desk.use(model.info)

    def model_menu(self, model: FoundModel) -> QMenu:
        """What can be done with a model."""
        menu = QMenu(self)
        path, default = model.file.path, self._desk.default_path
        in_use = path == self._desk.session.model.spec.path
        choice = model.state is ModelState.CHOICE
        menu.addAction(self.tr("Use"), lambda: self.use(model)).setEnabled(choice and not in_use)
        menu.addAction(self.tr("Details"), lambda: self.show_details(True))
        if choice:
            wanted = "" if path == default else path
            action = menu.addAction(self.tr("Set as default"), lambda: self._desk.set_default(wanted))
            action.setCheckable(True)
            action.setChecked(path == default)
        menu.addSeparator()
        menu.addAction(self.tr("Show in folder"), lambda: self._show_file(path))
        return menu

    def _colour(self) -> None:
        self.refresh_button.setIcon(self._theme.icon("restore", "text", 16))

    def _mark(self) -> None:
        self.rows.set_marks(self._desk.session.model.spec.path, self._desk.default_path)

    def _on_marks(self) -> None:
        self._mark()
        self._show_model()

    def _say_why(self) -> None:
        if self.rows.filtered and self.rows.whole:
            self.empty.say_no_match(self.search.text())
        elif not self._desk.folders:
            self.empty.say_looking()
        elif self._folder is not None and not self._folder.connected:
            self.empty.say_not_connected(telling_name(self._folder.path))
        else:
            self.empty.say_nothing(self._folder is None or self._folder.kind is not FolderKind.ADDED)

    def _show_model(self) -> None:
        if self._details_open:
            model = self.list.current
            title = self.rows.title(model) if model is not None else ""
            self.details.show_model(model, title, self._desk.session.model.spec.path, self._desk.default_path)

    def _filter(self) -> None:
        self._typed.stop()
        current = self.list.current
        self.rows.set_filter(self.search.text())
        if current is not None:
            self.list.choose(current.file.path)
        self.refill()

    def _use_found(self) -> None:
        """Enter in the search: the chosen row, which is the first one where the filter has hidden the other."""
        self._filter()
        if self.list.current is not None:
            self.use(self.list.current)

    def _show_menu(self, model: FoundModel, position: QPoint) -> None:
        menu = self.model_menu(model)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(position)

    def _arrange(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(16, 12, 16, 12)
        top.setSpacing(8)
        top.addWidget(self.search, 1)
        top.addWidget(self.refresh_button)
        self.stack.addWidget(self.list)
        self.stack.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(SectionLine())
        column.addWidget(self.stack, 1)
        column.addWidget(self._line)
        column.addWidget(self.details)

    def _connect(self) -> None:
        desk, details = self._desk, self.details
        self._theme.changed.connect(self._colour)
        desk.session.model_changed.connect(self._on_marks)
        desk.settings.changed.connect(self._on_marks)
        desk.catalog.refreshed.connect(self.refill)
        self._typed.timeout.connect(self._filter)
        self.search.textChanged.connect(lambda: self._typed.start())
        self.search.down.connect(lambda: self.list.setFocus(Qt.FocusReason.TabFocusReason))
        self.search.entered.connect(self._use_found)
        self.refresh_button.clicked.connect(desk.catalog.refresh)
        self.list.use_asked.connect(self.use)
        self.list.details_asked.connect(lambda _: self.show_details(not self._details_open))
        self.list.menu_asked.connect(self._show_menu)
        self.list.selectionModel().currentChanged.connect(lambda *_: self._show_model())
        self.empty.clear_asked.connect(self.clear_search)
        details.use_asked.connect(self.use)
        details.default_asked.connect(desk.set_default)
        details.convert_asked.connect(desk.intake.convert)
        details.hash_asked.connect(desk.ask_hash)
        details.prediction_asked.connect(lambda path, chosen: desk.choose_prediction(path, Prediction(chosen)))
        details.show_asked.connect(self._show_file)
        details.close_asked.connect(lambda: self.show_details(False))

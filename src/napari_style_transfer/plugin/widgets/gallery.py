"""A gallery: pictures with names to choose from, in as many columns as fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QEvent, QItemSelectionModel, QModelIndex, QSize, Qt
from qtpy.QtGui import (
    QIcon,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QPixmap,
    QResizeEvent,
)
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from napari_style_transfer.progress import Picture

#: Sides in pixels of a thumbnail, and how many rows are in sight before the gallery scrolls.
_SIDE, _ROWS = 60, 2
#: Pixels around a thumbnail, and those that napari's themes take beside all of them.
_MARGIN, _PADDING = 4, 8
_KEY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """What a gallery shows of something to choose.

    Attributes
    ----------
    key
        Tells it from others.
    name
        Shown below the picture.
    picture
        (h, w, 3) uint8 of any size; its middle is shown, as a square.
    tooltip
        Said where the pointer rests on it.
    opens
        Whether choosing it opens something: the arrow keys pass over it, and a click, Enter or Space
        chooses it.
    """

    key: str
    name: str
    picture: Picture
    tooltip: str = ""
    opens: bool = False


class Gallery(QListWidget):
    """Shows thumbnails; one is chosen by a click, by the arrow keys, or by typing its name.

    Signals
    -------
    chosen
        The user has chosen something (the argument is its key), or has clicked on it again.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setViewMode(QListWidget.ViewMode.IconMode)
        self.setMovement(QListWidget.Movement.Static)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setUniformItemSizes(True)
        self.setWordWrap(False)
        self.setSpacing(0)
        self.setIconSize(QSize(_SIDE, _SIDE))
        self.setMinimumWidth(_SIDE + 2 * _MARGIN)
        self.setAccessibleName("Styles")
        self.setItemDelegate(_Delegate(self))
        self._shown: dict[str, Thumbnail] = {}
        self.currentItemChanged.connect(self._on_moved)
        self.itemClicked.connect(self._tell)
        self.itemActivated.connect(self._tell)

    def show_all(self, thumbnails: Sequence[Thumbnail]) -> None:
        """Show these; what is chosen stays chosen where it is among them."""
        before, self._shown = self._shown, {each.key: each for each in thumbnails}
        key, current = self.key(), self.currentItem()
        at = "" if current is None else str(current.data(_KEY))
        self.blockSignals(True)
        icons = {item.data(_KEY): item.icon() for item in self._items()}
        self.clear()
        for each in thumbnails:
            old = before.get(each.key)
            is_same = old is not None and old.picture is each.picture
            item = QListWidgetItem(icons[each.key] if is_same else _icon(each.picture), each.name)
            item.setData(_KEY, each.key)
            item.setSizeHint(self.gridSize())
            item.setToolTip("\n\n".join(part for part in (each.name, each.tooltip) if part))
            self.addItem(item)
        self.blockSignals(False)
        self.choose(key)
        if at != key and at in self._shown:  # the arrow keys go on from there
            self._go_to(at, QItemSelectionModel.SelectionFlag.NoUpdate)
        self._fit()

    def key(self) -> str:
        """Return the key of what is chosen; "" if nothing is."""
        selected = self.selectedItems()
        return str(selected[0].data(_KEY)) if selected else ""

    def choose(self, key: str) -> None:
        """Choose what has this key, without saying so; nothing if there is no such thing."""
        if key != self.key() or not key:
            self._go_to(key, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._reveal()

    def selectionCommand(
        self, index: QModelIndex, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        """Do not choose what opens something before that is open."""
        thumbnail = self._shown.get(str(index.data(_KEY)))
        if thumbnail is not None and thumbnail.opens:
            return QItemSelectionModel.SelectionFlag.NoUpdate
        return super().selectionCommand(index, event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Let Space choose, as Enter does."""
        item = self.currentItem()
        if event is not None and event.key() == Qt.Key.Key_Space and item is not None:
            self._tell(item)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Take a double click for one: by the second, something else may be below the pointer."""
        if event is not None:
            event.accept()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Share the width among the columns that fit."""
        super().resizeEvent(event)
        self._fit()

    def _items(self) -> list[QListWidgetItem]:
        items = (self.item(row) for row in range(self.count()))
        return [item for item in items if item is not None]

    def _go_to(self, key: str, command: QItemSelectionModel.SelectionFlag) -> None:
        """Make what has this key, or nothing, the one from which the arrow keys go on."""
        item = next((each for each in self._items() if each.data(_KEY) == key), None)
        self.blockSignals(True)
        if item is None:
            self.setCurrentItem(None)
        else:
            self.setCurrentItem(item, command)
        self.blockSignals(False)

    def _fit(self) -> None:
        """Make the cells as wide as fills a row, and the gallery as high as its rows."""
        bar = self.verticalScrollBar()
        assert bar is not None
        height = _SIDE + self.fontMetrics().height() + 2 * _MARGIN + 2
        least = _SIDE + 2 * _MARGIN
        rows, width = self.count(), max(self.width() - _PADDING, least)
        columns = max(1, width // least)
        scrolls = -(-rows // columns) > _ROWS
        # Qt would leave room for the scroll bar even where there is none.
        policy = Qt.ScrollBarPolicy
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAlwaysOn if scrolls else policy.ScrollBarAlwaysOff
        )
        if scrolls:
            width -= bar.sizeHint().width()
            columns = max(1, width // least)
        cell = QSize(width // columns, height)
        if self.gridSize() != cell:
            self.setGridSize(cell)
            for item in self._items():
                item.setSizeHint(cell)
        self.setFixedHeight(max(1, min(_ROWS, -(-rows // columns))) * height + _PADDING)
        self._reveal()

    def _reveal(self) -> None:
        """Scroll to what is chosen."""
        for item in self.selectedItems():
            self.scrollToItem(item)

    def _on_moved(self, item: QListWidgetItem | None, _: QListWidgetItem | None) -> None:
        if item is not None and not self._shown[str(item.data(_KEY))].opens:
            self._tell(item)

    def _tell(self, item: QListWidgetItem) -> None:
        self.chosen.emit(str(item.data(_KEY)))


class _Delegate(QStyledItemDelegate):
    """Frames what the arrow keys have come to, which the themes do not, unless it is chosen."""

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Draw a thumbnail and its name."""
        super().paint(painter, option, index)
        flags = QStyle.StateFlag
        if painter is None or not option.state & flags.State_HasFocus:
            return
        if not option.state & flags.State_Selected:
            painter.save()
            painter.setPen(option.palette.color(QPalette.ColorRole.Text))
            painter.drawRect(option.rect.adjusted(1, 1, -2, -2))
            painter.restore()


def _icon(picture: Picture) -> QIcon:
    """Return the middle of a picture as a square icon that looks the same in every state."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(picture[top : top + side, left : left + side, :3])
    image = QImage(square.tobytes(), side, side, 3 * side, QImage.Format.Format_RGB888)
    scaled = QPixmap.fromImage(image.copy()).scaled(
        _SIDE,
        _SIDE,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Active):
        icon.addPixmap(scaled, mode)
    return icon

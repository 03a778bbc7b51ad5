"""A table of the image layers, with a tick for each use of them."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_style_transfer.plugin.widgets.calm import make_calm

if TYPE_CHECKING:
    from napari.layers import Image

_NAME, _STYLE, _CONTENT = 0, 1, 2
#: Qt draws a clear box in a colour that is not seen on a dark theme.
_CHECKBOX = (
    "QTreeWidget::indicator:unchecked { border: 1px solid #868e93; width: 11px; height: 11px; }"
)
#: Rows in sight before the table scrolls.
_ROWS = 5
_FLAGS = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable
_TICKED, _CLEAR = Qt.CheckState.Checked, Qt.CheckState.Unchecked


class LayerTable(QTreeWidget):
    """Layers to take the style from, and layers to learn on or to paint.

    A layer serves for one of both: a tick in one column takes away that in the other.

    Parameters
    ----------
    use
        Title of the column of the layers that are no styles.
    tooltip
        Says what the columns are for.

    Signals
    -------
    changed
        Other layers are ticked.
    """

    changed = Signal()

    def __init__(self, use: str, tooltip: str) -> None:
        super().__init__()
        self.setColumnCount(3)
        self.setHeaderLabels(["Layer", "Style", use])
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setToolTip(tooltip)
        self.setStyleSheet(_CHECKBOX)
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(20)
        for column, mode in (
            (_NAME, QHeaderView.ResizeMode.Stretch),
            (_STYLE, QHeaderView.ResizeMode.ResizeToContents),
            (_CONTENT, QHeaderView.ResizeMode.ResizeToContents),
        ):
            header.setSectionResizeMode(column, mode)
        make_calm(self)
        self._layers: list[weakref.ref[Image]] = []
        self._touched = False
        self.itemChanged.connect(self._on_item)

    def show_layers(
        self, layers: Sequence[Image], style: Image | None, left_out: Sequence[Image]
    ) -> None:
        """Show these layers. Until the user has ticked something, what is ticked is a proposal.

        Parameters
        ----------
        layers
            All of them.
        style
            The one to propose for the style.
        left_out
            Those that are not proposed for the other use.
        """
        if self._touched:
            before = {id(ref()): self._ticks(row) for row, ref in enumerate(self._layers)}
        else:
            before = {id(style): (True, False)}
        self.blockSignals(True)
        self.clear()
        self._layers = [weakref.ref(layer) for layer in layers]
        for layer in layers:
            item = QTreeWidgetItem([layer.name, "", ""])
            item.setToolTip(_NAME, layer.name)
            item.setFlags(_FLAGS)
            is_style, is_content = before.get(id(layer), (False, layer not in left_out))
            item.setCheckState(_STYLE, _TICKED if is_style else _CLEAR)
            item.setCheckState(_CONTENT, _TICKED if is_content else _CLEAR)
            self.addTopLevelItem(item)
        self.blockSignals(False)
        header = self.header()
        assert header is not None
        row = self.sizeHintForRow(0) if layers else self.fontMetrics().height() + 6
        rows = max(2, min(_ROWS, len(layers)))
        self.setFixedHeight(header.sizeHint().height() + rows * row + 4)
        self.changed.emit()

    def keep_ticks(self) -> None:
        """Propose nothing any longer: what is ticked stays so."""
        self._touched = True

    def styles(self) -> list[Image]:
        """Return the layers to take the style from."""
        return self._ticked(_STYLE)

    def contents(self) -> list[Image]:
        """Return the layers to learn on or to paint."""
        return self._ticked(_CONTENT)

    def tick(self, layer: Image, *, style: bool) -> None:
        """Tick a layer as a style, or as one to learn on."""
        row = next(row for row, ref in enumerate(self._layers) if ref() == layer)
        item = self.topLevelItem(row)
        assert item is not None
        item.setCheckState(_STYLE if style else _CONTENT, _TICKED)

    def show_columns(self, *, style: bool, content: bool) -> None:
        """Show the columns of the uses that layers are chosen for."""
        self.setColumnHidden(_STYLE, not style)
        self.setColumnHidden(_CONTENT, not content)

    def _ticked(self, column: int) -> list[Image]:
        rows = enumerate(ref() for ref in self._layers)
        wanted = column - 1
        return [layer for row, layer in rows if layer is not None and self._ticks(row)[wanted]]

    def _ticks(self, row: int) -> tuple[bool, bool]:
        item = self.topLevelItem(row)
        if item is None:
            return False, False
        return item.checkState(_STYLE) == _TICKED, item.checkState(_CONTENT) == _TICKED

    def _tick(self, row: int, column: int) -> None:
        """Tick one column, and not the other."""
        item = self.topLevelItem(row)
        assert item is not None
        item.setCheckState(column, _TICKED)
        item.setCheckState(_STYLE + _CONTENT - column, _CLEAR)

    def _on_item(self, item: QTreeWidgetItem, column: int) -> None:
        self._touched = True
        if column != _NAME and item.checkState(column) == _TICKED:
            self.blockSignals(True)
            self._tick(self.indexOfTopLevelItem(item), column)
            self.blockSignals(False)
        self.changed.emit()

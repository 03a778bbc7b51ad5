"""Offers what was being painted when napari ended."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_style_transfer.plugin.outputs.unfinished import Left, left_behind
from napari_style_transfer.plugin.widgets.sentence import Sentence


class UnfinishedPanel(QWidget):
    """A sentence on a run that napari's end cut off, and what can be done with it; hidden if there is none.

    Parameters
    ----------
    on_open
        Opens it, and returns whether that went well; it is not offered again then.

    Attributes
    ----------
    open, discard
        The buttons.
    """

    def __init__(self, on_open: Callable[[Left], bool]) -> None:
        super().__init__()
        self._on_open = on_open
        self._left = left_behind()
        self._sentence = Sentence()
        self.open, self.discard = QPushButton("Open it"), QPushButton("Discard it")
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.open)
        row.addWidget(self.discard)
        column.addWidget(self._sentence)
        column.addLayout(row)
        self.open.clicked.connect(self._open)
        self.discard.clicked.connect(self._discard)
        self._show()

    def text(self) -> str:
        """Return what is said."""
        return self._sentence.text()

    def _show(self) -> None:
        """Offer the newest one that is left."""
        self.setVisible(bool(self._left))
        if not self._left:
            return
        left = self._left[0]
        self.open.setVisible(not left.results)
        self.discard.setText("All right" if left.results else "Discard it")
        if left.results:
            self._sentence.say(
                f"'{left.name}' was being painted when napari ended. Its finished slices are in "
                f"{left.results}: choose the same content, styles and settings, and that folder under "
                "Stack, and Run paints the rest."
            )
        else:
            self._sentence.say(
                f"'{left.name}' was being painted when napari ended. Open the picture so far, and "
                "Continue goes on with it."
            )

    def _open(self) -> None:
        if self._on_open(self._left[0]):
            del self._left[0]
            self._show()

    def _discard(self) -> None:
        self._left.pop(0).discard()
        self._show()

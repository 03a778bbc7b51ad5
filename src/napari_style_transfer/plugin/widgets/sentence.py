"""A line of text that wraps, and is never cut."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QLabel, QSizePolicy


class Sentence(QLabel):
    """Wraps its text at any width and claims the height that it then needs.

    Qt's own label claims one line only, and is cut where the window is low. Hidden while empty.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._passing = ""
        self.hide()

    def say(self, text: str, *, passing: bool = False) -> None:
        """Show `text`; a `passing` one goes when :meth:`expire` is called."""
        self._passing = text if passing else ""
        self.setText(text)
        self.setVisible(bool(text))
        self._claim_height()

    def expire(self) -> None:
        """Say nothing any longer, if what is said is true only until the next change."""
        if self._passing:
            self.say("")

    @property
    def passing(self) -> str:
        """What is said, if it is true only until the next change."""
        return self._passing

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Claim the height that the text needs at the new width."""
        super().resizeEvent(event)
        self._claim_height()

    def _claim_height(self) -> None:
        self.setMinimumHeight(0)  # or the label would count it in
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))

"""A line of text that is taken as a whole."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QLineEdit, QWidget

from napari_style_transfer.errors import InputError


class TextBox(QLineEdit):
    """A line whose text counts on Enter, or when the line is left.

    What cannot be taken is said in a sentence, and the line shows the old text again; so it does on
    Escape.

    Signals
    -------
    changed
        The user or the program has changed the text (the argument).
    refused
        What was typed cannot be taken (the argument says so); "" when what is typed next can.

    Parameters
    ----------
    title
        What the text is called in a sentence.
    check
        Raises InputError if a text cannot be taken.
    """

    changed = Signal(str)
    refused = Signal(str)

    def __init__(
        self, title: str, check: Callable[[str], object], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._check = title, check
        self._value = ""
        self.editingFinished.connect(self.commit)

    def value(self) -> str:
        """Return the text as it was taken last."""
        return self._value

    def setValue(self, text: str) -> None:
        """Set the text, whatever it is."""
        is_new = text != self._value
        self._value = text
        self._show()
        if is_new:
            self.changed.emit(text)

    def commit(self) -> bool:
        """Take what was typed and return True, or say why that cannot be and return False."""
        text = self.text()
        if text == self._value:
            return True
        try:
            self._check(text)
        except InputError as error:
            self._show()
            self.refused.emit(f"{self._title} stays as it was: {error}")
            return False
        self.refused.emit("")
        self.setValue(text)
        return True

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Show the text again on Escape, where something else was typed."""
        is_typed = self.text() != self._value
        if event is not None and event.key() == Qt.Key.Key_Escape and is_typed:
            self._show()
            return
        super().keyPressEvent(event)

    def _show(self) -> None:
        self.setText(self._value)
        self.setCursorPosition(0)

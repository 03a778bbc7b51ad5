"""The section *My styles*: the user's own styles to and from files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import PushButton
from psygnal import Signal
from qtpy.QtWidgets import QFileDialog, QGridLayout, QMessageBox, QSizePolicy, QVBoxLayout, QWidget

from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.plugin.inputs import library
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.export_menu import ExportMenu
from napari_style_transfer.plugin.widgets.sentence import Sentence

if TYPE_CHECKING:
    from napari_style_transfer.plugin.inputs.library import FastEntry
    from napari_style_transfer.plugin.runs.lifetime import Lifetime

_FILTER = "Fast styles (*.safetensors)"
_READ = "Fast styles (*.safetensors *.onnx)"
_NOTHING = "Choose a style in the gallery first."
_SHIPPED = "This style comes with the package and stays."
_UNSAVED = "This style is still being learned."


class LibrarySection(QWidget):
    """Saves, loads, removes and exports styles.

    Signals
    -------
    changed
        The user's styles are others now; the argument is the key of one to choose, or "".
    said
        A sentence for the user; the second argument says whether it is of something that went wrong.

    Parameters
    ----------
    chosen
        Returns the style that is chosen, or None.
    size
        Returns the side of the pictures for exports that take one size only, in pixels.
    lifetime
        Of the widget.

    Attributes
    ----------
    save_as, load, remove, export
        The buttons.
    exports
        The menu of the last one.
    """

    changed = Signal(str)
    said = Signal(str, bool)

    def __init__(
        self,
        chosen: Callable[[], FastEntry | None],
        size: Callable[[], int],
        lifetime: Lifetime,
    ) -> None:
        super().__init__()
        self._chosen = chosen
        self.save_as = PushButton(
            name="save_as", text="Save as…", tooltip="Save the chosen style in a file of your own."
        )
        self.load = PushButton(
            name="load", text="Load…", tooltip="Add styles from a file to the gallery."
        )
        self.remove = PushButton(
            name="remove", text="Remove", tooltip="Delete the chosen style, which is one of yours."
        )
        self.exports = ExportMenu(chosen, size, lifetime)
        self.export = self.exports.button
        grid = QGridLayout()
        grid.setSpacing(6)
        for place, button in enumerate((self.save_as, self.load, self.remove, self.export)):
            button.native.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            grid.addWidget(button.native, *divmod(place, 2))
        self._where = Sentence()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(grid)
        column.addWidget(self._where)
        self._where.say(f"Your styles are kept in {library.folder()}.")
        self.save_as.changed.connect(self._on_save_as)
        self.load.changed.connect(self._on_load)
        self.remove.changed.connect(self._on_remove)
        self.exports.said.connect(lambda sentence, wrong: self.said.emit(sentence, wrong))

    def show_state(self) -> None:
        """Enable what can be pressed; the tooltip of what cannot says why."""
        entry = self._chosen()
        lock(self.save_as.native, _NOTHING if entry is None else "")
        reason = ""
        if entry is None:
            reason = _NOTHING
        elif entry.path is None:
            reason = _UNSAVED if entry.own else _SHIPPED
        lock(self.remove.native, reason)
        self.exports.show_state()

    def save_to(self, path: Path) -> None:
        """Save the chosen style in a file."""
        entry = self._chosen()
        if entry is None:
            return
        try:
            library.save(entry, path)
        except StyleTransferError as error:
            self.said.emit(str(error), True)
            return
        self.said.emit(f"Saved '{entry.name}' as {path}.", False)

    def load_from(self, path: Path) -> None:
        """Add the styles of a file to the user's."""
        try:
            added = library.add(path)
        except StyleTransferError as error:
            self.said.emit(str(error), True)
            return
        self.changed.emit(added[0].key)

    def remove_chosen(self) -> None:
        """Delete the file of the chosen style."""
        entry = self._chosen()
        if entry is None:
            return
        try:
            library.remove(entry)
        except StyleTransferError as error:
            self.said.emit(str(error), True)
            return
        self.said.emit(f"Removed '{entry.name}'.", False)
        self.changed.emit("")

    def _on_save_as(self) -> None:
        entry = self._chosen()
        if entry is None:
            return
        start = str(Path.home() / f"{entry.name}.safetensors")
        name, _ = QFileDialog.getSaveFileName(self, "Save the style", start, _FILTER)
        if name:
            path = Path(name)
            self.save_to(path if path.suffix else path.with_suffix(".safetensors"))

    def _on_load(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Add a style", str(Path.home()), _READ)
        if name:
            self.load_from(Path(name))

    def _on_remove(self) -> None:
        entry = self._chosen()
        if entry is None or entry.path is None:
            return
        others = "" if entry.total == 1 else f" and {entry.total - 1} more in the same file"
        question = f"Delete '{entry.name}'{others} for good?"
        if QMessageBox.question(self, "Remove", question) == QMessageBox.StandardButton.Yes:
            self.remove_chosen()

"""The sections *My styles* and *My translators*: the user's own to and from files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from magicgui.widgets import PushButton
from psygnal import Signal
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_style_transfer.errors import StyleTransferError
from napari_style_transfer.plugin.widgets.calm import lock
from napari_style_transfer.plugin.widgets.layout import fill
from napari_style_transfer.plugin.widgets.sentence import Sentence

if TYPE_CHECKING:
    from napari_style_transfer.plugin.widgets.export_menu import ExportMenu

_SUFFIX = ".safetensors"


class Entry(Protocol):
    """What can be chosen."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def key(self) -> str:
        """What tells it from others."""

    @property
    def path(self) -> Path | None:
        """The user's file."""

    @property
    def own(self) -> bool:
        """Whether it is the user's."""

    @property
    def total(self) -> int:
        """How many are in its file."""


class Library(Protocol):
    """What is kept in the user's files."""

    def folder(self) -> Path:
        """Return where."""

    def save(self, entry: Any, path: Path) -> None:
        """Save one in another file."""

    def add(self, path: Path) -> Sequence[Entry]:
        """Copy a file into the folder, and return what it holds."""

    def remove(self, entry: Any) -> None:
        """Delete the file of one."""


class LibrarySection(QWidget):
    """Saves, loads, removes and exports styles, or other things.

    Signals
    -------
    changed
        There are others now; the argument is the key of one to choose, or "".
    said
        A sentence for the user; the second argument says whether it is of something that went wrong.

    Parameters
    ----------
    library
        Has them.
    chosen
        Returns the one that is chosen, or None.
    noun, nothing
        What one is called, and a sentence for when none is chosen.
    readable
        Patterns of the files that can be loaded.
    exports
        Exports the one that is chosen, if it can be.

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
        library: Library,
        chosen: Callable[[], Entry | None],
        noun: str,
        nothing: str,
        readable: str = f"*{_SUFFIX}",
        exports: ExportMenu | None = None,
    ) -> None:
        super().__init__()
        self._library, self._chosen, self._noun, self._nothing = library, chosen, noun, nothing
        self._files = f"{noun.capitalize()}s"
        self._readable = readable
        self.save_as = PushButton(
            name="save_as",
            text="Save as…",
            tooltip=f"Save the chosen {noun} in a file of your own.",
        )
        self.load = PushButton(name="load", text="Load…", tooltip=f"Add {noun}s from a file.")
        self.remove = PushButton(
            name="remove",
            text="Remove",
            tooltip=f"Delete the chosen {noun}, which is one of yours.",
        )
        self.exports, buttons = exports, [self.save_as, self.load, self.remove]
        if exports is not None:
            self.export = exports.button
            buttons.append(exports.button)
            exports.said.connect(lambda sentence, wrong: self.said.emit(sentence, wrong))
        columns = 2 if exports is not None else 3
        natives = [each.native for each in buttons]
        rows = [natives[at : at + columns] for at in range(0, len(natives), columns)]
        self._where = Sentence()
        fill(self, *rows, self._where)
        self._where.say(f"Your {noun}s are kept in {library.folder()}.")
        self.save_as.changed.connect(self._on_save_as)
        self.load.changed.connect(self._on_load)
        self.remove.changed.connect(self._on_remove)

    def show_state(self) -> None:
        """Enable what can be pressed; the tooltip of what cannot says why."""
        entry = self._chosen()
        lock(self.save_as.native, self._nothing if entry is None else "")
        reason = ""
        if entry is None:
            reason = self._nothing
        elif entry.path is None and entry.own:
            reason = f"This {self._noun} is still being learned."
        elif entry.path is None:
            reason = f"This {self._noun} comes with the package and stays."
        lock(self.remove.native, reason)
        if self.exports is not None:
            self.exports.show_state()

    def save_to(self, path: Path) -> None:
        """Save what is chosen in a file."""
        entry = self._chosen()
        if entry is None:
            return
        try:
            self._library.save(entry, path)
        except StyleTransferError as error:
            self.said.emit(str(error), True)
            return
        self.said.emit(f"Saved '{entry.name}' as {path}.", False)

    def load_from(self, path: Path) -> None:
        """Add what is in a file to the user's."""
        try:
            added = self._library.add(path)
        except StyleTransferError as error:
            self.said.emit(str(error), True)
            return
        self.changed.emit(added[0].key)

    def remove_chosen(self) -> None:
        """Delete the file of what is chosen."""
        entry = self._chosen()
        if entry is None:
            return
        try:
            self._library.remove(entry)
        except StyleTransferError as error:
            self.said.emit(str(error), True)
            return
        self.said.emit(f"Removed '{entry.name}'.", False)
        self.changed.emit("")

    def _on_save_as(self) -> None:
        entry = self._chosen()
        if entry is None:
            return
        start = str(Path.home() / f"{entry.name}{_SUFFIX}")
        title, pattern = f"Save the {self._noun}", f"{self._files} (*{_SUFFIX})"
        name, _ = QFileDialog.getSaveFileName(self, title, start, pattern)
        if name:
            path = Path(name)
            self.save_to(path if path.suffix else path.with_suffix(_SUFFIX))

    def _on_load(self) -> None:
        title, pattern = f"Add a {self._noun}", f"{self._files} ({self._readable})"
        name, _ = QFileDialog.getOpenFileName(self, title, str(Path.home()), pattern)
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

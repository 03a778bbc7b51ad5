"""The button *Export…*: the chosen style as a model for other programs, or as a web page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from magicgui.widgets import PushButton
from psygnal import Signal
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QFileDialog, QMenu

from napari_style_transfer.errors import InputError
from napari_style_transfer.export.page import find_runtime
from napari_style_transfer.plugin.inputs.export_job import (
    ExportJob,
    ExportKind,
    export_job,
    offered,
)
from napari_style_transfer.plugin.runs.exporting import export
from napari_style_transfer.plugin.runs.messages import Exported, Failed
from napari_style_transfer.plugin.runs.worker import Run
from napari_style_transfer.plugin.widgets.calm import lock

if TYPE_CHECKING:
    from napari_style_transfer.plugin.inputs.library import FastEntry
    from napari_style_transfer.plugin.runs.lifetime import Lifetime

_NOTHING = "Choose a style in the gallery first."
_EXPORTING = "A style is being exported."
_PAGE_TITLE = "A folder for the page: an empty one, or that of an earlier page"
_RUNTIME_TITLE = "The folder in which you ran: npm install onnxruntime-web"


class ExportMenu:
    """The button, its menu, and the export in its thread.

    Signals
    -------
    said
        A sentence for the user; the second argument says whether it is of something that went wrong.

    Parameters
    ----------
    chosen
        Returns the style that is chosen, or None.
    size
        Returns the side of the pictures for what takes one size only, in pixels.
    lifetime
        Of the widget.

    Attributes
    ----------
    button
        The button.
    menu
        What it offers.
    """

    said = Signal(str, bool)

    def __init__(
        self,
        chosen: Callable[[], FastEntry | None],
        size: Callable[[], int],
        lifetime: Lifetime,
    ) -> None:
        self._chosen, self._size, self._lifetime = chosen, size, lifetime
        self._run: Run | None = None
        self.button = PushButton(
            name="export",
            text="Export…",
            tooltip="Write the chosen style as a model for other programs and phones, or as a web page.",
        )
        self.menu = QMenu(self.button.native)
        self.button.changed.connect(self._on_click)

    @property
    def busy(self) -> bool:
        """Whether a style is being exported."""
        return self._run is not None

    def show_state(self) -> None:
        """Enable the button, or say in its tooltip why it cannot be pressed."""
        reason = _NOTHING if self._chosen() is None else ""
        lock(self.button.native, _EXPORTING if self.busy else reason)

    def export_to(self, kind: ExportKind, path: Path, runtime: Path | None = None) -> None:
        """Export the chosen style.

        Parameters
        ----------
        kind
            As what.
        path
            The file, or the folder of a page.
        runtime
            Where onnxruntime-web is, for a page.
        """
        entry = self._chosen()
        if entry is None or self.busy:
            return
        try:
            job = export_job(entry, kind, path, self._size(), runtime)
        except InputError as error:
            self.said.emit(str(error), True)
            return
        # Qt would cut a method of this widget off when it deletes it, and the end would not be heard.
        self._run = Run(
            job, export, lambda message: self._hear(job, message), lambda: self._on_end()
        )
        self.show_state()
        self.said.emit(f"Exporting '{entry.name}'…", False)
        self._run.start()

    def _on_click(self) -> None:
        if not self.button.enabled:
            return
        self.menu.clear()
        for kind in offered():
            sides = f" for {self._size()} × {self._size()} px" if kind.sized else ""
            self.menu.addAction(f"{kind.title}{sides}…", partial(self._ask, kind))
        native = self.button.native
        self.menu.popup(native.mapToGlobal(QPoint(0, native.height())))

    def _ask(self, kind: ExportKind, __: bool = False) -> None:
        """Ask where to, and export; the last argument is Qt's."""
        entry, parent = self._chosen(), self.button.native
        if entry is None:
            return
        if kind.is_page:
            name = QFileDialog.getExistingDirectory(parent, _PAGE_TITLE, str(Path.home()))
            runtime = self._find_runtime() if name else None
            if runtime is not None:
                self.export_to(kind, Path(name), runtime)
            return
        start = str(Path.home() / f"{entry.name}{kind.suffix}")
        name, _ = QFileDialog.getSaveFileName(
            parent, "Export the style", start, f"{kind.title} (*{kind.suffix})"
        )
        if name:
            path = Path(name)
            self.export_to(kind, path if path.suffix else path.with_suffix(kind.suffix))

    def _find_runtime(self) -> Path | None:
        """Return where onnxruntime-web is, or what the user says."""
        try:
            return find_runtime()
        except InputError:
            home = str(Path.home())
            name = QFileDialog.getExistingDirectory(self.button.native, _RUNTIME_TITLE, home)
            return Path(name) if name else None

    def _hear(self, job: ExportJob, message: Exported | Failed) -> None:
        if self._lifetime.ended:
            return
        if isinstance(message, Failed):
            self.said.emit(message.sentence("export"), True)
        elif job.kind.is_page:
            serve = f"python -m http.server --directory {message.path}"
            self.said.emit(f"Wrote a page with '{job.entry.name}'; to see it: {serve}", False)
        else:
            size = f"{message.size / 1e6:.2f} MB"
            self.said.emit(f"Exported '{job.entry.name}' as {message.path} ({size}).", False)

    def _on_end(self) -> None:
        self._run = None
        if not self._lifetime.ended:
            self.show_state()

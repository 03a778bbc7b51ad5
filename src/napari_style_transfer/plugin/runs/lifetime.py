"""Whether the widget is still there, and the run that is stopped when it is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

if TYPE_CHECKING:
    from napari_style_transfer.plugin.runs.worker import Run


class Lifetime:
    """Knows whether the widget is still there, and stops its run when it is closed.

    The class keeps a reference to each instance until then: Qt may delete the widget while Python
    collects it as garbage, and must find its callback alive.

    Attributes
    ----------
    run
        The run that is on.
    ended
        Whether Qt has deleted the widget.
    closing
        Called when the widget is closed, beside the run that is stopped.
    """

    _alive: ClassVar[set[Lifetime]] = set()

    def __init__(self) -> None:
        self.run: Run | None = None
        self.ended = False
        self.closing: list[Callable[[], None]] = []
        self._alive.add(self)

    @property
    def running(self) -> bool:
        """Whether a run is on."""
        return self.run is not None

    def watch(self, widget: QWidget) -> None:
        """Stop the run when `widget` is taken out of its dock, and end when Qt deletes it."""
        _DockWatch(widget, self.close)
        widget.destroyed.connect(self.end)

    def end(self) -> None:
        """Stop the run, because Qt has deleted the widget."""
        self.ended = True
        self._alive.discard(self)
        self.close()

    def close(self) -> None:
        """Stop all that is on, because the widget is closed."""
        self.stop()
        for each in self.closing:
            each()

    def stop(self) -> None:
        """Stop the run, if one is on."""
        if self.run is not None:
            self.run.stop()


class _DockWatch(QObject):
    """Says when the widget loses its dock, whose cross does not delete it.

    napari takes the widget out of the dock, and whoever has a reference to it keeps it alive, unseen.
    """

    def __init__(self, widget: QWidget, on_close: Callable[[], None]) -> None:
        super().__init__(widget)
        self._on_close = on_close
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """See whether the widget has lost its dock; the event goes on."""
        moved = event is not None and event.type() == QEvent.Type.ParentChange
        if moved and watched is not None and watched.parent() is None:
            self._on_close()
        return False

"""What outlives the widget: the run to stop when Qt deletes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from napari_style_transfer.plugin.runs.worker import Run


class Lifetime:
    """Says whether the widget is still there, and stops its run when it is not.

    Kept alive here, because Qt may delete the widget while Python collects it as garbage, and what
    is called then must not be garbage itself.
    """

    _alive: ClassVar[set[Lifetime]] = set()

    def __init__(self) -> None:
        self.run: Run | None = None
        self.ended = False
        self._alive.add(self)

    @property
    def running(self) -> bool:
        """Whether a run is on."""
        return self.run is not None

    def end(self) -> None:
        """Take note that Qt has deleted the widget."""
        self.ended = True
        self._alive.discard(self)
        if self.run is not None:
            self.run.stop()

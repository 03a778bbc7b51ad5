"""Watches a layer of labels or shapes for strokes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.layers import Labels, Layer, Shapes

#: The layers' events: while a stroke is painted, when it is done, on new data, and on undo.
_EVENTS = ("labels_update", "paint", "data", "set_data")


class LabelsWatch:
    """Calls back at every event that says that the watched layer was painted in.

    Parameters
    ----------
    on_painted
        Called with the layer.
    """

    def __init__(self, on_painted: Callable[[Layer], None]) -> None:
        self._on_painted = on_painted
        self._layer: Labels | Shapes | None = None

    def watch(self, layer: Labels | Shapes | None) -> None:
        """Watch another layer, or none."""
        if layer is self._layer:
            return
        if self._layer is not None:
            for event in _EVENTS:
                if event in self._layer.events.emitters:
                    self._layer.events[event].disconnect(self._hear)
        self._layer = layer
        if layer is not None:
            for event in _EVENTS:
                if event in layer.events.emitters:
                    layer.events[event].connect(self._hear)

    def _hear(self, *_: Any) -> None:
        if self._layer is not None:
            self._on_painted(self._layer)

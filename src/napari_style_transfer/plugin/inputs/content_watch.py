"""Watches what is seen of a content: its values, its colours, its place, and which slice is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from napari_style_transfer.plugin.inputs.slicing import is_lazy

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

#: The layer's events after which every slice of it looks otherwise or lies elsewhere.
CHANGES = (
    "data", "contrast_limits", "gamma", "colormap", "projection_mode", "name",
    "scale", "translate", "rotate", "shear", "affine", "units", "axis_labels",
)  # fmt: skip
#: The same where colours and contrast play no part.
UNCOLOURED = tuple(each for each in CHANGES if each not in ("contrast_limits", "gamma", "colormap"))
#: The viewer's events after which another slice is shown, and those after which each is cut otherwise.
_MOVES, _VIEWS = ("point",), ("order", "ndisplay", "margin_left", "margin_right")


class ContentWatch:
    """Calls back when a content looks otherwise.

    Parameters
    ----------
    viewer
        The viewer of the layer.
    on_change
        Called when all slices of it have to be painted anew.
    on_move
        Called when another slice is shown, or when the layer was drawn anew.
    changes
        The layer's events after which all slices have to be painted anew.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        on_change: Callable[[], None],
        on_move: Callable[[], None],
        changes: Sequence[str] = CHANGES,
    ) -> None:
        self._on_change, self._on_move, self._changes = on_change, on_move, changes
        self.layer: Image | None = None
        for event in (*_MOVES, *_VIEWS):
            if event in viewer.dims.events.emitters:
                hear = self._hear_move if event in _MOVES else self._hear
                viewer.dims.events[event].connect(hear)

    def watch(self, layer: Image | None) -> None:
        """Watch another layer, or none."""
        if layer is self.layer:
            return
        if self.layer is not None:
            self._for_each_event(self.layer, "disconnect")
        self.layer = layer
        if layer is not None:
            self._for_each_event(layer, "connect")

    def _for_each_event(self, layer: Image, what: str) -> None:
        for event in self._changes:
            if event in layer.events.emitters:
                getattr(layer.events[event], what)(self._hear)
        getattr(layer.events.set_data, what)(self._hear_drawn)

    def _hear(self, *_: Any) -> None:
        if self.layer is not None:
            self._on_change()

    def _hear_move(self, *_: Any) -> None:
        if self.layer is not None:
            self._on_move()

    def _hear_drawn(self, *_: Any) -> None:
        # Arrays can be changed in place, and then the layer is refreshed; dask's cannot.
        if self.layer is not None and not is_lazy(self.layer.data):
            self._on_move()

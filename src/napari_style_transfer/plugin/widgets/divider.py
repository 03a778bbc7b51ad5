"""Dragging the divider between before and after in the picture."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_style_transfer.plugin.outputs.view import camera_of
from napari_style_transfer.plugin.widgets.fields import NumberField

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_style_transfer.plugin.outputs.live_layer import LiveLayer

#: Pixels on the screen within which the divider is taken hold of.
_REACH = 8


class DividerDrag:
    """Lets the left edge of the painting be dragged; the camera stays meanwhile.

    Parameters
    ----------
    viewer
        The viewer.
    live
        Returns the layer with the divider; None where there is none.
    field
        Has the divider's place, from 0 to 1.
    """

    def __init__(
        self, viewer: ViewerModel, live: Callable[[], LiveLayer | None], field: NumberField
    ) -> None:
        self._viewer, self._live, self._field = viewer, live, field
        viewer.mouse_drag_callbacks.append(self._on_drag)

    def end(self) -> None:
        """Let nothing be dragged any longer."""
        if self._on_drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_drag)

    def _on_drag(self, viewer: ViewerModel, event: Any) -> Generator[None]:
        place = self._place(event.position)
        if place is None:
            return
        share, width = place
        if abs(share - self._field.value) * width * camera_of(viewer).zoom > _REACH:
            return
        camera = camera_of(viewer)
        could_pan, camera.mouse_pan = camera.mouse_pan, False
        try:
            yield
            while event.type == "mouse_move":
                place = self._place(event.position, beyond=True)
                if place is not None:
                    self._field.value = round(min(max(place[0], 0.0), 1.0), 3)
                yield
        finally:
            camera.mouse_pan = could_pan

    def _place(self, position: Any, *, beyond: bool = False) -> tuple[float, float] | None:
        """Return how far right in the picture a point of the world lies, 0 to 1, and the picture's width.

        None where no picture is seen, or the point is above or below it and may not be `beyond`. The width
        is in world units.
        """
        live = self._live()
        layer, painted = (None, None) if live is None else (live.layer, live.painted)
        if layer is None or painted is None or not layer.visible:
            return None
        picture, placement = painted
        height, width = picture.shape[:2]
        data = layer.world_to_data(position[-layer.ndim :])
        down, across = placement.axes
        if not (beyond or -0.5 <= data[down] <= height - 0.5):
            return None
        step = np.linalg.norm(placement.to_world((height, width))[:, 1])
        return (float(data[across]) + 0.5) / width, float(step) * width

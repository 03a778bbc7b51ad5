"""Where the user looks: results are brought into view, and nothing is hidden for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.plugin.inputs.slicing import shown_axes
from napari_style_transfer.stack.plan import Index

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

#: Share of the layer, or of the screen where that is smaller, that has to be seen.
_SEEN = 0.1
#: Share of the screen that a layer then fills, as napari's own home view does.
_FILLED = 0.95


def bring_into_view(viewer: ViewerModel, layer: Image) -> None:
    """Put `layer` on top and make it visible; move the camera only where it looks elsewhere."""
    layer.visible = True
    place = viewer.layers.index(layer)
    if place < len(viewer.layers) - 1:
        viewer.layers.move(place, len(viewer.layers))
    canvas = getattr(viewer, "canvas", None)  # new in napari 0.9; before, its size is private
    if canvas is None or viewer.dims.ndisplay != 2 or canvas.grid.enabled:
        return
    camera = camera_of(viewer)
    missing = viewer.dims.ndim - layer.ndim
    axes = [axis - missing for axis in viewer.dims.displayed]
    if min(axes) < 0:
        return
    low, high = layer.extent.world[:, axes]
    size = np.maximum(high - low, np.finfo(np.float32).tiny)
    half = np.array(canvas.size) / camera.zoom / 2
    looks_at = np.array(camera.center[-2:])
    seen = np.clip(np.minimum(high, looks_at + half) - np.maximum(low, looks_at - half), 0, None)
    if seen.prod() < _SEEN * min(size.prod(), (2 * half).prod()):
        camera.center = (0.0, *map(float, (low + high) / 2))
        camera.zoom = float(_FILLED * (np.array(canvas.size) / size).min())


def camera_of(viewer: ViewerModel) -> Any:
    """Return the viewer's camera, which has another place since napari 0.9."""
    return getattr(viewer, "scene", viewer).camera


class SliceFollower:
    """Moves the viewer's sliders to the slice in the making, until the user moves them.

    Parameters
    ----------
    viewer
        The viewer.
    axes
        The axes of the layer that run down and across the pictures.
    """

    def __init__(self, viewer: ViewerModel, axes: tuple[int, int]) -> None:
        self._viewer, self._axes = viewer, axes
        self._sliders = tuple(viewer.dims.point)
        self._index: Index | None = None
        self._following = True

    def follow(self, layer: Image, index: Index) -> None:
        """Show a slice of the result `layer`, unless the user looks at another one."""
        if not self._following or index == self._index:
            return
        dims = self._viewer.dims
        try:
            is_as_begun = shown_axes(layer) == self._axes
        except InputError:  # it is shown in 3-D
            is_as_begun = False
        if not is_as_begun or not np.allclose(dims.point, self._sliders):
            self._following = False
            return
        leading = [axis for axis in range(layer.ndim) if axis not in self._axes]
        place = np.zeros(layer.ndim)
        place[leading] = index
        world = layer.data_to_world(place)
        before = dims.ndim - layer.ndim
        dims.set_point([before + axis for axis in leading], [float(world[a]) for a in leading])
        self._index, self._sliders = index, tuple(dims.point)

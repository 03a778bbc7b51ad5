"""A small picture of a layer, made in a moment on the main thread."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.pictures import over_white
from napari_style_transfer.plugin.inputs.slicing import Cutter, shown_point
from napari_style_transfer.plugin.inputs.snapshot import shown_as

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_style_transfer.progress import Picture

#: Long side in pixels of a thumbnail, at least, where the picture is as large.
_SIDE = 240


def thumbnail(layer: Image) -> Picture:
    """Return a small picture of what `layer` shows; nothing is read from a disk or computed by dask.

    Arrays in memory are thinned out. Of any other layer it is napari's own thumbnail, which is black as
    long as the layer was never drawn.

    Returns
    -------
    ndarray
        (h, w, 3) uint8.
    """
    try:
        picture = _thinned(layer)
    except InputError:  # nothing of it is shown, or it is shown in 3-D
        picture = None
    return _drawn(layer) if picture is None else picture


def thin(picture: Picture) -> Picture:
    """Return a copy of every nth pixel of an (H, W, 3) picture."""
    step = _step(picture.shape[0], picture.shape[1])
    return np.ascontiguousarray(picture[::step, ::step])


def _thinned(layer: Image) -> Picture | None:
    """Return every nth pixel of the slice shown; None if it is not in memory."""
    if 0 in layer.level_shapes or np.dtype(layer.dtype).kind not in "buif":
        return None
    cutter = Cutter.of(layer, _SIDE)
    data = cutter.data
    if type(data) is not np.ndarray or (layer.rgb and data.shape[-1] not in (3, 4)):
        return None
    step = _step(*(data.shape[axis] for axis in cutter.axes))
    steps = tuple(
        slice(None, None, step if axis in cutter.axes else 1) for axis in range(layer.ndim)
    )
    values = replace(cutter, data=data[steps]).cut(shown_point(layer))
    colours = over_white(shown_as(layer, np.array(values)).pixels() / np.float32(255))
    picture: Picture = np.rint(colours * 255).astype(np.uint8)
    return picture


def _drawn(layer: Image) -> Picture:
    """Return napari's own thumbnail without the bars that make it a square."""
    picture: Picture = layer.thumbnail[..., :3]
    side = len(picture)
    height, width = (max(1, layer.level_shapes[0][axis]) for axis in (-2, -1))
    bar = int(side * (1 - min(height, width) / max(height, width)) / 2)
    bar = min(bar, side // 2 - 1)
    return picture[bar : side - bar, :] if width > height else picture[:, bar : side - bar]


def _step(height: int, width: int) -> int:
    return max(1, max(height, width) // _SIDE)

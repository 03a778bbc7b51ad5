"""Which axis of a layer is time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_style_transfer.io.movies import is_movie
from napari_style_transfer.plugin.inputs.movies import MOVIE_KEY

if TYPE_CHECKING:
    from napari.layers import Image

_NAMES = ("t", "time")


def is_time(layer: Image, axis: int) -> bool:
    """Return whether `axis` of a layer runs along time: by its name, its unit, or as it is a movie.

    The viewer's own names of its axes do not count: they may be another layer's.
    """
    if layer.axis_labels[axis].strip().lower() in _NAMES:
        return True
    source = layer.source.path
    came_from_movie = source is not None and is_movie(source)
    if axis == 0 and (MOVIE_KEY in layer.metadata or came_from_movie):
        return True
    return bool(layer.units[axis].is_compatible_with("second"))

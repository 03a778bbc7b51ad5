"""Which axis of a layer is time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.layers import Image

_NAMES = ("t", "time")


def is_time(layer: Image, axis: int) -> bool:
    """Return whether `axis` of a layer runs along time, by its name or its unit.

    The viewer's own names of its axes do not count: they may be another layer's.
    """
    if layer.axis_labels[axis].strip().lower() in _NAMES:
        return True
    return bool(layer.units[axis].is_compatible_with("second"))

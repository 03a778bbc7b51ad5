"""Shapes of pictures: which size a result has, and whether the network can see it. Loads no torch."""

from __future__ import annotations

from napari_style_transfer.errors import InputError
from napari_style_transfer.settings import MIN_SIDE

#: (height, width) in pixels.
Shape = tuple[int, int]


def result_shape(shape: Shape, size: int) -> Shape:
    """Return the (H, W) of a result whose long side is `size`, in the aspect ratio of `shape`."""
    longest = max(shape)
    height, width = (max(1, round(side * size / longest)) for side in shape)
    return height, width


def check_shape(shape: Shape, size: int) -> Shape:
    """Return the result's (H, W), or say that its short side would be too short for the network.

    Raises
    ------
    InputError
        If the short side is below 16 px; the message gives the size that is enough.
    """
    height, width = result_shape(shape, size)
    if min(height, width) < MIN_SIDE:
        enough = -(-MIN_SIDE * max(shape) // min(shape))
        raise InputError(
            f"The result would be {width} × {height} px, too narrow for the network; "
            f"choose a size of at least {enough}, or crop the content."
        )
    return height, width

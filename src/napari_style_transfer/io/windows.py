"""Pictures that are read part by part, so that no float copy of the whole is made. Loads no torch."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.io.pictures import (
    Colours,
    ValueRange,
    check_numbers,
    check_scale,
    has_full_scale,
    picture_of,
    read_raster,
    split_alpha,
)
from napari_style_transfer.io.raster import Raster


class PictureWindows:
    """A picture whose parts are brought to sRGB in [0, 1] when they are asked for.

    Made by :func:`open_picture`.

    Attributes
    ----------
    shape
        (H, W).
    alpha
        (H, W), its opacity, of any real type; None if it is opaque.
    """

    def __init__(self, raster: Raster, value_range: ValueRange | None, name: str) -> None:
        self._raster, self._value_range, self._name = raster, value_range, name
        self.shape: tuple[int, int] = (raster.values.shape[0], raster.values.shape[1])
        self.alpha = raster.alpha

    def read(self, rows: slice, columns: slice) -> Colours:
        """Return a part of it, (h, w, 3) or with opacity (h, w, 4), float32 in [0, 1], sRGB."""
        raster = self._raster
        part = replace(
            raster,
            values=raster.values[rows, columns],
            alpha=None if raster.alpha is None else raster.alpha[rows, columns],
        )
        return picture_of(part, self._value_range, self._name)


def open_picture(
    source: Any, *, value_range: ValueRange | None = None, name: str = "The picture"
) -> PictureWindows:
    """Open a picture to read its parts, each as :func:`~napari_style_transfer.read_picture` gives it.

    Parameters
    ----------
    source, value_range, name
        As for :func:`~napari_style_transfer.read_picture`; or a picture that is open already.

    Raises
    ------
    InputError
        If it cannot be read as a picture, for its values, too.
    """
    if isinstance(source, PictureWindows):
        return source
    raster = read_raster(source, name)
    if isinstance(source, (str, os.PathLike)):
        name = f"{name} {os.fspath(source)}"
    if not raster.values.size or not _is_plain(raster.values):
        # Its scale depends on all of its values.
        colours, alpha = split_alpha(picture_of(raster, value_range, name))
        raster, value_range = Raster(colours, "rgb", alpha), None
    elif value_range is not None:
        check_numbers(raster.values, name)
    else:
        check_scale(raster.values, name, raster.full)
    if raster.alpha is not None:
        whose = name.replace("The ", "the ", 1)
        check_scale(raster.alpha, f"The transparency of {whose}", raster.full)
    return PictureWindows(raster, value_range, name)


def _is_plain(values: npt.NDArray[Any]) -> bool:
    """Return whether a type says by which number its values are divided."""
    return values.dtype.kind in "bf" or has_full_scale(np.dtype(values.dtype))

"""Pictures of labels, such as regions and masks. Loads no torch."""

from __future__ import annotations

import os
from typing import Any

import numpy.typing as npt

from napari_style_transfer.errors import InputError
from napari_style_transfer.io.decode import decode


def read_labels(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read a picture of labels: grey levels or the indices of a palette.

    Parameters
    ----------
    path
        A file of any format that is read; it is turned upright as a photograph is.

    Returns
    -------
    ndarray
        (H, W) integers, or bool.

    Raises
    ------
    InputError
        If the file cannot be read, has colours, or holds no whole numbers.
    """
    raster = decode(path, indexed=True, what="the labels in")
    values = raster.values
    if raster.space == "grey" and values.dtype.kind == "f":
        raise InputError(
            f"The labels in {os.fspath(path)} are of type {values.dtype}; save them as whole numbers."
        )
    if raster.space != "grey" or values.dtype.kind not in "bui" or not values.size:
        raise InputError(
            f"The labels in {os.fspath(path)} should be grey levels, one for each region, without "
            "colours."
        )
    return values

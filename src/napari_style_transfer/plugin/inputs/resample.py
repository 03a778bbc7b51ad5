"""Labels over the content's pixels, whatever grid they were drawn on: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.integer[Any]]
Matrix = npt.NDArray[np.float64]

#: Pixels that are resampled at a time, to bound the memory that their coordinates take.
_AT_A_TIME = 2**20


def resample(labels: Labels, to_labels: Matrix, shape: tuple[int, int]) -> Labels:
    """Return the label nearest to each pixel of a grid; 0 beyond the labels.

    Parameters
    ----------
    labels
        An array of D axes.
    to_labels
        (D, 3): takes (row, column, 1) of the grid to coordinates in `labels`. In both, the centre of
        a pixel has whole coordinates.
    shape
        (H, W) of the grid.
    """
    sampled: Labels = np.zeros(shape, labels.dtype)
    if not labels.size:
        return sampled
    columns = np.arange(shape[1])[None, :]
    strip = max(1, _AT_A_TIME // shape[1])
    for first in range(0, shape[0], strip):
        rows = np.arange(first, min(first + strip, shape[0]))[:, None]
        inside: Any = True
        index = []
        for (down, across, offset), size in zip(to_labels, labels.shape, strict=True):
            # An axis that runs along the grid's needs no coordinate for each pixel.
            coordinate = offset + (down * rows if down else 0) + (across * columns if across else 0)
            nearest = np.floor(coordinate + 0.5)
            inside = inside & (nearest >= 0) & (nearest < size)
            index.append(np.clip(nearest, 0, size - 1).astype(np.intp))
        sampled[first : first + strip] = np.where(inside, labels[tuple(index)], 0)
    return sampled


def needed_part(
    to_labels: Matrix, shape: tuple[int, int], limits: Iterable[int]
) -> tuple[slice, ...]:
    """Return the part of labels of the size `limits` that a grid of `shape` can see."""
    last_row, last_column = shape[0] - 1, shape[1] - 1
    corners = np.array([[0, 0, last_row, last_row], [0, last_column, 0, last_column], [1, 1, 1, 1]])
    reached = to_labels @ corners
    first = np.floor(reached.min(axis=1) + 0.5)
    last = np.floor(reached.max(axis=1) + 0.5)
    return tuple(
        slice(int(np.clip(low, 0, size)), int(np.clip(high + 1, 0, size)))
        for low, high, size in zip(first, last, limits, strict=True)
    )


def fill(
    outlines: Iterable[tuple[int, npt.NDArray[Any]]], shape: tuple[int, int]
) -> npt.NDArray[np.int32]:
    """Return an (H, W) array in which each outline is filled with its label, later ones on top.

    Parameters
    ----------
    outlines
        Label and (N, 2) vertices, (row, column) in pixels.
    shape
        (H, W).
    """
    from skimage.draw import polygon

    labels: npt.NDArray[np.int32] = np.zeros(shape, np.int32)
    for label, vertices in outlines:
        labels[polygon(vertices[:, 0], vertices[:, 1], shape)] = label  # type: ignore[no-untyped-call]
    return labels


def ellipse(corners: npt.NDArray[Any], points: int = 90) -> npt.NDArray[np.float64]:
    """Return points on the ellipse that touches the sides of a parallelogram.

    Parameters
    ----------
    corners
        (4, D): of the parallelogram, in turn.
    points
        How many.
    """
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)[:, None]
    centre = (corners[0] + corners[2]) / 2
    half, other_half = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    found: npt.NDArray[np.float64] = centre + np.cos(angle) * half + np.sin(angle) * other_half
    return found

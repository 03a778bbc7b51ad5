"""Whether labels still fit a new picture: edges that are kept, and edges that came in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_style_transfer.augment.settings import Made
from napari_style_transfer.augment.values import grey

#: Standard deviation, in pixels, of the Gaussian that pictures are smoothed with.
_SMOOTH = 1.5
#: Pixels to each side of an outline in which its edge is looked for, and by which it may have moved.
_REACH, _MAY_MOVE = 4, 1.5
#: An outline has an edge where it is this share as steep as a steep one (the 90th percentile).
_LEAST_STEEP, _STEEP = 0.25, 90.0
#: An edge in the background counts if it is this share as steep as the middle of the objects'.
_OBJECT_LIKE = 0.5
#: Outline pixels that are looked at, at most.
_MOST = 20_000

#: Share of edges kept below which a picture is warned of. A texture with fine specks leaves about 0.8 of
#: them in place, and a shift by two pixels 0.6.
LEAST_KEPT = 0.6

Floats = npt.NDArray[np.floating[Any]]


def measure(
    before: Floats, after: Floats, labels: npt.NDArray[Any], colour: bool
) -> tuple[float | None, float | None]:
    """Return :func:`edges_kept` and :func:`edges_added` of pictures of any number of channels.

    They are measured in the luminance of colours; of channels, in the one in which the labels' outlines
    have the strongest edges.

    Parameters
    ----------
    before, after
        (C, H, W), of one range.
    labels
        (H, W) integers, 0 for the background.
    colour
        Whether the planes are red, green and blue.
    """
    if colour:
        before, after = grey(before), grey(after)
    channel = 0
    if len(before) > 1:
        places, _ = _outlines(labels)
        rows, columns = places.astype(int).T
        steep = [
            ndimage.gaussian_gradient_magnitude(each, _SMOOTH)[rows, columns].sum()
            / (each.std() + 1e-9)
            for each in before
        ]
        channel = int(np.argmax(steep))
    one, two = before[channel], after[channel]
    return edges_kept(one, two, labels), edges_added(one, two, labels)


def warning(made: Sequence[Made], table: Path) -> str:
    """Return a sentence on pictures to which their labels may not fit any more; "" if there are none.

    Parameters
    ----------
    made
        The new pictures.
    table
        The file that says which they are.
    """
    moved = sum(each.edges_kept is not None and each.edges_kept < LEAST_KEPT for each in made)
    if not moved:
        return ""
    return (
        f"Of {len(made)} new pictures, {moved} keep less than {LEAST_KEPT:.0%} of their labels' edges: "
        f"find them in {table} and look at them, or try less strength."
    )


def edges_kept(before: Floats, after: Floats, labels: npt.NDArray[Any]) -> float | None:
    """Return the share of the labels' outlines whose edge is where it was, in the same direction.

    At each pixel of an outline the picture is followed along the outline's normal. The place where it is
    steepest may move by one and a half pixels, and what was brighter must still be brighter. Outlines
    without an edge before, as between two objects that touch, do not count.

    Parameters
    ----------
    before, after
        (H, W), of any range.
    labels
        (H, W) integers, 0 for the background.

    Returns
    -------
    float or None
        In [0, 1]; None where no outline has an edge.
    """
    places, normals = _outlines(labels)
    if not len(places):
        return None
    distances = np.arange(-_REACH, _REACH + 1e-9, 0.5)
    lines = places[:, None] + normals[:, None] * distances[None, :, None]
    slopes = [_slopes(picture, lines, normals) for picture in (before, after)]
    found = [np.abs(each).argmax(1) for each in slopes]
    rows = np.arange(len(places))
    peaks = [each[rows, at] for each, at in zip(slopes, found, strict=True)]
    steep = np.abs(peaks[0])
    counted = (steep > 0) & (steep >= _LEAST_STEEP * np.percentile(steep, _STEEP))
    if not counted.any():
        return None
    moved = np.abs(distances[found[0]] - distances[found[1]]) > _MAY_MOVE
    kept = ~moved & (np.sign(peaks[0]) == np.sign(peaks[1]))
    return float(kept[counted].mean())


def edges_added(before: Floats, after: Floats, labels: npt.NDArray[Any]) -> float | None:
    """Return by how much the share of the background that has edges like the objects' has grown.

    Parameters
    ----------
    before, after, labels
        As for :func:`edges_kept`.

    Returns
    -------
    float or None
        In [0, 1]; None where there are no objects, or no background.
    """
    places, _ = _outlines(labels)
    background = ndimage.distance_transform_edt(labels == 0) > _REACH + _SMOOTH
    if not len(places) or not background.any():
        return None
    rows, columns = np.rint(places).astype(int).T
    shares = []
    for picture in (before, after):
        steepness = ndimage.gaussian_gradient_magnitude(np.asarray(picture, float), _SMOOTH)
        like_objects = _OBJECT_LIKE * np.median(steepness[rows, columns])
        shares.append(float((steepness[background] > like_objects).mean()))
    return max(0.0, shares[1] - shares[0])


def _outlines(labels: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Return pixels on the outlines, (N, 2), and the unit vectors out of their objects, (N, 2)."""
    padded = np.pad(labels, 1, mode="edge")
    centre = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    inner = (centre != 0) & np.logical_or.reduce([each != centre for each in neighbours])
    places = np.argwhere(inner).astype(float)
    if len(places) > _MOST:
        places = places[np.linspace(0, len(places) - 1, _MOST).astype(int)]
    objects = (labels != 0).astype(float)
    gradient = np.stack(
        [ndimage.gaussian_filter(objects, _SMOOTH, order) for order in ((1, 0), (0, 1))]
    )
    rows, columns = places.astype(int).T
    normals = -gradient[:, rows, columns].T
    length = np.linalg.norm(normals, axis=1)
    # Where two objects touch there is no way out.
    clear = length > 0.05
    return places[clear], normals[clear] / length[clear, None]


def _slopes(picture: Floats, lines: Floats, normals: Floats) -> Floats:
    """Return how fast a picture rises along lines, (N, D), at points (N, D, 2)."""
    values = np.asarray(picture, float)
    total = np.zeros(lines.shape[:2])
    for axis, order in enumerate(((1, 0), (0, 1))):
        gradient = ndimage.gaussian_filter(values, _SMOOTH, order)
        at = ndimage.map_coordinates(gradient, np.moveaxis(lines, 2, 0), order=1, mode="nearest")
        total += at * normals[:, axis, None]
    return total

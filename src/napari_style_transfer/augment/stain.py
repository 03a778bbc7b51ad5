"""Stains of a slide, separated and given the colours of another's (Macenko et al. 2009).

M. Macenko, M. Niethammer, J. S. Marron et al.: A method for normalizing histology slides for quantitative
analysis, ISBI 2009. The thresholds are those of the paper; scaling by the 99th percentile is that of the
authors' program.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_style_transfer.errors import ContentError, InputError

#: Light that passes where there is no tissue, relative to full scale; optical density below which a pixel
#: is taken for such; percentile of the angles that are taken for the two pure stains.
_CLEAR, _LEAST_DENSITY, _PERCENTILE = 240 / 255, 0.15, 1.0
#: Percentile of a stain's amounts by which two slides are scaled to each other.
_STRONG = 99.0
#: The darkest value that has a density: half a grey level.
_DARKEST = 0.5 / 255
#: Share of the pixels that must be stained.
_LEAST_TISSUE = 0.005

Floats = npt.NDArray[np.float64]


def match_stain(
    picture: npt.NDArray[Any], reference: npt.NDArray[Any], strength: float = 1.0
) -> npt.NDArray[np.float32]:
    """Return a picture of a slide with two stains in the stains of another.

    Each pixel's optical density is a sum of two stains, such as haematoxylin and eosin. Their amounts stay,
    up to a factor for each; their colours, and how strong they are, become the reference's.

    Parameters
    ----------
    picture, reference
        (H, W, 3) in [0, 1], each of any size.
    strength
        Share of the way, from 0, the picture, to 1.

    Returns
    -------
    ndarray
        (H, W, 3) float32 in [0, 1].

    Raises
    ------
    ContentError
        If the picture has no stained tissue.
    InputError
        If the reference has none.
    """
    try:
        wanted = stains(reference)
    except ContentError as error:
        raise InputError(f"The style: {error}") from None
    found = stains(picture)
    density = _density(picture)
    (amounts, most), (_, wanted_most) = (
        _amounts(each, which) for each, which in ((density, found), (_density(reference), wanted))
    )
    scaled = amounts * (wanted_most / most)[:, None]
    matched = np.clip(_CLEAR * np.exp(-wanted @ scaled), 0, 1).T.reshape(picture.shape)
    return np.asarray(picture + strength * (matched - picture), np.float32)


def stains(picture: npt.NDArray[Any]) -> Floats:
    """Return the colours of a slide's two stains, (3, 2), as unit vectors of optical density.

    The first is the one that takes more red, haematoxylin of H&E.

    Raises
    ------
    ContentError
        If hardly anything is stained, or all in one colour.
    """
    density = _density(picture)
    stained = density[:, (density >= _LEAST_DENSITY).all(0)]
    if stained.shape[1] < max(16, _LEAST_TISSUE * density.shape[1]):
        raise ContentError(
            "There is no stained tissue in it; only slides in bright field have stains."
        )
    values, axes = np.linalg.eigh(np.cov(stained))
    if values[1] < 1e-6 * max(values[2], 1e-12) or values[2] < 1e-9:
        raise ContentError("It has one colour only; choose a slide with two stains.")
    plane = axes[:, 1:] * np.where(axes[:, 1:].sum(0) < 0, -1, 1)
    across, along = plane.T @ stained
    angles = np.percentile(np.arctan2(across, along), (_PERCENTILE, 100 - _PERCENTILE))
    found = plane @ np.array([np.sin(angles), np.cos(angles)])
    found *= np.where(found.sum(0) < 0, -1, 1)
    return np.asarray(found[:, np.argsort(-found[0])])


def _amounts(density: Floats, which: Floats) -> tuple[Floats, Floats]:
    """Return how much of each stain each pixel has, (2, N), and the strong amounts, (2,)."""
    amounts = np.asarray(np.linalg.lstsq(which, density, rcond=None)[0], np.float64)
    strong = np.maximum(np.percentile(amounts, _STRONG, axis=1), 1e-3)
    return amounts, np.asarray(strong)


def _density(picture: npt.NDArray[Any]) -> Floats:
    """Return the optical densities, (3, N), of a picture in [0, 1]."""
    light = np.maximum(np.asarray(picture, np.float64).reshape(-1, 3).T, _DARKEST)
    return -np.log(light / _CLEAR)

"""Stains of a slide, separated and given the colours of another's (Macenko et al. 2009).

M. Macenko, M. Niethammer, J. S. Marron et al.: A method for normalizing histology slides for quantitative
analysis, ISBI 2009. The thresholds are those of the paper; scaling by the 99th percentile is that of the
authors' program.
"""

from __future__ import annotations

import math
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
#: Pixels of a picture that its stains are measured by, about, at most.
_ENOUGH = 2**19
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
    most, wanted_most = _strong(picture, found), _strong(reference, wanted)
    # From densities to the amounts of the stains, those of the reference, and its densities.
    matrix = wanted @ np.diag(wanted_most / most) @ np.linalg.pinv(found)
    density = matrix.astype(np.float32) @ _density(picture)
    matched = np.clip(_CLEAR * np.exp(-density), 0, 1).T.reshape(picture.shape)
    return np.asarray(picture + strength * (matched - picture), np.float32)


def stains(picture: npt.NDArray[Any]) -> Floats:
    """Return the colours of a slide's two stains, (3, 2), as unit vectors of optical density.

    The first is the one that takes more red, haematoxylin of H&E.

    Raises
    ------
    ContentError
        If hardly anything is stained, or all in one colour.
    """
    density = _density(_thinned(picture))
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


def _strong(picture: npt.NDArray[Any], which: Floats) -> Floats:
    """Return the strong amounts, (2,), of stains (3, 2) in a picture."""
    amounts = np.linalg.pinv(which) @ _density(_thinned(picture))
    return np.asarray(np.maximum(np.percentile(amounts, _STRONG, axis=1), 1e-3), np.float64)


def _thinned(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a picture, of a large one rows and columns at even distances."""
    step = math.ceil(math.sqrt(picture.shape[0] * picture.shape[1] / _ENOUGH))
    return picture[::step, ::step]


def _density(picture: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the optical densities, (3, N), of a picture in [0, 1]."""
    light = np.maximum(np.asarray(picture, np.float32).reshape(-1, 3).T, np.float32(_DARKEST))
    return -np.log(light / np.float32(_CLEAR))

"""Measures of movies that need no network; all in grey levels, 0..255, over the pixels of three colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.movie_flow import Mask, Motion, warp

Frame = npt.NDArray[Any]


def levels(frame: Frame) -> npt.NDArray[np.float32]:
    """Return a frame of any integer type as (h, w, 3) float32 in 0..255."""
    values = np.asarray(frame, np.float32) * (255 / np.iinfo(frame.dtype).max)
    return np.repeat(values[..., None], 3, axis=2) if values.ndim == 2 else values[..., :3]


def warping_error(
    frames: Callable[[int], Frame],
    motion: Callable[[int, int], Motion],
    pairs: Iterable[tuple[int, int]],
) -> float:
    """Return the masked warping error over pairs (later, earlier) of frames.

    The root of the mean square, over all valid pixels of all pairs, of the later frame's difference from
    the earlier one warped by the content's motion (Ruder et al. 2016; Lai et al. 2018). Not a number where
    no pixel is valid.
    """
    total, count = 0.0, 0
    for late, early in pairs:
        found = motion(late, early)
        apart = levels(frames(late)) - warp(levels(frames(early)), found.flow)
        total += float(np.square(apart[found.valid], dtype=np.float64).sum())
        count += 3 * int(found.valid.sum())
    return (total / count) ** 0.5 if count else float("nan")


@dataclass(frozen=True)
class Sharpness:
    """How much fine detail there is; what blurs has less of both.

    Attributes
    ----------
    gradient
        Mean length of the gradient of the grey picture, levels a pixel.
    laplacian
        Variance of its Laplacian.
    """

    gradient: float
    laplacian: float


def sharpness(frame: Frame) -> Sharpness:
    """Measure a frame's detail."""
    grey = levels(frame).mean(axis=2)
    down, across = np.gradient(grey)
    return Sharpness(float(np.hypot(down, across).mean()), float(cv2.Laplacian(grey, -1).var()))


@dataclass(frozen=True)
class Drift:
    """How places where the content stands still have changed.

    Attributes
    ----------
    change
        Mean size of the change, levels.
    brightening
        Mean change, levels: below 0 where the picture darkens.
    far
        Mean size of the change in places that lie a sixteenth of the long side from all that moves.
    """

    change: float
    brightening: float
    far: float


def drift(first: Frame, last: Frame, still: Mask) -> Drift:
    """Measure the drift between two frames."""
    change = (levels(last) - levels(first)).mean(axis=2)
    size = np.abs(levels(last) - levels(first)).mean(axis=2)
    distance = cv2.distanceTransform(still.astype(np.uint8), cv2.DIST_L2, 5)
    far = distance > max(still.shape) / 16
    return Drift(
        float(size[still].mean()),
        float(change[still].mean()),
        float(size[far].mean()) if far.any() else float("nan"),
    )

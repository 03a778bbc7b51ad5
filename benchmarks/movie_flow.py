"""Where each pixel of a frame was some frames before: known, or computed from the content.

A motion is *backward*: for the pixel (x, y) of frame t it gives the displacement to its place in frame
t − k, so that the earlier frame can be warped onto the later one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Flow = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Motion:
    """What happened between two frames.

    Attributes
    ----------
    flow
        (h, w, 2) displacement in x and y, pixels, to the earlier frame.
    valid
        (h, w): where the same point of the scene is seen in both frames, clear of edges that move.
    """

    flow: Flow
    valid: Mask

    @property
    def moved(self) -> Mask:
        """(h, w): where the content is another than before: what moves, and what it has uncovered."""
        return ~self.valid | (np.hypot(self.flow[..., 0], self.flow[..., 1]) > 1)


def grid(shape: tuple[int, int]) -> Flow:
    """Return the (h, w, 2) coordinates x, y of all pixels."""
    height, width = shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([columns, rows], axis=-1)


def warp(picture: npt.NDArray[Any], flow: Flow) -> npt.NDArray[np.float32]:
    """Return an earlier frame as the later one would see it, by cubic interpolation.

    Parameters
    ----------
    picture
        (h, w) or (h, w, c) values.
    flow
        (h, w, 2), backward.
    """
    places = grid(flow.shape[:2]) + flow
    values = picture.astype(np.float32)
    return cv2.remap(
        values, places[..., 0], places[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def inside(flow: Flow, margin: float = 2) -> Mask:
    """Return (h, w): whether the place before lies in the picture, so far from its border."""
    height, width = flow.shape[:2]
    x, y = np.moveaxis(grid((height, width)) + flow, -1, 0)
    across = (x >= margin) & (x <= width - 1 - margin)
    return across & (y >= margin) & (y <= height - 1 - margin)


class Estimated:
    """The motion of a film, computed from its frames by DIS (Kroeger et al. 2016), at full resolution.

    Over several frames the motions from one to the next are joined, and the sum is refined. What is valid
    is found as by Ruder, Dosovitskiy & Brox (2016), section 4.2: there and back again, and no edge of
    the motion.

    Parameters
    ----------
    frames
        (h, w) uint8 each.
    """

    def __init__(self, frames: list[npt.NDArray[np.uint8]]) -> None:
        self._frames = frames
        self._method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._method.setFinestScale(0)
        self._single: dict[tuple[int, int], Flow] = {}

    def __call__(self, late: int, early: int) -> Motion:
        back, forth = self._between(late, early), self._between(early, late)
        returned = np.stack([warp(forth[..., axis], back) for axis in (0, 1)], axis=-1)
        lengths = _squared(back) + _squared(returned)
        consistent = _squared(back + returned) <= 0.01 * lengths + 0.5
        change = sum(_squared(np.gradient(back, axis=axis)) for axis in (0, 1))
        smooth = change <= 0.01 * _squared(back) + 0.002
        return Motion(back, consistent & smooth & inside(back))

    def _between(self, start: int, end: int) -> Flow:
        step = 1 if end > start else -1
        total = self._step(start, start + step)
        for place in range(start + step, end, step):
            onward = self._step(place, place + step)
            total = total + np.stack([warp(onward[..., axis], total) for axis in (0, 1)], axis=-1)
        if abs(end - start) == 1:
            return total
        return self._method.calc(self._frames[start], self._frames[end], total.copy())

    def _step(self, start: int, end: int) -> Flow:
        if (start, end) not in self._single:
            if len(self._single) > 40:  # two directions of the longest way, and some
                self._single.clear()
            self._single[start, end] = self._method.calc(
                self._frames[start], self._frames[end], None
            )
        return self._single[start, end]


def _squared(flow: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.square(flow).sum(axis=-1)

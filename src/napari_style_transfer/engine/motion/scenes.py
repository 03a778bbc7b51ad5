"""Which frames of a movie belong to one scene: where there is a cut, painting starts anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

#: Side in pixels of the squares at which frames are compared.
_SIDE = 32
#: A cut changes pixels by so much on average, and by so many times what the frames around it do.
_LEAST_CHANGE, _TIMES_USUAL = 0.08, 3.0
#: So many changes before and after a frame are looked at.
_AROUND = 4


def thumbnail(frame: Tensor) -> Tensor:
    """Return a small square picture, (3, 32, 32), of a frame (1, 3, H, W)."""
    return functional.interpolate(frame, (_SIDE, _SIDE), mode="area")[0]


def change(frame: Tensor | None, before: Tensor | None) -> float:
    """Return how much changes between two frames' thumbnails, 0 to 1; 0 if there is none of one."""
    if frame is None or before is None:
        return 0.0
    return float(torch.abs(frame - before).mean())


def find_cuts(changes: Sequence[float]) -> list[int]:
    """Return the places at which a scene begins, 0 among them.

    Parameters
    ----------
    changes
        From each frame of a movie to the next one: one less than there are frames.
    """
    cuts = [0]
    for place, found in enumerate(changes):
        around = [*changes[max(0, place - _AROUND) : place], *changes[place + 1 :][:_AROUND]]
        usual = float(np.median(around)) if around else 0.0
        if found > max(_LEAST_CHANGE, _TIMES_USUAL * usual):
            cuts.append(place + 1)
    return cuts

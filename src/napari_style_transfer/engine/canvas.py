"""The picture being painted, as parameters that L-BFGS handles well and that cannot leave the gamut.

Two changes of variables. A value v in [0, 1] is painted as an angle, v = (1 - cos(πu)) / 2: whatever u
is, the picture can be shown, so what is optimised is what is seen (others let pixels leave [0, 1] and
clip them at the end). And u is kept as a Laplacian pyramid (Burt & Adelson 1983): one step on a coarse
level moves a whole region, where on pixels it would take many. The coarser a level, the less a change of
its parameters moves the picture: unweighted, coarse levels gather the gradients of so many pixels that
they hold up the fine ones later on.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.images import Shape

#: The map is flat at black and white: a picture that starts there could never leave. One grey level.
_MARGIN = 1 / 255
#: Levels of the pyramid, and what a parameter of each moves relative to one of the next finer level.
_LEVELS, _LEVEL_WEIGHT = 6, 0.6


class Canvas:
    """The parametrisation of pictures of one shape.

    Parameters
    ----------
    shape
        (H, W) of the picture.
    """

    def __init__(self, shape: Shape) -> None:
        self._shapes = [shape]
        while len(self._shapes) < _LEVELS:
            height, width = self._shapes[-1]
            self._shapes.append((-(-height // 2), -(-width // 2)))
        self._weights = [_LEVEL_WEIGHT**level for level in range(_LEVELS)]

    def encode(self, picture: Tensor) -> Tensor:
        """Return the parameters (n,) of a (1, 3, H, W) picture in [0, 1], to within one grey level."""
        angle = torch.acos(1 - 2 * picture.clamp(_MARGIN, 1 - _MARGIN)) / math.pi
        levels = []
        for finer, coarser in zip(self._shapes, self._shapes[1:], strict=False):
            below = functional.interpolate(angle, size=coarser, mode="area")
            levels.append(angle - _enlarge(below, finer))
            angle = below
        levels.append(angle)
        return torch.cat(
            [level.flatten() / weight for level, weight in zip(levels, self._weights, strict=True)]
        )

    def decode(self, parameters: Tensor) -> Tensor:
        """Return the (1, 3, H, W) picture in [0, 1] of the parameters (n,); differentiable."""
        sizes = [3 * height * width for height, width in self._shapes]
        levels = [
            part.view(1, 3, *shape) * weight
            for part, shape, weight in zip(
                torch.split(parameters, sizes), self._shapes, self._weights, strict=True
            )
        ]
        angle = levels.pop()
        while levels:
            finer = levels.pop()
            angle = finer + _enlarge(angle, (finer.shape[2], finer.shape[3]))
        return 0.5 - 0.5 * torch.cos(math.pi * angle)


def _enlarge(level: Tensor, shape: Shape) -> Tensor:
    return functional.interpolate(level, size=shape, mode="bilinear", align_corners=False)

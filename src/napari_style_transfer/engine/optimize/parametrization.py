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
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.geometry import Shape

#: The map is flat at black and white: a picture that starts there could never leave. One grey level.
_MARGIN = 1 / 255
#: Levels of the pyramid, and what a parameter of each moves relative to one of the next finer level.
_LEVELS, _LEVEL_WEIGHT = 6, 0.6


class Parametrization:
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
        """Return the (1, 3, H, W) picture in [0, 1] of the parameters (n,)."""
        return self.record(parameters)[0]

    @torch.no_grad()
    def record(self, parameters: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """Return the picture of the parameters, and the backward pass from it to them.

        Parameters
        ----------
        parameters
            (n,), as `encode` gives them.

        Returns
        -------
        picture
            (1, 3, H, W) in [0, 1].
        backward
            Turns the gradient for the picture into that for the parameters, (n,); possible once. Like
            that of the network it is written out: autograd would keep copies of the picture.
        """
        *finer_levels, (coarsest, weight) = self._levels(parameters)
        angle = coarsest * weight
        for level, weight in reversed(finer_levels):
            angle = _enlarge(angle, (level.shape[2], level.shape[3])).add_(level, alpha=weight)
        angle *= math.pi
        return angle.cos().mul_(-0.5).add_(0.5), partial(self._backward, angle)

    def _backward(self, angle: Tensor, gradient: Tensor) -> Tensor:
        gradient = angle.sin_().mul_(gradient).mul_(math.pi / 2)
        size = 3 * sum(height * width for height, width in self._shapes)
        result = gradient.new_empty(size)
        for index, (level, weight) in enumerate(self._levels(result)):
            if index:
                gradient = _reduce(gradient, level.shape)
            torch.mul(gradient, weight, out=level)
        return result

    def _levels(self, parameters: Tensor) -> list[tuple[Tensor, float]]:
        """Return the levels, (1, 3, h, w) views of the parameters, finest first, with their weights."""
        sizes = [3 * height * width for height, width in self._shapes]
        return [
            (part.view(1, 3, *shape), weight)
            for part, shape, weight in zip(
                torch.split(parameters, sizes), self._shapes, self._weights, strict=True
            )
        ]


def _enlarge(level: Tensor, shape: Shape) -> Tensor:
    return functional.interpolate(level, size=shape, mode="bilinear", align_corners=False)


def _reduce(gradient: Tensor, shape: Sequence[int]) -> Tensor:
    """Return the gradient for a (1, 3, h, w) level, from that for the level enlarged."""
    result: Tensor = torch.ops.aten.upsample_bilinear2d_backward(
        gradient, gradient.shape[2:], shape, False
    )
    return result

"""Coarse to fine: which scales, and how many evaluations at each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_style_transfer.geometry import Shape, result_shape
from napari_style_transfer.settings import MIN_SIDE, Settings

#: A scale whose short side is less has too few positions in the deep layers to be worth painting.
_MIN_SCALE_SIDE = 2 * MIN_SIDE
#: A coarse scale shows the style early and puts large shapes in place, which takes no more evaluations
#: than this: an evaluation is worth most at the result's own size.
_COARSE_EVALUATIONS = 10


@dataclass(frozen=True)
class Scale:
    """One scale of the pyramid: the picture's (H, W) and how many evaluations are spent on it."""

    shape: Shape
    evaluations: int


def plan_scales(shape: Shape, settings: Settings) -> list[Scale]:
    """Return the scales from the coarsest to the result's size.

    Neighbouring scales differ by a factor of about two, from `settings.coarsest_size` to
    `settings.size`; scales that would be too narrow for the network, and scales for which no
    evaluation is left, are dropped. A scale gets an equal share, but all before the last no more than
    a few evaluations; the last gets what remains.

    Parameters
    ----------
    shape
        (H, W) of the content.
    settings
        Uses `size`, `coarsest_size` and `steps`.
    """
    size, steps = settings.size, settings.steps
    coarsest = min(settings.coarsest_size, size)
    doublings = round(math.log2(size / coarsest))
    sizes = [round(size * 2.0**-k) for k in range(doublings, 0, -1)]
    shapes = [result_shape(shape, each) for each in sizes]
    shapes = [each for each in shapes if min(each) >= _MIN_SCALE_SIDE]
    shapes = shapes[len(shapes) + 1 - min(len(shapes) + 1, steps) :]
    shapes.append(result_shape(shape, size))
    share = steps // len(shapes)
    coarse = [Scale(each, min(share, _COARSE_EVALUATIONS)) for each in shapes[:-1]]
    return [*coarse, Scale(shapes[-1], steps - sum(scale.evaluations for scale in coarse))]

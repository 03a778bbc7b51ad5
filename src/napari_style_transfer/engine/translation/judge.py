"""Whether translated pictures look like the target's, and still show what the source's show.

Neither is what training minimises: an adversarial loss says little of how good a picture is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.networks.discriminator import softened
from napari_style_transfer.translation import Agreement

#: Standard deviation, in pixels, of the Gaussian that pictures are smoothed with to find their edges.
_SMOOTH = 1.5
#: An edge is among the steepest tenth; it is there in another picture where that is this share as steep
#: as its own ones, in the same direction up to about 45 degrees.
_EDGES, _LEAST_STEEP, _LEAST_COSINE = 90.0, 0.25, 0.7
#: Side in pixels of the squares that are compared; how many of them, at most; how many nearest ones count.
_SIDE, _MOST, _NEAREST = 8, 3000, 3

Floats = npt.NDArray[np.floating]


def compare_edges(before: Sequence[Tensor], after: Sequence[Tensor], colour: bool) -> Agreement:
    """Compare the edges of pictures and of what they were translated to.

    Parameters
    ----------
    before, after
        (C, H, W) of any range, as many of both.
    colour
        Whether the planes are red, green and blue, which are taken together; each by itself else.
    """
    found = []
    for one, two in zip(before, after, strict=True):
        planes = [each.mean(0, keepdim=True) if colour else each for each in (one, two)]
        pairs = zip(*(each.float().numpy() for each in planes), strict=True)
        found += [_of_planes(*pair) for pair in pairs]
    kept, invented, inverted = np.mean(found, axis=0)
    return Agreement(float(kept), float(invented), float(inverted))


def _of_planes(before: Floats, after: Floats) -> tuple[float, float, float]:
    """Return what is kept, invented and inverted."""
    one, two = _gradients(before), _gradients(after)
    steep = [np.hypot(*each) for each in (one, two)]
    limits = [float(np.percentile(each, _EDGES)) for each in steep]
    edges = [
        each > 0.0 if limit == 0 else each >= limit
        for each, limit in zip(steep, limits, strict=True)
    ]
    there = [each > _LEAST_STEEP * limit for each, limit in zip(steep, limits, strict=True)]
    cosine = (one * two).sum(0) / np.maximum(steep[0] * steep[1], 1e-12)
    along = np.abs(cosine) >= _LEAST_COSINE
    kept, shown = edges[0] & there[1] & along, edges[1] & there[0] & along
    return (
        float(kept.sum() / max(1, edges[0].sum())),
        float(1 - shown.sum() / max(1, edges[1].sum())),
        float((kept & (cosine < 0)).sum() / max(1, kept.sum())),
    )


def _gradients(plane: Floats) -> Floats:
    """Return how fast a (H, W) plane rises downwards and to the right, (2, H, W)."""
    values = plane.astype(np.float64)
    return np.stack([ndimage.gaussian_filter(values, _SMOOTH, order) for order in ((1, 0), (0, 1))])


class Likeness:
    """How much nearer to the target's pictures translated ones are than what they were made from.

    Those have its mean and its deviation already, so it tells what is gained beyond these.

    Pictures are divided in small squares, each of which is described by its values, its contrast and its
    finest detail, noise aside. What counts is how far each is from the nearest ones of the other kind (the
    chamfer distance). So the two need not show the same things equally often: distances of whole
    distributions (sliced Wasserstein) took another part of a slide for a worse translation.

    Parameters
    ----------
    source, target
        (C, H, W) pictures.
    """

    def __init__(self, source: Sequence[Tensor], target: Sequence[Tensor]) -> None:
        squares = _some(_described(target))
        self._scale = squares.std(0).clamp_min(1e-3)
        self._target = squares / self._scale
        self._floor = 2 * _to_nearest(self._target, self._target, but_itself=True)
        self.before = self.distance(source)

    def __call__(self, pictures: Sequence[Tensor]) -> float:
        """Return the share of the source's distance that is gone, at most 1; below 0 if it has grown.

        What the target's own squares are from one another is no distance.
        """
        gap = self.before - self._floor
        return min(1.0, (self.before - self.distance(pictures)) / gap) if gap > 0 else 0.0

    def distance(self, pictures: Sequence[Tensor]) -> float:
        """Return how far pictures are from the target and it from them, in its standard deviations."""
        squares = _some(_described(pictures)) / self._scale
        return _to_nearest(squares, self._target) + _to_nearest(self._target, squares)


def _described(pictures: Sequence[Tensor]) -> Tensor:
    """Return what describes each square of pictures, (N, 4 C)."""
    return torch.cat([_squares(softened(picture[None].float())) for picture in pictures])


def _squares(picture: Tensor) -> Tensor:
    """Return mean, deviation and fine detail at two scales of each square of (1, C, H, W)."""
    mean = functional.avg_pool2d(picture, _SIDE)
    found = [mean, (functional.avg_pool2d(picture.square(), _SIDE) - mean.square())]
    half = functional.avg_pool2d(picture, 2)
    for seen, side in ((picture, _SIDE), (half, _SIDE // 2)):
        found.append(functional.avg_pool2d((seen - _blurred(seen)).square(), side))
    rows, columns = (min(each.shape[axis] for each in found) for axis in (2, 3))
    mean, *powers = (each[..., :rows, :columns] for each in found)
    roots = [each.clamp_min(0).sqrt() for each in powers]
    return torch.cat([mean, *roots], 1)[0].flatten(1).T


def _blurred(picture: Tensor) -> Tensor:
    return functional.avg_pool2d(functional.pad(picture, (1, 1, 1, 1), mode="reflect"), 3, 1)


def _some(squares: Tensor) -> Tensor:
    """Return squares at even distances, if there are very many."""
    places = torch.linspace(0, len(squares) - 1, min(_MOST, len(squares))).round().long()
    return squares[places]


def _to_nearest(squares: Tensor, others: Tensor, *, but_itself: bool = False) -> float:
    """Return the mean distance of squares to the nearest of others, but to themselves."""
    first, count = int(but_itself), min(_NEAREST, len(others) - int(but_itself))
    nearest = torch.cdist(squares, others).topk(first + count, largest=False).values
    return float(nearest[:, first:].mean())

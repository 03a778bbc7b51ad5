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

from napari_style_transfer.translation import Agreement

#: Standard deviation, in pixels, of the Gaussian that pictures are smoothed with to find their edges.
_SMOOTH = 1.5
#: An edge is among the steepest tenth; it is there in another picture where that is this share as steep
#: as its own ones, in the same direction up to about 45 degrees.
_EDGES, _LEAST_STEEP, _LEAST_COSINE = 90.0, 0.25, 0.7
#: Side of the patches whose distributions are compared, how many of them at each scale, and along how
#: many lines.
_SIDE, _MOST_PATCHES, _LINES = 7, 4096, 64
#: Times that pictures are halved to compare larger patches.
_SCALES = 3

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

    Small patches of several scales are compared: their distribution along random lines (sliced Wasserstein
    distance, Rabin et al. 2012), in standard deviations of the target's.

    Parameters
    ----------
    source, target
        (C, H, W) pictures, which nothing is learned from.
    """

    def __init__(self, source: Sequence[Tensor], target: Sequence[Tensor]) -> None:
        generator = torch.Generator().manual_seed(0)
        length = len(target[0]) * _SIDE**2
        lines = torch.randn(length, _LINES, generator=generator)
        self._lines = functional.normalize(lines, dim=0)
        self._target = self._sorted(target)
        self.before = self._distance(source)

    def __call__(self, pictures: Sequence[Tensor]) -> float:
        """Return the share of the source's distance that is gone, at most 1; below 0 if it has grown."""
        if self.before == 0:
            return 0.0
        return 1 - self._distance(pictures) / self.before

    def _distance(self, pictures: Sequence[Tensor]) -> float:
        distances = []
        for one, two in zip(self._sorted(pictures), self._target, strict=True):
            deviation = two.std(0).clamp_min(1e-3)
            distances.append(((one - two).abs().mean(0) / deviation).mean())
        return float(torch.stack(distances).mean())

    def _sorted(self, pictures: Sequence[Tensor]) -> list[Tensor]:
        """Return quantiles, (Q, lines), of values, and of patches of each scale along the lines."""
        found, seen = [], list(pictures)
        values = torch.cat([each.flatten(1) for each in seen], 1).T
        found.append(_quantiles(values))
        for _ in range(_SCALES):
            seen = [each for each in seen if min(each.shape[1:]) >= _SIDE]
            if not seen:
                break
            patches = torch.cat([functional.unfold(each[None], _SIDE)[0] for each in seen], 1).T
            every = max(1, len(patches) // _MOST_PATCHES)
            patches = patches[::every]
            patches = patches - patches.mean(1, keepdim=True)
            found.append(_quantiles(patches @ self._lines))
            seen = [functional.avg_pool2d(each, 2) for each in seen]
        return found


def _quantiles(values: Tensor) -> Tensor:
    """Return 256 quantiles of each column."""
    places = torch.linspace(0, len(values) - 1, 256).round().long()
    return values.float().sort(0).values[places]

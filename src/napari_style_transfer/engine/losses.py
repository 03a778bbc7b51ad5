"""The terms of the objective: style (Gram matrices), content and total variation.

Style and content are sums over positions of the feature map, so each is split in three: `measure`
sums over whatever part of the map it is given, `loss` makes a scalar of the sum over all parts, and
`pull_back` brings the gradient for the sum back to a part. A picture too large for memory is measured
part by part and loses nothing.
"""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor

Weighting = Literal["balanced", "gatys"]
#: Rows and columns of a feature map, or of a picture.
Window = tuple[slice, slice]
#: Rows and columns of some positions of a feature map.
Positions = tuple[Tensor, Tensor]

_PARTS = 16
#: Values of a product that are made at a time, where it is added to a gradient of another type.
_VALUES_TOGETHER = 1 << 19


class Term(Protocol):
    """A weighted term over one layer of the network."""

    name: str
    layer: str
    weight: float

    def measure(self, features: Tensor, window: Window) -> Tensor:
        """Return this term's sum over a part of the map: (1, C, h, w) features of `window`."""
        ...

    def loss(self, measured: Tensor) -> Tensor:
        """Return the scalar loss, not yet times `weight`, of the sum over the whole map."""
        ...

    def pull_back(self, share: Tensor, features: Tensor, window: Window, onto: Tensor) -> None:
        """Add to `onto`, in place, the gradient for a part of the map; `share` is that for the sum."""
        ...


def gram_matrix(features: Tensor, positions: Positions | None = None) -> Tensor:
    """Return the sum over positions of the outer product of features (Gatys et al. 2015, eq. 3).

    Parameters
    ----------
    features
        (1, C, h, w) activations.
    positions
        Rows and columns of the positions that count; all if None.

    Returns
    -------
    Tensor
        (C, C), *not* divided by h w; float32 at least, whatever the features are in.
    """
    flat = _chosen(features, positions)
    if flat.dtype is not torch.bfloat16:
        return flat.T @ flat
    # A product of bfloat16 matrices is rounded to bfloat16 at the end, so it is taken in parts that are
    # summed in float32: some 5 times as fast as a float32 product, to 5e-4 of it.
    whole = flat.shape[0] // _PARTS * _PARTS
    parts = flat[:whole].view(_PARTS, -1, flat.shape[1])
    rest = flat[whole:].float()
    return torch.bmm(parts.mT, parts).sum(0, dtype=torch.float32) + rest.T @ rest


def positions_of(guide: Tensor) -> Positions:
    """Return rows and columns of the positions of a guide, (h, w) bool; waits for the device."""
    rows, columns = guide.nonzero(as_tuple=True)
    return rows, columns


def _chosen(maps: Tensor, positions: Positions | None) -> Tensor:
    """Return the features of some positions of a (1, C, h, w) map, or of all, as (n, C)."""
    by_position = _by_position(maps)
    if positions is None:
        return by_position.reshape(-1, maps.shape[1])
    return by_position[0, positions[0], positions[1]]


def _by_position(maps: Tensor) -> Tensor:
    """Return a (1, C, h, w) map as (1, h, w, C), a view."""
    return maps.permute(0, 2, 3, 1)


class StyleTerm:
    """Squared error between Gram matrices per position at one layer (Gatys et al. 2015, eq. 4, 5).

    Parameters
    ----------
    layer
        Name of the layer, such as ``relu3_1``.
    target
        (C, C) Gram matrix of the style, divided by its number of positions.
    positions
        Number of positions of the picture's feature map at `layer`.
    weight
        Weight of this term in the objective.
    weighting
        ``"balanced"`` divides by the target's own energy, so that a layer's loss is 1 where its
        Gram matrix is zero and every layer counts (differs from Gatys et al.); ``"gatys"`` divides by C².
    guide
        (h, w) bool over the whole map: the positions of the region that this style is for (Gatys et
        al. 2017, eq. 5); all if None.
    """

    name = "style"

    def __init__(
        self,
        layer: str,
        target: Tensor,
        positions: int,
        weight: float,
        weighting: Weighting,
        guide: Tensor | None = None,
    ) -> None:
        self.layer, self.target, self.positions, self.weight = layer, target, positions, weight
        self._guide = guide
        self._inside: dict[tuple[int, ...], Positions] = {}
        energy = float(target.square().mean())
        self._scale = 1 / max(energy, 1e-12) if weighting == "balanced" else target.shape[0] ** -2

    def measure(self, features: Tensor, window: Window) -> Tensor:
        """Return the Gram matrix of a part of the map."""
        return gram_matrix(features, self._positions(window))

    def _positions(self, window: Window) -> Positions | None:
        """Return the guide's positions within a window, which are looked up once."""
        if self._guide is None:
            return None
        key = (window[0].start, window[0].stop, window[1].start, window[1].stop)
        if key not in self._inside:
            self._inside[key] = positions_of(self._guide[window])
        return self._inside[key]

    def loss(self, measured: Tensor) -> Tensor:
        """Return the scaled mean squared error to the target."""
        return (measured / self.positions - self.target).square().mean() * self._scale

    def pull_back(self, share: Tensor, features: Tensor, window: Window, onto: Tensor) -> None:
        """Add the gradient for a part of the map: of F^T F it is F (S + S^T)."""
        positions = self._positions(window)
        flat = _chosen(features, positions)
        factor = (share + share.T).to(flat.dtype)
        gradient = _by_position(onto)[0]
        if positions is not None:
            gradient[positions] += flat @ factor
        elif gradient.dtype is flat.dtype and gradient.is_contiguous():
            gradient.view(flat.shape).addmm_(flat, factor)
        elif gradient.dtype is flat.dtype:
            gradient += (flat @ factor).view(gradient.shape)
        else:  # a product of the whole map would be as large as the features
            rows = max(1, _VALUES_TOGETHER // gradient[0].numel())
            parts = (torch.split(maps, rows) for maps in (gradient, flat.view(gradient.shape)))
            for own, part in zip(*parts, strict=True):
                own += (part @ factor).to(own.dtype)


class ContentTerm:
    """Squared error between features at one layer (Gatys et al. 2015, eq. 1).

    Parameters
    ----------
    layer
        Name of the layer, such as ``relu4_2``.
    target
        (1, C, h, w) features of the content.
    weight
        Weight of this term in the objective.
    weighting
        ``"balanced"`` divides by the target's variance over positions (differs from Gatys et al.);
        ``"gatys"`` takes the plain mean.
    """

    name = "content"

    def __init__(self, layer: str, target: Tensor, weight: float, weighting: Weighting) -> None:
        self.layer, self.target, self.weight = layer, target, weight
        scale = 1.0
        if weighting == "balanced":
            values = _at_least_float32(target)
            variance = float(values.var(dim=(2, 3), correction=0).mean())
            # A flat picture has no variance; its energy is the scale that is left.
            scale = 1 / max(variance, 1e-3 * float(values.square().mean()), 1e-12)
        self._scale = scale / target.numel()

    def measure(self, features: Tensor, window: Window) -> Tensor:
        """Return the summed squared error over a part of the map."""
        return _at_least_float32(self._error(features, window)).square_().sum()

    def _error(self, features: Tensor, window: Window) -> Tensor:
        return features - self.target[..., window[0], window[1]]

    def loss(self, measured: Tensor) -> Tensor:
        """Return the scaled mean squared error."""
        return measured * self._scale

    def pull_back(self, share: Tensor, features: Tensor, window: Window, onto: Tensor) -> None:
        """Add the gradient for a part of the map."""
        error = self._error(features, window)
        error *= 2 * share
        onto += error.to(onto.dtype)


def total_variation(picture: Tensor) -> Tensor:
    """Return the mean squared difference between neighbouring pixels of a (1, 3, H, W) picture.

    The quadratic form (Mahendran & Vedaldi 2015, with exponent 2): it acts on speckle before edges.
    """
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().sum()
    right = (picture[..., :, 1:] - picture[..., :, :-1]).square().sum()
    return (down + right) / picture.numel()


def _at_least_float32(values: Tensor) -> Tensor:
    return values.float() if values.dtype is torch.bfloat16 else values

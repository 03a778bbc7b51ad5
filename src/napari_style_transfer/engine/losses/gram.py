"""The style term: the distance between Gram matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_style_transfer.engine.losses.base import Features, Term, Weighting, Window, Windows

#: Rows and columns of some positions of a feature map.
Positions = tuple[Tensor, Tensor]

_PARTS = 16
#: Values of a product made at a time, where it is added to a gradient of another type.
_VALUES_TOGETHER = 1 << 19


def gram_matrix(features: Tensor, positions: Positions | None = None) -> Tensor:
    """Return the sum over positions of the outer product of features (Gatys et al. 2015, eq. 3).

    Parameters
    ----------
    features
        (N, C, h, w) activations.
    positions
        Rows and columns of the positions that count; all if None.

    Returns
    -------
    Tensor
        (N, C, C), *not* divided by h w; float32 at least, whatever the features are in.
    """
    flat = _chosen(features, positions)
    if flat.dtype is not torch.bfloat16:
        return flat.mT @ flat
    # A product of bfloat16 matrices is rounded to bfloat16 at the end, so it is taken in parts that are
    # summed in float32: some 5 times as fast as a float32 product, to 5e-4 of it.
    pictures, count, channels = flat.shape
    whole = count // _PARTS * _PARTS
    parts = flat[:, :whole].reshape(pictures * _PARTS, -1, channels)
    products = torch.bmm(parts.mT, parts).view(pictures, _PARTS, channels, channels)
    rest = flat[:, whole:].float()
    return products.sum(1, dtype=torch.float32) + rest.mT @ rest


def positions_of(guide: Tensor, device: torch.device) -> Positions:
    """Return, on a device, rows and columns of the positions of a guide, (h, w) bool on the CPU.

    There they are found: a device would have to be waited for.
    """
    rows, columns = guide.nonzero(as_tuple=True)
    return rows.to(device), columns.to(device)


def _chosen(maps: Tensor, positions: Positions | None) -> Tensor:
    """Return the features of some positions of (N, C, h, w) maps, or of all, as (N, n, C)."""
    by_position = _by_position(maps)
    if positions is None:
        return by_position.reshape(maps.shape[0], -1, maps.shape[1])
    return by_position[:, positions[0], positions[1]]


def _by_position(maps: Tensor) -> Tensor:
    """Return (N, C, h, w) maps as (N, h, w, C), a view."""
    return maps.permute(0, 2, 3, 1)


class GramTerm(Term):
    """Squared error between Gram matrices per position at one layer (Gatys et al. 2015, eq. 4, 5).

    Parameters
    ----------
    layer
        Name of the layer, such as ``relu3_1``.
    target
        (C, C) Gram matrix of the style, divided by its number of positions.
    positions
        Number of positions of a picture's feature map at `layer`.
    weight
        Weight of this term in the objective.
    weighting
        ``"balanced"`` divides by the target's own energy, so that a layer's loss is 1 where its
        Gram matrix is zero and every layer counts (differs from Gatys et al.); ``"gatys"`` divides by C².
    guide
        (h, w) bool over the whole map, on the CPU: the positions of the region that this style is for
        (Gatys et al. 2017, eq. 5); all if None.
    pooled
        Whether all pictures have one Gram matrix together, the mean of theirs: parts of a content need
        not each hold what the whole style does.
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
        pooled: bool = False,
    ) -> None:
        self.layer, self.layers = layer, (layer,)
        self.target, self.positions, self.weight = target, positions, weight
        self._pooled = pooled
        self._guide = guide
        self._inside: dict[tuple[int, ...], Positions] = {}
        self._scale: Tensor | float = target.shape[0] ** -2
        if weighting == "balanced":  # stays on the device: nothing waits for it
            self._scale = 1 / target.square().mean().clamp_min(1e-12)

    def measure(self, features: Features, windows: Windows) -> Tensor:
        """Return the Gram matrices of a part of the maps, (N, C, C)."""
        return gram_matrix(features[self.layer], self._positions(windows[self.layer]))

    def _positions(self, window: Window) -> Positions | None:
        """Return the guide's positions within a window, which are looked up once."""
        if self._guide is None:
            return None
        key = (window[0].start, window[0].stop, window[1].start, window[1].stop)
        if key not in self._inside:
            self._inside[key] = positions_of(self._guide[window], self.target.device)
        return self._inside[key]

    def loss(self, statistic: Tensor) -> Tensor:
        """Return the scaled mean squared error to the target, (N,)."""
        if self._pooled:
            statistic = statistic.mean(0, keepdim=True).expand_as(statistic)
        error = statistic / self.positions - self.target
        return error.square().mean((1, 2)) * self._scale

    def add_gradient(
        self, gradient: Tensor, features: Features, windows: Windows, into: Features
    ) -> None:
        """Add the gradient for a part of the maps: of Fᵀ F it is F (S + Sᵀ)."""
        positions = self._positions(windows[self.layer])
        maps = _by_position(into[self.layer])
        for picture, flat in enumerate(_chosen(features[self.layer], positions)):
            factor = (gradient[picture] + gradient[picture].mT).to(flat.dtype)
            _add_product(flat, factor, positions, maps[picture])


def _add_product(flat: Tensor, factor: Tensor, positions: Positions | None, into: Tensor) -> None:
    """Add (n, C) features times (C, C) to a map (h, w, C), or to some positions of it, in place."""
    if positions is not None:
        into[positions] += flat @ factor
    elif into.dtype is flat.dtype and into.is_contiguous():
        into.view(flat.shape).addmm_(flat, factor)
    elif into.dtype is flat.dtype:
        into += (flat @ factor).view(into.shape)
    else:  # a product of the whole map would be as large as the features
        rows = max(1, _VALUES_TOGETHER // into[0].numel())
        parts = (torch.split(maps, rows) for maps in (into, flat.view(into.shape)))
        for own, part in zip(*parts, strict=True):
            own += (part @ factor).to(own.dtype)

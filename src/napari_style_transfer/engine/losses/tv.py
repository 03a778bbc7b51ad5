"""The smoothness term: total variation."""

from __future__ import annotations

from torch import Tensor

from napari_style_transfer.engine.losses.base import PICTURE, Features, Term, Windows


def total_variation(pictures: Tensor) -> Tensor:
    """Return the mean squared difference between neighbouring pixels of (N, 3, H, W) pictures, (N,).

    The quadratic form (Mahendran & Vedaldi 2015, with exponent 2): it acts on speckle before edges.
    """
    down = (pictures[..., 1:, :] - pictures[..., :-1, :]).square().sum((1, 2, 3))
    right = (pictures[..., :, 1:] - pictures[..., :, :-1]).square().sum((1, 2, 3))
    return (down + right) / pictures[0].numel()


class TotalVariationTerm(Term):
    """The total variation of the pictures.

    Parameters
    ----------
    weight
        Weight of this term in the objective.
    """

    name = "tv"
    layers = ()

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def measure(self, features: Features, windows: Windows) -> Tensor:  # noqa: ARG002
        """Return the total variation, (N,)."""
        return total_variation(features[PICTURE])

    def loss(self, statistic: Tensor) -> Tensor:
        """Return the statistic itself."""
        return statistic

"""Temporal terms: a frame is to look as the one before, moved along with what it shows."""

from __future__ import annotations

from torch import Tensor

from napari_style_transfer.engine.losses.base import PICTURE, Features, Term, Windows


class TemporalTerm(Term):
    """Weighted squared error between pictures and given ones (Ruder et al. 2016, equation 7).

    Parameters
    ----------
    target
        (1, 3, H, W), the frame before, warped.
    weights
        (1, 1, H, W) in [0, 1], how firmly each pixel is held.
    weight
        Weight of this term in the objective.
    """

    name = "temporal"
    layers = ()

    def __init__(self, target: Tensor, weights: Tensor, weight: float) -> None:
        self._target, self._weights, self.weight = target, weights, weight

    def measure(self, features: Features, windows: Windows) -> Tensor:  # noqa: ARG002
        """Return the weighted mean squared error, (N,)."""
        error = (features[PICTURE] - self._target).square() * self._weights
        return error.mean((1, 2, 3))

    def loss(self, statistic: Tensor) -> Tensor:
        """Return the statistic itself."""
        return statistic


class ShiftTerm(Term):
    """Mean squared difference between two pictures where they show the same, one of them shifted.

    A network that paints two shifted frames with this term learns to paint both alike (compound
    regularization, Wang et al. 2020, "Consistent video style transfer via compound regularization", AAAI).

    Parameters
    ----------
    shift
        Pixels to the right and down from the first picture to the second: what that shows at x, the first
        shows at x + shift.
    weight
        Weight of this term in the objective.
    """

    name = "temporal"
    layers = ()

    def __init__(self, shift: tuple[int, int], weight: float) -> None:
        self._shift, self.weight = shift, weight

    def measure(self, features: Features, windows: Windows) -> Tensor:  # noqa: ARG002
        """Return the difference of (2, 3, H, W) pictures, half of it for each, (2,)."""
        first, second = features[PICTURE]
        for dim, shift in zip((-1, -2), self._shift, strict=True):
            length = first.shape[dim] - abs(shift)
            first = first.narrow(dim, max(0, shift), length)
            second = second.narrow(dim, max(0, -shift), length)
        difference: Tensor = (first - second).square().mean()
        return difference.expand(2) / 2

    def loss(self, statistic: Tensor) -> Tensor:
        """Return the statistic itself."""
        return statistic

"""The temporal term: a frame is to look as the one before, moved along with what it shows."""

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
        (1, 1, H, W), at least 0, how firmly each pixel is held.
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

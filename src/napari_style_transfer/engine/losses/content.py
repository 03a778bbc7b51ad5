"""The content term: the distance between features."""

from __future__ import annotations

from torch import Tensor

from napari_style_transfer.engine.losses.base import (
    Features,
    Term,
    Weighting,
    Windows,
    at_least_float32,
)


class ContentTerm(Term):
    """Squared error between features at one layer (Gatys et al. 2015, eq. 1).

    Parameters
    ----------
    layer
        Name of the layer, such as ``relu4_2``.
    target
        (N, C, h, w) features of the contents, or (1, C, h, w) for all pictures.
    weight
        Weight of this term in the objective.
    weighting
        ``"balanced"`` divides by the target's variance over positions (differs from Gatys et al.);
        ``"gatys"`` takes the plain mean.
    """

    name = "content"

    def __init__(self, layer: str, target: Tensor, weight: float, weighting: Weighting) -> None:
        self.layer, self.layers = layer, (layer,)
        self.target, self.weight = target, weight
        self._scale: Tensor | float = 1 / target[0].numel()
        if weighting == "balanced":  # stays on the device: nothing waits for it
            values = at_least_float32(target)
            variance = values.var(dim=(2, 3), correction=0).mean(1)
            # A flat picture has no variance; its energy is the scale that is left.
            energy = values.square().mean((1, 2, 3))
            scale = 1 / variance.maximum(1e-3 * energy).clamp_min(1e-12)
            self._scale = scale / target[0].numel()

    def measure(self, features: Features, windows: Windows) -> Tensor:
        """Return the summed squared error over a part of the maps, (N,)."""
        return at_least_float32(self._error(features, windows)).square_().sum((1, 2, 3))

    def _error(self, features: Features, windows: Windows) -> Tensor:
        rows, columns = windows[self.layer]
        return features[self.layer] - self.target[..., rows, columns]

    def loss(self, statistic: Tensor) -> Tensor:
        """Return the scaled mean squared error, (N,)."""
        return statistic * self._scale

    def add_gradient(
        self, gradient: Tensor, features: Features, windows: Windows, into: Features
    ) -> None:
        """Add the gradient for a part of the maps: twice the error."""
        error = self._error(features, windows)
        for own, factor in zip(error, 2 * gradient, strict=True):
            own *= factor  # a number of float32 is not rounded to the type of the features
        into[self.layer].add_(error.to(into[self.layer].dtype))

"""The tone term: where a picture is light, dark and of which colour, without its detail."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from napari_style_transfer.engine.losses.base import PICTURE, Features, Term, Windows


def low_pass(pictures: Tensor, side: int) -> Tensor:
    """Return (N, 3, H, W) pictures averaged over squares of `side` pixels."""
    return functional.avg_pool2d(pictures, side, ceil_mode=True, count_include_pad=False)


class ToneTerm(Term):
    """Squared error between averages over squares, and those of given pictures.

    It leaves strokes free, and ties their colours to their places: Gram matrices forget these, and deep
    features hardly see them. An optimiser starts from the content, and needs no such term.

    Parameters
    ----------
    target
        (N, 3, H, W) pictures.
    weight
        Weight of this term in the objective.
    side
        Of the squares, in pixels.
    """

    name = "tone"
    layers = ()

    def __init__(self, target: Tensor, weight: float, side: int = 8) -> None:
        self.weight, self._side = weight, side
        self._target = low_pass(target, side)

    def measure(self, features: Features, windows: Windows) -> Tensor:  # noqa: ARG002
        """Return the mean squared error, (N,)."""
        error = low_pass(features[PICTURE], self._side) - self._target
        return error.square().mean((1, 2, 3))

    def loss(self, statistic: Tensor) -> Tensor:
        """Return the statistic itself."""
        return statistic

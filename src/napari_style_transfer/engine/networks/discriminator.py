"""The network that tells pictures of a domain from translated ones, patch by patch (Isola et al. 2017)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

#: Slope of the leaky rectifiers below zero.
_SLOPE = 0.2


class Discriminator(nn.Module):
    """Scores of overlapping patches of 38 pixels: towards 1 for real ones, towards 0 for others.

    Pictures are blurred by a pixel before (:func:`softened`).

    The convolutions' spectral norms are held at 1 (Miyato et al. 2018), which keeps training steady without
    any normalisation of maps.

    Parameters
    ----------
    channels
        Of the pictures.
    width
        Channels of the maps after the first convolution.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        layers = list[nn.Module]()
        for stride, (inputs, outputs) in zip(
            (2, 2, 1), pairwise((channels, width, 2 * width, 4 * width)), strict=True
        ):
            layers += [_convolution(inputs, outputs, stride), nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers, _convolution(4 * width, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the scores (N, 1, h, w) of (N, channels, H, W) pictures."""
        scores: Tensor = self.layers(softened(2 * pictures - 1))
        return scores


def softened(pictures: Tensor) -> Tensor:
    """Return (N, C, H, W) pictures blurred by a pixel (the binomial 1, 4, 6, 4, 1), 4 pixels smaller.

    A network that knows no chance cannot make noise. Where noise tells a translated picture from a real
    one, it paints stripes instead; so noise is not looked at.
    """
    for _ in range(2):
        for axis in (2, 3):
            length = pictures.shape[axis] - 2
            before, here, after = (pictures.narrow(axis, start, length) for start in range(3))
            pictures = (before + 2 * here + after) / 4
    return pictures


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, 4, stride, padding=1))
